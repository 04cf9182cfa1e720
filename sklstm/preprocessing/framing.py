"""Series framed as a supervised problem: make_windows."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy.sparse import issparse
from sklearn.utils import check_array

from sklstm.parameters import Interval, validated
from sklstm.preprocessing.series import (
    Columns,
    Observations,
    as_table,
    check_labels,
    check_longest,
    find_column,
    read_labels,
    read_values,
)
from sklstm.sequences.checks import listed, saying_what_to_do
from sklstm.sequences.columns import column_names
from sklstm.sequences.windows import Windows, sliding_windows


@validated(
    {
        "n_timesteps": [Interval(Integral, 1, None, closed="left")],
        "horizon": [Interval(Integral, 1, None, closed="left")],
        "target": [str, Integral, None],
        "stride": [Interval(Integral, 1, None, closed="left")],
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
) -> tuple[Any, NDArray[Any]]:
    """Frame series as a supervised problem: windows, and the values that follow.

    Only windows that are full, and are followed by `horizon` values of the same series,
    are made, so there are fewer of them than rows. In a pipeline, where that number has
    to stay, use :class:`SlidingWindows`.

    Parameters
    ----------
    series : array-like of shape (n_rows,) or (n_rows, n_columns)
        Observations in the order of time.
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

    Returns
    -------
    X : ndarray or Windows of shape (n_windows, n_timesteps, n_features)
        In the order of the rows at which the windows end. Read-only. With `groups` an
        object that reads like an array and cuts windows when it is indexed.
    y : ndarray of shape (n_windows,), (n_windows, horizon) or (n_windows, n_columns)
        The values after each window: one for `horizon=1`, otherwise `horizon` of them,
        the next first. With `target=None` and several columns, the next row.

    Raises
    ------
    ValueError
        If no series has `n_timesteps + horizon` rows, a column does not exist or holds
        no numbers, or several columns are to be forecast over several rows.

    See Also
    --------
    SlidingWindows : Keeps the number of rows, for pipelines.

    Examples
    --------
    >>> from sklstm import make_windows
    >>> X, y = make_windows([1.0, 2.0, 3.0, 4.0, 5.0], 2, horizon=2)
    >>> X.shape
    (2, 2, 1)
    >>> X[0].ravel(), y[0]
    (array([1., 2.]), array([3., 4.]))
    """
    rows, goal = _read_series(series, target, groups, horizon)
    order = rows.order()
    longest = int(order.sizes.max())
    check_longest(
        order,
        n_timesteps + horizon,
        f"n_timesteps={n_timesteps} and horizon={horizon} need "
        f"{n_timesteps + horizon} rows",
        f"sizes that add up to at most {longest}",
    )
    if rows.labels is None:
        n_starts = len(rows) - n_timesteps - horizon + 1
        X = sliding_windows(rows.values, n_timesteps, 1)[:n_starts:stride]
        after = rows.values[n_timesteps:, goal]
        if horizon > 1:
            after = sliding_window_view(after, horizon)
        return X, after[:n_starts:stride]
    begins = order.ranks - (n_timesteps - 1)
    full = (begins >= 0) & (begins % stride == 0) & (order.n_after >= horizon)
    ends = order.places[full]
    by_series = rows.values[order.rows]
    steps = np.full(len(ends), n_timesteps)
    ahead = np.arange(1, horizon + 1) if horizon > 1 else np.array(1)
    y = by_series[np.add.outer(ends, ahead), goal]
    return Windows(by_series, ends, steps, n_timesteps, 1), y


def _read_series(
    series: Any, target: Any, groups: Any, horizon: int
) -> tuple[Observations, Any]:
    """The series as rows, and which of the features is to be forecast."""
    name = "make_windows"
    is_key = isinstance(groups, (str, Integral))
    if not hasattr(series, "shape"):
        series = as_table(series, object if is_key else None, name)
    table = np.asarray(series)[:, None] if len(series.shape) == 1 else series
    if len(table.shape) != 2 or issparse(table) or 0 in table.shape:
        with saying_what_to_do(name, "series"):
            check_array(table, dtype=None, estimator=name, input_name="series")
    columns = Columns.of(table, groups if is_key else None, None)
    values = read_values(table, columns, name)
    labels = None
    if is_key or callable(groups):
        labels = read_labels(table, groups, columns, name)
    elif groups is not None:
        labels = check_labels(np.asarray(groups), len(values), "groups", name)
    goal = _goal(table, columns, target, horizon)
    return Observations(values, labels, None), goal


def _goal(table: Any, columns: Columns, target: Any, horizon: int) -> Any:
    """The feature to forecast: its place, or a slice of all of them."""
    features = columns.features
    if target is not None:
        k = find_column("target", target, table, column_names(table))
        if k == columns.group:
            raise ValueError(
                f"target={target!r} is the column of groups, which tells series apart. "
                "Name the column to forecast."
            )
        return features.index(k)
    if len(features) == 1:
        return 0
    if horizon > 1:
        raise ValueError(
            f"horizon={horizon} forecasts one column, but series has {len(features)}: "
            f"{listed(columns.feature_names)}. Name it with target=, or set horizon=1 "
            "to forecast all of them."
        )
    return slice(None)
