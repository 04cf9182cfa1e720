"""The rows of a table as observations: of which series, when, and what."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse
from sklearn.utils import _safe_indexing, check_array

from sklstm.preprocessing.columns import Columns, is_key
from sklstm.preprocessing.series import series_order
from sklstm.sequences.checks import listed, refuse_date_columns, saying_what_to_do
from sklstm.sequences.columns import date_columns
from sklstm.sequences.containers import plain, without_na
from sklstm.sequences.missing import is_missing
from sklstm.sequences.windows import SeriesOrder, elapsed_times


@dataclass(frozen=True, eq=False)
class Observations:
    """The rows of a table.

    Parameters
    ----------
    values : ndarray of shape (n_rows, n_features)
    labels : ndarray of shape (n_rows,) or None
        The series of each row; None if all are of one.
    times : ndarray of shape (n_rows,) or None
        Numbers, or dates as integers of nanoseconds.
    dates : bool
        Whether the times are dates.
    """

    values: NDArray[Any]
    labels: NDArray[Any] | None
    times: NDArray[Any] | None
    dates: bool = False

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
        times, dates = None, False
        if columns.time is not None:
            times, dates = read_times(X, columns.time, name)
        return cls(read_values(X, columns, name), labels, times, dates)

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
            None if self.times is None else self.times[rows],
            self.dates,
        )

    def behind(self, earlier: Observations) -> Observations:
        """Other rows, and these behind them."""
        return Observations(
            np.concatenate([earlier.values, self.values]).astype(
                self.values.dtype, copy=False
            ),
            _concatenate(earlier.labels, self.labels),
            _concatenate(earlier.times, self.times),
            self.dates,
        )

    def contradictions(self, columns: Columns) -> Iterator[str]:
        """What does not go with rows of a table of such columns, in words."""
        shapes = [part.shape for part in (self.labels, self.times) if part is not None]
        is_table = self.values.shape == (len(self), len(columns.features))
        if not is_table or self.values.dtype.kind != "f" or {*shapes} - {(len(self),)}:
            yield (
                f"it keeps rows of shape {self.values.shape} with labels and times of "
                f"shapes {shapes}, for {len(columns.features)} features"
            )

    def table(
        self, columns: Columns, order: SeriesOrder, sampling_rate: int
    ) -> NDArray[Any]:
        """The features, with the time since the step before in place of the time."""
        if self.times is None or columns.elapsed is None:
            return self.values
        valid = ~np.isnan(self.values).all(axis=1) | (self.values.shape[1] == 0)
        elapsed = elapsed_times(self.times, order, valid, sampling_rate)
        if self.dates:
            elapsed *= 1e-9
        return np.insert(self.values, columns.elapsed, elapsed, axis=1)


def _concatenate(
    first: NDArray[Any] | None, second: NDArray[Any] | None
) -> NDArray[Any] | None:
    if first is None or second is None:
        return None
    if first.dtype.kind != second.dtype.kind:
        # Text and numbers stay apart as objects; as one type all would become text.
        numbers = first.dtype.kind + second.dtype.kind
        if not set(numbers) <= set("iuf"):
            first, second = first.astype(object), second.astype(object)
    return np.concatenate([first, second])


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
        f"{name if name == 'pad_sequences' else 'SlidingWindows'}. ",
    )
    if len(features) < len(columns.names):
        X = _safe_indexing(X, features, axis=1)
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
            f"{str(error).rstrip('.')}. The column that tells series apart goes to "
            "groups=, the one that tells when a row was observed to time=; encode "
            "other text, for example with sklearn.preprocessing.OneHotEncoder, or "
            "leave it out."
        ) from error
    return values


def _kinds(X: Any) -> list[str]:
    """For each column one letter: what NumPy would make of it."""
    columns = (_safe_indexing(X, k, axis=1) for k in range(X.shape[1]))
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
    labels, source = groups, "groups"
    if is_key(groups):
        labels = _safe_indexing(X, columns.group, axis=1)
        source = f"the column groups={groups!r}"
    elif callable(groups):
        labels, source = groups(X), "groups(X)"
    labels = without_na(np.asarray(plain(labels, "groups", name)))
    return _check_labels(labels, X.shape[0], source, name)


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


def read_times(X: Any, time: int, name: str) -> tuple[NDArray[Any], bool]:
    """When each row was observed, and whether these are dates.

    Returns
    -------
    times : ndarray of shape (n_rows,)
        Numbers, or nanoseconds as integers.
    dates : bool

    Raises
    ------
    ValueError
        If a time is missing, or is neither number nor date.
    """
    column = _safe_indexing(X, time, axis=1)
    if getattr(getattr(column, "dtype", None), "tz", None) is not None:
        column = np.asarray(column, dtype="datetime64[ns]")
    times = np.asarray(column)
    missing = np.flatnonzero(is_missing(times))
    if len(missing):
        raise ValueError(
            f"Row {missing[0]} of X has no time ({len(missing)} of {len(times)} rows). "
            "Drop these rows from X and y, or fill in their times."
        )
    if times.dtype == object:
        times = _from_objects(times)
    if times.dtype.kind not in "fiuMm":
        raise ValueError(
            f"{name} takes numbers or dates for times, but the time column has "
            f"{times.dtype}. Convert it first, for example with pandas.to_datetime."
        )
    if times.dtype.kind in "Mm":
        return times.astype(f"{times.dtype.kind}8[ns]").astype(np.int64), True
    return times.astype(np.float64 if times.dtype.kind == "f" else np.int64), False


def _from_objects(times: NDArray[Any]) -> NDArray[Any]:
    """Objects as numbers or dates; as they are if they are neither."""
    if any(isinstance(time, str) for time in times):  # "10" comes before "9"
        return times.astype(str)
    for dtype in (np.float64, "datetime64[ns]"):
        try:
            return times.astype(dtype)
        except (TypeError, ValueError):
            continue
    return times
