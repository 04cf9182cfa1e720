"""Training as a sequence of graph calls, each an epoch (or a bounded chunk of one)."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import groupby, pairwise
from operator import itemgetter
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning

from sklstm.network.architecture import Architecture
from sklstm.sequences.batch import CHUNK_BYTES, SequenceBatch
from sklstm.targets.training_set import TrainingSet
from sklstm.training.configuration import Configuration
from sklstm.training.program import (
    Masks,
    MiniBatch,
    Rates,
    Rows,
    evaluation_program,
    training_program,
)
from sklstm.training.recipe import Recipe

# Within so many batches, shuffled rows are sorted by length before they are cut, so
# that a batch holds sequences of similar length.
BUCKET_BATCHES = 16

# Multiply-adds of the forward pass in one graph call: about a second of training on two
# cores. Ctrl+C and other signals wait for the end of a call.
CALL_OPERATIONS = 2**34

# What dispatching the kernels of one timestep costs, in multiply-adds.
STEP_OPERATIONS = 2**18

# Of a traced network with few parameters.
COST_BYTES = 5_000_000


class EpochNetwork(keras.Model):
    """A network whose `fit` runs an epoch over in-memory data as one graph call.

    A subclass defines `logits` for the graph, and `write` and `parameters` to write
    and read its weights as one flat vector.
    """

    #: Memory that TensorFlow takes for it, in small networks, of `COST_BYTES` each.
    cost = 1

    #: Random numbers for shuffling and dropout; set by whoever borrows the network.
    rng: np.random.Generator

    #: Of the architecture in use.
    n_parameters: int

    #: Those of them that every timestep is multiplied with.
    n_multiplied: int

    #: What its graphs take beside the data: rates, and the sizes that `write` gave.
    inputs: tuple[Rates, Any]

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
        rates: Rates = Rates(),  # noqa: B008
    ) -> None:
        """Become the network of an architecture, with these parameters and rates."""
        constants = Rates(*(tf.constant(rate, tf.float32) for rate in rates))
        self.n_parameters = len(flat)
        self.n_multiplied = len(flat) - architecture.n_embedded
        self.inputs = constants, self.write(flat, architecture)

    def forget(self) -> None:
        """Keep nothing of the fit that has ended, such as its data and callbacks."""
        self.history = None
        self.stop_training = False
        self.rng = np.random.default_rng(0)
        self.inputs = Rates(), ()

    def write(self, flat: NDArray[np.float32], architecture: Architecture) -> Any:
        """Write parameters; gives the sizes that `logits` and the masks need."""
        raise NotImplementedError

    def unstacked(self, sizes: Any) -> Any:
        """Sizes by layer, outside of the loop over batches."""
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

    @optimizer_state.setter
    def optimizer_state(self, state: list[NDArray[Any]] | None) -> None:
        state = self._fresh_optimizer if state is None else state
        for variable, value in zip(self.optimizer.variables, state, strict=True):
            variable.assign(value)

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

    def dropout_masks(self, rows: Rows, rates: Rates, sizes: Any, seed: Any) -> Masks:
        """What is dropped in this call, drawn from a seed."""
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
        callbacks = keras.callbacks.CallbackList(
            callbacks,
            add_history=True,
            add_progbar=bool(recipe.verbose),
            model=self,
            verbose=recipe.verbose,
            epochs=epochs,
            steps=-(-len(x) // recipe.batch_size),
        )
        self.stop_training = False
        callbacks.on_train_begin()
        logs: dict[str, float] = {}
        for epoch in range(initial_epoch, epochs):
            callbacks.on_epoch_begin(epoch)
            rng = self.rng if recipe.shuffle else None
            order = batch_order(x.sequences.lengths, recipe.batch_size, rng)
            logs = self._run(
                self._train,
                x,
                order,
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
        return self.history

    def _validate(self, data: TrainingSet, callbacks: Any) -> dict[str, float]:
        callbacks.on_test_begin()
        logs = self._run(
            self._test,
            data,
            batch_order(data.sequences.lengths, 256, None),
            callbacks.on_test_batch_begin,
            callbacks.on_test_batch_end,
        )
        callbacks.on_test_end(logs)
        return logs

    def _run(
        self,
        program: Any,
        data: TrainingSet,
        batches: list[NDArray[np.intp]],
        on_batch_begin: Callable[[int], None],
        on_batch_end: Callable[[int, dict[str, float]], None],
    ) -> dict[str, float]:
        """One pass over the data; callbacks' batch hooks are called once a chunk."""
        totals = np.zeros(3)
        last_batch = -1
        for chunk in _chunks_of(batches, data.sequences, self.n_multiplied):
            first_batch, last_batch = last_batch + 1, last_batch + len(chunk)
            on_batch_begin(first_batch)
            rows, bounds, counts = _even_batches(chunk)
            as_tensors = Rows(
                values=tf.constant(data.sequences.take(rows)),
                lengths=tf.constant(data.sequences.lengths[rows], tf.int32),
                targets=tf.constant(data.targets[rows]),
                weights=tf.constant((data.weights[rows].T * counts).T),
                bounds=tf.constant(bounds, tf.int32),
            )
            seed = tf.constant(self.rng.integers(2**31, size=2), tf.int32)
            totals += program(as_tensors, seed, *self.inputs).numpy()
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


def batch_order(
    lengths: NDArray[np.intp], batch_size: int, rng: np.random.Generator | None
) -> list[NDArray[np.intp]]:
    """Cut the samples into batches.

    With a generator they are shuffled. Where lengths differ, `BUCKET_BATCHES` batches
    of shuffled rows at a time are sorted by length and cut, and the batches shuffled
    again: a batch then costs little more than its sequences' own lengths, and every
    epoch still groups the rows anew.

    Parameters
    ----------
    lengths : ndarray of shape (n_samples,)
    batch_size : int
    rng : numpy.random.Generator or None
        None keeps the rows in order.

    Returns
    -------
    list of ndarray of int
        Row numbers, every sample once; one batch may be smaller.
    """
    n_samples = len(lengths)
    if rng is None:
        order = np.arange(n_samples)
    else:
        order = rng.permutation(n_samples)
    bounds = [*range(0, n_samples, batch_size), n_samples]
    if rng is None or lengths.min() == lengths.max():
        return [order[start:stop] for start, stop in pairwise(bounds)]
    bucket = BUCKET_BATCHES * batch_size
    for start in range(0, n_samples, bucket):
        rows = order[start : start + bucket]
        order[start : start + bucket] = rows[np.argsort(lengths[rows], kind="stable")]
    batches = [order[start:stop] for start, stop in pairwise(bounds)]
    return [batches[k] for k in rng.permutation(len(batches))]


def _even_batches(
    batches: list[NDArray[np.intp]],
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float32]]:
    """Rows, bounds, and whether each row counts.

    TensorFlow's kernel is slower for an odd number of rows, and logs that at every
    call: a batch of odd size gets one row twice, once with weight zero.
    """
    evened = [np.resize(batch, len(batch) + len(batch) % 2) for batch in batches]
    bounds = np.cumsum([0, *map(len, evened)])
    counts = np.ones(bounds[-1], np.float32)
    odd = [len(batch) % 2 == 1 for batch in batches]
    counts[bounds[1:][odd] - 1] = 0
    return np.concatenate(evened), bounds, counts


def _chunks_of(
    batches: list[NDArray[np.intp]], sequences: SequenceBatch, n_parameters: int
) -> Iterator[list[NDArray[np.intp]]]:
    """Group batches so that a graph call is bounded in memory and in time.

    Time is estimated, not measured: what is drawn at random for a call must not depend
    on how busy the machine is.
    """
    _, n_timesteps, n_features = sequences.values.shape
    n_rows = np.array([len(batch) for batch in batches])
    longest = np.array([sequences.lengths[batch].max() for batch in batches])
    n_bytes = 4 * n_timesteps * n_features * n_rows
    operations = longest * (n_rows * n_parameters + STEP_OPERATIONS)
    shares = np.maximum(n_bytes / CHUNK_BYTES, operations / CALL_OPERATIONS)
    calls = (np.cumsum(shares) - shares).astype(np.intp)
    for _, chunk in groupby(zip(calls, batches, strict=True), itemgetter(0)):
        yield [batch for _, batch in chunk]
