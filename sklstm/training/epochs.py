"""Training as a sequence of graph calls, each an epoch (or a bounded chunk of one)."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning

from sklstm.network.architecture import Architecture
from sklstm.targets.training_set import TrainingSet
from sklstm.training.batches import batch_order, chunks_of, even_batches
from sklstm.training.configuration import Configuration
from sklstm.training.program import (
    MiniBatch,
    Rates,
    Rows,
    evaluation_program,
    training_program,
)
from sklstm.training.recipe import Recipe
from sklstm.training.schedules import LearningRates

# Of a traced network with few parameters.
COST_BYTES = 5_000_000


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


class EpochNetwork(keras.Model):
    """A network whose `fit` runs an epoch over in-memory data as one graph call.

    A subclass defines `logits` for the graph, and `write` and `parameters` to write
    and read its weights as one flat vector.
    """

    #: Memory that TensorFlow takes for it, in small networks, of `COST_BYTES` each.
    cost = 1

    #: Of whoever borrows the network. No tuple, and one attribute: Keras and TensorFlow
    #: look into what is assigned, tuples all through, for longer than a small batch.
    loan: Loan

    #: Keras' callback that collects the logs of every epoch.
    history: Any

    def __init__(self, activation: str, loss: str, every_step: bool) -> None:
        super().__init__()
        self.activation = activation
        self.loss_name = loss
        self.every_step = every_step
        self.traces = 0
        self._as_built: Configuration | None = None
        self._sound = True  # no graph was left half traced, or traced after a change
        self._train = training_program(self)
        self._test = evaluation_program(self)

    # -- being borrowed -------------------------------------------------------------

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

    def ready(self, optimizer: Any) -> None:
        """Compile, and remember the optimizer's state before the first step."""
        metrics = [] if self.activation == "linear" else ["accuracy"]
        self.compile(optimizer, self.loss_name, metrics=metrics, jit_compile=False)
        if metrics:
            # Callbacks ask a metric whether it is to rise or to fall, and Keras makes
            # metrics when it first computes them.
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

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Refuse: the network is shared by estimators and has no layers to save."""
        raise NotImplementedError(
            "This network cannot be saved by itself. Give ModelCheckpoint "
            "save_weights_only=True, or save the fitted estimator with joblib, or its "
            "to_keras()."
        )

    def dropout_masks(self, rows: Rows, rates: Rates, sizes: Any, seed: Any) -> Any:
        """What dropout multiplies with in this call, drawn from a seed.

        Shape (n_rows, n_dropped): all that is masked of a row, side by side.
        """
        raise NotImplementedError

    def logits(self, batch: MiniBatch, sizes: Any) -> Any:
        """Outputs before the activation, shape (n_rows, n_outputs), in the graph.

        At every timestep (n_timesteps * n_rows, n_outputs), timestep after timestep.
        """
        raise NotImplementedError

    # -- the loop over epochs -------------------------------------------------------

    def fit(
        self,
        x: TrainingSet,
        y: Any = None,
        *,
        recipe: Recipe,
        validation_data: TrainingSet | None = None,
        initial_epoch: int = 0,
        callbacks: Any = None,
        **_of_scikeras: Any,
    ) -> Any:
        epochs = initial_epoch + recipe.epochs
        n_batches = -(-len(x) // recipe.batch_size)
        rates = LearningRates(
            recipe.schedule, self.optimizer, recipe.epochs * n_batches
        )
        callbacks = keras.callbacks.CallbackList(
            callbacks,
            add_history=True,
            add_progbar=bool(recipe.verbose),
            model=self,
            verbose=recipe.verbose,
            epochs=epochs,
            steps=n_batches,
        )
        self.stop_training = False
        callbacks.on_train_begin()
        logs: dict[str, float] = {}
        for epoch in range(initial_epoch, epochs):
            callbacks.on_epoch_begin(epoch)
            rng = self.loan.rng if recipe.shuffle else None
            order = batch_order(x.sequences.lengths, recipe.batch_size, rng)
            logs = self._run(
                self._train,
                x,
                order,
                rates.take,
                callbacks.on_train_batch_begin,
                callbacks.on_train_batch_end,
            )
            if validation_data is not None:
                val = self._validate(validation_data, callbacks)
                logs = logs | {f"val_{name}": value for name, value in val.items()}
            callbacks.on_epoch_end(epoch, logs)
            if not np.isfinite(logs["loss"]) or self.stop_training:
                break
        # With use_ema, the averages become the parameters.
        self.optimizer.finalize_variable_values(self.trainable_variables)
        last = self.parameters
        callbacks.on_train_end(logs)
        finite = bool(np.isfinite(self.parameters).all())
        if not (finite and np.isfinite(logs["loss"])):
            # Callbacks such as early stopping put the best parameters back.
            restored = not np.array_equal(self.parameters, last, equal_nan=True)
            self._report_divergence(logs["loss"], epoch, finite and restored)
        # An empty one for scikeras, which builds a metric of Keras to name a column;
        # what is in ours is read from `history`.
        return keras.callbacks.History()

    def _validate(self, data: TrainingSet, callbacks: Any) -> dict[str, float]:
        callbacks.on_test_begin()
        generator = self.loan.rng.bit_generator
        drawn = generator.state
        logs = self._run(
            self._test,
            data,
            batch_order(data.sequences.lengths, 256, None),
            np.zeros,
            callbacks.on_test_batch_begin,
            callbacks.on_test_batch_end,
        )
        # Whoever watches a loss on other data gets the same network as who does not.
        generator.state = drawn
        callbacks.on_test_end(logs)
        return logs

    def _run(
        self,
        program: Any,
        data: TrainingSet,
        batches: list[NDArray[np.intp]],
        learning_rates: Callable[[int], NDArray[np.floating[Any]]],
        on_batch_begin: Callable[[int], None],
        on_batch_end: Callable[[int, dict[str, float]], None],
    ) -> dict[str, float]:
        """One pass over the data; callbacks' batch hooks are called once a chunk."""
        loan = self.loan
        totals = np.zeros(3)
        last_batch = -1
        for chunk in chunks_of(batches, data.sequences, loan.n_multiplied):
            first_batch, last_batch = last_batch + 1, last_batch + len(chunk)
            on_batch_begin(first_batch)
            rows, bounds, counts = even_batches(chunk)
            as_tensors = Rows(
                values=tf.constant(data.sequences.take(rows)),
                lengths=tf.constant(data.sequences.lengths[rows], tf.int32),
                targets=tf.constant(data.targets[rows]),
                weights=tf.constant((data.weights[rows].T * counts).T),
                bounds=tf.constant(bounds, tf.int32),
                learning_rates=tf.constant(learning_rates(len(chunk)), tf.float32),
            )
            seed = tf.constant(loan.rng.integers(2**31, size=2), tf.int32)
            totals += program(as_tensors, seed, *loan.inputs).numpy()
            logs = self._logs(totals)
            on_batch_end(last_batch, logs)
        return logs

    def _logs(self, totals: NDArray[np.float64]) -> dict[str, float]:
        loss, correct, weight = totals
        logs = {"loss": float(loss / weight)}
        if self.activation != "linear":
            logs["accuracy"] = float(correct / weight)
        return logs

    def _report_divergence(self, loss: float, epoch: int, restored: bool) -> None:
        """An error, or a warning if a callback restored finite parameters."""
        what = "the parameters" if np.isfinite(loss) else "the loss"
        value = "NaN or infinite" if np.isfinite(loss) else loss
        diverged = f"Training diverged: {what} became {value} in epoch {epoch + 1}."
        if restored:
            warnings.warn(
                f"{diverged} The best parameters from before are kept.",
                ConvergenceWarning,
                stacklevel=2,
            )
            return
        raise ValueError(
            f"{diverged} The usual causes are features or targets that are not scaled "
            "(put a StandardScaler in front), too high a learning_rate, and long "
            "sequences without clipnorm (try clipnorm=1)."
        )
