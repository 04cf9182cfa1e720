"""A long table as series: which column is what, and the rows, read and checked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse
from sklearn.utils import check_array
from sklearn.utils.validation import validate_data

from sklstm.base.messages import listed, said, shown
from sklstm.base.schema import Check, Declared, Kind, Maybe, Part, instance_of
from sklstm.base.sklearn_compat import safe_indexing
from sklstm.preprocessing.labels import (
    joined_labels,
    read_labels,
    refuse_several_columns,
)
from sklstm.preprocessing.series import (
    SeriesOrder,
    check_index,
    check_times,
    elapsed_times,
    series_order,
)
from sklstm.preprocessing.times import Times
from sklstm.sequences.checks import (
    AXES,
    plain_input,
    refuse_date_columns,
    saying_what_to_do,
)
from sklstm.sequences.columns import (
    column_names,
    date_columns,
    find_column,
    is_key,
    with_names,
)

Key = str | int | None

ELAPSED = "elapsed"


@dataclass(frozen=True, eq=False)
class Columns(Declared):
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
    def of(cls, X: Any, groups: Any, time: Key) -> Columns:
        """Find the columns that are asked for by name or index.

        `groups` may be no column: a function, labels, or None.

        Raises
        ------
        ValueError
            If there is no such column.
        """
        names = column_names(X)
        group = find_column("groups", groups, X, names) if is_key(groups) else None
        when = None if time is None else find_column("time", time, X, names)
        if group is not None and group == when:
            raise ValueError(
                f"groups={shown(groups)} and time={shown(time)} are the same column "
                "of X. One "
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

    _saved: ClassVar[dict[str, Kind]] = {
        "names": instance_of(list),
        "group": Maybe(instance_of(int)),
        "time": Maybe(instance_of(int)),
    }

    def contradictions(self, n_columns: int) -> Iterator[str]:
        """What does not go with a table of so many columns, in words."""
        if len(self.names) != n_columns or not all(type(n) is str for n in self.names):
            yield f"{listed(self.names)} does not name {shown(n_columns)} columns"
        keys = [key for key in (self.group, self.time) if key is not None]
        if len({*keys}) < len(keys) or not {*keys} <= {*range(n_columns)}:
            yield f"columns {shown(keys)} of {n_columns} cannot tell series and times"


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
        labels = read_labels(X, groups, columns.group, name)
        times = None
        if columns.time is not None:
            times = Times.read(safe_indexing(X, columns.time, axis=1), name)
        return cls(read_values(X, columns, name), labels, times)

    def __len__(self) -> int:
        return len(self.values)

    def order(self) -> SeriesOrder:
        """How the rows are sorted by series."""
        return series_order(self.labels, len(self))

    def check_order(self, order: SeriesOrder, X: Any, name: str) -> None:
        """Require that times rise; without times, that the index of X does.

        Raises
        ------
        ValueError
            If they do not; the message says where.
        """
        if self.times is None:
            check_index(X, order, self.labels, name)
        else:
            check_times(self.times, order, self.labels)

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
        raise _no_numbers(X, [columns.names[k] for k in features], error) from error
    return values


def _no_numbers(X: Any, names: list[str], error: Exception) -> Exception:
    """What to say where scikit-learn says that a table of such columns has text."""
    kinds = zip(names, _kinds(X), strict=True)
    # scikit-learn raises a TypeError for objects, a ValueError for text.
    return type(error)(
        "X holds values that are no numbers in "
        f"{listed([name for name, kind in kinds if kind not in 'fiub'])}: "
        f"{said(error).rstrip('.')}. The column that tells series apart goes to "
        "groups=, the one that tells when a row was observed to time=; encode "
        "other text, for example with sklearn.preprocessing.OneHotEncoder, or "
        "leave it out."
    )


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


class ObservationReader:
    """Remembers which columns of a table are features, groups and time."""

    groups: Any
    time: Any

    def _validate_params(self) -> None:
        """Have scikit-learn check parameters; a list of columns has its own answer."""
        refuse_several_columns(self.groups)
        super()._validate_params()  # type: ignore[misc]

    def _read(self, X: Any, *, reset: bool) -> tuple[Observations, SeriesOrder]:
        """Check a table and take its columns apart."""
        X = self._check_table(X, reset=reset)
        if reset:
            self._columns = Columns.of(X, self.groups, self.time)
        columns = self._columns
        if not reset and column_names(X) is not None:
            columns = Columns.of(X, self.groups, self.time)
        rows = Observations.read(X, columns, self.groups, type(self).__name__)
        order = rows.order()
        if rows.times is not None:
            self._check_same_clock(rows.times.kind, reset=reset)
        rows.check_order(order, X, type(self).__name__)
        return rows, order

    def _check_table(self, X: Any, *, reset: bool) -> Any:
        """X as a table of two axes, its values not yet looked at."""
        name = type(self).__name__
        X = with_names(plain_input(X, name))
        if not hasattr(X, "shape"):
            # As objects, numbers stay numbers beside a column of text.
            X = as_table(X, None if self._takes_all_columns else object, name)
        if len(X.shape) == 1:
            raise ValueError(
                f"X is one series of shape {tuple(X.shape)}, but {name} takes a table "
                "of shape (n_samples, n_columns), a row for each time. Reshape your "
                "data: X.reshape(-1, 1) is a table of one column. To forecast its next "
                "values, use make_windows."
            )
        if len(X.shape) == 3:
            raise ValueError(
                f"X has 3 axes (shape {tuple(X.shape)}), but {name} takes a table of "
                "shape (n_samples, n_columns), a row for each time. X is already "
                f"{AXES} and needs no {name}: leave it out."
            )
        if len(X.shape) != 2 or issparse(X) or 0 in X.shape:
            with saying_what_to_do(name):
                check_array(X, dtype=None, estimator=name, input_name="X")
        with saying_what_to_do(name):
            return validate_data(self, X, reset=reset, skip_check_array=True)

    @property
    def _takes_all_columns(self) -> bool:
        return self.time is None and (self.groups is None or callable(self.groups))

    def _check_same_clock(self, kind: str, *, reset: bool) -> None:
        if reset:
            self._clock = kind
        elif kind != self._clock:
            raise ValueError(
                f"The time column has {kind}, but {type(self).__name__} was fitted "
                f"with {self._clock}. Give times of the same kind."
            )
