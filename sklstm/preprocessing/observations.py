"""The rows of a table as observations: of which series, when, and what."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse
from sklearn.utils import check_array

from sklstm.base.messages import listed, said, shown
from sklstm.base.schema import Check, Declared, Kind, Maybe, Part, instance_of
from sklstm.base.sklearn_compat import safe_indexing
from sklstm.preprocessing.columns import Columns, is_key
from sklstm.preprocessing.series import (
    as_labels,
    check_distinct,
    joined_labels,
    series_order,
)
from sklstm.preprocessing.times import Times, elapsed_times
from sklstm.sequences.checks import refuse_date_columns, saying_what_to_do
from sklstm.sequences.columns import column_names, date_columns
from sklstm.sequences.containers import is_missing, plain, without_na
from sklstm.sequences.windows import SeriesOrder


@dataclass(frozen=True, eq=False)
class Observations(Declared):
    """The rows of a table.

    Parameters
    ----------
    values : ndarray of shape (n_rows, n_features)
    labels : ndarray of shape (n_rows,) or None
        The series of each row; None if all are of one.
    times : Times of length n_rows, or None
    """

    values: NDArray[Any]
    labels: NDArray[Any] | None
    times: Times | None

    @classmethod
    def read(cls, X: Any, columns: Columns, groups: Any, name: str) -> Observations:
        """Take the columns of a table apart.

        Parameters
        ----------
        X : table of shape (n_rows, n_columns)
        columns : Columns
        groups : str, int, callable, array-like of shape (n_rows,) or None
            What tells the series apart.
        name : str
            Of who reads, for messages.

        Raises
        ------
        ValueError
            If a column does not hold what it should.
        TypeError
            If X is sparse.
        """
        labels = read_labels(X, groups, columns, name)
        times = None
        if columns.time is not None:
            times = Times.read(safe_indexing(X, columns.time, axis=1), name)
        return cls(read_values(X, columns, name), labels, times)

    def __len__(self) -> int:
        return len(self.values)

    def order(self) -> SeriesOrder:
        """How the rows are sorted by series."""
        return series_order(self.labels, len(self))

    def at(self, rows: NDArray[Any]) -> Observations:
        """Copies of some rows."""
        return Observations(
            self.values[rows],
            None if self.labels is None else self.labels[rows],
            None if self.times is None else self.times.at(rows),
        )

    def behind(self, earlier: Observations, name: str) -> Observations:
        """Other rows, and these behind them.

        Raises
        ------
        ValueError
            If no label of one can be a label of the other.
        """
        labels, times = None, None
        if self.labels is not None and earlier.labels is not None:
            labels = joined_labels(earlier.labels, self.labels, name)
        if self.times is not None and earlier.times is not None:
            times = self.times.behind(earlier.times)
        values = np.concatenate([earlier.values, self.values])
        return Observations(values.astype(self.values.dtype, copy=False), labels, times)

    _saved: ClassVar[dict[str, Kind]] = {
        "values": Check(
            lambda values: (
                isinstance(values, np.ndarray)
                and values.dtype.kind == "f"
                and values.ndim == 2
            ),
            "is no table of numbers",
        ),
        "labels": Maybe(instance_of(np.ndarray)),
        "times": Maybe(Part(Times)),
    }

    def contradictions(self, columns: Columns) -> Iterator[str]:
        """What does not go with rows of a table of such columns, in words."""
        shapes = [] if self.labels is None else [self.labels.shape]
        is_table = self.values.shape == (len(self), len(columns.features))
        if not is_table or {*shapes} - {(len(self),)}:
            yield (
                f"it keeps rows of shape {self.values.shape} with labels of shapes "
                f"{shapes}, for {len(columns.features)} features"
            )
        ticks = None if self.times is None else self.times.ticks
        if ticks is not None and ticks.shape != (len(self),):
            yield f"it keeps times of shape {ticks.shape} of {len(self)} rows"

    @property
    def valid(self) -> NDArray[np.bool_]:
        """Which rows are data: some feature is a number, or there are only times."""
        valid: NDArray[np.bool_] = ~np.isnan(self.values).all(axis=1)
        return valid | (self.values.shape[1] == 0)

    def table(
        self, columns: Columns, order: SeriesOrder, sampling_rate: int
    ) -> NDArray[Any]:
        """The features, with the time since the step before in place of the time."""
        if self.times is None or columns.elapsed is None:
            return self.values
        elapsed = elapsed_times(self.times, order, self.valid, sampling_rate)
        return np.insert(self.values, columns.elapsed, elapsed, axis=1)


def as_table(rows: Any, dtype: Any, name: str) -> NDArray[Any]:
    """A list of rows as an array.

    Raises
    ------
    ValueError
        If the rows differ in length.
    """
    try:
        return np.asarray(rows, dtype=dtype)
    except ValueError as error:
        raise ValueError(
            f"X is a list of rows of unequal length, but {name} takes a table of shape "
            "(n_samples, n_columns), a row for each time. If every item of the list is "
            "a series of its own, put them one behind the other and tell them apart "
            "with groups=."
        ) from error


def read_values(X: Any, columns: Columns, name: str) -> NDArray[Any]:
    """The features as floats; float32 stays float32.

    Raises
    ------
    ValueError
        If a column holds no numbers, or no column is left.
    TypeError
        If X is sparse.
    """
    features = columns.features
    if not features and columns.elapsed is None:
        raise ValueError(
            f"X has shape {tuple(X.shape)}: no column is left for a feature beside "
            "groups. Give X the columns that were measured, too."
        )
    if not features:
        return np.empty((X.shape[0], 0))
    refuse_date_columns(
        date_columns(X, features),
        name,
        instead="The column that tells when a row was observed goes to time= of "
        f"{name}. ",
    )
    if len(features) < len(columns.names):
        X = safe_indexing(X, features, axis=1)
    if hasattr(X, "columns") and not hasattr(X, "iloc"):
        X = np.asarray(X)  # scikit-learn asks the types of pandas' columns alone
    try:
        values: NDArray[Any] = check_array(
            X,
            dtype=[np.float64, np.float32],
            ensure_all_finite=False,
            estimator=name,
            input_name="X",
        )
    except (TypeError, ValueError) as error:
        if issparse(X) or np.iscomplexobj(X) or 0 in X.shape:
            with saying_what_to_do(name):
                raise
        names = [columns.names[k] for k in features]
        text = [
            k for k, kind in zip(names, _kinds(X), strict=True) if kind not in "fiub"
        ]
        # scikit-learn raises a TypeError for objects, a ValueError for text.
        raise type(error)(
            f"X holds values that are no numbers in {listed(text)}: "
            f"{said(error).rstrip('.')}. The column that tells series apart goes to "
            "groups=, the one that tells when a row was observed to time=; encode "
            "other text, for example with sklearn.preprocessing.OneHotEncoder, or "
            "leave it out."
        ) from error
    return values


def _kinds(X: Any) -> list[str]:
    """For each column one letter: what NumPy would make of it."""
    columns = (safe_indexing(X, k, axis=1) for k in range(X.shape[1]))
    return [_kind(np.asarray(column)) for column in columns]


def _kind(column: NDArray[Any]) -> str:
    if column.dtype != object:
        return column.dtype.kind
    try:
        return np.asarray(column.tolist()).dtype.kind
    except ValueError:  # its cells are sequences
        return "O"


def read_labels(
    X: Any, groups: Any, columns: Columns, name: str
) -> NDArray[Any] | None:
    """The series of each row: from a column, by a function of X, or as they come.

    None if all rows are of one.

    Raises
    ------
    ValueError
        If there is not one label for each row.
    """
    if groups is None:
        return None
    refuse_several_columns(groups, X)
    labels, source = groups, "groups"
    if is_key(groups):
        labels = safe_indexing(X, columns.group, axis=1)
        source = f"the column groups={shown(groups)}"
    elif callable(groups):
        labels, source = groups(X), "groups(X)"
    labels = without_na(as_labels(plain(labels, "groups", name)))
    labels = _check_labels(labels, X.shape[0], source, name)
    check_distinct(labels, source)
    return labels


def refuse_several_columns(groups: Any, X: Any = None) -> None:
    """Refuse a list that names columns.

    Parameters
    ----------
    groups : object
    X : table, default=None
        Labels of its rows may come in a list, too; None if they may not.

    Raises
    ------
    ValueError
        If it is so.
    """
    if not isinstance(groups, (list, tuple)) or not all(map(is_key, groups)):
        return
    if X is not None:
        names = column_names(X) or []
        if len(groups) == X.shape[0] or not {*groups} <= {*names, *range(X.shape[1])}:
            return
    if len(groups) == 1:
        raise ValueError(
            f"groups={shown(groups)} is a list, but one column tells series apart. "
            f"Write groups={shown(groups[0])}."
        )
    raise ValueError(
        f"groups={shown(groups)} lists columns, but one column tells series apart. "
        "Make one of them, for example X['series'] = X['a'].astype(str) + '/' + "
        "X['b'].astype(str), drop those that it is made of, and set groups='series'."
    )


def _check_labels(
    labels: NDArray[Any], n_rows: int, source: str, name: str
) -> NDArray[Any]:
    """One hashable label for each row, none missing.

    Raises
    ------
    ValueError
        If it is not so.
    """
    if labels.shape == (n_rows, 1):
        labels = labels[:, 0]
    if labels.shape != (n_rows,):
        raise ValueError(
            f"{name} needs one group label for each of the {n_rows} rows of X, but "
            f"{source} has shape {labels.shape}. Give an array of shape ({n_rows},)."
        )
    missing = np.flatnonzero(is_missing(labels))
    if len(missing):
        raise ValueError(
            f"Row {missing[0]} of X has no group: {source} is missing there "
            f"({len(missing)} of {n_rows} rows). Drop these rows from X and y, or give "
            "them a group of their own."
        )
    return labels
