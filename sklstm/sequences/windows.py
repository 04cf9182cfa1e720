"""Windows over the rows of a table: where they lie, and how they are read.

A window ends at one row of the table and goes back in steps of `sampling_rate` rows, no
further than its series does; what is missing in front is NaN. Pure NumPy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from math import gcd
from typing import Any, Self

import numpy as np
from numpy.lib.stride_tricks import as_strided, sliding_window_view
from numpy.typing import DTypeLike, NDArray

from sklstm.sequences.batch import SequenceBatch, chunks
from sklstm.sequences.lazy_arrays import (
    Change,
    ChangedSequences,
    LazyArray,
    SequenceArray,
)


@dataclass(frozen=True, eq=False, repr=False)
class Windows(LazyArray):
    """Windows of several series, cut out of their table when they are asked for.

    To be read like an array of three axes: it has `shape`, `dtype` and NumPy's indexing
    along the first axis, which gives arrays; `np.asarray` makes all windows at once.

    Parameters
    ----------
    table : ndarray of shape (n_rows, n_features)
        The rows of a series stand one behind the other, and so many rows are in front
        of all series that the first window does not begin before the table.
    ends : ndarray of shape (n_samples,)
        The row at which each window ends.
    n_steps : ndarray of shape (n_samples,)
        How many timesteps of each window its series has; at least 1.
    n_timesteps : int
    sampling_rate : int
        Rows from one timestep of a window to the next.
    """

    table: NDArray[Any]
    ends: NDArray[np.intp]
    n_steps: NDArray[np.intp]
    n_timesteps: int
    sampling_rate: int

    @property
    def shape(self) -> tuple[int, ...]:
        return len(self.ends), self.n_timesteps, self.table.shape[1]

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.table.dtype

    @property
    def nbytes(self) -> int:
        """Bytes held: those of the table and of the index, not of the windows."""
        return self.table.nbytes + self.ends.nbytes + self.n_steps.nbytes

    def __repr__(self) -> str:
        rows = len(self.table)
        return f"<Windows of shape {self.shape}, {self.dtype}, over {rows} rows>"

    def _rows(self, key: Any) -> NDArray[Any]:
        # An axis of length one in front: a single window is a copy, like several.
        ends, n_steps = self.ends[key][None], self.n_steps[key][None]
        first = ends - span(self.n_timesteps, self.sampling_rate)
        view = sliding_windows(self.table, self.n_timesteps, self.sampling_rate)
        windows = view[first]
        short = np.nonzero(n_steps < self.n_timesteps)
        in_front = self.n_timesteps - n_steps[short]
        padded = windows[short]
        padded[np.arange(self.n_timesteps) < in_front[:, None]] = np.nan
        windows[short] = padded
        return windows[0]


def span(n_timesteps: int, sampling_rate: int) -> int:
    """Rows from the first to the last timestep of a window."""
    return (n_timesteps - 1) * sampling_rate


def sliding_windows(
    table: NDArray[Any], n_timesteps: int, sampling_rate: int
) -> NDArray[Any]:
    """All windows that the rows of a table fill: a view, read-only.

    Parameters
    ----------
    table : ndarray of shape (n_rows, n_features)
    n_timesteps, sampling_rate : int

    Returns
    -------
    ndarray of shape (n_rows - span, n_timesteps, n_features)
    """
    n_rows = span(n_timesteps, sampling_rate) + 1
    view = sliding_window_view(table, n_rows, axis=0)
    return view.transpose(0, 2, 1)[:, ::sampling_rate]


def front_padded(table: NDArray[Any], n_rows: int) -> NDArray[Any]:
    """A copy of the table with rows of NaN in front."""
    padded = np.empty((n_rows + len(table), table.shape[1]), dtype=table.dtype)
    padded[:n_rows] = np.nan
    padded[n_rows:] = table
    return padded


def windows_of(values: object) -> Windows | None:
    """The table under an array of overlapping windows, and how they lie on it.

    Parameters
    ----------
    values : Windows, ndarray or any other object

    Returns
    -------
    Windows or None
        None if `values` are not windows that share most of their memory.
    """
    if isinstance(values, Windows):
        return values
    if not isinstance(values, np.ndarray) or min(values.strides[:2]) <= 0:
        return None
    n_samples, n_timesteps, n_features = values.shape
    unit = gcd(*values.strides[:2])
    stride, sampling_rate = (int(step) // unit for step in values.strides[:2])
    n_rows = (n_samples - 1) * stride + (n_timesteps - 1) * sampling_rate + 1
    if n_samples == 0 or 2 * n_rows > n_samples * n_timesteps:
        return None
    # Between the first and the last value of `values`, hence inside its memory.
    strides = (unit, values.strides[2])
    table = as_strided(values, (n_rows, n_features), strides, writeable=False)
    rows = np.arange(n_samples, dtype=np.intp)
    ends = rows * stride + span(n_timesteps, sampling_rate)
    n_steps = np.full(n_samples, n_timesteps, dtype=np.intp)
    return Windows(table, ends, n_steps, n_timesteps, sampling_rate)


@dataclass(frozen=True, eq=False)
class DistinctRows:
    """What an array of sequences holds, each row once.

    The rows of overlapping windows are those of their table, which are in many of them;
    of other arrays they are the samples.

    Parameters
    ----------
    values : array-like of shape (n_samples, n_timesteps, n_features)
    samples : ndarray of int, default=None
        Which of them; None is all.
    """

    values: SequenceArray
    samples: NDArray[np.intp] | None = None

    @cached_property
    def windows(self) -> Windows | None:
        return windows_of(self.values) if self.samples is None else None

    def __len__(self) -> int:
        if self.windows is not None:
            return len(self.windows.table)
        return len(self.values if self.samples is None else self.samples)

    def parts(self) -> Iterator[tuple[slice, NDArray[Any]]]:
        """All rows, so many at a time that memory does not matter."""
        rows = self.values if self.windows is None else self.windows.table
        for part in chunks(len(self), 8 * int(np.prod(rows.shape[1:]))):
            source = part if self.samples is None else self.samples[part]
            yield part, np.asarray(rows[source])

    def samples_with(self, flags: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """In which samples there is a row that is flagged."""
        if self.windows is None:
            return flags
        return count_steps(flags, self.windows, self.windows.n_steps) > 0

    def changed(self, change: Change, dtype: DTypeLike) -> LazyArray:
        """An array in which the rows are changed, each by itself."""
        if self.windows is None:
            return ChangedSequences(self.values, change, dtype)
        return replace(self.windows, table=change(self.windows.table))


def windows_over(table: NDArray[Any], windows: Windows, like: object) -> Any:
    """The same windows over another table.

    Parameters
    ----------
    table : ndarray of shape (n_rows, n_columns)
        A row for every row of the table of `windows`.
    windows : Windows
    like : Windows or ndarray
        What `windows_of` found them in.

    Returns
    -------
    Windows or ndarray
        An array, a read-only view of the table, if `like` is one.
    """
    if isinstance(like, Windows):
        return replace(windows, table=table)
    stride = windows.ends[1] - windows.ends[0]
    return sliding_windows(table, windows.n_timesteps, windows.sampling_rate)[::stride]


def count_windows(windows: Windows) -> NDArray[np.intp]:
    """In how many of the windows each row of the table is, shape (n_rows,)."""
    rate, n_rows = windows.sampling_rate, len(windows.table)
    n_cells = -(-n_rows // rate) * rate + rate
    ends = windows.ends + rate
    begins = np.bincount(ends, minlength=n_cells)
    begins -= np.bincount(ends - rate * windows.n_steps, minlength=n_cells)
    # From the last row to the first, as windows go back from their ends.
    counts = begins.reshape(-1, rate)[::-1].cumsum(axis=0)[::-1]
    in_windows: NDArray[np.intp] = counts.ravel()[rate : rate + n_rows]
    return in_windows


def count_steps(
    flags: NDArray[np.bool_], windows: Windows, n_steps: NDArray[np.intp]
) -> NDArray[np.intp]:
    """How many of the last `n_steps` timesteps of each window are flagged.

    Parameters
    ----------
    flags : ndarray of shape (n_rows,), bool
        Of the rows of the table.
    windows : Windows
    n_steps : ndarray of shape (n_samples,)

    Returns
    -------
    ndarray of shape (n_samples,)
    """
    rate = windows.sampling_rate
    n_cells = -(-len(flags) // rate) * rate
    totals = np.zeros(rate + n_cells, dtype=np.intp)
    totals[rate : rate + len(flags)] = flags
    totals = totals.reshape(-1, rate).cumsum(axis=0).ravel()
    ends = windows.ends + rate
    counts: NDArray[np.intp] = totals[ends] - totals[ends - rate * n_steps]
    return counts


def lengths_of(
    windows: Windows, valid: NDArray[np.bool_]
) -> tuple[NDArray[np.intp], bool]:
    """Valid timesteps of each window, and whether all of them stand in front.

    Parameters
    ----------
    windows : Windows
    valid : ndarray of shape (n_rows,), bool
        Which rows of the table are data.

    Returns
    -------
    lengths : ndarray of shape (n_samples,)
    right_padded : bool
    """
    rate = windows.sampling_rate
    lengths = count_steps(valid, windows, windows.n_steps)
    begins = valid.copy()
    begins[rate:] &= ~valid[:-rate]
    has_gap = count_steps(begins, windows, windows.n_steps - 1) > 0
    has_gap |= (windows.n_steps < windows.n_timesteps) & (lengths > 0)
    return lengths, not has_gap.any()


@dataclass(frozen=True, eq=False)
class CutSequences:
    """The windows of all sequences of a batch.

    Parameters
    ----------
    windows : Windows of shape (n_windows, n_timesteps, n_features)
        Sequence after sequence.
    owners : ndarray of shape (n_windows,)
        Which sequence each belongs to; every sequence has a window.
    """

    windows: Windows
    owners: NDArray[np.intp]

    @classmethod
    def of(cls, batch: SequenceBatch, n_timesteps: int, stride: int) -> Self:
        """Cut a batch; no timestep is left out."""
        owners, ends, n_steps = window_places(batch.lengths, n_timesteps, stride)
        steps = batch.steps()
        if steps.dtype.kind != "f":  # a window is padded with NaN
            steps = steps.astype(np.float64)
        # Windows of short sequences reach back before the sequence, maybe before all.
        missing = max(0, n_timesteps - 1 - int(ends.min()))
        if missing:
            steps = front_padded(steps, missing)
        return cls(Windows(steps, ends + missing, n_steps, n_timesteps, 1), owners)

    def weights(
        self, of_sequences: NDArray[np.float64] | None
    ) -> NDArray[np.float64] | None:
        """Each sequence's weight in equal parts for its windows.

        None if all windows weigh the same, as None as the weights of the sequences.
        """
        n_windows = np.bincount(self.owners)
        parts = (1.0 if of_sequences is None else of_sequences) / n_windows
        if (parts == parts[0]).all():
            return None
        return parts[self.owners]

    def mean(self, function: Callable[[NDArray[Any]], Any]) -> NDArray[np.float64]:
        """A function of windows, averaged over the windows of each sequence.

        Parameters
        ----------
        function : callable
            Of windows, shape (n_some, n_timesteps, n_features); it gives a number or a
            row for each.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_columns)
        """
        n_windows = np.bincount(self.owners)
        _, n_timesteps, n_features = self.windows.shape
        totals: NDArray[np.float64] | None = None
        for rows in chunks(len(self.windows), 4 * n_timesteps * n_features):
            outputs = np.asarray(function(self.windows[rows]), dtype=np.float64)
            if totals is None:
                totals = np.zeros((len(n_windows), *outputs.shape[1:]))
            np.add.at(totals, self.owners[rows], outputs)
        assert totals is not None  # a batch has at least one window
        return totals / n_windows.reshape(-1, *[1] * (totals.ndim - 1))


def window_places(
    lengths: NDArray[np.intp], n_timesteps: int, stride: int
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """Where the windows of sequences lie that stand one behind the other.

    Parameters
    ----------
    lengths : ndarray of shape (n_samples,)
        Timesteps of each sequence.
    n_timesteps : int
        Timesteps of a window.
    stride : int
        From one window to the next; the last ends with its sequence.

    Returns
    -------
    owners : ndarray of shape (n_windows,)
        The sequence of each window.
    ends : ndarray of shape (n_windows,)
        The last timestep of each window, counted through all sequences.
    n_steps : ndarray of shape (n_windows,)
        Timesteps of each window, fewer than `n_timesteps` if its sequence has fewer.
    """
    n_windows = 1 + -(-np.maximum(lengths - n_timesteps, 0) // stride)
    owners = np.repeat(np.arange(len(lengths)), n_windows)
    rank = np.arange(len(owners)) - (n_windows.cumsum() - n_windows)[owners]
    n_steps = np.minimum(lengths, n_timesteps)[owners]
    stops = np.minimum(rank * stride + n_steps, lengths[owners])
    starts = lengths.cumsum() - lengths
    return owners, starts[owners] + stops - 1, n_steps
