"""LSTMs over time, in NumPy.

Arrays are feature-major, ``(n_timesteps, width, n_rows)``: gates are then contiguous
blocks of rows. Several LSTMs run side by side in one loop over time. The bias is folded
into the matrix product, sigmoid(z) is written as (1 + tanh(z / 2)) / 2, and its halves
are folded into the weights or into the state: the loop carries twice the hidden state.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

# What the timesteps of a block read takes about so many entries: all timesteps of a few
# rows, so that little is done for every single one; one of many rows, which stay in the
# second-level cache.
BLOCK_ENTRIES = 2**15

CACHE_LINE = 64  # bytes

# As arrays, since a ufunc would make one of a number in every call.
ONE, HALF = np.array(1, np.float32), np.array(0.5, np.float32)


def fold(lstms: list[tuple[Floats, ...]]) -> Floats:
    """The weights of LSTMs of the same size, arranged for `blocks_of_states`.

    Parameters
    ----------
    lstms : list of (kernel, recurrent_kernel, bias)
        As Keras has them, gates i, f, c, o.

    Returns
    -------
    ndarray of shape (n_lstms, 4 * units, units + 1 + n_inputs)
        Gates o, i, f, c. The gates of one input lie side by side, and begin at a cache
        line where their number allows: the product with a single row is up to a third
        faster so.
    """
    folded = _aligned((len(lstms), sum(map(len, lstms[0][:2])) + 1, lstms[0][2].size))
    for weights, (kernel, recurrent_kernel, bias) in zip(folded, lstms, strict=True):
        # The loop carries twice the hidden state.
        stacked = np.concatenate([recurrent_kernel / 2, bias[None], kernel])
        i, f, c, o = np.split(stacked, 4, axis=1)
        np.concatenate([o / 2, i / 2, f / 2, c], axis=1, out=weights)
    return folded.swapaxes(1, 2)


def _aligned(shape: tuple[int, ...]) -> Floats:
    """An uninitialized array that begins at a cache line."""
    size = math.prod(shape)
    buffer = np.empty(size + CACHE_LINE // 4, np.float32)
    start = -buffer.ctypes.data % CACHE_LINE // 4
    return buffer[start : start + size].reshape(shape)


def blocks_of_states(
    weights: Floats, inputs: list[Floats]
) -> Iterator[tuple[int, Floats]]:
    """Run several LSTMs of the same size side by side.

    Parameters
    ----------
    weights : ndarray of shape (n_lstms, 4 * units, units + 1 + n_inputs)
    inputs : list of n_lstms ndarrays of shape (n_timesteps, n_inputs, n_rows)

    Yields
    ------
    start : int
        The timestep that a block begins with.
    doubled : ndarray of shape (n_steps, n_lstms, units, n_rows)
        Twice the hidden states of the block's timesteps. Overwritten by the next one.
    """
    n_timesteps, _, n_rows = inputs[0].shape
    n_lstms, n_gates, width = weights.shape
    units = n_gates // 4
    n_steps = min(n_timesteps, max(1, BLOCK_ENTRIES // (n_lstms * width * n_rows)))
    # What each timestep reads. It writes its state into what the next one reads. A row
    # of ones between state and input takes the bias into the product.
    read = np.zeros((n_steps + 1, n_lstms, width, n_rows), np.float32)
    read[:, :, units] = 1
    h, x = read[:, :, :units], read[:, :, units + 1 :]
    products = np.empty((n_lstms, n_gates, n_rows), np.float32)
    # Gate by gate, so that all that follows runs over contiguous memory.
    by_gate = products.reshape(n_lstms, 4, units, n_rows).swapaxes(0, 1)
    # Output, input and forget gate, candidate, cell: i times candidate and f times
    # cell are one product.
    parts = np.zeros((5, *by_gate.shape[1:]), np.float32)
    o, i, f, candidate, c = parts
    gates, doubled_sigmoids = parts[:4], parts[:3]
    i_and_f, candidate_and_c = parts[1:3], parts[3:]
    matmul, tanh, add, multiply = np.matmul, np.tanh, np.add, np.multiply
    for start in range(0, n_timesteps, n_steps):
        n = min(n_steps, n_timesteps - start)
        for k, steps in enumerate(inputs):
            x[:n, k] = steps[start : start + n]
        for before, after in zip(read[:n], h[1:], strict=False):
            matmul(weights, before, products)
            tanh(by_gate, gates)
            add(doubled_sigmoids, ONE, doubled_sigmoids)
            multiply(i_and_f, candidate_and_c, i_and_f)
            add(i, f, c)
            multiply(c, HALF, c)
            tanh(c, candidate)
            multiply(o, candidate, after)
        yield start, h[1 : n + 1]
        h[0] = h[n]


def all_states(weights: Floats, inputs: list[Floats]) -> Floats:
    """The hidden states of all timesteps.

    Returns
    -------
    ndarray of shape (n_lstms, n_timesteps, units, n_rows)
    """
    n_timesteps, _, n_rows = inputs[0].shape
    n_lstms, n_gates, _ = weights.shape
    states = np.empty((n_lstms, n_timesteps, n_gates // 4, n_rows), np.float32)
    for start, doubled in blocks_of_states(weights, inputs):
        block = states[:, start : start + len(doubled)]
        np.multiply(doubled.swapaxes(0, 1), HALF, out=block)
    return states


def reverse(steps: Floats, lengths: NDArray[np.intp]) -> Floats:
    """Every sequence back to front, its padding left behind."""
    n_timesteps = len(steps)
    if lengths.min() == n_timesteps:
        return steps[::-1]
    t = np.arange(n_timesteps)[:, None]
    source = np.where(t < lengths, lengths - 1 - t, t)
    return np.take_along_axis(steps, source[:, None, :], axis=0)
