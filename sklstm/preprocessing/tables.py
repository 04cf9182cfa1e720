"""Long tables: a row for every timestep of every sequence, to one array a sequence."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklstm.messages import said, shown
from sklstm.preprocessing.columns import Columns, find_column
from sklstm.preprocessing.elapsed import elapsed_times
from sklstm.preprocessing.observations import Observations
from sklstm.preprocessing.series import check_index, check_times, shown_label
from sklstm.sequences.checks import plain_input
from sklstm.sequences.columns import column_names
from sklstm.sequences.ragged import is_ragged
from sklstm.sequences.windows import SeriesOrder

NAME = "pad_sequences"


def sequences_of_table(
    table: Any,
    groups: Any,
    time: str | int | None,
    *,
    elapsed: bool = False,
    static: Any = None,
) -> tuple[list[NDArray[Any]], NDArray[Any], NDArray[Any]]:
    """The sequences of a long table, what tells them apart, and what is static.

    Parameters
    ----------
    table : data frame or array-like of shape (n_rows, n_columns)
        A row for every timestep of every sequence, in any order.
    groups : str, int, callable or array-like of shape (n_rows,)
        The sequence of each row: a column, a function of the table, or labels.
    time : str, int or None
        Name or index of the column to sort a sequence by; None keeps the order of the
        rows.
    elapsed : bool, default=False
        Whether the time elapsed since the timestep before takes the place of `time`
        among the features.
    static : list of str or int, default=None
        Names or indices of columns that are the same in all rows of a group.

    Returns
    -------
    sequences : list of ndarray of shape (n_timesteps_i, n_features)
        The other columns. Rows that are all NaN are left out; single NaN stay.
    labels : ndarray of shape (n_sequences,)
        Sorted.
    values : ndarray of shape (n_sequences, n_static)
        Of the static columns, which are in no sequence.

    Raises
    ------
    ValueError
        If there is no such column, a label or a time is missing, a time occurs twice
        in a sequence, a value is infinite or no number, or a static one changes. The
        message says where.
    """
    table = _as_table(plain_input(table, NAME))
    columns = Columns.of(table, groups, time)
    fixed = _static_features(table, columns, static)
    varying = [k for k in range(len(columns.features)) if k not in fixed]
    if not varying and not elapsed:
        raise ValueError(
            "The table has no column beside those of groups and time. Every other "
            "column is a feature: it needs at least one."
        )
    rows = Observations.read(table, columns, groups, NAME)
    labels, codes = _sorted_labels(rows)
    order = _sorted_rows(table, rows, codes)
    _refuse_infinity(rows.values, columns)
    steps = rows.values[:, varying]
    if varying:
        order = order[~np.isnan(steps[order]).all(axis=1)]
    lengths = np.bincount(codes[order], minlength=len(labels))
    if lengths.min() == 0:
        empty = np.flatnonzero(lengths == 0)
        raise ValueError(
            f"The sequence of group {shown_label(labels[empty[0]])} has no timestep "
            f"with numbers: its rows are NaN in all value columns ({len(empty)} such "
            f"groups of {len(labels)}). Drop these rows, and their targets from y."
        )
    steps = steps[order]
    if elapsed and columns.elapsed is not None:
        place = sum(k < columns.elapsed for k in varying)
        assert rows.times is not None
        since = elapsed_times(
            rows.times.at(order),
            SeriesOrder.of(codes[order]),
            np.ones(len(order), dtype=bool),
        )
        steps = np.insert(steps, place, since, axis=1)
    names = [columns.names[columns.features[k]] for k in fixed]
    of_groups = _static_values(rows.values[:, fixed], names, codes, labels)
    return np.split(steps, lengths.cumsum()[:-1]), labels, of_groups


def _static_features(table: Any, columns: Columns, static: Any) -> list[int]:
    """Which of the features are static, in the order in which they are given."""
    names = column_names(table)
    found = [
        find_column("static", key, table, names)
        for key in ([] if static is None else static)
    ]
    if {columns.group, columns.time} & {*found}:
        raise ValueError(
            f"static={shown(static)} has a column of groups or time, which are no "
            "features. Name columns that say something of a group and do not change."
        )
    return [columns.features.index(k) for k in found]


def _static_values(
    values: NDArray[Any],
    names: list[str],
    codes: NDArray[np.intp],
    labels: NDArray[Any],
) -> NDArray[Any]:
    """The only value of each column in the rows of each group; NaN if none is known."""
    static = np.full((len(labels), len(names)), np.nan)
    for k, name in enumerate(names):
        known = np.flatnonzero(~np.isnan(values[:, k]))
        # Of several assignments to one place the last counts: the first row.
        static[codes[known[::-1]], k] = values[known[::-1], k]
        other = known[values[known, k] != static[codes[known], k]]
        if len(other):
            row = other[0]
            raise ValueError(
                f"The column {shown(name)} of static changes within group "
                f"{shown_label(labels[codes[row]])}: row {row} of the table has "
                f"{shown_label(values[row, k])}, a row before it "
                f"{shown_label(static[codes[row], k])}. Leave it out of static: what "
                "changes is a feature like the others."
            )
    return static


def _as_table(table: Any) -> Any:
    """A data frame as it is, anything else as an array of two axes."""
    if not hasattr(table, "columns"):
        shape = "a list of sequences" if is_ragged(table) else np.shape(table)
        if isinstance(shape, str) or len(shape) != 2:
            raise ValueError(
                f"groups tells the rows of a long table apart, a data frame or an "
                f"array of shape (n_rows, n_columns), but got {shape}. Leave groups "
                "and time out for what is sequences already."
            )
        if not hasattr(table, "shape"):
            # As objects, numbers stay numbers beside text, and large integers exact.
            table = np.asarray(table, dtype=object)
        table = np.asarray(table)
    if not len(table):
        raise ValueError(
            "The table has 0 rows, a minimum of 1 is required. Nothing is left of it: "
            "see how its rows were selected."
        )
    return table


def _sorted_labels(rows: Observations) -> tuple[NDArray[Any], NDArray[np.intp]]:
    """The labels of the sequences, and the place of each row's label in them."""
    assert rows.labels is not None
    try:
        labels, codes = np.unique(rows.labels, return_inverse=True)
    except TypeError as error:
        raise ValueError(
            f"groups holds labels that cannot be sorted: {said(error)}. Make them all "
            "numbers, all text or all times."
        ) from error
    return labels, codes


def _sorted_rows(
    table: Any, rows: Observations, codes: NDArray[np.intp]
) -> NDArray[np.intp]:
    """The rows by sequence, and within one by time or as they stand."""
    if rows.times is None:
        check_index(table, SeriesOrder.of(codes), rows.labels, NAME)
        return np.argsort(codes, kind="stable")
    order = np.lexsort((rows.times.ticks, codes))
    check_times(rows.times, order, codes, rows.labels)
    return order


def _refuse_infinity(values: NDArray[Any], columns: Columns) -> None:
    infinite = np.isinf(values)
    if not infinite.any():
        return
    row, k = (int(place) for place in np.argwhere(infinite)[0])
    raise ValueError(
        f"The value of column {shown(columns.names[columns.features[k]])} in row "
        f"{row} of "
        f"the table is infinite ({infinite.sum()} such values). Replace it, or make it "
        "NaN, a missing value that SequenceImputer fills in."
    )
