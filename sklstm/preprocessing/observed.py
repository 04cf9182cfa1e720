"""A table of observations, read the way it was read in `fit`."""

from __future__ import annotations

from typing import Any

from scipy.sparse import issparse
from sklearn.utils import check_array
from sklearn.utils.validation import validate_data

from sklstm.preprocessing.columns import Columns
from sklstm.preprocessing.observations import (
    Observations,
    as_table,
    refuse_several_columns,
)
from sklstm.preprocessing.series import check_index, check_times
from sklstm.sequences.checks import AXES, plain_input, saying_what_to_do
from sklstm.sequences.columns import column_names, with_names
from sklstm.sequences.windows import SeriesOrder


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
            check_times(rows.times, order.rows, order.codes, rows.labels)
        else:
            check_index(X, order, rows.labels, type(self).__name__)
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
