"""What a batch of sequences is: values, lengths, padding.

Everywhere in sklstm the axes are ``(n_samples, n_timesteps, n_features)``, and a
timestep whose features are all NaN is padding, wherever it stands. Pure NumPy.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from sklstm.sequences.lazy_arrays import LazyArray, SequenceArray, read_rows

# Values are examined and converted this many bytes at a time, so that a memory map
# or a view of overlapping windows is never copied whole.
CHUNK_BYTES = 32 * 2**20

# Up to this size a batch is converted to right-padded float32 once, not every epoch.
IN_MEMORY_BYTES = 128 * 2**20


@dataclass(frozen=True, eq=False)
class SequenceBatch:
    """Sequences of possibly unequal length, read with their padding squeezed out.

    Parameters
    ----------
    values : array-like of shape (n_samples, n_timesteps, n_features)
        Anything with `shape`, `dtype` and NumPy indexing along the first axis.
    lengths : ndarray of shape (n_samples,)
        The number of valid timesteps of each sample.
    right_padded : bool
        Whether the valid steps of every sample already stand in front.
    rows : ndarray of shape (n_samples,) or None
        Which rows of `values` the samples are; None means all, in order.
    """

    values: SequenceArray
    lengths: NDArray[np.intp]
    right_padded: bool
    rows: NDArray[np.intp] | None = None

    @classmethod
    def of(cls, values: NDArray[Any]) -> Self:
        """Of an array whose values have been checked."""
        lengths = valid_steps(values).sum(axis=1)
        return cls(values, lengths, bool(lengths.min() == values.shape[1]))

    def __len__(self) -> int:
        return len(self.lengths)

    @property
    def longest(self) -> int:
        """The length of the longest sequence; `values` may have more timesteps."""
        return int(self.lengths.max())

    @property
    def n_features(self) -> int:
        return int(self.values.shape[2])

    def take(self, rows: NDArray[np.intp] | slice) -> NDArray[np.float32]:
        """Some of the sequences, valid steps in front and zeros behind.

        Parameters
        ----------
        rows : ndarray of int or slice
            Which samples.

        Returns
        -------
        ndarray of shape (n_rows, longest_of_these, n_features), float32
        """
        lengths = self.lengths[rows]
        if self.rows is not None:
            rows = self.rows[rows]
        values = read_rows(self.values, rows, np.float32)
        uneven = np.flatnonzero(lengths < values.shape[1])
        if 2 * len(uneven) > len(lengths):
            return self._aligned(values, lengths)
        if len(uneven):
            values = values if values.flags.owndata else values.copy()
            aligned = self._aligned(values[uneven], lengths[uneven])
            values[uneven, : aligned.shape[1]] = aligned
            values[uneven, aligned.shape[1] :] = 0
        return values

    def _aligned(
        self,
        values: NDArray[np.float32],
        lengths: NDArray[np.intp],
    ) -> NDArray[np.float32]:
        """Valid steps in front and zeros behind, as long as the longest."""
        longest = int(lengths.max())
        if self.right_padded:
            values = values[:, :longest]
        else:
            valid = valid_steps(values)
            # A stable sort of "is padding" moves the valid steps to the front.
            front = np.argsort(~valid, axis=1, kind="stable")[:, :longest]
            values = np.take_along_axis(values, front[:, :, None], axis=1)
        if lengths.min() < longest:
            behind = np.arange(longest) >= lengths[:, None]
            values = np.where(behind[:, :, None], np.float32(0), values)
        return values

    def valid(self) -> NDArray[np.bool_]:
        """Which timesteps of `values` are data, shape (n_samples, n_timesteps)."""
        n_timesteps = self.values.shape[1]
        if self.right_padded:
            in_front: NDArray[np.bool_] = np.arange(n_timesteps) < self.lengths[:, None]
            return in_front
        valid = np.empty((len(self), n_timesteps), dtype=bool)
        for rows in chunks(len(self), n_timesteps * self.n_features * 4):
            source = rows if self.rows is None else self.rows[rows]
            valid[rows] = valid_steps(read_rows(self.values, source, np.float32))
        return valid

    def all_values(self) -> NDArray[Any]:
        """The sequences as one array, their padding where it was."""
        return np.asarray(self.values if self.rows is None else self.values[self.rows])

    def steps(self) -> NDArray[Any]:
        """All timesteps that are data, sample after sample, in the dtype of `values`.

        Returns
        -------
        ndarray of shape (n_steps, n_features)
            A view if nothing is padded.
        """
        values = self.all_values()
        if self.lengths.min() == values.shape[1]:
            return values.reshape(-1, self.n_features)
        steps: NDArray[Any] = values[self.valid()]
        return steps

    def ranks(self) -> NDArray[np.intp]:
        """The place of each timestep of `steps` in its sequence, counted from 0."""
        begins = self.lengths.cumsum() - self.lengths
        ranks: NDArray[np.intp] = np.arange(self.lengths.sum())
        return ranks - np.repeat(begins, self.lengths)

    def place(self, rows: NDArray[Any]) -> NDArray[Any]:
        """Put what belongs to the timesteps of `steps` where these were.

        Parameters
        ----------
        rows : ndarray of shape (n_steps,) or (n_steps, n_columns)

        Returns
        -------
        ndarray of shape (n_samples, n_timesteps) or (n_samples, n_timesteps, n_columns)
            NaN at padding, if there is any: integers become floats, text and booleans
            objects.
        """
        shape = (len(self), self.values.shape[1], *rows.shape[1:])
        if self.lengths.min() == shape[1]:
            return rows.reshape(shape)
        dtype: Any = {"f": rows.dtype, "i": float, "u": float}.get(rows.dtype.kind)
        placed = np.full(shape, np.nan, object if dtype is None else dtype)
        placed[self.valid()] = rows
        return placed

    def at(self, rows: NDArray[np.intp]) -> SequenceBatch:
        """Some of the sequences; nothing is copied."""
        source = rows if self.rows is None else self.rows[rows]
        return SequenceBatch(self.values, self.lengths[rows], self.right_padded, source)

    def in_memory(self) -> SequenceBatch:
        """The same sequences as right-padded float32, unless they are too large."""
        if 4 * len(self) * self.longest * self.n_features > IN_MEMORY_BYTES:
            return self
        if not isinstance(self.values, LazyArray):
            return SequenceBatch(self.take(slice(None)), self.lengths, True)
        shape = (len(self), self.longest, self.n_features)
        values = np.zeros(shape, dtype=np.float32)
        for rows in chunks(len(self), values[0].nbytes):
            taken = self.take(rows)
            values[rows, : taken.shape[1]] = taken
        return SequenceBatch(values, self.lengths, True)


def valid_steps(values: NDArray[Any]) -> NDArray[np.bool_]:
    """Which timesteps are data; the others, all NaN, are padding.

    Parameters
    ----------
    values : ndarray of shape (n_samples, n_timesteps, n_features)

    Returns
    -------
    ndarray of shape (n_samples, n_timesteps), bool
    """
    missing = np.isnan(values)
    if not missing.any():  # which is soon known, unlike what is so for each timestep
        return np.ones(values.shape[:2], dtype=bool)
    valid: NDArray[np.bool_] = ~missing.all(axis=2)
    return valid


def chunks(n_samples: int, bytes_per_sample: int) -> Iterator[slice]:
    """Slices that cover `n_samples` rows, each of about `CHUNK_BYTES`."""
    rows = max(1, CHUNK_BYTES // max(1, bytes_per_sample))
    for start in range(0, n_samples, rows):
        yield slice(start, min(start + rows, n_samples))


def fit_length(
    batch: SequenceBatch, n_timesteps: int, padding: str, truncating: str
) -> NDArray[Any]:
    """The sequences of a batch at one length, padded with NaN or truncated.

    Parameters
    ----------
    batch : SequenceBatch
    n_timesteps : int
        Length of the result.
    padding : {"pre", "post"}
        Whether NaN goes in front of or behind the values.
    truncating : {"pre", "post"}
        Whether a longer sequence loses its first or its last timesteps.

    Returns
    -------
    ndarray of shape (n_samples, n_timesteps, n_features)
        In the dtype of the values, or float64 if they are integers. The values
        themselves, not a copy, if every sequence fills `n_timesteps` already.
    """
    lengths = batch.lengths
    if batch.values.shape[1] == n_timesteps == lengths.min():
        return as_floats(batch.all_values())
    steps = as_floats(batch.steps())
    n_kept = np.minimum(lengths, n_timesteps)
    n_dropped = lengths - n_kept if truncating == "pre" else np.zeros_like(n_kept)
    ranks = batch.ranks() - np.repeat(n_dropped, lengths)
    kept = (ranks >= 0) & (ranks < np.repeat(n_kept, lengths))
    step = np.arange(n_timesteps)
    if padding == "post":
        filled = step < n_kept[:, None]
    else:
        filled = step >= n_timesteps - n_kept[:, None]
    shape = (len(batch), n_timesteps, batch.n_features)
    padded = np.full(shape, np.nan, dtype=steps.dtype)
    # Both masks list the same timesteps in the same order: by sample, then by time.
    padded[filled] = steps[kept]
    return padded


def as_floats(values: NDArray[Any]) -> NDArray[Any]:
    """Of a dtype that has NaN."""
    return values if values.dtype.kind == "f" else values.astype(np.float64)


def split_sequences(values: NDArray[Any]) -> list[NDArray[Any]]:
    """The sequences of an array, one by one and without their padding.

    Parameters
    ----------
    values : ndarray of shape (n_samples, n_timesteps, n_features)
        A timestep whose features are all NaN is padding.

    Returns
    -------
    list of ndarray of shape (n_timesteps_i, n_features)
    """
    valid = valid_steps(values)
    return np.split(values[valid], valid.sum(axis=1).cumsum()[:-1])
