"""Rows in the order of time to windows that end at them: SlidingWindows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from numbers import Integral
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sklstm.base.messages import shown
from sklstm.base.parameters import (
    Interval,
    StrOptions,
    _fit_context,
    check_parameters,
    in_our_words,
    unchanged_on_error,
    warn_caller,
)
from sklstm.base.schema import OF_TABLE, Kind, Maybe, Names, Part, count, one_of
from sklstm.preprocessing.base import SequenceTransformer
from sklstm.preprocessing.panel import Columns, ObservationReader, Observations
from sklstm.preprocessing.series import (
    SeriesOrder,
    check_longest,
    rows_to_remember,
    windows_by_series,
)
from sklstm.preprocessing.times import KINDS
from sklstm.sequences.checks import plain_input
from sklstm.sequences.windows import Windows, front_padded, sliding_windows, span


@in_our_words
class SlidingWindows(ObservationReader, SequenceTransformer):
    """Turn each row of a table into the window of rows that ends at it.

    Rows are observations in the order of time, so row i becomes what was known at the
    time of row i: its own features and those of the rows before. The number of samples
    stays, and `y` stays in step. Where a series has no earlier rows the window is
    padded with NaN in front.

    Parameters
    ----------
    n_timesteps : int, default=10
        Timesteps of each window.
    sampling_rate : int, default=1
        A window has every `sampling_rate`-th row, counted backwards from its last.
    groups : str, int, callable or None, default=None
        What tells series apart. Windows never cross from one to another. The rows of a
        series need not stand together; their order within it is that of the table.

        - None: all rows are one series.
        - str or int: the name or index of a column, which may hold text and is not a
          feature of the windows.
        - callable: a function of X that returns a label for each row.
    time : str, int or None, default=None
        Name or index of a column of numbers or dates. A feature `elapsed` takes its
        place: the difference to the previous timestep of the window, in seconds for
        dates, 0 in the first row of a series. Times must rise within a series.
    context : {"fit"} or None, default=None
        What stands in front of the first rows that `transform` is given.

        - None: nothing, they are padded.
        - "fit": the last rows of the same series that were seen in `fit`, for data that
          follow it; see Notes.

    Attributes
    ----------
    n_timesteps_out_ : int
        Timesteps of what `transform` returns.
    n_features_out_ : int
        Features of what `transform` returns.
    feature_names_out_ : ndarray of shape (n_features_out_,)
        Names of these features; x0, x1, ... for the columns of an array.
    n_features_in_ : int
        Columns of the table seen in `fit`, with those for `groups` and `time`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns seen in `fit`, if they were all strings.

    See Also
    --------
    make_windows : Windows and the values that follow them, for forecasts.
    SequenceReshaper : For a table whose columns are timesteps.

    Notes
    -----
    Nothing is multiplied: without `groups` the result is a view of one copy of the
    table, with `groups` an object that reads like an array and cuts windows when it is
    indexed. The estimators and transformers of sklstm read both in parts;
    ``np.asarray`` makes an array of either.

    A row whose features are all NaN is padding, which the estimators skip; its elapsed
    time is NaN, too, and the next row's is the difference to the step before it. NaN
    beside numbers passes through, and the estimators refuse it as a missing value.

    With `context="fit"`, ``fit(X).transform(X)`` is not ``fit_transform(X)``: it takes
    X for rows that follow those of `fit`. With `time`, only rows of `fit` that are
    earlier than the first row of the series count as its history. `transform` remembers
    nothing: the context is always that of `fit`.

    Examples
    --------
    >>> import numpy as np
    >>> from sklstm import SlidingWindows
    >>> X = np.array([[0.0, 10.0], [1.0, 11.0], [2.0, 12.0], [3.0, 13.0]])
    >>> X_trans = SlidingWindows(n_timesteps=3).fit_transform(X)
    >>> X_trans.shape
    (4, 3, 2)
    >>> X_trans[:, :, 0]
    array([[nan, nan,  0.],
           [nan,  0.,  1.],
           [ 0.,  1.,  2.],
           [ 1.,  2.,  3.]])
    """

    _learnt: ClassVar[str] = "_rate"

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "n_timesteps": [Interval(Integral, 1, None, closed="left")],
        "sampling_rate": [Interval(Integral, 1, None, closed="left")],
        "groups": [str, Integral, callable, None],
        "time": [str, Integral, None],
        "context": [StrOptions({"fit"}), None],
    }

    def __init__(
        self,
        n_timesteps: int = 10,
        *,
        sampling_rate: int = 1,
        groups: str | int | Callable[[Any], Any] | None = None,
        time: str | int | None = None,
        context: Literal["fit"] | None = None,
    ) -> None:
        self.n_timesteps = n_timesteps
        self.sampling_rate = sampling_rate
        self.groups = groups
        self.time = time
        self.context = context

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: ArrayLike, y: ArrayLike | None = None) -> Self:
        """Learn the columns and, for `context="fit"`, remember the last rows.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_columns)
            A table: a matrix, a data frame or a list of rows.
        y : Ignored
            Present for API consistency.

        Returns
        -------
        SlidingWindows
            The fitted instance.

        Raises
        ------
        ValueError
            If `groups` or `time` is no column of X, a label or time is missing, times
            do not rise within a series, no series is as long as a window, or another
            column holds no numbers.
        """
        self._learn(X)
        return self

    @_fit_context(prefer_skip_nested_validation=True)
    def fit_transform(self, X: ArrayLike, y: ArrayLike | None = None) -> Any:
        """Learn from a table, and cut its own windows, without context.

        Parameters
        ----------
        X, y
            As in `fit`.

        Returns
        -------
        ndarray or Windows of shape (n_samples, n_timesteps, n_features_out_)
            As from `transform`.

        Raises
        ------
        ValueError
            As in `fit`.
        """
        rows, order = self._learn(X)
        return self._cut(rows, order)

    def transform(self, X: ArrayLike) -> Any:
        """Cut the window that ends at each row.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_columns)
            A table with the columns seen in `fit`. A series may be shorter than a
            window, and may be one that `fit` has not seen.

        Returns
        -------
        ndarray or Windows of shape (n_samples, n_timesteps, n_features_out_)
            Read-only. With `groups`, an object that reads like an array of three axes
            and cuts windows when it is indexed.

        Raises
        ------
        ValueError
            As in `fit`, except for short series, or if X has other columns.

        Warns
        -----
        UserWarning
            If no series has the rows of a full window.
        """
        self._check_ready()
        rows, order = self._read(X, reset=False)
        if self.context is None:
            self._warn_of_few_rows(int(order.sizes.max()))
            return self._cut(rows, order)
        self._check_context()
        earlier = self._context_for(rows, order)
        rows = rows.behind(earlier, type(self).__name__)
        return self._cut(rows, rows.order(), first_row=len(earlier))

    def inverse_transform(self, X: Any) -> NDArray[Any]:
        """The rows at which the windows end: the last timestep of each.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_timesteps, n_features_out_)
            Windows as `transform` returns them.

        Returns
        -------
        ndarray of shape (n_samples, n_features_out_)
            The table, with `elapsed` in place of the time and without the column of
            `groups`: neither can be told from windows.

        Raises
        ------
        ValueError
            If X has another shape than `transform` returns.
        """
        self._check_ready()
        if not isinstance(X, Windows):
            X = self._as_returned(plain_input(X, type(self).__name__))
        self._check_sizes(X)
        if isinstance(X, Windows):
            return X.table[X.ends]
        return np.array(X[:, -1])  # few values; a view would be one of the caller's X

    def _learn(self, X: Any) -> tuple[Observations, SeriesOrder]:
        with unchanged_on_error(self):
            rows, order = self._read(X, reset=True)
            n_rows = span(self.n_timesteps, self.sampling_rate)
            most = (int(order.sizes.max()) - 1) // self.sampling_rate + 1
            check_longest(
                order,
                n_rows + 1,
                f"n_timesteps={self.n_timesteps} with sampling_rate="
                f"{self.sampling_rate} reaches over {n_rows + 1} rows",
                f"n_timesteps of at most {most}",
            )
            names = self._columns.feature_names
            self.n_timesteps_out_ = int(self.n_timesteps)
            self.n_features_out_ = len(names)
            self.feature_names_out_ = np.array(names, dtype=object)
            self._rate = int(self.sampling_rate)
            self._longest = int(order.sizes.max())
            if self.context == "fit":
                kept = order.n_after < n_rows
                if rows.times is not None:
                    # Of a window's first step, too, the elapsed time is asked for.
                    kept = rows_to_remember(order, rows.valid, n_rows, self._rate)
                self._last_rows = rows.at(kept)
            return rows, order

    def _warn_of_few_rows(self, longest: int) -> None:
        """Say that no window is full, as where the last row alone is asked for."""
        n_needed = span(self.n_timesteps_out_, self._rate) + 1
        if longest >= n_needed:
            return
        rows = "1 row" if longest == 1 else f"{longest} rows"
        warn_caller(
            f"The longest series of X has {rows}, but a window reaches over "
            f"{n_needed}: all windows are padded in front, and what a network makes of "
            "them is not what it makes of full ones. For the window that ends at a "
            f"series' last row give its last {n_needed} rows, or set context='fit' if "
            "X follows what fit was given."
        )

    def _check_context(self) -> None:
        check_parameters(self, "context")
        if "_last_rows" not in vars(self):
            raise ValueError(
                f"context={shown(self.context)} was set after fit, which has kept no "
                "rows. Call fit again."
            )

    def _context_for(self, rows: Observations, order: SeriesOrder) -> Observations:
        """What was seen last in `fit`, as far as it is earlier than these rows."""
        earlier = self._last_rows
        if rows.times is None or earlier.times is None:
            return earlier
        both = rows.behind(earlier, type(self).__name__)
        assert both.times is not None
        together, n_earlier = both.order(), len(earlier)
        old, new = np.split(both.times.ticks, [n_earlier])
        first = np.full(len(together.sizes), np.inf, dtype=object)
        begins = order.ranks == 0
        first[together.codes[n_earlier:][begins]] = new[begins]
        return earlier.at(np.array(old < first[together.codes[:n_earlier]], dtype=bool))

    def _cut(
        self, rows: Observations, order: SeriesOrder, first_row: int = 0
    ) -> NDArray[Any] | Windows:
        n_timesteps, rate = self.n_timesteps_out_, self._rate
        table = rows.table(self._columns, order, rate)
        if rows.labels is not None:
            return windows_by_series(table, order, n_timesteps, rate, first_row)
        padded = front_padded(table, span(n_timesteps, rate))
        return sliding_windows(padded, n_timesteps, rate)[first_row:]

    _saved: ClassVar[dict[str, Kind]] = {
        **OF_TABLE,
        "_columns": Part(Columns),
        "n_timesteps_out_": count("timesteps"),
        "n_features_out_": count("features"),
        "feature_names_out_": Names("n_features_out_"),
        "_rate": count("rows from one timestep to the next"),
        "_longest": count("rows"),
        "_clock": Maybe(one_of(*KINDS)),
        "_last_rows": Maybe(Part(Observations)),
    }

    def _contradictions(self) -> Iterator[str]:
        columns, n_timesteps = self._columns, self.n_timesteps_out_
        yield from columns.contradictions(self.n_features_in_)
        names = columns.feature_names
        if list(self.feature_names_out_) != names:
            yield (
                f"its columns make the features {shown(names)}, not "
                f"{shown(list(self.feature_names_out_))}"
            )
        if span(n_timesteps, self._rate) >= self._longest:
            yield (
                f"n_timesteps_out_={n_timesteps} does not go with series of at most "
                f"{self._longest} rows"
            )
        if columns.time is not None and vars(self).get("_clock") is None:
            yield "_clock=None is no kind of time"
        if "_last_rows" in vars(self):
            yield from self._last_rows.contradictions(columns)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = False
        tags.input_tags.string = self.groups is not None and not callable(self.groups)
        # A window depends on other rows; there is no other tag for that.
        tags.non_deterministic = True
        return tags
