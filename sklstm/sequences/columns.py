"""The columns of a table, whatever library holds it, and which of them hold dates."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklstm.messages import shown

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


def in_index(table: Any, key: Any) -> str:
    """What to do about a `key` that is no column, if the index of the table has it."""
    names = list(getattr(getattr(table, "index", None), "names", ()))
    if key not in names and len(names) < 2:
        return ""
    return (
        f" The index of its rows has {', '.join(map(shown, names))}: reset_index() "
        "makes columns of these."
    )


def _is_arrow(X: Any) -> bool:
    # Asked of the type: a frame of pandas has its columns for attributes.
    return hasattr(type(X), "column_names")
