"""Long tables: a row per sequence and time, to one array per sequence."""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_array

from sklstm.preprocessing.series import read_times
from sklstm.sequences.checks import listed, refuse_date_columns, refuse_lazy
from sklstm.sequences.columns import column_names, date_columns, in_index, one_column
from sklstm.sequences.missing import is_missing
from sklstm.sequences.ragged import is_ragged


def sequences_of_table(
    table: Any,
    id: str | int,
    time: str | int | None,
    *,
    elapsed: bool = False,
    static: Any = None,
) -> tuple[list[NDArray[Any]], NDArray[Any], NDArray[Any]]:
    """The sequences of a long table, the ids they belong to, and what is static.

    Parameters
    ----------
    table : data frame or array-like of shape (n_rows, n_columns)
        A row for every timestep of every sequence, in any order.
    id : str or int
        Name or number of the column that tells the sequences apart.
    time : str, int or None
        Name or number of the column to sort a sequence by; None keeps the order of
        the rows.
    elapsed : bool, default=False
        Whether the time elapsed since the timestep before takes the place of `time`
        among the features.
    static : list of str or int, default=None
        Names or numbers of columns that are the same in all rows of an id.

    Returns
    -------
    sequences : list of ndarray of shape (n_timesteps_i, n_features)
        The other columns. Rows that are all NaN are left out; single NaN stay.
    ids : ndarray of shape (n_sequences,)
        Sorted.
    values : ndarray of shape (n_sequences, n_static)
        Of the static columns, which are in no sequence.

    Raises
    ------
    ValueError
        If there is no such column, an id or a time is missing, a time occurs twice in
        a sequence, a value is infinite or no number, or a static one changes. The
        message says where.
    """
    refuse_lazy(table, "pad_sequences")
    table = _as_table(table)
    columns = _columns_of(table)
    id_name = _find_column(table, columns, "id", id)
    time_name = None if time is None else _find_column(table, columns, "time", time)
    if id_name == time_name:
        raise ValueError(
            f"id={id!r} and time={time!r} are the same column. Name one column that "
            "tells the sequences apart, and another that orders each of them."
        )
    static_names = [
        _find_column(table, columns, "static", key)
        for key in ([] if static is None else static)
    ]
    keys = {id_name, time_name}
    if keys & {*static_names}:
        raise ValueError(
            f"static={static!r} has a column of id or time, which are no features. "
            "Name columns that say something of an id and do not change."
        )
    features = {
        name: column
        for name, column in columns.items()
        if name not in keys | {*static_names}
    }
    ids, codes = _coded(columns[id_name], "id", id_name)
    order = np.argsort(codes, kind="stable")
    if time_name is not None:
        _refuse_text(columns[time_name], time_name)
        times, time_codes = _coded(columns[time_name], "time", time_name)
        order = np.lexsort((time_codes, codes))
        _refuse_duplicates(order, codes, time_codes, ids, times)
    refuse_date_columns(
        date_columns(table, [k for k, name in enumerate(columns) if name not in keys]),
        "pad_sequences",
        X="The table",
        instead="The column to sort by goes to time=. ",
    )
    values = _values_of(features) if features else np.empty((len(codes), 0))
    if features:
        order = order[~np.isnan(values[order]).all(axis=1)]
    elif not elapsed:
        raise ValueError(
            "The table has no column beside id and time. Every other column is a "
            "feature: it needs at least one."
        )
    lengths = np.bincount(codes[order], minlength=len(ids))
    if lengths.min() == 0:
        empty = np.flatnonzero(lengths == 0)
        raise ValueError(
            f"The sequence of id {_said(ids[empty[0]])} has no timestep with numbers: "
            f"its rows are NaN in all value columns ({len(empty)} such ids of "
            f"{len(ids)}). Drop these rows, and their targets from y."
        )
    steps = values[order]
    if elapsed:
        since = _elapsed(columns[time_name], order, codes)
        among = [name for name in columns if name in features or name == time_name]
        steps = np.insert(steps, among.index(time_name), since, axis=1)
    of_ids = _static_values({k: columns[k] for k in static_names}, codes, ids)
    return np.split(steps, lengths.cumsum()[:-1]), ids, of_ids


def _static_values(
    columns: dict[Any, Any], codes: NDArray[np.intp], ids: NDArray[Any]
) -> NDArray[Any]:
    """The only value of each column in the rows of each id; NaN if none is known."""
    static = np.full((len(ids), len(columns)), np.nan)
    if not columns:
        return static
    values = _values_of(columns)
    for k, name in enumerate(columns):
        known = np.flatnonzero(~np.isnan(values[:, k]))
        # Of several assignments to one place the last counts: the first row.
        static[codes[known[::-1]], k] = values[known[::-1], k]
        other = known[values[known, k] != static[codes[known], k]]
        if len(other):
            row = other[0]
            raise ValueError(
                f"The column {name!r} of static changes within id "
                f"{_said(ids[codes[row]])}: row {row} of the table has "
                f"{_said(values[row, k])}, a row before it "
                f"{_said(static[codes[row], k])}. Leave it out of static: what changes "
                "is a feature like the others."
            )
    return static


def _elapsed(
    column: Any, order: NDArray[np.intp], codes: NDArray[np.intp]
) -> NDArray[np.float64]:
    """From the row before in the same sequence, in seconds for dates; 0 at its start.

    Shape (n_ordered_rows,).
    """
    times, dates = read_times(column, 0, "pad_sequences")
    begins = np.diff(codes[order], prepend=-1) != 0
    since = np.diff(times[order], prepend=0).astype(np.float64)
    since[begins] = 0
    return since * 1e-9 if dates else since


def _as_table(table: Any) -> Any:
    """A data frame as it is, anything else as an array of two axes."""
    if not hasattr(table, "columns"):
        shape = "a list of sequences" if is_ragged(table) else np.shape(table)
        if isinstance(shape, str) or len(shape) != 2:
            raise ValueError(
                f"id names a column of a long table, a data frame or an array of shape "
                f"(n_rows, n_columns), but got {shape}. Leave id and time out for what "
                "is sequences already."
            )
        table = np.asarray(table)
    if not len(table):
        raise ValueError(
            "The table has 0 rows, a minimum of 1 is required. Nothing is left of it: "
            "see how its rows were selected."
        )
    return table


def _columns_of(table: Any) -> dict[Any, Any]:
    """Every column by name or number, each a table of its own."""
    names = column_names(table) or list(range(table.shape[1]))
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(
            f"The table has more than one column {twice!r}. Give every column a name "
            "of its own."
        )
    return {name: one_column(table, k) for k, name in enumerate(names)}


def _find_column(
    table: Any, columns: dict[Any, Any], parameter: str, column: Any
) -> Any:
    names = list(columns)
    if column in names:
        return column
    if isinstance(column, int) and -len(names) <= column < len(names):
        return names[column]
    raise ValueError(
        f"{parameter}={column!r} is no column of the table. Choose the name or number "
        f"of one of its {len(names)} columns: {listed(names)}.{in_index(table, column)}"
    )


def _coded(
    column: Any, parameter: str, name: Any
) -> tuple[NDArray[Any], NDArray[np.intp]]:
    """The sorted values of a column, and the place of each row's value in them."""
    values = np.asarray(column)[:, 0]
    missing = np.flatnonzero(is_missing(values))
    if len(missing):
        raise ValueError(
            f"The {parameter} column {name!r} is missing in row {missing[0]} of the "
            f"table ({len(missing)} such rows of {len(values)}). Fill it in, or drop "
            "these rows."
        )
    try:
        unique, codes = np.unique(values, return_inverse=True)
    except TypeError as error:
        raise ValueError(
            f"The {parameter} column {name!r} holds values that cannot be sorted: "
            f"{error}. Make them all numbers, all text or all times."
        ) from error
    return unique, codes.reshape(-1)


def _refuse_text(column: Any, name: Any) -> None:
    values = np.asarray(column)[:, 0]
    if values.dtype.kind in "US" or any(isinstance(value, str) for value in values):
        raise ValueError(
            f"The time column {name!r} holds text, in which '10' comes before '9'. "
            "Make it numbers or dates first, for example with pandas.to_datetime."
        )


def _refuse_duplicates(
    order: NDArray[np.intp],
    codes: NDArray[np.intp],
    time_codes: NDArray[np.intp],
    ids: NDArray[Any],
    times: NDArray[Any],
) -> None:
    before, after = order[:-1], order[1:]
    same = (codes[before] == codes[after]) & (time_codes[before] == time_codes[after])
    if not same.any():
        return
    first, second = before[same][0], after[same][0]
    raise ValueError(
        f"The sequence of id {_said(ids[codes[first]])} has time "
        f"{_said(times[time_codes[first]])} twice, in rows {first} and {second} of the "
        f"table counted from 0 ({same.sum()} rows repeat a time of their id). Drop or "
        "average the repeated rows, or let id tell their sequences apart."
    )


def _said(value: Any) -> str:
    """A value of the table as a message shows it, without its NumPy type."""
    if isinstance(value, np.generic) and value.dtype.kind not in "Mm":
        value = value.item()
    return repr(value) if isinstance(value, str) else str(value)


def _values_of(features: dict[Any, Any]) -> NDArray[Any]:
    """The value columns as floats; infinity is refused."""
    columns = []
    for name, column in features.items():
        try:
            numbers = check_array(column, dtype="numeric", ensure_all_finite=False)
            if numbers.dtype.kind not in "fiub":
                numbers = numbers.astype(np.float64)
        except (TypeError, ValueError) as error:
            reason = str(error).partition("\n")[0]  # all values follow, if complex
            raise ValueError(
                f"Column {name!r} of the table holds values that are no numbers: "
                f"{reason}. Leave it out, or encode it first, for example with "
                "sklearn.preprocessing.OneHotEncoder."
            ) from error
        columns.append(numbers)
    values = np.concatenate(columns, axis=1)
    if values.dtype not in (np.float32, np.float64):
        values = values.astype(np.float64)
    infinite = np.isinf(values)
    if infinite.any():
        _refuse_infinity(infinite, list(features))
    return values


def _refuse_infinity(infinite: NDArray[np.bool_], names: list[Any]) -> NoReturn:
    row, k = (int(place) for place in np.argwhere(infinite)[0])
    raise ValueError(
        f"The value of column {names[k]!r} in row {row} of the table is infinite "
        f"({infinite.sum()} such values). Replace it, or make it NaN, a missing value "
        "that SequenceImputer fills in."
    )
