"""Lengths and padding of an array of sequences; what is no number is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklstm.sequences.axes import padded_along_features
from sklstm.sequences.batch import SequenceBatch, chunks, valid_steps
from sklstm.sequences.lazy_arrays import SequenceArray, read_rows
from sklstm.sequences.windows import Windows, count_steps, lengths_of, windows_of

SWAPPED = (
    "Or these NaN are padding, and the last two axes of X are swapped: (n_samples, "
    'n_features, n_timesteps) is what SequencePadder(layout="channels_first") reads.'
)


def read_sequences(
    values: SequenceArray, *, allow_missing: bool = False
) -> SequenceBatch:
    """Find lengths and padding of a 3D array, and refuse what is not a number.

    Parameters
    ----------
    values : array-like of shape (n_samples, n_timesteps, n_features)
        Numbers; a timestep whose features are all NaN is padding.
    allow_missing : bool, default=False
        Whether NaN may stand beside numbers, for those who impute it.

    Returns
    -------
    SequenceBatch

    Raises
    ------
    ValueError
        If a value is infinite or too large for float32, if only some features of a
        timestep are NaN, unless that is allowed, or if a sample is nothing but
        padding. The message says where.
    """
    windows = windows_of(values)
    if windows is None:
        lengths, right_padded = _read_steps(values, allow_missing)
    else:
        lengths, right_padded = _read_windows(values, windows, allow_missing)
    n_samples = len(lengths)
    if n_samples and lengths.min() == 0:
        empty = np.flatnonzero(lengths == 0)
        raise ValueError(
            f"Sample {empty[0]} of X is nothing but padding: all its timesteps are "
            f"NaN ({len(empty)} such samples of {n_samples}). Every sample needs at "
            "least one timestep with numbers; drop these rows from X and y."
        )
    return SequenceBatch(values, lengths, right_padded)


def _read_steps(
    values: SequenceArray, allow_missing: bool
) -> tuple[NDArray[np.intp], bool]:
    """Lengths, and whether all valid steps stand in front, from all the steps."""
    n_samples, n_timesteps, n_features = values.shape
    lengths = np.full(n_samples, n_timesteps, dtype=np.intp)
    right_padded = True
    for rows in chunks(n_samples, n_timesteps * n_features * 4):
        lengths[rows], in_front = _read_chunk(values, rows, allow_missing)
        right_padded &= in_front
    return lengths, right_padded


def _read_chunk(
    values: SequenceArray, rows: slice, allow_missing: bool
) -> tuple[NDArray[np.intp] | int, bool]:
    """The same of some samples; the chunk is gone before the next is read."""
    with np.errstate(over="ignore"):
        chunk = read_rows(values, rows, np.float32)
    n_timesteps = chunk.shape[1]
    finite = np.isfinite(chunk)
    if finite.all():
        return n_timesteps, True
    padding = ~valid_steps(chunk)
    offending = _offending(chunk, ~padding, allow_missing)
    _refuse_non_finite(values, rows.start, offending)
    lengths = n_timesteps - padding.sum(axis=1)
    in_front = np.arange(n_timesteps) < lengths[:, None]
    return lengths, bool(np.array_equal(in_front, ~padding))


def _read_windows(
    values: SequenceArray, windows: Windows, allow_missing: bool
) -> tuple[NDArray[np.intp], bool]:
    """The same from the rows of the table, each of which is in many windows."""
    n_rows, n_features = windows.table.shape
    valid = np.empty(n_rows, dtype=bool)
    offending = np.empty(n_rows, dtype=bool)
    for rows in chunks(n_rows, n_features * 4):
        with np.errstate(over="ignore"):
            chunk = np.asarray(windows.table[rows], dtype=np.float32)
        valid[rows] = ~np.isnan(chunk).all(axis=1)
        offending[rows] = _offending(chunk, valid[rows], allow_missing).any(axis=1)
    if offending.any():
        for sample in np.flatnonzero(count_steps(offending, windows, windows.n_steps))[
            :1
        ]:
            with np.errstate(over="ignore"):
                window = np.asarray(values[sample : sample + 1], dtype=np.float32)
            wrong = _offending(window, valid_steps(window), allow_missing)
            _refuse_non_finite(values, int(sample), wrong)
    return lengths_of(windows, valid)


def _offending(
    values: NDArray[Any], valid: NDArray[np.bool_], allow_missing: bool
) -> NDArray[np.bool_]:
    """Which values of the valid timesteps are not what they may be."""
    if allow_missing:
        return np.isinf(values)  # never in padding, which is NaN
    offending: NDArray[np.bool_] = ~np.isfinite(values) & valid[..., None]
    return offending


def _refuse_non_finite(
    values: SequenceArray, first_row: int, offending: NDArray[np.bool_]
) -> None:
    if not offending.any():
        return
    row, step, feature = (int(k) for k in np.argwhere(offending)[0])
    sample = np.asarray(values[first_row + row])
    value = sample[step, feature]
    where = f"sample {first_row + row}, timestep {step}, feature {feature}"
    if np.isnan(value):
        raise ValueError(
            f"X contains NaN in only some features of a timestep ({where}). A "
            "timestep whose features are all NaN is padding; NaN beside numbers is a "
            "missing value. Put SequenceImputer behind the step that makes the "
            "sequences, or impute the rows before, for example with "
            "sklearn.impute.SimpleImputer."
            + f" {SWAPPED}"
            * padded_along_features(sample)
        )
    raise ValueError(
        f"X contains infinity or a value too large for float32 ({where}: {value}). "
        "Replace or drop it, or scale the features first."
    )
