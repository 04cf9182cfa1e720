"""The forward pass of a bidirectional LSTM, in NumPy.

Arrays are feature-major, ``(n_timesteps, width, n_rows)``; see `recurrence`.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController

from sklstm.network.architecture import Architecture, embedded, split_parameters
from sklstm.network.pooling import POOLS
from sklstm.network.recurrence import (
    HALF,
    Floats,
    all_states,
    blocks_of_states,
    fold,
    reverse,
)
from sklstm.sequences.batch import CHUNK_BYTES, SequenceBatch

# The arrays of one timestep take about so many entries: enough rows for BLAS and to
# hide NumPy's cost per call, few enough to stay in the second-level cache.
CHUNK_ENTRIES = 2**17


class ForwardPass:
    """A network ready to predict.

    Parameters
    ----------
    flat : ndarray of shape (architecture.n_parameters,)
    architecture : Architecture
    """

    def __init__(self, flat: Floats, architecture: Architecture) -> None:
        parts = split_parameters(flat, architecture)
        self.architecture = architecture
        self.tables = [
            parts[f"embedding_{k}/embeddings"]
            for k in range(1, len(architecture.embeddings) + 1)
        ]
        self.layers = [
            fold(
                [
                    tuple(parts[f"lstm_{k}/{direction}/{part}"] for part in _PARTS)
                    for direction in architecture.directions
                ]
            )
            for k in range(1, len(architecture.units) + 1)
        ]
        self.kernel = parts["dense/kernel"].astype(np.float64)
        self.bias = parts["dense/bias"].astype(np.float64)
        entries = sum(self.layers[-1].shape[1:]) * len(architecture.directions)
        self.chunk_rows = int(np.clip(CHUNK_ENTRIES // entries, 64, 2048))

    def __call__(self, batch: SequenceBatch) -> NDArray[np.float64]:
        """Activated outputs, shape (n_rows, n_outputs), float64.

        A row for every sample, or for every valid timestep, sample after sample. Codes
        of embedded features are places in their tables, and stand behind the numbers.

        Raises
        ------
        ValueError
            If products of values and weights are too large for float32.
        """
        every_step = self.architecture.every_step
        n_rows = len(batch)
        if every_step:
            ends = batch.lengths.cumsum()
            n_rows = int(ends[-1])
        outputs = np.empty((n_rows, self.architecture.n_outputs))

        def predict(rows: Any) -> None:
            lengths = batch.lengths[rows]
            with np.errstate(over="ignore", invalid="ignore"):  # examined at the end
                computed = self._outputs(self._states(batch.take(rows), lengths))
            if not every_step:
                outputs[rows] = computed
                return
            step = np.arange(computed.shape[1])
            valid = step < lengths[:, None]
            outputs[((ends[rows] - lengths)[:, None] + step)[valid]] = computed[valid]

        for_each(predict, self._chunks(batch))
        self._check_finite(outputs, "outputs")
        return outputs

    def states(self, batch: SequenceBatch) -> Floats:
        """What the dense layer reads of every sample, shape (n_samples, width).

        Raises
        ------
        ValueError
            As when called.
        """
        states = np.empty((len(batch), self.architecture.head[0]), np.float32)

        def read(rows: Any) -> None:
            with np.errstate(over="ignore", invalid="ignore"):
                states[rows] = self._states(batch.take(rows), batch.lengths[rows]).T

        for_each(read, self._chunks(batch))
        self._check_finite(states, "states")
        return states

    def _check_finite(self, computed: NDArray[Any], what: str) -> None:
        if np.isfinite(computed).all():
            return
        largest = max(float(np.abs(weights).max()) for weights in self.layers)
        raise ValueError(
            f"The network's {what} are not finite: values of X times weights as large "
            f"as {largest:.3g} are too large for float32. Scale X as the training data "
            "were scaled, for example by a StandardScaler in a pipeline; if they were, "
            "fit again with a lower learning_rate."
        )

    def _chunks(self, batch: SequenceBatch) -> list[Any]:
        """Rows that go together; of similar length, since the longest sets the cost."""
        lengths = batch.lengths
        if len(lengths) == 1:
            return [slice(0, 1)]
        per_row = 4 * batch.longest * self.architecture.n_inputs
        rows = min(self.chunk_rows, max(1, CHUNK_BYTES // per_row))
        chunks = [
            slice(start, min(start + rows, len(lengths)))
            for start in range(0, len(lengths), rows)
        ]
        if lengths.min() == lengths.max():
            return chunks
        order = np.argsort(-lengths, kind="stable")
        return [order[chunk] for chunk in chunks]

    def _states(self, values: Floats, lengths: NDArray[np.intp]) -> Floats:
        """What the dense layer reads, (width, n_rows) or (n_timesteps, width, n_rows).

        Sequences of unequal length come sorted, the longest first.
        """
        states = embedded(values, self.tables).transpose(1, 2, 0)
        for weights in self.layers[:-1]:
            states = self._steps(weights, states, lengths)
        if self.architecture.every_step:
            return self._steps(self.layers[-1], states, lengths)
        return self._pooled(self.layers[-1], states, lengths)

    def _outputs(self, states: Floats) -> NDArray[np.float64]:
        """Shape (n_rows, n_outputs) or (n_rows, n_timesteps, n_outputs)."""
        logits = self.kernel.T @ states.astype(np.float64) + self.bias[:, None]
        rows_first = logits.T.swapaxes(1, -1)
        by_row = np.ascontiguousarray(rows_first)
        return _ACTIVATIONS[self.architecture.activation](by_row)

    def _steps(
        self, weights: Floats, steps: Floats, lengths: NDArray[np.intp]
    ) -> Floats:
        """Merged states of a layer, shape (n_timesteps, width, n_rows)."""
        states = all_states(weights, self._as_read(steps, lengths))
        return self._merge_steps(list(states), lengths)

    def _pooled(
        self, weights: Floats, steps: Floats, lengths: NDArray[np.intp]
    ) -> Floats:
        """What the dense layer reads, shape (width * n_poolings, n_rows)."""
        inputs = self._as_read(steps, lengths)
        poolings = self.architecture.pooling
        if self.architecture.pools_by_direction:
            pools = [POOLS[name](lengths) for name in poolings]
            for start, doubled in blocks_of_states(weights, inputs):
                for pool in pools:
                    pool.add(start, doubled)
            pooled = [pool.result() * HALF for pool in pools]
        else:
            states = all_states(weights, inputs)
            merged = self._merge_steps(list(states), lengths)[None]
            pooled = []
            for name in poolings:
                of = states if name == "last" else merged
                pool = POOLS[name](lengths)
                pool.add(0, of.swapaxes(0, 1))
                pooled.append(pool.result())
        return np.concatenate([self._merge(list(states)) for states in pooled])

    def _as_read(self, steps: Floats, lengths: NDArray[np.intp]) -> list[Floats]:
        """The same sequences for every direction, in its order of reading."""
        return [
            steps if direction == "forward" else reverse(steps, lengths)
            for direction in self.architecture.directions
        ]

    def _merge_steps(self, states: list[Floats], lengths: NDArray[np.intp]) -> Floats:
        """States by direction, each in its order of reading, as one."""
        if "backward" in self.architecture.directions:
            states = [*states[:-1], reverse(states[-1], lengths)]
        return self._merge(states)

    def _merge(self, states: list[Floats]) -> Floats:
        if len(states) == 1:
            return states[0]
        return _MERGE[self.architecture.merge_mode](*states)


_PARTS = ("kernel", "recurrent_kernel", "bias")

_MERGE: dict[str, Callable[[Floats, Floats], Floats]] = {
    "concat": lambda forward, backward: np.concatenate([forward, backward], axis=-2),
    "sum": lambda forward, backward: forward + backward,
    "mul": lambda forward, backward: forward * backward,
    "ave": lambda forward, backward: (forward + backward) * HALF,
}


def sigmoid(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    result: NDArray[np.float64] = 0.5 * (1 + np.tanh(0.5 * logits))
    return result


def softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    exponentials = np.exp(logits - logits.max(axis=-1, keepdims=True))
    total = exponentials.sum(axis=-1, keepdims=True)
    result: NDArray[np.float64] = exponentials / total
    return result


_ACTIVATIONS: dict[str, Callable[[NDArray[np.float64]], NDArray[np.float64]]] = {
    "sigmoid": sigmoid,
    "softmax": softmax,
    "linear": lambda logits: logits,
}


def for_each(function: Callable[[Any], None], items: list[Any]) -> None:
    """Call a function with every item, on as many threads as BLAS may use."""
    if len(items) == 1:
        function(items[0])
        return
    stop = threading.Event()
    # BLAS is set and restored in a thread of its own, since Ctrl-C raises in the main
    # thread only, between any two steps of what goes on there.
    with ThreadPoolExecutor(1) as supervisor:
        try:
            supervisor.submit(_spread, function, items, stop).result()
        finally:
            stop.set()


def _spread(
    function: Callable[[Any], None], items: list[Any], stop: threading.Event
) -> None:
    """Call a function with every item, until told to stop."""

    def call(item: object) -> None:
        if not stop.is_set():
            function(item)

    with (
        _one_blas_thread() as n_threads,
        ThreadPoolExecutor(min(n_threads, len(items))) as pool,
    ):
        for _ in pool.map(call, items):
            pass


@cache
def _threadpools() -> ThreadpoolController:
    return ThreadpoolController().select(user_api="blas")


class _BlasUsers:
    """Counts the calls that need BLAS at one thread: first in sets, last out restores.

    The setting belongs to the whole process, so two overlapping calls that each set and
    restored it could leave the wrong number behind.
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.count = 0
        self.n_threads = 1
        self.limit: Any = None

    def enter(self) -> int:
        with self.lock:
            if self.count == 0:
                pools = _threadpools()
                threads = [pool["num_threads"] for pool in pools.info()]
                self.n_threads = max(threads, default=os.cpu_count() or 1)
                self.limit = pools.limit(limits=1)
            self.count += 1
            return self.n_threads

    def leave(self) -> None:
        with self.lock:
            self.count -= 1
            if self.count == 0:
                self.limit.restore_original_limits()


_blas_users = _BlasUsers()


def _forget_users() -> None:
    """In a forked child the parent's threads do not come to leave."""
    global _blas_users
    if _blas_users.count:
        _blas_users.limit.restore_original_limits()
    _blas_users = _BlasUsers()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_users)


@contextmanager
def _one_blas_thread() -> Iterator[int]:
    """BLAS at one thread inside; gives the number of threads it had before."""
    users = _blas_users
    n_threads = users.enter()
    try:
        yield n_threads
    finally:
        users.leave()
