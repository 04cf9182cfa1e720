"""Sequences of unequal length: lists, containers of sequences, frames of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from sklstm.base.messages import said
from sklstm.sequences.codes import is_marked_as_codes, marked_as_codes
from sklstm.sequences.columns import (
    cells_of,
    column_names,
    holds_dates,
    refuse_other_columns,
)
from sklstm.sequences.containers import (
    as_numbers,
    from_arrow,
    is_arrow_array,
    is_missing,
    is_missing_value,
    plain,
    without_na,
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
    if is_arrow_array(X):
        X = from_arrow(X)
    if not is_list and len(getattr(X, "shape", ())) != 1:
        return False
    if len(X) == 0:
        return is_list
    first = _first_sequence(X)
    if not is_list and not shape_of(first):
        return False
    shapes = {shape_of(sequence) for sequence in X}
    if len(shapes) > 1 or shapes == {(0,)}:
        return True
    n_axes = len(shapes.pop())
    return n_axes == 2 or (n_axes == 1 and (not is_list or hasattr(first, "shape")))


def arrays_of(
    values: object, name: str, reader: str
) -> NDArray[Any] | list[NDArray[Any]]:
    """What was given for every sample or timestep: an array, or a list of arrays.

    Parameters
    ----------
    values : array-like, or any collection of sequences
    name : str
        Of the argument, for messages.
    reader : str
        Of the class or function that was given it, for messages.

    Returns
    -------
    ndarray or list of ndarray
        A list, with an array for every sequence, if they are a collection of them.

    Raises
    ------
    ValueError
        As :func:`~sklstm.sequences.containers.plain`, and if sequences are data frames
        of different columns.
    """
    given = plain(values, name, reader)
    if not is_ragged(given):
        return without_na(np.asarray(given))
    if hasattr(given, "columns"):
        return _join_cells(given)
    refuse_other_columns(given, name)
    return [np.asarray(sequence) for sequence in given]


def _has_nested_cells(frame: Any) -> bool:
    """Whether the cells of a data frame are sequences."""
    if not len(frame) or not column_names(frame):
        return False
    column = cells_of(frame, 0)
    if len(getattr(column, "shape", ())) != 1:
        return False
    return bool(shape_of(_first_sequence(column)))


def _first_sequence(values: Any) -> Any:
    """The first of objects that is not missing: it tells what the others are."""
    if getattr(getattr(values, "dtype", None), "kind", "O") in "fiubcMm":
        return next(iter(values))
    known = (value for value in values if not is_missing_value(value))
    return next(known, None)


def shape_of(sequence: Any) -> tuple[int, ...]:
    """The axes of an array or of nested lists, as far as the first items tell."""
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
        If a sequence has no timesteps, or another number of features than the first;
        if one is a data frame whose columns are not those of the first.
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
    refuse_other_columns(sequences)
    longest = max(len(array) for array in arrays)
    if n_timesteps is None:
        n_timesteps = longest
    elif longest > n_timesteps:
        raise ValueError(
            f"A sequence of X has {longest} timesteps, more than n_timesteps="
            f"{n_timesteps}."
        )
    single = all(array.dtype == np.float32 for array in arrays)
    dtype = np.dtype(np.float32 if single else np.float64)
    if is_marked_as_codes(arrays[0]):
        dtype = marked_as_codes(dtype)
    stacked = np.full((len(arrays), n_timesteps, n_features), np.nan, dtype=dtype)
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
            '[x.T for x in X], or put SequencePadder(layout="channels_first") in front.'
        )
    raise ValueError(message)


def _join_cells(frame: object) -> list[NDArray[Any]]:
    """The rows of a data frame of sequences, as arrays (n_timesteps_i, n_features)."""
    n_columns = len(column_names(frame) or ())
    columns = [list(cells_of(frame, k)) for k in range(n_columns)]
    rows = []
    for k, cells in enumerate(zip(*columns, strict=True)):
        row = [np.asarray(cell) for cell in cells]
        if all(cell.ndim == 0 and is_missing(cell).all() for cell in row):
            rows.append(row[0])
            continue
        if len({cell.shape for cell in row}) > 1 or row[0].ndim != 1:
            raise ValueError(
                f"The cells of row {k} of X have shapes "
                f"{', '.join(str(cell.shape) for cell in row)}. The cells of a row are "
                "the features of one sequence: each must have shape (n_timesteps_i,), "
                "the same in all columns."
            )
        rows.append(np.stack(row, axis=1))
    return rows


def _as_steps(sequence: object, k: int) -> NDArray[Any]:
    """One sequence as a float array of shape (n_timesteps, n_features)."""
    try:
        array = np.asarray(sequence)
        if holds_dates(array):
            raise TypeError(f"it holds dates or durations (dtype {array.dtype})")
        if array.dtype.kind == "O":
            array = as_numbers(array)
        elif array.dtype.kind not in "fiub":
            raise TypeError(f"its dtype is {array.dtype}")
    except (TypeError, ValueError) as error:
        _refuse_steps(sequence, k, error)
    if array.ndim == 1:
        array = array[:, None]
    if array.ndim == 0 and is_missing(array).all():
        raise ValueError(
            f"Sequence {k} of X is missing: in its place stands {sequence!s}. Drop it "
            "from X and y; every sequence needs at least one timestep."
        )
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


def _refuse_steps(sequence: Any, k: int, error: Exception) -> NoReturn:
    """Say why a sequence is no array of numbers."""
    shapes = {shape_of(step) for step in sequence} if shape_of(sequence) else set()
    if len(shapes) > 1 and () not in shapes:
        raise ValueError(
            f"Sequence {k} of X is ragged itself: its timesteps have shapes "
            f"{', '.join(map(str, sorted(shapes)))}. Every timestep must have the "
            "same features; put NaN on all features of a timestep that is missing, "
            "and impute single ones."
        ) from error
    values = np.asarray(sequence, dtype=object).flat
    is_text = any(isinstance(value, (str, bytes)) for value in values)
    raise TypeError(
        f"Sequence {k} of X is not numeric: {said(error)}. Every sequence must be "
        "an array of numbers of shape (n_timesteps,) or (n_timesteps, n_features)."
        + " SequenceTokenizer makes codes of lists of tokens."
        * is_text
    ) from error
