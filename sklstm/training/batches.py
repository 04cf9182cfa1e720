"""Samples as batches, and batches as graph calls."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby, pairwise
from operator import itemgetter

import numpy as np
from numpy.typing import NDArray

from sklstm.sequences.batch import CHUNK_BYTES, SequenceBatch

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
