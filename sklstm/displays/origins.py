"""Where the cells of a window come from. Pure NumPy: no picture is drawn here."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from sklstm.preprocessing import SequenceReshaper, SlidingWindows, make_windows
from sklstm.preprocessing.labels import read_labels
from sklstm.preprocessing.panel import Columns
from sklstm.preprocessing.series import series_order, windows_by_series
from sklstm.sequences.columns import column_names, find_column, is_key


def _no_target() -> NDArray[np.intp]:
    return np.zeros((0, 0), dtype=np.intp)


@dataclass(frozen=True, eq=False)
class Origins:
    """The cell of a table behind each cell of one window.

    Parameters
    ----------
    rows, columns : ndarray of shape (n_timesteps, n_features)
        Row and column in the table, -1 where the window holds what is not there.
    n_rows : int
        Rows of the table.
    column_names : list of str
        Of the columns of the table.
    feature_names : list of str
        Of the features of the window.
    sample : int
        Which window it is.
    labels : ndarray of shape (n_rows,) or None
        The series of each row.
    target_rows, target_columns : ndarray of shape (horizon, n_targets)
        Where the target of the window comes from; empty if there is none.
    """

    rows: NDArray[np.intp]
    columns: NDArray[np.intp]
    n_rows: int
    column_names: list[str]
    feature_names: list[str]
    sample: int
    labels: NDArray[Any] | None = None
    target_rows: NDArray[np.intp] = field(default_factory=_no_target)
    target_columns: NDArray[np.intp] = field(default_factory=_no_target)

    @property
    def from_one_row(self) -> bool:
        """Whether the columns of one row make the window, rather than several rows."""
        return len(np.unique(self.rows[self.rows >= 0])) == 1 < len(self.column_names)

    def shown(self, around: int) -> tuple[int, int]:
        """First row of the table that matters, and the one after the last."""
        used = np.concatenate([self.rows[self.rows >= 0], self.target_rows.ravel()])
        first, last = int(used.min()) - around, int(used.max()) + around + 1
        return max(first, 0), min(last, self.n_rows)

    def row_name(self, row: int) -> str:
        """Its number, and its series if there are several."""
        return str(row) if self.labels is None else f"{self.labels[row]}  {row}"


def origins_of_transformer(transformer: Any, X: Any, sample: int) -> Origins:
    """Where a window of a transformer comes from; see WindowDisplay."""
    if not isinstance(transformer, (SlidingWindows, SequenceReshaper)):
        raise TypeError(
            f"{type(transformer).__name__} makes no windows of rows. Give a "
            "SlidingWindows or a SequenceReshaper; of a pipeline, that step alone."
        )
    fitted = clone(transformer).fit(X)
    X = _as_table(X)
    sample = _check_sample(sample, X.shape[0])
    if isinstance(fitted, SequenceReshaper):
        return _origins_of_row(fitted, X, sample)
    columns = Columns.of(X, fitted.groups, fitted.time)
    labels = read_labels(X, fitted.groups, columns.group, type(fitted).__name__)
    order = series_order(labels, X.shape[0])
    windows = windows_by_series(
        _row_numbers(X), order, fitted.n_timesteps, fitted.sampling_rate
    )
    # The elapsed time stands where its time column does.
    features = [k for k in range(X.shape[1]) if k != columns.group]
    rows = np.nan_to_num(windows[sample], nan=-1).astype(np.intp)
    rows = np.repeat(rows, len(features), axis=1)
    return Origins(
        rows=rows,
        columns=np.where(rows < 0, -1, np.array(features)),
        n_rows=X.shape[0],
        column_names=columns.names,
        feature_names=columns.feature_names,
        sample=sample,
        labels=labels,
    )


def _origins_of_row(fitted: SequenceReshaper, X: Any, sample: int) -> Origins:
    static = np.flatnonzero(fitted.is_static_).tolist()
    # From 1: where columns are wanting, the reshaper puts 0 or NaN.
    numbers = np.arange(1.0, X.shape[1] + 1)[None]
    reshaper = clone(fitted).set_params(time=None, static=static)
    steps = reshaper.fit_transform(numbers)
    columns = np.nan_to_num(steps[0], nan=0).astype(np.intp) - 1
    column_names = Columns.of(X, None, None).names
    names = [f"f{k}" for k in range(fitted.n_features_out_ - len(static))]
    if fitted.time is not None:
        names[fitted.time] = "elapsed"
    names += [column_names[k] for k in static]
    return Origins(
        rows=np.where(columns < 0, -1, sample),
        columns=columns,
        n_rows=X.shape[0],
        column_names=column_names,
        feature_names=names,
        sample=sample,
    )


def origins_of_series(
    series: object,
    n_timesteps: int,
    *,
    horizon: int,
    target: str | int | None,
    stride: int,
    groups: Any,
    time: Any,
    sample: int,
) -> Origins:
    """Where a window of make_windows and its target come from; see WindowDisplay."""
    make_windows(
        series,
        n_timesteps,
        horizon=horizon,
        target=target,
        stride=stride,
        groups=groups,
        time=time,
    )
    table = _as_table(series)
    if len(table.shape) == 1:
        table = np.asarray(table)[:, None]
    columns = Columns.of(table, groups, time if is_key(time) else None)
    labels = read_labels(table, groups, columns.group, "make_windows")
    X, y = make_windows(
        _row_numbers(table), n_timesteps, horizon=horizon, stride=stride, groups=labels
    )
    sample = _check_sample(sample, len(y))
    features = np.array(columns.features)
    goals = features
    if target is not None:
        goals = np.array([find_column("target", target, table, column_names(table))])
    rows = np.repeat(X[sample].astype(np.intp), len(features), axis=1)
    target_rows = np.atleast_1d(y[sample]).astype(np.intp)[:, None]
    return Origins(
        rows=rows,
        columns=np.broadcast_to(features, rows.shape),
        n_rows=table.shape[0],
        column_names=columns.names,
        feature_names=[columns.names[k] for k in columns.features],
        sample=sample,
        labels=labels,
        target_rows=np.repeat(target_rows, len(goals), axis=1),
        target_columns=np.broadcast_to(goals, (len(target_rows), len(goals))),
    )


def _as_table(X: object) -> Any:
    return X if hasattr(X, "shape") else np.asarray(X, dtype=object)


def _row_numbers(X: Any) -> NDArray[np.float64]:
    """A table of one column: framed like X, it says which rows X's windows have."""
    return np.arange(X.shape[0], dtype=np.float64)[:, None]


def _check_sample(sample: int, n_samples: int) -> int:
    if not -n_samples <= sample < n_samples:
        raise ValueError(
            f"sample={sample} is no window: there are {n_samples}. Choose a number "
            f"from 0 to {n_samples - 1}, or -1 for the last."
        )
    return sample % n_samples
