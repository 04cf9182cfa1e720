"""LSTMs over time, in NumPy.

Arrays are feature-major, ``(n_timesteps, width, n_rows)``: gates are then contiguous
blocks of rows. Several LSTMs run side by side in one loop over time. The bias is folded
into the matrix product, sigmoid(z) is written as (1 + tanh(z / 2)) / 2, and its halves
are folded into the weights or into the state: the loop carries twice the hidden state.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

# What the timesteps of a block read takes about so many entries: all timesteps of a few
# rows, so that little is done for every single one; one of many rows, which stay in the
# second-level cache.
BLOCK_ENTRIES = 2**15


def fold(kernel: Floats, recurrent_kernel: Floats, bias: Floats) -> Floats:
    """One matrix of shape (4 * units, units + 1 + n_inputs), gates i, f, o, c."""
    # The loop carries twice the hidden state.
    stacked = np.concatenate([recurrent_kernel / 2, bias[None], kernel])
    i, f, c, o = np.split(stacked, 4, axis=1)
    return np.ascontiguousarray(np.concatenate([i / 2, f / 2, o / 2, c], axis=1).T)


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
    c = np.zeros((n_lstms, units, n_rows), np.float32)
    products = np.empty((n_lstms, n_gates, n_rows), np.float32)
    # Gate by gate, so that all that follows runs over contiguous memory.
    by_gate = products.reshape(n_lstms, 4, units, n_rows).swapaxes(0, 1)
    gates = np.empty(by_gate.shape, np.float32)
    doubled_sigmoids, (i, f, o, candidate) = gates[:3], gates
    one, half = np.float32(1), np.float32(0.5)
    for start in range(0, n_timesteps, n_steps):
        n = min(n_steps, n_timesteps - start)
        for k, steps in enumerate(inputs):
            x[:n, k] = steps[start : start + n]
        for step in range(n):
            np.matmul(weights, read[step], out=products)
            np.tanh(by_gate, out=gates)
            np.add(doubled_sigmoids, one, out=doubled_sigmoids)
            np.multiply(i, candidate, out=i)
            np.multiply(c, f, out=c)
            np.add(c, i, out=c)
            np.multiply(c, half, out=c)
            np.tanh(c, out=candidate)
            np.multiply(o, candidate, out=h[step + 1])
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
        np.multiply(doubled.swapaxes(0, 1), np.float32(0.5), out=block)
    return states


def reverse(steps: Floats, lengths: NDArray[np.intp]) -> Floats:
    """Every sequence back to front, its padding left behind."""
    n_timesteps = len(steps)
    if lengths.min() == n_timesteps:
        return steps[::-1]
    t = np.arange(n_timesteps)[:, None]
    source = np.where(t < lengths, lengths - 1 - t, t)
    return np.take_along_axis(steps, source[:, None, :], axis=0)
