"""Series framed as a supervised problem: make_windows."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse
from sklearn.utils import check_array

from sklstm.base.messages import listed, shown
from sklstm.base.parameters import Interval, in_our_words, validated
from sklstm.preprocessing.panel import Columns, Observations, as_table
from sklstm.preprocessing.series import (
    SeriesOrder,
    check_index,
    check_longest,
    check_times,
    index_times,
    warn_of_gaps,
)
from sklstm.preprocessing.times import Times
from sklstm.sequences.batch import valid_steps
from sklstm.sequences.checks import plain_input, saying_what_to_do
from sklstm.sequences.columns import column_mask, column_names, find_column, is_key
from sklstm.sequences.containers import plain
from sklstm.sequences.windows import Windows, sliding_windows

NAME = "make_windows"


@in_our_words
@validated(
    {
        "n_timesteps": [Interval(Integral, 1, None, closed="left")],
        "horizon": [Interval(Integral, 1, None, closed="left")],
        "target": [str, Integral, None],
        "stride": [Interval(Integral, 1, None, closed="left")],
        "time": [str, Integral, "array-like", None],
        "known": ["array-like", None],
        "return_index": ["boolean"],
    }
)
def make_windows(
    series: Any,
    n_timesteps: int,
    *,
    horizon: int = 1,
    target: str | int | None = None,
    stride: int = 1,
    groups: Any = None,
    time: Any = None,
    known: Any = None,
    return_index: bool = False,
) -> tuple[Any, ...]:
    """Frame series as a supervised problem: windows, and the values that follow.

    Only windows that are full, and are followed by `horizon` values of the same series,
    are made, so there are fewer of them than rows. In a pipeline, where that number has
    to stay, use :class:`SlidingWindows`.

    Parameters
    ----------
    series : array-like of shape (n_rows,) or (n_rows, n_columns)
        Observations in the order of time. An index of dates must not go back.
    n_timesteps : int
        Timesteps of each window.
    horizon : int, default=1
        How many values after each window to forecast.
    target : str, int or None, default=None
        Name or index of the column whose values are to be forecast. It is a feature,
        too. None is the only column or, with `horizon=1`, all columns.
    stride : int, default=1
        Rows from one window to the next of the same series.
    groups : str, int, callable, array-like of shape (n_rows,) or None, default=None
        What tells several series apart: a column, which is then no feature, a function
        of `series`, or the labels themselves. No window and no target crosses from one
        to another.
    time : str, int, array-like of shape (n_rows,) or None, default=None
        When each row was observed: a column of numbers or dates, which is then no
        feature, or the times themselves. Times must rise within a series. None is the
        index of a data frame, if it has dates.
    known : array-like of int, str or bool, default=None
        Columns whose values are known for the horizon, such as hours, holidays and
        forecasts: indices, names or a mask. The windows then go on over the horizon;
        see Notes. `target` must be named, or the only other column.
    return_index : bool, default=False
        Whether to return the rows of `series` that the targets come from.

    Returns
    -------
    X : ndarray or Windows of shape (n_windows, n_timesteps, n_features)
        In the order of the rows at which the windows end. A read-only view of `series`
        if that is an array or a frame of floats: what is written into `series` later is
        in the windows, too. With `groups` an object that reads like an array and cuts
        windows when it is indexed. With `known` an array of shape (n_windows,
        n_timesteps + horizon, n_features + 1). Both are of a copy.
    y : ndarray of shape (n_windows,), (n_windows, horizon) or (n_windows, n_columns)
        The values after each window: one for `horizon=1`, otherwise `horizon` of them,
        the next first. With `target=None` and several columns, the next row. A copy.
    index : ndarray of int of shape (n_windows,) or (n_windows, horizon)
        Only with `return_index`: the row of each target, counted from 0, so that
        ``table["time"].to_numpy()[index]`` says when.

    Raises
    ------
    ValueError
        If no series has `n_timesteps + horizon` rows, a column does not exist or holds
        no numbers, times do not rise, several columns are to be forecast over several
        rows, what is to be forecast is `known`, or `series` is masked.

    Warns
    -----
    UserWarning
        If few rows are missing among rows that are evenly spaced in time.

    See Also
    --------
    SlidingWindows : Keeps the number of rows, for pipelines.

    Notes
    -----
    With `known`, a window has the `horizon` timesteps of its targets behind the others.
    There the known features have their values, and all others are 0. A last feature is
    1 at these timesteps and 0 before, so that a blank is no measurement. It can be the
    `sample_weight` of a :class:`BiLSTMTimestepRegressor`. These windows are no view:
    they take the memory of all their values.

    Examples
    --------
    >>> from sklstm import make_windows
    >>> X, y = make_windows([1.0, 2.0, 3.0, 4.0, 5.0], 2, horizon=2)
    >>> X.shape
    (2, 2, 1)
    >>> X[0].ravel(), y[0]
    (array([1., 2.]), array([3., 4.]))

    Loads, and temperatures that are forecast:

    >>> series = [[10, 1.5], [11, 2.5], [12, 3.5], [13, 4.5]]
    >>> X, y = make_windows(series, 2, target=0, known=[1])
    >>> X[0], float(y[0])
    (array([[10. ,  1.5,  0. ],
           [11. ,  2.5,  0. ],
           [ 0. ,  3.5,  1. ]]), 12.0)
    """
    rows, order, goal, is_known = _read_series(
        series, target, groups, time, horizon, known
    )
    longest = int(order.sizes.max())
    check_longest(
        order,
        n_timesteps + horizon,
        f"n_timesteps={n_timesteps} and horizon={horizon} need "
        f"{n_timesteps + horizon} rows",
        f"sizes that add up to at most {longest}",
    )
    begins = order.ranks - (n_timesteps - 1)
    full = (begins >= 0) & (begins % stride == 0) & (order.n_after >= horizon)
    ends = order.places[full]
    ahead = np.add.outer(ends, np.arange(1, horizon + 1) if horizon > 1 else 1)
    if rows.labels is None:
        # A view: the windows of one series are its rows, again and again.
        by_series = rows.values
        X: Any = sliding_windows(by_series[:-horizon], n_timesteps, 1)[::stride]
    else:
        by_series = rows.values[order.rows]
        steps = np.full(len(ends), n_timesteps, dtype=np.intp)
        X = Windows(by_series, ends, steps, n_timesteps, 1)
    y = by_series[ahead, goal]  # a copy, which may be written to
    if is_known is not None:
        X = _with_horizon(by_series, ends, n_timesteps, horizon, is_known)
    return (X, y, order.rows[ahead]) if return_index else (X, y)


def _with_horizon(
    by_series: NDArray[Any],
    ends: NDArray[np.intp],
    n_timesteps: int,
    horizon: int,
    is_known: NDArray[np.bool_],
) -> NDArray[Any]:
    """Windows with the timesteps behind them, as the Notes of make_windows say."""
    places = np.add.outer(ends, np.arange(1 - n_timesteps, horizon + 1))
    shape = (*places.shape, len(is_known) + 1)
    windows = np.empty(shape, dtype=by_series.dtype)
    windows[:, :, :-1] = by_series[places]
    windows[:, n_timesteps:, np.flatnonzero(~is_known)] = 0
    # A row that is all NaN is padding: no flag must make it data.
    in_past = valid_steps(windows[:, :n_timesteps, :-1])
    windows[:, :n_timesteps, -1] = np.where(in_past, 0, np.nan)
    windows[:, n_timesteps:, -1] = 1
    return windows


def _read_series(
    series: Any, target: Any, groups: Any, time: Any, horizon: int, known: Any
) -> tuple[Observations, SeriesOrder, Any, NDArray[np.bool_] | None]:
    """The series as rows, which feature is to be forecast, and which are known."""
    series = plain_input(series, NAME, "series")
    if not hasattr(series, "shape"):
        mixed = is_key(groups) or is_key(time)
        series = as_table(series, object if mixed else None, NAME)
    table = np.asarray(series)[:, None] if len(series.shape) == 1 else series
    if len(table.shape) != 2 or issparse(table) or 0 in table.shape:
        with saying_what_to_do(NAME, "series"):
            check_array(table, dtype=None, estimator=NAME, input_name="series")
    columns = Columns.of(table, groups, time if is_key(time) else None)
    rows = Observations.read(table, columns, groups, NAME)
    if not columns.features:
        raise ValueError(
            f"series has shape {tuple(table.shape)}: no column is left for a feature "
            "beside groups and time. Give it the columns that were measured, too."
        )
    order = rows.order()
    _check_order_of_time(rows, order, series, time)
    if known is None:
        return rows, order, _goal(table, columns, target, horizon), None
    is_known = _known(table, columns, plain(known, "known", NAME))
    if target is None and (~is_known).sum() == 1:
        target = columns.features[int(np.argmin(is_known))]
    goal = _goal(table, columns, target, horizon)
    if isinstance(goal, slice) or is_known[goal]:
        raise ValueError(
            f"known={shown(known)} does not go with target={shown(target)}: what is "
            "to be "
            "forecast is not known. Name one column with target= that is not in known=."
        )
    return rows, order, goal, is_known


def _check_order_of_time(
    rows: Observations, order: SeriesOrder, series: Any, time: Any
) -> None:
    """Require that times rise, be they a column, an array or an index; say gaps."""
    times = rows.times
    if time is None:
        check_index(series, order, rows.labels, NAME)
        times = index_times(series, NAME)
    elif times is None:
        times = Times.read(time, NAME, "array time=")
        if len(times) != len(rows):
            raise ValueError(
                f"time has {len(times)} times, but series has {len(rows)} rows. Give "
                "one for each row, or name the column that has them."
            )
    if times is None:
        return
    if time is not None:
        check_times(times, order, rows.labels)
    warn_of_gaps(times, order, NAME)


def _known(table: Any, columns: Columns, known: Any) -> NDArray[np.bool_]:
    """Which of the features are known for the horizon."""
    mask = column_mask("known", known, table.shape[1], column_names(table))
    for parameter, k in (("groups", columns.group), ("time", columns.time)):
        if k is not None and mask[k]:
            raise ValueError(
                f"known={shown(known)} has the column of {parameter}, which is no "
                "feature. Leave it out."
            )
    return mask[columns.features]


def _goal(table: Any, columns: Columns, target: Any, horizon: int) -> Any:
    """The feature to forecast: its place, or a slice of all of them."""
    features = columns.features
    if target is not None:
        k = find_column("target", target, table, column_names(table))
        for parameter, key in (("groups", columns.group), ("time", columns.time)):
            if k == key:
                raise ValueError(
                    f"target={shown(target)} is the column of {parameter}, which is no "
                    "feature. Name the column to forecast."
                )
        return features.index(k)
    if len(features) == 1:
        return 0
    if horizon > 1:
        raise ValueError(
            f"horizon={horizon} forecasts one column, but series has {len(features)}: "
            f"{listed([columns.names[k] for k in features])}. Name it with target=, or "
            "set horizon=1 to forecast all of them."
        )
    return slice(None)
