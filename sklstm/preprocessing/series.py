"""The rows of a table as observations: of which series, and when."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse
from sklearn.utils import _safe_indexing, check_array

from sklstm.sequences.checks import listed, refuse_date_columns, saying_what_to_do
from sklstm.sequences.columns import column_names, date_columns, in_index
from sklstm.sequences.missing import is_missing
from sklstm.sequences.windows import SeriesOrder, elapsed_times

Key = str | int | None

ELAPSED = "elapsed"


@dataclass(frozen=True, eq=False)
class Columns:
    """What each column of a table is.

    Parameters
    ----------
    names : list of str
        Of all columns; x0, x1, ... if they have none.
    group, time : int or None
        Positions of the columns that tell series and times.
    """

    names: list[str]
    group: int | None
    time: int | None

    @classmethod
    def of(cls, X: Any, groups: Key, time: Key) -> Columns:
        """Find the columns that are asked for by name or index.

        Raises
        ------
        ValueError
            If there is no such column.
        """
        names = column_names(X)
        group = None if groups is None else find_column("groups", groups, X, names)
        when = None if time is None else find_column("time", time, X, names)
        if group is not None and group == when:
            raise ValueError(
                f"groups={groups!r} and time={time!r} are the same column of X. One "
                "tells series apart, the other orders their rows: name two columns."
            )
        if names is None:
            names = [f"x{k}" for k in range(X.shape[1])]
        return cls([str(name) for name in names], group, when)

    @property
    def features(self) -> list[int]:
        """Positions of the other columns."""
        return [k for k in range(len(self.names)) if k not in (self.group, self.time)]

    @property
    def elapsed(self) -> int | None:
        """Where the elapsed time stands among the features: instead of the time."""
        if self.time is None:
            return None
        return self.time - (self.group is not None and self.group < self.time)

    @property
    def feature_names(self) -> list[str]:
        """Names of the features of a window."""
        names = [self.names[k] for k in self.features]
        if self.elapsed is not None:
            names.insert(self.elapsed, ELAPSED)
        return names

    def contradictions(self, n_columns: Any) -> Iterator[str]:
        """What does not go with a table of so many columns, in words."""
        if len(self.names) != n_columns or not all(type(n) is str for n in self.names):
            yield f"{self.names} does not name {n_columns!r} columns"
        keys = [key for key in (self.group, self.time) if key is not None]
        if len({*keys}) < len(keys) or not {*keys} <= {*range(n_columns)}:
            yield f"columns {keys} of {n_columns} cannot tell series and times"


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

    def __len__(self) -> int:
        return len(self.values)

    def order(self) -> SeriesOrder:
        """How the rows are sorted by series."""
        if self.labels is None:
            return SeriesOrder.of(np.zeros(len(self), dtype=np.intp))
        return SeriesOrder.of(codes_of(self.labels))

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


def _prefixed(key: str, names: list[Any]) -> str:
    """What to do if a ColumnTransformer put the name of a step in front of `key`."""
    found = [name for name in names if str(name).endswith(f"__{key}")]
    if not found:
        return ""
    return (
        f" A ColumnTransformer has named it {found[0]!r}: give that name, or set "
        "verbose_feature_names_out=False there."
    )


def find_column(parameter: str, key: Any, X: Any, names: list[Any] | None) -> int:
    """The position of a column that a parameter gives by name or index.

    Raises
    ------
    ValueError
        If there is no such column.
    """
    n_columns = X.shape[1]
    if isinstance(key, str):
        if names is None:
            raise ValueError(
                f"{parameter}={key!r} names a column, but X is an array of shape "
                f"{tuple(X.shape)} without column names. Give the index of the column, "
                "or X as a data frame."
            )
        if key in names:
            return names.index(key)
        raise ValueError(
            f"{parameter}={key!r} is no column of X, which has {listed(names)}. Name "
            f"one of these, or give its index.{in_index(X, key)}{_prefixed(key, names)}"
        )
    if -n_columns <= key < n_columns:
        return int(key) % n_columns
    raise ValueError(
        f"{parameter}={key} is no column of X, which has {n_columns} (shape "
        f"{tuple(X.shape)}). Give an index from 0 to {n_columns - 1}."
    )


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
        "SlidingWindows. ",
    )
    if len(features) < len(columns.names):
        X = _safe_indexing(X, features, axis=1)
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


def read_labels(X: Any, groups: Any, columns: Columns, name: str) -> NDArray[Any]:
    """The series of each row, from a column or a function of X.

    Raises
    ------
    ValueError
        If there is not one label for each row.
    """
    if callable(groups):
        return check_labels(np.asarray(groups(X)), X.shape[0], "groups(X)", name)
    labels = np.asarray(_safe_indexing(X, columns.group, axis=1))
    return check_labels(labels, X.shape[0], f"the column groups={groups!r}", name)


def check_labels(
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
    if times.dtype == object:
        times = _from_objects(times)
    if times.dtype.kind not in "fiuMm":
        raise ValueError(
            f"{name} takes numbers or dates for times, but the time column has "
            f"{times.dtype}. Convert it first, for example with pandas.to_datetime."
        )
    missing = np.flatnonzero(is_missing(times))
    if len(missing):
        raise ValueError(
            f"Row {missing[0]} of X has no time ({len(missing)} of {len(times)} rows). "
            "Drop these rows from X and y, or fill in their times."
        )
    if times.dtype.kind in "Mm":
        return times.astype(f"{times.dtype.kind}8[ns]").astype(np.int64), True
    return times.astype(np.float64 if times.dtype.kind == "f" else np.int64), False


def _from_objects(times: NDArray[Any]) -> NDArray[Any]:
    """Objects as numbers or dates; as they are if they are neither."""
    if all(isinstance(time, str) for time in times):
        return times.astype(str)
    for dtype in (np.float64, "datetime64[ns]"):
        try:
            return times.astype(dtype)
        except (TypeError, ValueError):
            continue
    return times


def check_times(
    times: NDArray[Any],
    order: SeriesOrder,
    labels: NDArray[Any] | None,
    dates: bool,
) -> None:
    """Require that times rise from row to row of each series.

    Raises
    ------
    ValueError
        If they do not; the message says where.
    """
    before, after = order.rows[:-1], order.rows[1:]
    same = order.codes[before] == order.codes[after]
    wrong = np.flatnonzero(same & (times[after] <= times[before]))
    if not len(wrong):
        return
    k = wrong[np.argmin(after[wrong])]
    earlier, later = before[k], after[k]

    def shown(row: Any) -> Any:
        return np.datetime64(int(times[row]), "ns") if dates else times[row]

    of = (
        "" if labels is None else f" of group {labels[later : later + 1].tolist()[0]!r}"
    )
    where = f"({len(wrong)} such rows)"
    if times[earlier] == times[later]:
        raise ValueError(
            f"Row {later} of X{of} has the same time as row {earlier}: {shown(later)} "
            f"{where}. A series has one row for each time: merge or drop duplicates, "
            "or tell the series apart with groups=."
        )
    raise ValueError(
        f"The times of X{of} are not sorted: row {later} has {shown(later)}, after "
        f"{shown(earlier)} in row {earlier} {where}. Sort X, and y alike, by time."
    )


def check_longest(order: SeriesOrder, n_needed: int, need: str, repair: str) -> None:
    """Require a series that is long enough for one window."""
    longest = int(order.sizes.max())
    if longest >= n_needed:
        return
    samples = "1 sample" if longest == 1 else f"{longest} samples"
    series = "X has" if len(order.sizes) == 1 else "the longest series in X has"
    choose = f"Choose {repair}, or give" if longest else "Give"
    raise ValueError(f"{need}, but {series} {samples}. {choose} a longer series.")


def codes_of(labels: NDArray[Any]) -> NDArray[np.intp]:
    """Labels as numbers 0, 1, ....

    Raises
    ------
    TypeError
        If labels are objects that cannot be hashed.
    """
    if labels.dtype != object:
        return np.unique(labels, return_inverse=True)[1]
    seen: dict[Any, int] = {}
    codes = (seen.setdefault(label, len(seen)) for label in labels)
    return np.fromiter(codes, np.intp, len(labels))
