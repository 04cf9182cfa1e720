"""What a batch of sequences is: values, lengths, padding.

Everywhere in sklstm the axes are ``(n_samples, n_timesteps, n_features)``, and a
timestep whose features are all NaN is padding, wherever it stands. Pure NumPy.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from sklstm.columns import column_names, holds_dates
from sklstm.windowing import Windows, count_steps, lengths_of, windows_of

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

    values: Any
    lengths: NDArray[np.intp]
    right_padded: bool
    rows: NDArray[np.intp] | None = None

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
        values = np.asarray(self.values[rows], dtype=np.float32)
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
            valid[rows] = valid_steps(np.asarray(self.values[source], dtype=np.float32))
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
        return SequenceBatch(self.take(slice(None)), self.lengths, True)


def valid_steps(values: NDArray[Any]) -> NDArray[np.bool_]:
    """Which timesteps are data; the others, all NaN, are padding.

    Parameters
    ----------
    values : ndarray of shape (n_samples, n_timesteps, n_features)

    Returns
    -------
    ndarray of shape (n_samples, n_timesteps), bool
    """
    valid: NDArray[np.bool_] = ~np.isnan(values).all(axis=2)
    return valid


def chunks(n_samples: int, bytes_per_sample: int) -> Iterator[slice]:
    """Slices that cover `n_samples` rows, each of about `CHUNK_BYTES`."""
    rows = max(1, CHUNK_BYTES // max(1, bytes_per_sample))
    for start in range(0, n_samples, rows):
        yield slice(start, min(start + rows, n_samples))


def read_sequences(values: Any) -> SequenceBatch:
    """Find lengths and padding of a 3D array, and refuse what is not a number.

    Parameters
    ----------
    values : array-like of shape (n_samples, n_timesteps, n_features)
        Numbers; a timestep whose features are all NaN is padding.

    Returns
    -------
    SequenceBatch

    Raises
    ------
    ValueError
        If a value is infinite or too large for float32, if only some features of a
        timestep are NaN, or if a sample is nothing but padding. The message says
        where.
    """
    windows = windows_of(values)
    if windows is None:
        lengths, right_padded = _read_steps(values)
    else:
        lengths, right_padded = _read_windows(values, windows)
    n_samples = len(lengths)
    if n_samples and lengths.min() == 0:
        empty = np.flatnonzero(lengths == 0)
        raise ValueError(
            f"Sample {empty[0]} of X is nothing but padding: all its timesteps are "
            f"NaN ({len(empty)} such samples of {n_samples}). Every sample needs at "
            "least one timestep with numbers; drop these rows from X and y."
        )
    return SequenceBatch(values, lengths, right_padded)


def _read_steps(values: Any) -> tuple[NDArray[np.intp], bool]:
    """Lengths, and whether all valid steps stand in front, from all the steps."""
    n_samples, n_timesteps, n_features = values.shape
    lengths = np.full(n_samples, n_timesteps, dtype=np.intp)
    right_padded = True
    for rows in chunks(n_samples, n_timesteps * n_features * 4):
        with np.errstate(over="ignore"):
            chunk = np.asarray(values[rows], dtype=np.float32)
        finite = np.isfinite(chunk)
        if finite.all():
            continue
        padding = ~valid_steps(chunk)
        _refuse_non_finite(values, rows.start, ~finite & ~padding[:, :, None])
        lengths[rows] = n_timesteps - padding.sum(axis=1)
        in_front = np.arange(n_timesteps) < lengths[rows, None]
        right_padded &= bool(np.array_equal(in_front, ~padding))
    return lengths, right_padded


def _read_windows(values: Any, windows: Windows) -> tuple[NDArray[np.intp], bool]:
    """The same from the rows of the table, each of which is in many windows."""
    n_rows, n_features = windows.table.shape
    valid = np.empty(n_rows, dtype=bool)
    offending = np.empty(n_rows, dtype=bool)
    for rows in chunks(n_rows, n_features * 4):
        with np.errstate(over="ignore"):
            chunk = np.asarray(windows.table[rows], dtype=np.float32)
        valid[rows] = ~np.isnan(chunk).all(axis=1)
        offending[rows] = valid[rows] & ~np.isfinite(chunk).all(axis=1)
    if offending.any():
        for sample in np.flatnonzero(count_steps(offending, windows, windows.n_steps))[
            :1
        ]:
            with np.errstate(over="ignore"):
                window = np.asarray(values[sample : sample + 1], dtype=np.float32)
            steps = valid_steps(window)[:, :, None]
            _refuse_non_finite(values, int(sample), ~np.isfinite(window) & steps)
    return lengths_of(windows, valid)


def _refuse_non_finite(
    values: Any, first_row: int, offending: NDArray[np.bool_]
) -> None:
    if not offending.any():
        return
    row, step, feature = (int(k) for k in np.argwhere(offending)[0])
    value = np.asarray(values[first_row + row])[step, feature]
    where = f"sample {first_row + row}, timestep {step}, feature {feature}"
    if np.isnan(value):
        raise ValueError(
            f"X contains NaN in only some features of a timestep ({where}). A "
            "timestep whose features are all NaN is padding; NaN beside numbers is a "
            "missing value. Impute it, for example with "
            "sklearn.impute.SimpleImputer, before the rows become sequences."
        )
    raise ValueError(
        f"X contains infinity or a value too large for float32 ({where}: {value}). "
        "Replace or drop it, or scale the features first."
    )


def is_ragged(X: Any) -> bool:
    """Whether X is a collection of sequences rather than one rectangular array.

    True for a list or tuple of sequences that differ in length, have two axes each or
    are arrays themselves; for a 1D container of sequences: an object array or a
    pandas or polars Series; and for a data frame whose cells are sequences. A list of
    equally long lists of numbers is a matrix. What has `to_list` but no `shape`, as
    an Awkward Array, is a list.
    """
    if hasattr(X, "columns"):
        return _has_nested_cells(X)
    is_list = isinstance(X, (list, tuple)) or (
        hasattr(X, "to_list") and not hasattr(X, "shape")
    )
    if not is_list and len(getattr(X, "shape", ())) != 1:
        return False
    if len(X) == 0:
        return is_list
    first = next(iter(X))
    if not is_list and not _shape_of(first):
        return False
    shapes = {_shape_of(sequence) for sequence in X}
    if len(shapes) > 1:
        return True
    n_axes = len(shapes.pop())
    return n_axes == 2 or (n_axes == 1 and (not is_list or hasattr(first, "shape")))


def _has_nested_cells(frame: Any) -> bool:
    """Whether the cells of a data frame are sequences."""
    names = column_names(frame)
    if not len(frame) or not names:
        return False
    column = frame[names[0]]
    return len(getattr(column, "shape", ())) == 1 and bool(
        _shape_of(next(iter(column)))
    )


def _shape_of(sequence: Any) -> tuple[int, ...]:
    if hasattr(sequence, "shape"):
        return tuple(sequence.shape)
    if isinstance(sequence, (str, bytes)) or not hasattr(sequence, "__len__"):
        return ()
    first: Any = next(iter(sequence), None)
    if hasattr(first, "__len__") and not isinstance(first, (str, bytes)):
        return (len(sequence), len(first))
    return (len(sequence),)


def pad_ragged(
    sequences: Sequence[Any], n_timesteps: int | None = None, padding: str = "post"
) -> NDArray[Any]:
    """Stack sequences of unequal length, padding with NaN.

    Parameters
    ----------
    sequences : sequence of array-like, each (n_timesteps_i,) or (n_timesteps_i, n_features)
        A 1D sequence is a sequence of one feature. Or a data frame whose columns are
        features and whose cells are sequences of shape (n_timesteps_i,).
    n_timesteps : int, default=None
        Length of the result; None means that of the longest sequence.
    padding : {"pre", "post"}, default="post"
        Whether NaN goes in front of or behind the values.

    Returns
    -------
    ndarray of shape (n_samples, n_timesteps, n_features)
        float32 if every sequence is float32, else float64.

    Raises
    ------
    ValueError
        If a sequence has no timesteps, or another number of features than the first.
    TypeError
        If a sequence is not numeric.
    """  # noqa: E501
    if hasattr(sequences, "columns"):
        sequences = _join_cells(sequences)
    arrays = [_as_steps(sequence, k) for k, sequence in enumerate(sequences)]
    if not arrays:
        raise ValueError(
            "X is an empty list: 0 sequences came, a minimum of 1 is required."
        )
    n_features = arrays[0].shape[1]
    for k, array in enumerate(arrays):
        if array.shape[1] != n_features:
            _refuse_features(arrays, k)
    longest = max(len(array) for array in arrays)
    if n_timesteps is None:
        n_timesteps = longest
    elif longest > n_timesteps:
        raise ValueError(
            f"A sequence of X has {longest} timesteps, more than n_timesteps="
            f"{n_timesteps}."
        )
    single = all(array.dtype == np.float32 for array in arrays)
    stacked = np.full(
        (len(arrays), n_timesteps, n_features),
        np.nan,
        dtype=np.float32 if single else np.float64,
    )
    for row, array in zip(stacked, arrays, strict=True):
        if padding == "post":
            row[: len(array)] = array
        else:
            row[n_timesteps - len(array) :] = array
    return stacked


def _refuse_features(arrays: list[NDArray[Any]], k: int) -> NoReturn:
    message = (
        f"Sequence {k} of X has {arrays[k].shape[1]} features, but sequence 0 has "
        f"{arrays[0].shape[1]}. Every sequence must be an array of shape "
        "(n_timesteps, n_features) with the same n_features."
    )
    if len({len(array) for array in arrays}) == 1:
        message += (
            f" The first axis of all is {len(arrays[0])}: the axes look swapped, "
            "(n_features, n_timesteps), as sktime and aeon have them. If so, give "
            "[x.T for x in X]."
        )
    raise ValueError(message)


def _join_cells(frame: Any) -> list[NDArray[Any]]:
    """The rows of a data frame of sequences, as arrays (n_timesteps_i, n_features)."""
    columns = [list(frame[name]) for name in frame.columns]
    rows = []
    for k, cells in enumerate(zip(*columns, strict=True)):
        row = [np.asarray(cell) for cell in cells]
        if len({cell.shape for cell in row}) > 1 or row[0].ndim != 1:
            raise ValueError(
                f"The cells of row {k} of X have shapes "
                f"{', '.join(str(cell.shape) for cell in row)}. The cells of a row are "
                "the features of one sequence: each must have shape (n_timesteps_i,), "
                "the same in all columns."
            )
        rows.append(np.stack(row, axis=1))
    return rows


def _as_steps(sequence: Any, k: int) -> NDArray[Any]:
    """One sequence as a float array of shape (n_timesteps, n_features)."""
    try:
        array = np.asarray(sequence)
        if holds_dates(array):
            raise TypeError(f"it holds dates or durations (dtype {array.dtype})")
        if array.dtype.kind == "O":
            array = array.astype(np.float64)
        elif array.dtype.kind not in "fiub":
            raise TypeError(f"its dtype is {array.dtype}")
    except (TypeError, ValueError) as error:
        shapes = {_shape_of(step) for step in sequence} if _shape_of(sequence) else ()
        if len(shapes) > 1 and () not in shapes:
            raise ValueError(
                f"Sequence {k} of X is ragged itself: its timesteps have shapes "
                f"{', '.join(map(str, sorted(shapes)))}. Every timestep must have the "
                "same features; put NaN on all features of a timestep that is missing, "
                "and impute single ones."
            ) from error
        raise TypeError(
            f"Sequence {k} of X is not numeric: {error}. Every sequence must be an "
            "array of numbers of shape (n_timesteps,) or (n_timesteps, n_features)."
        ) from error
    if array.ndim == 1:
        array = array[:, None]
    if array.ndim != 2:
        raise ValueError(
            f"Sequence {k} of X has shape {array.shape}. Every sequence must have "
            "shape (n_timesteps,) or (n_timesteps, n_features)."
        )
    if len(array) == 0:
        raise ValueError(
            f"Sequence {k} of X is empty: it has 0 timesteps. Drop it from X and y; "
            "every sequence needs at least one timestep."
        )
    return array


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
        return _as_floats(batch.all_values())
    steps = _as_floats(batch.steps())
    n_kept = np.minimum(lengths, n_timesteps)
    n_dropped = lengths - n_kept if truncating == "pre" else np.zeros_like(n_kept)
    ranks = np.arange(len(steps)) - np.repeat(lengths.cumsum() - lengths, lengths)
    ranks -= np.repeat(n_dropped, lengths)
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


def _as_floats(values: NDArray[Any]) -> NDArray[Any]:
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
