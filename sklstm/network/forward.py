"""The forward pass of a bidirectional LSTM, in NumPy.

Arrays are feature-major, ``(n_timesteps, width, n_rows)``: gates are then contiguous
blocks of rows. Both directions run side by side in one loop over time. The bias is
folded into the matrix product, sigmoid(z) is written as (1 + tanh(z / 2)) / 2, and its
halves are folded into the weights or into the state: the loop carries twice the hidden
state.
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

from sklstm.network.architecture import Architecture, split_parameters
from sklstm.network.embedding import embedded
from sklstm.sequences.batch import CHUNK_BYTES, SequenceBatch

Floats = NDArray[np.float32]

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
            np.stack(
                [
                    _fold(*(parts[f"lstm_{k}/{direction}/{part}"] for part in _PARTS))
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
        ends = batch.lengths.cumsum()
        n_rows = int(ends[-1]) if every_step else len(batch)
        outputs = np.empty((n_rows, self.architecture.n_outputs))

        def predict(rows: Any) -> None:
            lengths = batch.lengths[rows]
            with np.errstate(over="ignore", invalid="ignore"):  # examined at the end
                computed = self._outputs(batch.take(rows), lengths)
            if not every_step:
                outputs[rows] = computed
                return
            step = np.arange(computed.shape[1])
            valid = step < lengths[:, None]
            outputs[((ends[rows] - lengths)[:, None] + step)[valid]] = computed[valid]

        _for_each(predict, self._chunks(batch))
        if not np.isfinite(outputs).all():
            largest = max(float(np.abs(weights).max()) for weights in self.layers)
            raise ValueError(
                "The network's outputs are not finite: values of X times weights as "
                f"large as {largest:.3g} are too large for float32. Scale X as the "
                "training data were scaled, for example by a StandardScaler in a "
                "pipeline; if they were, fit again with a lower learning_rate."
            )
        return outputs

    def _chunks(self, batch: SequenceBatch) -> list[Any]:
        """Rows that go together; of similar length, since the longest sets the cost."""
        lengths = batch.lengths
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

    def _outputs(
        self, values: Floats, lengths: NDArray[np.intp]
    ) -> NDArray[np.float64]:
        """Shape (n_rows, n_outputs) or (n_rows, n_timesteps, n_outputs)."""
        states = embedded(values, self.tables).transpose(1, 2, 0)
        for k, weights in enumerate(self.layers, start=1):
            every_step = k < len(self.layers) or self.architecture.every_step
            by_direction = self._both_ways(
                weights, states, lengths, every_step=every_step
            )
            if every_step and "backward" in self.architecture.directions:
                by_direction[-1] = _reverse(by_direction[-1], lengths)
            states = self._merge(by_direction)
        logits = self.kernel.T @ states.astype(np.float64) + self.bias[:, None]
        by_row = np.ascontiguousarray(np.moveaxis(logits, -1, 0))
        return _ACTIVATIONS[self.architecture.activation](by_row)

    def _both_ways(
        self,
        weights: Floats,
        steps: Floats,
        lengths: NDArray[np.intp],
        *,
        every_step: bool,
    ) -> list[Floats]:
        """States by direction, in the order of reading."""
        inputs = [
            steps if direction == "forward" else _reverse(steps, lengths)
            for direction in self.architecture.directions
        ]
        return list(_lstm(weights, inputs, lengths, every_step=every_step))

    def _merge(self, states: list[Floats]) -> Floats:
        if len(states) == 1:
            return states[0]
        return _MERGE[self.architecture.merge_mode](*states)


_PARTS = ("kernel", "recurrent_kernel", "bias")

_MERGE: dict[str, Callable[[Floats, Floats], Floats]] = {
    "concat": lambda forward, backward: np.concatenate([forward, backward], axis=-2),
    "sum": lambda forward, backward: forward + backward,
    "mul": lambda forward, backward: forward * backward,
    "ave": lambda forward, backward: (forward + backward) * np.float32(0.5),
}


def _fold(kernel: Floats, recurrent_kernel: Floats, bias: Floats) -> Floats:
    """One matrix of shape (4 * units, units + 1 + n_inputs), gates i, f, o, c."""
    # The loop carries twice the hidden state.
    stacked = np.concatenate([recurrent_kernel / 2, bias[None], kernel])
    i, f, c, o = np.split(stacked, 4, axis=1)
    return np.ascontiguousarray(np.concatenate([i / 2, f / 2, o / 2, c], axis=1).T)


def _lstm(
    weights: Floats,
    inputs: list[Floats],
    lengths: NDArray[np.intp],
    *,
    every_step: bool,
) -> Floats:
    """Run several LSTMs of the same size side by side.

    Parameters
    ----------
    weights : ndarray of shape (n_lstms, 4 * units, units + 1 + n_inputs)
    inputs : list of n_lstms ndarrays of shape (n_timesteps, n_inputs, n_rows)
    lengths : ndarray of shape (n_rows,)
    every_step : bool
        Whether to give the states of all timesteps or each row's last.

    Returns
    -------
    ndarray of shape (n_lstms, n_timesteps, units, n_rows) or (n_lstms, units, n_rows)
    """
    n_timesteps, n_inputs, n_rows = inputs[0].shape
    n_lstms, n_gates, _ = weights.shape
    units = n_gates // 4
    # A row of ones between the state and the input takes the bias into the product.
    hx = np.zeros((n_lstms, units + 1 + n_inputs, n_rows), np.float32)
    hx[:, units] = 1
    h, x = hx[:, :units], hx[:, units + 1 :]
    c = np.zeros((n_lstms, units, n_rows), np.float32)
    products = np.empty((n_lstms, n_gates, n_rows), np.float32)
    # Gate by gate, so that all that follows runs over contiguous memory.
    by_gate = products.reshape(n_lstms, 4, units, n_rows).swapaxes(0, 1)
    gates = np.empty(by_gate.shape, np.float32)
    doubled_sigmoids, (i, f, o, candidate) = gates[:3], gates
    one, half = np.float32(1), np.float32(0.5)
    if every_step:
        states = np.empty((n_lstms, n_timesteps, units, n_rows), np.float32)
    else:
        states = np.empty((n_lstms, units, n_rows), np.float32)
        ends = {int(length): lengths == length for length in set(lengths.tolist())}
    for t in range(n_timesteps):
        for k, steps in enumerate(inputs):
            x[k] = steps[t]
        np.matmul(weights, hx, out=products)
        np.tanh(by_gate, out=gates)
        np.add(doubled_sigmoids, one, out=doubled_sigmoids)
        np.multiply(i, candidate, out=i)
        np.multiply(c, f, out=c)
        np.add(c, i, out=c)
        np.multiply(c, half, out=c)
        np.tanh(c, out=candidate)
        np.multiply(o, candidate, out=h)
        if every_step:
            np.multiply(h, half, out=states[:, t])
        elif t + 1 in ends:
            ended = ends[t + 1]
            states[:, :, ended] = h[:, :, ended] * half
    return states


def _reverse(steps: Floats, lengths: NDArray[np.intp]) -> Floats:
    """Every sequence back to front, its padding left behind."""
    n_timesteps = len(steps)
    if lengths.min() == n_timesteps:
        return steps[::-1]
    t = np.arange(n_timesteps)[:, None]
    source = np.where(t < lengths, lengths - 1 - t, t)
    return np.take_along_axis(steps, source[:, None, :], axis=0)


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


def _for_each(function: Callable[[Any], None], items: list[Any]) -> None:
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

    def call(item: Any) -> None:
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
