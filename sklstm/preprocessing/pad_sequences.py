"""Sequences of unequal length, or a long table of them, as one array: pad_sequences."""

from __future__ import annotations

from typing import Any, Literal, overload

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_array

from sklstm.base.messages import said, shown
from sklstm.base.parameters import (
    in_our_words,
    validate_parameter_constraints,
)
from sklstm.preprocessing.labels import shown_label
from sklstm.preprocessing.padder import SequencePadder
from sklstm.preprocessing.panel import Columns, Observations
from sklstm.preprocessing.series import (
    SeriesOrder,
    elapsed_times,
)
from sklstm.preprocessing.wide_table import join_static
from sklstm.sequences.checks import plain_input, saying_what_to_do
from sklstm.sequences.columns import column_names, find_column
from sklstm.sequences.ragged import is_ragged


@overload
def pad_sequences(
    sequences: Any,
    n_timesteps: int | None = None,
    *,
    groups: None = None,
    time: None = None,
    elapsed: bool = False,
    static: Any = None,
    padding: Literal["pre", "post"] = "post",
    truncating: Literal["pre", "post", "raise"] = "post",
    layout: Literal["channels_last", "channels_first"] = "channels_last",
) -> NDArray[Any]: ...


@overload
def pad_sequences(
    sequences: Any,
    n_timesteps: int | None = None,
    *,
    groups: Any,
    time: str | int | None = None,
    elapsed: bool = False,
    static: Any = None,
    padding: Literal["pre", "post"] = "post",
    truncating: Literal["pre", "post", "raise"] = "post",
    layout: Literal["channels_last", "channels_first"] = "channels_last",
) -> tuple[NDArray[Any], NDArray[Any]]: ...


@in_our_words
def pad_sequences(
    sequences: Any,
    n_timesteps: int | None = None,
    *,
    groups: Any = None,
    time: str | int | None = None,
    elapsed: bool = False,
    static: Any = None,
    padding: Literal["pre", "post"] = "post",
    truncating: Literal["pre", "post", "raise"] = "post",
    layout: Literal["channels_last", "channels_first"] = "channels_last",
) -> NDArray[Any] | tuple[NDArray[Any], NDArray[Any]]:
    """Stack sequences of unequal length into one array, padding with NaN.

    Parameters
    ----------
    sequences : list of array-like, 2D or 3D array-like, or a long table
        Sequences of shape (n_timesteps_i,) or (n_timesteps_i, n_features), in a list,
        an object array or a Series; or a data frame whose columns are features and
        whose cells are sequences. A table is `n_columns` timesteps of one feature,
        or, with `groups`, a row for every timestep of every sequence. A timestep whose
        features are all NaN is padding and is taken out first.
    n_timesteps : int, default=None
        Length of every sequence in the result. None means that of the longest.
    groups : str, int, callable or array-like of shape (n_rows,), default=None
        What tells the sequences of a long table apart: name or index of a column, a
        function of the table, or the labels themselves. All columns but this and `time`
        are features. A number is an index, even if the columns have numbers for names.
    time : str or int, default=None
        Name or index of the column of a long table by which a sequence is sorted:
        numbers or dates. None keeps the order of the rows.
    elapsed : bool, default=False
        Whether a feature takes the place of `time`: the difference to the previous
        timestep of the sequence, in seconds for dates, 0 in its first.
    static : array-like of shape (n_samples, n_static) or list, default=None
        What does not change over time: one row for every sequence or, with `groups`,
        the names or indices of columns of the long table. It stands behind the features
        of every timestep that is data.
    padding : {"pre", "post"}, default="post"
        Whether NaN goes in front of or behind a shorter sequence.
    truncating : {"pre", "post", "raise"}, default="post"
        Whether a longer sequence loses its first timesteps, loses its last, or is
        refused.
    layout : {"channels_last", "channels_first"}, default="channels_last"
        Whether the axes of arrays are timesteps, then features, or features, then
        timesteps, as in aeon and sktime. Not for long tables.

    Returns
    -------
    X : ndarray of shape (n_samples, n_timesteps, n_features)
        float32 if the sequences are, else float64. Never a view of the sequences.
    ids : ndarray of shape (n_samples,)
        Only with `groups`: whose sequence each sample of X is, in sorted order, so that
        ``y = labels.loc[ids]`` is in step with X.

    Raises
    ------
    ValueError
        If a sequence is empty, has other features than the first or infinite values,
        or is longer than `n_timesteps` with `truncating="raise"`; if `static` has no
        row for every sequence. In a long table, if there is no such column, a group or
        time is missing, a time occurs twice in one sequence, a static column changes
        within a group, or `layout` is given.
    TypeError
        If a sequence is not numeric.

    See Also
    --------
    SequencePadder : The same as a transformer, which remembers the length.

    Examples
    --------
    >>> from sklstm import pad_sequences
    >>> pad_sequences([[1, 2, 3], [4]]).shape
    (2, 3, 1)
    >>> pad_sequences([[1, 2, 3], [4]], 2, truncating="pre")[0].ravel()
    array([2., 3.])

    Of patients 7 and 5, in two columns beside a time and a heart rate:

    >>> table = [[7, 0.0, 61], [5, 2.0, 83], [5, 1.0, 80]]
    >>> X, ids = pad_sequences(table, groups=0, time=1)
    >>> ids, X[0].ravel()
    (array([5, 7]), array([80., 83.]))

    Age beside a patient's heart rates:

    >>> pad_sequences([[80, 83], [61]], static=[[34], [52]])[0]
    array([[80., 34.],
           [83., 34.]])
    """
    parameters: dict[str, Any] = {
        "n_timesteps": n_timesteps,
        "padding": padding,
        "truncating": truncating,
        "layout": layout,
    }
    validate_parameter_constraints(
        _PAD_SEQUENCES_CONSTRAINTS,
        {**parameters, "elapsed": elapsed, "static": static},
        caller_name="pad_sequences",
    )
    padder = SequencePadder(**parameters)
    if elapsed and (groups is None or time is None):
        raise ValueError(
            "elapsed=True needs groups and time: name the columns of a long table that "
            "tell its sequences apart and when a row was observed."
        )
    if groups is None:
        if time is not None:
            raise ValueError(
                f"time={shown(time)} was given without groups. Name the column that "
                "tells the sequences of a long table apart; one sequence alone is "
                "table[None]."
            )
        steps = np.asarray(padder.fit_transform(sequences))
        if static is None:  # a transformer's view of what needed no padding is copied
            return steps if steps.flags.writeable else steps.copy()
        return join_static(steps, check_static(static, len(steps)))
    if layout == "channels_first":
        raise ValueError(
            'layout="channels_first" was given with groups, but the rows of a long '
            "table are timesteps and its columns features, whatever their order. Leave "
            "it out."
        )
    by_group, labels, of_groups = sequences_of_table(
        sequences, groups, time, elapsed=elapsed, static=static
    )
    return join_static(padder.fit_transform(by_group), of_groups), labels


_PAD_SEQUENCES_CONSTRAINTS: dict[str, list[Any]] = {
    **SequencePadder._parameter_constraints,
    "elapsed": ["boolean"],
    "static": ["array-like", None],
}


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
    order = SeriesOrder.of(codes, None if rows.times is None else rows.times.ticks)
    rows.check_order(order, table, NAME)
    _refuse_infinity(rows.values, columns)
    steps = rows.values[:, varying]
    valid = ~np.isnan(steps).all(axis=1) if varying else np.ones(len(rows), dtype=bool)
    lengths = np.bincount(codes[valid], minlength=len(labels))
    if lengths.min() == 0:
        empty = np.flatnonzero(lengths == 0)
        raise ValueError(
            f"The sequence of group {shown_label(labels[empty[0]])} has no timestep "
            f"with numbers: its rows are NaN in all value columns ({len(empty)} such "
            f"groups of {len(labels)}). Drop these rows, and their targets from y."
        )
    if elapsed and rows.times is not None and columns.elapsed is not None:
        place = sum(k < columns.elapsed for k in varying)
        since = elapsed_times(rows.times, order, valid)
        steps = np.insert(steps, place, since, axis=1)
    steps = steps[order.rows[valid[order.rows]]]
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


def check_static(static: Any, n_samples: int) -> NDArray[Any]:
    """Static values of shape (n_samples, n_static) as floats.

    Raises
    ------
    ValueError
        If there is not one row of numbers for every sequence, or one is infinite.
    TypeError
        If they are sparse.
    """
    name = "pad_sequences"
    static = plain_input(static, name, "static")
    static = static if hasattr(static, "shape") else np.asarray(static)
    if len(static.shape) == 1:
        static = np.asarray(static)[:, None]
    with saying_what_to_do(name, "static"):
        values: NDArray[Any] = check_array(
            static,
            dtype=[np.float64, np.float32],
            ensure_all_finite="allow-nan",
            estimator=name,
            input_name="static",
        )
    if len(values) != n_samples:
        raise ValueError(
            f"static has {len(values)} rows (shape {values.shape}), but there are "
            f"{n_samples} sequences. Give one row of static values for every sequence, "
            "in the same order. Of a long table, name columns of it, and groups=."
        )
    return values
