"""The forward pass of a bidirectional LSTM, in NumPy.

Arrays are feature-major, ``(n_timesteps, width, n_rows)``: gates are then contiguous
blocks of rows. The bias is folded into the matrix product, and sigmoid(z) is written as
(1 + tanh(z / 2)) / 2 with the inner half folded into the weights, so that a timestep
costs one product and one tanh over all four gates.
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

from sklstm.parameters import Architecture, split_parameters
from sklstm.sequences import SequenceBatch

Floats = NDArray[np.float32]

# Rows that go through the network together: enough for BLAS, few enough that the
# states stay in the second-level cache.
CHUNK_ROWS = 256


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
        self.layers = [
            [
                _fold(*(parts[f"lstm_{k}/{direction}/{part}"] for part in _PARTS))
                for direction in architecture.directions
            ]
            for k in range(1, len(architecture.units) + 1)
        ]
        self.kernel = parts["dense/kernel"]
        self.bias = parts["dense/bias"]

    def __call__(self, batch: SequenceBatch) -> NDArray[np.float64]:
        """Activated outputs, shape (n_samples, n_outputs), float64."""
        # Rows of similar length go together: a chunk costs as much as its longest.
        order = np.argsort(-batch.lengths, kind="stable")
        outputs = np.empty((len(batch), self.architecture.n_outputs))

        def predict(chunk: NDArray[np.intp]) -> None:
            outputs[chunk] = self._outputs(batch.take(chunk), batch.lengths[chunk])

        chunks = [order[k : k + CHUNK_ROWS] for k in range(0, len(order), CHUNK_ROWS)]
        _for_each(predict, chunks)
        return outputs

    def _outputs(self, values: Floats, lengths: NDArray[np.intp]) -> Any:
        steps = np.ascontiguousarray(values.transpose(1, 2, 0))
        *hidden, last = self.layers
        for layer in hidden:
            steps = self._merge([h for h, _ in self._run(layer, steps, lengths)])
        state = self._merge([h for _, h in self._run(last, steps, lengths)])
        logits = state.T.astype(np.float64) @ self.kernel + self.bias
        return _ACTIVATIONS[self.architecture.activation](logits)

    def _run(
        self, layer: list[Floats], steps: Floats, lengths: NDArray[np.intp]
    ) -> Iterator[tuple[Floats, Floats]]:
        """States at every step, in the input's order, and last state, by direction."""
        for direction, weights in zip(self.architecture.directions, layer, strict=True):
            if direction == "forward":
                yield _lstm(weights, steps, lengths)
            else:
                states, last = _lstm(weights, _reverse(steps, lengths), lengths)
                yield _reverse(states, lengths), last

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
    stacked = np.concatenate([recurrent_kernel, bias[None], kernel])
    i, f, c, o = np.split(stacked, 4, axis=1)
    return np.ascontiguousarray(np.concatenate([i / 2, f / 2, o / 2, c], axis=1).T)


def _lstm(
    weights: Floats, steps: Floats, lengths: NDArray[np.intp]
) -> tuple[Floats, Floats]:
    """All hidden states (n_timesteps, units, n_rows) and each row's last."""
    n_timesteps, n_inputs, n_rows = steps.shape
    units = len(weights) // 4
    # A row of ones beside the state and the input takes the bias into the product.
    xh = np.zeros((units + 1 + n_inputs, n_rows), np.float32)
    xh[units] = 1
    h, x = xh[:units], xh[units + 1 :]
    c = np.zeros((units, n_rows), np.float32)
    gates = np.empty((4 * units, n_rows), np.float32)
    sigmoids = gates[: 3 * units]
    i, f, o, candidate = np.split(gates, 4)
    states = np.empty((n_timesteps, units, n_rows), np.float32)
    for t in range(n_timesteps):
        x[:] = steps[t]
        np.matmul(weights, xh, out=gates)
        np.tanh(gates, out=gates)
        sigmoids += 1
        sigmoids *= 0.5
        c *= f
        i *= candidate
        c += i
        np.tanh(c, out=candidate)
        np.multiply(o, candidate, out=h)
        states[t] = h
    return states, states[lengths - 1, :, np.arange(n_rows)].T


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
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    result: NDArray[np.float64] = exponentials / exponentials.sum(axis=1, keepdims=True)
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
    with _one_blas_thread() as n_threads:
        if n_threads == 1:
            for item in items:
                function(item)
        else:
            with ThreadPoolExecutor(min(n_threads, len(items))) as pool:
                for _ in pool.map(function, items):
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


@contextmanager
def _one_blas_thread() -> Iterator[int]:
    """BLAS at one thread inside; gives the number of threads it had before."""
    n_threads = _blas_users.enter()
    try:
        yield n_threads
    finally:
        _blas_users.leave()
