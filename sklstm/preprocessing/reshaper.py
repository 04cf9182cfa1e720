"""Table to sequences and back: SequenceReshaper."""

from __future__ import annotations

from collections.abc import Iterator
from numbers import Integral
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import validate_data

from sklstm.base.parameters import (
    Interval,
    StrOptions,
    _fit_context,
    in_our_words,
    unchanged_on_error,
)
from sklstm.base.schema import OF_TABLE, Array, Kind, count
from sklstm.preprocessing.base import SequenceTransformer, without_writing
from sklstm.preprocessing.wide_table import (
    columns_to_steps,
    elapsed_to_times,
    join_static,
    split_static,
    steps_and_features,
    steps_to_columns,
    times_to_elapsed,
)
from sklstm.sequences.checks import AXES, plain_input, refuse_kind, saying_what_to_do
from sklstm.sequences.columns import column_mask, with_names
from sklstm.sequences.ragged import is_ragged, pad_ragged


@in_our_words
class SequenceReshaper(SequenceTransformer):
    """Reshape a table to sequences, (n_samples, n_timesteps, n_features).

    With neither size given, every column is a timestep of one feature. With one
    given, the other follows from the number of columns; with both, their product
    must be the number of columns. `n_timesteps=1` makes every column a feature of a
    single timestep.

    Parameters
    ----------
    n_timesteps : int, default=None
        Timesteps of each sequence.
    n_features : int, default=None
        Features of each timestep.
    layout : {"timestep", "feature"}, default="timestep"
        In which order the columns come.

        - "timestep": all features of the first timestep, then all of the second:
          t0f0 t0f1 ... t1f0 t1f1 ...
        - "feature": all timesteps of the first feature, then all of the second:
          f0t0 f0t1 ... f1t0 f1t1 ...
    pad : bool, default=False
        Whether sizes that hold more than the columns are filled up instead of being
        refused; see Notes.
    time : int, default=None
        Number of the feature, counted from 0, that is the time of its timestep. It is
        replaced by the time elapsed since the previous timestep of the sequence, 0 in
        the first. Times must rise within a sequence.
    static : array-like of int, str or bool, default=None
        Columns that do not change over time, by indices, names or a mask: neither
        counted by the other parameters nor cut into timesteps. They stand behind the
        features of every timestep, in the order of the table.

    Attributes
    ----------
    is_static_ : ndarray of shape (n_features_in_,), bool
        Which columns of the table are static.
    n_timesteps_out_ : int
        Timesteps of what `transform` returns.
    n_features_out_ : int
        Features of what `transform` returns, the static ones included.
    n_features_in_ : int
        Columns of the table seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns seen in `fit`, if they were all strings.

    See Also
    --------
    SequencePadder : Bring sequences of unequal length to one length.
    pad_sequences : For a long table, or static values beside a list of sequences.

    Notes
    -----
    The values are not examined: NaN passes through, and the estimators say where
    they find a missing value. The result keeps the dtype and is a view of the table
    wherever NumPy can make one: read-only, as writing into it would change the table;
    ``np.array(X_trans)`` is a copy. With `static` it is a copy; a timestep whose own
    features are all NaN has no static ones either, and stays padding.

    With `pad=True`, the columns fill ``ceil(n_columns / n_features)`` timesteps in
    either layout, where ``n_features = ceil(n_columns / n_timesteps)`` unless given.
    What has no column behind it is filled as follows, and removed again by
    `inverse_transform`:

    - a timestep without any column is NaN: padding, which the estimators skip;
    - in a timestep that has only some of its columns, the others are 0, as NaN
      beside numbers would be a missing value. Where a row's numbers in that timestep
      are all NaN the others are NaN too, so that padding stays padding.

    An integer table becomes float64 if it is padded.

    Examples
    --------
    >>> import numpy as np
    >>> from sklstm import SequenceReshaper
    >>> X = np.arange(24).reshape(2, 12)
    >>> reshaper = SequenceReshaper(n_timesteps=3).fit(X)
    >>> X_trans = reshaper.transform(X)
    >>> X_trans.shape
    (2, 3, 4)
    >>> np.array_equal(reshaper.inverse_transform(X_trans), X)
    True
    """

    _learnt: ClassVar[str] = "n_features_out_"

    _shaping: ClassVar[tuple[str, ...]] = ("n_timesteps", "n_features", "pad")

    _current_params: ClassVar[tuple[str, ...]] = ("layout", "time")

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "n_timesteps": [Interval(Integral, 1, None, closed="left"), None],
        "n_features": [Interval(Integral, 1, None, closed="left"), None],
        "layout": [StrOptions({"timestep", "feature"})],
        "pad": ["boolean"],
        "time": [Interval(Integral, 0, None, closed="left"), None],
        "static": ["array-like", None],
    }

    def __init__(
        self,
        n_timesteps: int | None = None,
        *,
        n_features: int | None = None,
        layout: Literal["timestep", "feature"] = "timestep",
        pad: bool = False,
        time: int | None = None,
        static: ArrayLike | None = None,
    ) -> None:
        self.n_timesteps = n_timesteps
        self.n_features = n_features
        self.layout = layout
        self.pad = pad
        self.time = time
        self.static = static

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: ArrayLike, y: ArrayLike | None = None) -> Self:
        """Learn the number of timesteps and features from the number of columns.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_columns)
            A table: a matrix, a data frame or a list of rows.
        y : Ignored
            Present for API consistency.

        Returns
        -------
        SequenceReshaper
            The fitted instance.

        Raises
        ------
        ValueError
            If the columns do not make whole timesteps, `time` is no feature of them,
            times do not rise, `static` is no column, or X is no table.
        """
        with unchanged_on_error(self):
            self._keep_parameters()
            X = self._check_table(X, reset=True)
            self.is_static_ = self._find_static(X.shape[1])
            self.n_timesteps_out_, n_features = self._sizes()
            self.n_features_out_ = n_features + self._n_static
            if self.time is not None:
                self._reshape(X)
        return self

    def transform(self, X: ArrayLike) -> NDArray[Any]:
        """Reshape a table to sequences.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_columns)
            A table with the columns seen in `fit`.

        Returns
        -------
        ndarray of shape (n_samples, n_timesteps_out_, n_features_out_)
            The sequences, a read-only view of X where possible.

        Raises
        ------
        ValueError
            If X has other columns than in `fit`, times do not rise, or X is no table.
        """
        self._check_ready()
        return without_writing(self._reshape(self._check_table(X, reset=False)), X)

    def inverse_transform(self, X: Any) -> NDArray[Any]:
        """Reshape sequences back to the table they came from.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_timesteps_out_, n_features_out_)
            Sequences as `transform` returns them. A list of shorter sequences is
            padded with NaN first.

        Returns
        -------
        ndarray of shape (n_samples, n_features_in_)
            The table, a read-only view of X where possible, without what `pad=True`
            added. With `time`, the times of every
            sequence count from 0. Static columns are those of the first timestep
            that is data.

        Raises
        ------
        ValueError
            If X has another shape than `transform` returns.
        """
        self._check_ready()
        self._check_time()
        given = X = plain_input(X, type(self).__name__)
        if is_ragged(X):
            X = pad_ragged(X, self.n_timesteps_out_)
        X = self._as_returned(X)
        self._check_sizes(X)
        if self._n_static:
            X, static = split_static(X, self._n_static)
        if self.time is not None:
            X = elapsed_to_times(X, self.time)
        columns = steps_to_columns(X, self._n_changing, self.layout)
        if not self._n_static:
            return without_writing(columns, given)
        table = np.empty((len(X), self.n_features_in_), dtype=X.dtype)
        table[:, ~self.is_static_], table[:, self.is_static_] = columns, static
        return table

    def _check_time(self) -> None:
        n_features = self.n_features_out_ - self._n_static
        if self.time is not None and self.time >= n_features:
            raise ValueError(
                f"time={self.time} is no feature: a timestep has {n_features}, counted "
                f"from 0. Choose a number below {n_features}."
            )

    def _reshape(self, table: NDArray[Any]) -> NDArray[Any]:
        self._check_time()
        changing = table[:, ~self.is_static_] if self._n_static else table
        n_features = self.n_features_out_ - self._n_static
        steps = columns_to_steps(
            changing, self.n_timesteps_out_, n_features, self.layout
        )
        if self.time is not None:
            steps = times_to_elapsed(steps, self.time)
        if not self._n_static:
            return steps
        return join_static(steps, table[:, self.is_static_])

    def _find_static(self, n_columns: int) -> NDArray[np.bool_]:
        if self.static is None:
            return np.zeros(n_columns, dtype=bool)
        names = getattr(self, "feature_names_in_", None)
        names = None if names is None else list(names)
        mask = column_mask("static", self.static, n_columns, names)
        if mask.all():
            raise ValueError(
                f"static has all {n_columns} columns of X: none is left that changes "
                "over time. If so, there is no sequence in X; n_timesteps=1 makes its "
                "columns features of a single timestep."
            )
        return mask

    @property
    def _n_static(self) -> int:
        return int(self.is_static_.sum())

    @property
    def _n_changing(self) -> int:
        return int(self.n_features_in_) - self._n_static

    def _sizes(self) -> tuple[int, int]:
        """Timesteps, and features that change."""
        return steps_and_features(
            self._n_changing,
            **self._shaped_by,
            beside="" if not self._n_static else " that are not static",
        )

    def _check_table(self, X: Any, *, reset: bool) -> NDArray[Any]:
        """X as an array of two axes; sequences are sent elsewhere."""
        X = plain_input(X, type(self).__name__)
        if hasattr(X, "columns") and is_ragged(X):
            raise ValueError(
                "X is a data frame whose cells are sequences, but SequenceReshaper "
                "takes a table of numbers, of shape (n_samples, n_columns). Use "
                f"SequencePadder, which makes such a frame {AXES}."
            )
        if is_ragged(X) and len(X):
            try:
                X = np.stack([np.asarray(row) for row in X])
            except ValueError as error:
                raise ValueError(
                    "X is a list of sequences of unequal length, but SequenceReshaper "
                    "takes a table of shape (n_samples, n_columns). Use "
                    f"SequencePadder, which makes such a list {AXES}."
                ) from error
        elif not hasattr(X, "shape"):
            X = np.asarray(X)
        refuse_kind(self, X)
        if getattr(X, "ndim", 2) == 3:
            raise ValueError(
                f"X has 3 axes (shape {tuple(X.shape)}), but SequenceReshaper takes a "
                f"table of shape (n_samples, n_columns). X is already {AXES} and needs "
                "no SequenceReshaper: leave it out, or use SequencePadder if the "
                "sequences need another length. Where features come before timesteps, "
                'SequencePadder(layout="channels_first") reads them.'
            )
        with saying_what_to_do(type(self).__name__):
            table: NDArray[Any] = validate_data(
                self,
                with_names(X),
                reset=reset,
                dtype="numeric",
                ensure_all_finite=False,
            )
            # scikit-learn leaves the objects of a data frame as they are.
            return table.astype(np.float64) if table.dtype == object else table

    _saved: ClassVar[dict[str, Kind]] = {
        **OF_TABLE,
        "n_timesteps_out_": count("timesteps"),
        "n_features_out_": count("features"),
        "is_static_": Array(bool, "n_features_in_"),
    }

    def _contradictions(self) -> Iterator[str]:
        sizes = (self.n_timesteps_out_, self.n_features_out_ - self._n_static)
        fills = sizes[0] * sizes[1] == self._n_changing
        if not fills and sizes != self._sizes():
            yield (
                f"{sizes[0]} timesteps of {sizes[1]} features follow neither from the "
                f"{self.n_features_in_} columns of X nor from the parameters of fit"
            )

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = False
        return tags
