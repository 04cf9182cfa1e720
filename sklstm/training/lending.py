"""What makes a network one that is lent to one fit after another."""

from __future__ import annotations

import operator
import threading
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from sklstm.network.architecture import Architecture
from sklstm.training.optimizers import OptimizerSpec
from sklstm.training.program import Rates
from sklstm.training.settings import FLOATS, keras_defaults


class Configuration:
    """What the graphs of a network have built in, and a callback can reach.

    The learning rate is no part of it: it is a variable, and every borrower sets it.

    Parameters
    ----------
    network : keras.Model
    """

    def __init__(self, network: keras.Model) -> None:
        # All attributes: get_config() leaves some out, such as what is excluded from
        # weight decay. Caches fill in use.
        settings = {
            name: value
            for name, value in sorted(vars(network.optimizer).items())
            if not name.endswith("_cache")
        }
        self.objects = [
            network.optimizer,
            *settings.values(),
            *network.optimizer.variables,
            *network.trainable_variables,
        ]
        self.configs = [*settings, *(layer.get_config() for layer in network.layers)]

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Configuration)
            and self.configs == other.configs
            and len(self.objects) == len(other.objects)
            # By identity: variables overload ==.
            and all(map(operator.is_, self.objects, other.objects))
        )


# What TensorFlow takes for the two graphs of a network, for each LSTM in them, and for
# each whose steps are a loop of the graph. Measured for networks of one and two layers,
# in one direction and in both.
NETWORK_BYTES, LSTM_BYTES, LOOP_BYTES = 3_500_000, 1_000_000, 4_000_000


@dataclass(frozen=True, eq=False)
class Loan:
    """What a network is as long as it is borrowed."""

    #: Random numbers for shuffling and dropout.
    rng: np.random.Generator

    #: Of the architecture.
    n_parameters: int

    #: Those of them that every timestep is multiplied with.
    n_multiplied: int

    #: What graphs take beside the data: rates, and the sizes that `write` gave.
    inputs: tuple[Any, Any]


class LentNetwork(keras.Model):
    """A network that becomes whatever its borrower needs, and forgets it afterwards.

    A subclass defines `write` and `parameters` to write and read its weights as one
    flat vector.
    """

    #: Memory that it takes once it is traced, about.
    n_bytes: int

    #: Of whoever borrows the network. No tuple, and one attribute: Keras and TensorFlow
    #: look into what is assigned, tuples all through, for longer than a small batch.
    loan: Loan

    #: Keras' callback that collects the logs of every epoch.
    history: Any

    def __init__(self, activation: str, loss: str) -> None:
        super().__init__(dtype=FLOATS)
        self.activation = activation
        self.loss_name = loss
        self._as_built: Configuration | None = None
        self._sound = True  # no graph was left half traced, or traced after a change

    def assign(
        self,
        flat: NDArray[np.float32],
        architecture: Architecture,
        rng: np.random.Generator,
        rates: Rates = Rates(),  # noqa: B008
    ) -> None:
        """Become the network of an architecture, with these parameters and rates."""
        self.loan = Loan(
            rng=rng,
            n_parameters=len(flat),
            n_multiplied=len(flat) - architecture.n_embedded,
            inputs=(
                tf.constant(rates, tf.float32),
                self.write(flat, architecture, rng),
            ),
        )

    def forget(self) -> None:
        """Keep nothing of the fit that has ended, such as its data and callbacks."""
        self.history = None
        self.stop_training = False
        self.loan = None  # type: ignore[assignment]  # who uses it now gets an error

    def write(
        self,
        flat: NDArray[np.float32],
        architecture: Architecture,
        rng: np.random.Generator,
    ) -> Any:
        """Write parameters, and seeds of the layers' own dropout.

        Gives the sizes that `logits` and the masks need, packed into few tensors: each
        that a graph takes costs time at every call.
        """
        raise NotImplementedError

    def unpacked(self, sizes: Any) -> Any:
        """Sizes by name, in the graph, outside of the loop over batches."""
        return sizes

    @property
    def parameters(self) -> NDArray[np.float32]:
        """A copy of the parameters in use, as one flat vector."""
        raise NotImplementedError

    def set_parameters(
        self, flat: NDArray[np.float32], architecture: Architecture
    ) -> None:
        """Write parameters, and nothing else.

        No setter of the property: Keras reads a property twice when it is assigned.
        """
        raise NotImplementedError

    def ready(self, optimizer: keras.optimizers.Optimizer) -> None:
        """Compile, and remember the optimizer's state before the first step."""
        metrics = [] if self.activation == "linear" else ["accuracy"]
        with keras_defaults():
            self.compile(optimizer, self.loss_name, metrics=metrics, jit_compile=False)
            if metrics:
                # Callbacks ask a metric whether it is to rise or to fall, and Keras
                # makes metrics when it first computes them.
                self.compute_metrics(None, np.zeros((1, 1)), np.zeros((1, 1)))
            optimizer.build(self.trainable_variables)
        self._fresh_optimizer = self._read_optimizer()
        self._as_built = Configuration(self)

    def compile(self, *args: Any, **kwargs: Any) -> None:
        self._as_built = None  # compiled anew by a callback it is another network
        super().compile(*args, **kwargs)

    def is_as_built(self) -> bool:
        """Whether the next borrower gets what a new network would give.

        Not if tracing did not finish, since layers remember tensors of the graph they
        were traced in; nor if a callback changed what graphs have built in, or had
        changed it while one was traced.
        """
        return self._sound and Configuration(self) == self._as_built

    @contextmanager
    def tracing(self) -> Iterator[None]:
        """Trace a graph of this network inside."""
        was_as_built = self.is_as_built()
        self._sound = False
        with keras_defaults():
            yield
        self._sound = was_as_built

    @property
    def optimizer_state(self) -> list[NDArray[Any]]:
        return self._read_optimizer()

    def set_optimizer_state(self, state: list[NDArray[Any]] | None) -> None:
        """Write a state; None is that of a new optimizer.

        No setter of the property: Keras reads a property twice when it is assigned.
        """
        state = self._fresh_optimizer if state is None else state
        for variable, value in zip(self.optimizer.variables, state, strict=True):
            variable.value.assign(value)

    def _read_optimizer(self) -> list[NDArray[Any]]:
        variables = self.optimizer.variables
        return [np.asarray(variable.numpy()) for variable in variables]


# Of idle networks that are kept, beside some 700 MB that TensorFlow takes for itself:
# some 70 structures, more than most searches over layers, directions, targets and
# optimizers have.
MAX_BYTES = 400_000_000


class NetworkPool:
    """A bounded, thread-safe store of idle networks.

    Parameters
    ----------
    max_bytes : int, default=400_000_000
        Memory that those kept may take, by their `n_bytes`; the one that was idle
        longest goes first.
    """

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self.max_bytes = max_bytes
        self._lock = threading.Lock()
        # Longest idle first. Every change is one step, so that an interrupt in between
        # leaves nothing half done.
        self._idle: list[tuple[Hashable, Any]] = []

    @contextmanager
    def borrow(self, structure: Any, optimizer: OptimizerSpec) -> Iterator[Any]:
        """A network that nobody else uses until the block ends.

        Whoever borrows it writes parameters, optimizer state and random generator. A
        network comes back without the data and callbacks it was trained with, however
        the block ends; one that is no longer as it was built is dropped.
        """
        key = (structure, optimizer)
        network = self._take(key) or structure.build(optimizer.build())
        try:
            yield network
        finally:
            if network.is_as_built():
                network.forget()
                self._give(key, network)

    def _take(self, key: Hashable) -> Any:
        with self._lock:
            for k in reversed(range(len(self._idle))):
                if self._idle[k][0] == key:
                    return self._idle.pop(k)[1]
            return None

    def _give(self, key: Hashable, network: LentNetwork) -> None:
        with self._lock:
            self._idle.append((key, network))
            while sum(network.n_bytes for _, network in self._idle) > self.max_bytes:
                self._idle.pop(0)

    def __len__(self) -> int:
        return len(self._idle)

    def networks(self) -> list[Any]:
        """The idle networks."""
        with self._lock:
            return [network for _, network in self._idle]

    def clear(self) -> None:
        """Drop all idle networks."""
        with self._lock:
            self._idle.clear()


POOL = NetworkPool()
