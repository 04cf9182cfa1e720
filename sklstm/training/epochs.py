"""Training as a sequence of graph calls, each an epoch (or a bounded chunk of one)."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from itertools import groupby, pairwise
from operator import itemgetter
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning

from sklstm.sequences.batch import CHUNK_BYTES, SequenceBatch
from sklstm.targets.training_set import TrainingSet
from sklstm.training.lending import LentNetwork
from sklstm.training.model import ModelInTraining
from sklstm.training.program import (
    MiniBatch,
    Rates,
    Rows,
    evaluation_program,
    training_program,
)
from sklstm.training.schedules import LearningRates

# Within so many batches, shuffled rows are sorted by length before they are cut, so
# that a batch holds sequences of similar length.
BUCKET_BATCHES = 16

# Multiply-adds of the forward pass in one graph call: about a second of training on two
# cores. Ctrl+C and other signals wait for the end of a call.
CALL_OPERATIONS = 2**34

# What dispatching the kernels of one timestep costs, in multiply-adds.
STEP_OPERATIONS = 2**18


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


def even_batches(
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


def chunks_of(
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


class EpochNetwork(LentNetwork):
    """A network whose `fit` runs an epoch over in-memory data as one graph call.

    A subclass defines `logits` for the graph, and the masks of its dropout.
    """

    def __init__(self, activation: str, loss: str, every_step: bool) -> None:
        super().__init__(activation, loss)
        self.every_step = every_step
        self.traces = 0
        self._train = training_program(self)
        self._test = evaluation_program(self)

    def dropout_masks(
        self, rows: Rows, rates: Rates, sizes: Any, seed: tf.Tensor
    ) -> Any:
        """What dropout multiplies with in this call, drawn from a seed.

        Shape (n_rows, n_dropped): all that is masked of a row, side by side.
        """
        raise NotImplementedError

    def logits(self, batch: MiniBatch, sizes: Any) -> Any:
        """Outputs before the activation, shape (n_rows, n_outputs), in the graph.

        At every timestep (n_timesteps * n_rows, n_outputs), timestep after timestep.
        """
        raise NotImplementedError

    def fit(
        self,
        x: TrainingSet,
        y: Any = None,
        *,
        epochs: int = 1,
        batch_size: int = 32,
        initial_epoch: int = 0,
        shuffle: bool = True,
        verbose: int = 0,
        callbacks: list[Any] | None = None,
        validation_data: TrainingSet | None = None,
        schedule: str = "constant",
        gives_way: bool = False,
        shown: ModelInTraining | None = None,
        **_others: Any,
    ) -> keras.callbacks.History:
        """Train for some epochs, as `keras.Model.fit` would.

        Parameters
        ----------
        x : TrainingSet
            Targets and weights included.
        y : None
            Without effect, as what else scikeras hands on.
        epochs, batch_size, initial_epoch, shuffle, verbose, callbacks, validation_data
            As in Keras.
        schedule : {"constant", "cosine", "one_cycle"}, default="constant"
            Of the learning rate, over all steps of this call.
        gives_way : bool, default=False
            Whether a callback that sets the rate ends the schedule, and is no error.
        shown : ModelInTraining, default=None
            What callbacks see of the network; None is the network.
        """
        take_over = _nothing if shown is None else shown.take_over
        steps = -(-len(x) // batch_size)
        n_steps = (epochs - initial_epoch) * steps
        rates = LearningRates(schedule, self.optimizer, n_steps, gives_way=gives_way)
        told = keras.callbacks.CallbackList(
            callbacks,
            add_history=True,
            add_progbar=bool(verbose),
            model=self if shown is None else shown,
            verbose=verbose,
            epochs=epochs,
            steps=steps,
        )
        self.stop_training = False
        told.on_train_begin()
        logs: dict[str, float] = {}
        for epoch in range(initial_epoch, epochs):
            told.on_epoch_begin(epoch)
            rng = self.loan.rng if shuffle else None
            order = batch_order(x.sequences.lengths, batch_size, rng)
            logs = self._train_epoch(x, order, rates, told, take_over)
            if validation_data is not None:
                logs |= self._validate(validation_data, told, take_over)
            told.on_epoch_end(epoch, logs)
            if not np.isfinite(logs["loss"]) or self.stop_training:
                break
        self._end(told, logs, epoch, take_over)
        return self.history

    def _train_epoch(
        self,
        data: TrainingSet,
        order: list[NDArray[np.intp]],
        rates: LearningRates,
        callbacks: keras.callbacks.CallbackList,
        take_over: Callable[[], None],
    ) -> dict[str, float]:
        return self._run(
            self._train,
            data,
            order,
            rates.take,
            callbacks.on_train_batch_begin,
            callbacks.on_train_batch_end,
            take_over,
        )

    def _validate(
        self,
        data: TrainingSet,
        callbacks: keras.callbacks.CallbackList,
        take_over: Callable[[], None],
    ) -> dict[str, float]:
        """Columns of the logs about validation data."""
        take_over()
        callbacks.on_test_begin()
        logs = self.evaluated(data, callbacks)
        callbacks.on_test_end(logs)
        return {f"val_{name}": value for name, value in logs.items()}

    def _end(
        self,
        callbacks: keras.callbacks.CallbackList,
        logs: dict[str, float],
        epoch: int,
        take_over: Callable[[], None],
    ) -> None:
        """Let callbacks end, and refuse parameters that diverged."""
        # With use_ema, the averages become the parameters.
        self.optimizer.finalize_variable_values(self.trainable_variables)
        take_over()
        last = self.parameters
        callbacks.on_train_end(logs)
        take_over()
        finite = bool(np.isfinite(self.parameters).all())
        if not (finite and np.isfinite(logs["loss"])):
            # Callbacks such as early stopping put the best parameters back.
            restored = not np.array_equal(self.parameters, last, equal_nan=True)
            self._report_divergence(logs["loss"], epoch, finite and restored)

    def evaluated(
        self, data: TrainingSet, callbacks: keras.callbacks.CallbackList | None = None
    ) -> dict[str, float]:
        """Loss and accuracy on other data; of callbacks, batch hooks are called."""
        callbacks = callbacks or keras.callbacks.CallbackList()
        generator = self.loan.rng.bit_generator
        drawn = generator.state
        logs = self._run(
            self._test,
            data,
            batch_order(data.sequences.lengths, 256, None),
            np.zeros,
            callbacks.on_test_batch_begin,
            callbacks.on_test_batch_end,
            _nothing,
        )
        # Whoever watches a loss on other data gets the same network as who does not.
        generator.state = drawn
        return logs

    def _run(
        self,
        program: Any,
        data: TrainingSet,
        batches: list[NDArray[np.intp]],
        learning_rates: Callable[[int], NDArray[np.floating[Any]]],
        on_batch_begin: Callable[[int], None],
        on_batch_end: Callable[[int, dict[str, float]], None],
        take_over: Callable[[], None],
    ) -> dict[str, float]:
        """One pass over the data; callbacks' batch hooks are called once a chunk.

        `take_over` is called when callbacks may have written parameters elsewhere.
        """
        loan = self.loan
        totals = np.zeros(3)
        last_batch = -1
        for chunk in chunks_of(batches, data.sequences, loan.n_multiplied):
            first_batch, last_batch = last_batch + 1, last_batch + len(chunk)
            on_batch_begin(first_batch)
            take_over()
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


def _nothing() -> None:
    """Where nothing is shown to callbacks but the network itself."""
