"""A table of observations, read the way it was read in `fit`."""

from __future__ import annotations

from typing import Any

from scipy.sparse import issparse
from sklearn.utils import check_array
from sklearn.utils.validation import validate_data

from sklstm.preprocessing.columns import Columns
from sklstm.preprocessing.observations import Observations, as_table
from sklstm.preprocessing.series import check_times
from sklstm.sequences.checks import AXES, plain_input, saying_what_to_do
from sklstm.sequences.columns import column_names, with_names
from sklstm.sequences.windows import SeriesOrder


class ObservationReader:
    """Remembers which columns of a table are features, groups and time."""

    groups: Any
    time: Any

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
            self._check_same_clock(rows.dates, reset=reset)
            check_times(rows.times, order, rows.labels, rows.dates)
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
        return validate_data(self, X, reset=reset, skip_check_array=True)

    @property
    def _takes_all_columns(self) -> bool:
        return self.time is None and (self.groups is None or callable(self.groups))

    def _check_same_clock(self, dates: bool, *, reset: bool) -> None:
        if reset:
            self._dates = dates
        elif dates != self._dates:
            kinds = ("numbers", "dates")
            raise ValueError(
                f"The time column has {kinds[dates]}, but {type(self).__name__} was "
                f"fitted with {kinds[self._dates]}. Give times of the same kind."
            )
