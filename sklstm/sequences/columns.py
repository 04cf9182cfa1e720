"""The columns of a table, whatever library holds it, and which of them hold dates."""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Collection, Iterable
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import validate_data

from sklstm.base.messages import listed, shown

_DATES = (
    datetime.date,
    datetime.time,
    datetime.timedelta,
    np.datetime64,
    np.timedelta64,
)


def column_names(X: Any) -> list[Any] | None:
    """The names of the columns of a data frame, None for an array."""
    if _is_arrow(X):
        return list(X.column_names)
    return list(X.columns) if hasattr(X, "columns") else None


def one_column(X: Any, k: int) -> Any:
    """A table of the column at a position, in the library of X."""
    if hasattr(X, "iloc"):
        return X.iloc[:, [k]]
    return X.select([k]) if _is_arrow(X) else X[:, [k]]


def cells_of(frame: Any, k: int) -> Any:
    """The cells of the column at a position, to iterate over; of pyarrow's, objects."""
    if _is_arrow(frame):
        return np.asarray(frame.column(k))
    return frame.iloc[:, k] if hasattr(frame, "iloc") else frame[:, k]


def names_alone(frame: Any) -> Any:
    """A data frame of these columns in which scikit-learn finds their names.

    It does not look for any in frames of dask and record batches of pyarrow.
    """
    if _is_arrow(frame):
        return frame.schema.empty_table()
    return frame.columns.to_frame().T if hasattr(frame, "compute") else frame


def with_names(X: Any) -> Any:
    """A table, of which scikit-learn finds the names of the columns if it has any."""
    if not hasattr(X, "columns"):
        return X
    if _is_arrow(X) and not hasattr(X, "to_batches"):
        return type(X.schema.empty_table()).from_batches([X])
    return X


def holds_dates(values: NDArray[Any]) -> bool:
    """Whether values are dates, times or durations, or objects with one among them."""
    if values.dtype == object:
        return any(isinstance(value, _DATES) for value in values.flat)
    return values.dtype.kind in "Mm"


def date_columns(
    X: Any, positions: Iterable[int] | None = None
) -> dict[Any, np.dtype[Any]]:
    """The columns of a table that hold dates: their types by name, or by number.

    Parameters
    ----------
    X : data frame or array of shape (n_rows, n_columns)
    positions : iterable of int, default=None
        Of the columns to look at; None is all.
    """
    names = column_names(X)
    dtypes = list(getattr(X, "dtypes", ())) or [None] * X.shape[1]
    found = {}
    for k in range(X.shape[1]) if positions is None else positions:
        # pandas' types say it without a look at the values, of which there may be many.
        if getattr(dtypes[k], "kind", "O") in "fiub":
            continue
        column = np.asarray(one_column(X, k))
        if holds_dates(column):
            found[k if names is None else names[k]] = column.dtype
    return found


def in_index(table: object, key: object) -> str:
    """What to do about a `key` that is no column, if the index of the table has it."""
    names = list(getattr(getattr(table, "index", None), "names", ()))
    if key not in names and len(names) < 2:
        return ""
    return (
        f" The index of its rows has {', '.join(map(shown, names))}: reset_index() "
        "makes columns of these."
    )


def _is_arrow(X: object) -> bool:
    # Asked of the type: a frame of pandas has its columns for attributes.
    return hasattr(type(X), "column_names")


def column_mask(
    parameter: str, keys: object, n_columns: int, names: list[Any] | None
) -> NDArray[np.bool_]:
    """Which columns a parameter gives by indices, names or a boolean mask.

    Parameters
    ----------
    parameter : str
        Its name, for messages.
    keys : array-like of int, str or bool
    n_columns : int
    names : list or None
        Of all columns, if they have any.

    Returns
    -------
    ndarray of shape (n_columns,), bool

    Raises
    ------
    ValueError
        If there is no such column, or the mask has another length.
    """
    given = np.asarray(keys)
    mask = np.zeros(n_columns, dtype=bool)
    if given.dtype.kind == "b" and given.shape == (n_columns,):
        return given.copy()
    if given.dtype.kind in "iu" and given.ndim == 1:
        outside = given[(given < -n_columns) | (given >= n_columns)]
        if not len(outside):
            mask[given] = True
            return mask
        raise ValueError(
            f"{parameter}={shown(keys)} has {outside[0]}, which is no column of X: it "
            f"has {n_columns}. Give indices from 0 to {n_columns - 1}."
        )
    if given.ndim == 1 and all(isinstance(key, str) for key in given):
        return _mask_of_names(parameter, keys, mask, names)
    raise ValueError(
        f"{parameter}={shown(keys)} does not tell columns. Give a list of their "
        "indices or "
        f"names, or a mask with True or False for each of the {n_columns} columns of X."
    )


def _mask_of_names(
    parameter: str, keys: Any, mask: NDArray[np.bool_], names: list[Any] | None
) -> NDArray[np.bool_]:
    for key in keys:
        if names is None:
            raise ValueError(
                f"{parameter}={shown(keys)} names columns, but those of X have no "
                "names, or not all are strings. Give indices, or X as a data frame."
            )
        if key not in names:
            raise ValueError(
                f"{parameter}={shown(keys)} has {shown(key)}, which is no column of "
                f"X: it has {listed(names)}."
            )
        mask[names.index(key)] = True
    return mask


def check_step_names(estimator: BaseEstimator, X: object, *, reset: bool) -> None:
    """Set or compare `feature_names_in_`, as scikit-learn does it for a table.

    Parameters
    ----------
    estimator : estimator instance
        Fitted on a table it has the names of timesteps, with which nothing is compared.
    X : data frame whose cells are sequences, collection of sequences, or None
        Names have the features of a frame, or of a collection of nothing but frames. In
        others, frames must have the fitted names, too. None is X without names.
    reset : bool

    Raises
    ------
    ValueError
        If the names are not those of `fit`, or are not unique.
    TypeError
        If only some names are strings.
    """
    if not reset and estimator._fitted_on_table:
        return
    frame, names_all = _first_frame(X)
    if frame is not None:
        refuse_duplicates(frame, type(estimator).__name__, "A data frame in X", "frame")
        frame = names_alone(frame)
    checks = {"reset": reset, "skip_check_array": True, "ensure_2d": False}
    if frame is not None and not names_all and not reset:
        validate_data(estimator, frame, **checks)
    validate_data(estimator, frame if names_all else None, **checks)


def refuse_other_columns(sequences: Collection[Any], X: str = "X") -> None:
    """Require that all data frames of a collection have the columns of the first.

    Where no name is a string and all of them differ, as of columns that were cut out of
    a larger table by their numbers, they are no names of features.

    Parameters
    ----------
    sequences : collection of array-like
    X : str, default="X"
        What they are called.

    Raises
    ------
    ValueError
        If there are others, or they come in another order.
    """
    if not _has_frames(sequences):
        return
    first, expected = 0, None
    for k, sequence in enumerate(sequences):
        names = column_names(sequence)
        if names is None or names == expected:
            continue
        if expected is None:
            first, expected = k, names
        elif _has_strings(names + expected) or not set(names).isdisjoint(expected):
            raise ValueError(_different(names, expected, (k, first), X))


def all_strings(names: Iterable[Any]) -> bool:
    """Whether they are what scikit-learn remembers as names."""
    return all(isinstance(name, str) for name in names)


def _has_strings(names: Iterable[Any]) -> bool:
    return any(isinstance(name, str) for name in names)


def _different(
    names: list[Any], expected: list[Any], places: tuple[int, int], X: str
) -> str:
    message = (
        f"Sequence {places[0]} of {X} has the columns {shown(names)}, but "
        f"sequence {places[1]} has {shown(expected)}"
    )
    pairs = enumerate(zip(names, expected, strict=False))
    k = next((k for k, (name, other) in pairs if name != other), 0)
    if shown(names) == shown(expected):  # the first of many
        message += f" (column {k} is {shown(names[k])} and {shown(expected[k])})"
    if set(names) == set(expected):
        return (
            f"{message}: features would change places. Give all frames their columns "
            "in one order, by frame[columns], or by frame.select(columns) of pyarrow."
        )
    return (
        f"{message}. Columns are features, and other names are other features: rename "
        "those that are the same, or give arrays, which have no names."
    )


def _first_frame(X: Any) -> tuple[Any, bool]:
    """The first data frame, or None, and whether all sequences are frames."""
    if X is None or hasattr(X, "columns"):
        return X, X is not None
    if not _has_frames(X):
        return None, False
    are_frames = [hasattr(sequence, "columns") for sequence in X]
    return list(X)[are_frames.index(True)], all(are_frames)


def _has_frames(sequences: Collection[Any]) -> bool:
    """Whether there are data frames among them: thousands are mostly of one type."""
    return any(hasattr(kind, "columns") for kind in set(map(type, sequences)))


def refuse_duplicates(
    table: object, reader: str, what: str = "X", called: str = "X"
) -> None:
    """Refuse a table with columns of the same name.

    Parameters
    ----------
    table : data frame, or anything without columns
    reader : str
        Of the class or function that was given it, for messages.
    what : str, default="X"
        What it is.
    called : str, default="X"
        Its name in code.

    Raises
    ------
    ValueError
        If columns of a data frame have the same name.
    """
    names = column_names(table)
    if names is None or len({*names}) == len(names):
        return
    twice = [name for name, n in Counter(names).items() if n > 1]
    raise ValueError(
        f"{what} has several columns named {listed(twice)}, but "
        f"{reader} tells columns apart by their names. Rename them, or drop those "
        "that were meant to be there once: "
        f"{called}.loc[:, ~{called}.columns.duplicated()]. An array has no names."
    )


def is_key(groups: Any) -> bool:
    """Whether it is the name or index of a column."""
    return isinstance(groups, (str, Integral))


def find_column(parameter: str, key: Any, X: Any, names: list[Any] | None) -> int:
    """The position of a column that a parameter gives by name or index.

    Text is a name, a number always an index, even if names are numbers.

    Raises
    ------
    ValueError
        If there is no such column.
    """
    n_columns = X.shape[1]
    if isinstance(key, str):
        if names is None:
            raise ValueError(
                f"{parameter}={shown(key)} names a column, but X is an array of shape "
                f"{tuple(X.shape)} without column names. Give the index of the column, "
                "or X as a data frame."
            )
        if key in names:
            return names.index(key)
        raise ValueError(
            f"{parameter}={shown(key)} is no column of X, which has {listed(names)}. "
            "Name "
            f"one of these, or give its index.{in_index(X, key)}{_prefixed(key, names)}"
        )
    if -n_columns <= key < n_columns:
        return int(key) % n_columns
    raise ValueError(
        f"{parameter}={shown(key)} is no column of X, which has {n_columns} (shape "
        f"{tuple(X.shape)}). Give an index from 0 to {n_columns - 1}."
    )


def _prefixed(key: str, names: list[Any]) -> str:
    """What to do if a ColumnTransformer put the name of a step in front of `key`."""
    found = [name for name in names if str(name).endswith(f"__{key}")]
    if not found:
        return ""
    return (
        f" A ColumnTransformer has named it {shown(found[0])}: give that name, or set "
        "verbose_feature_names_out=False there."
    )
