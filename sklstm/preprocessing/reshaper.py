"""Table to sequences and back: SequenceReshaper."""

from __future__ import annotations

from collections.abc import Iterator
from numbers import Integral
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_array, check_is_fitted, validate_data

from sklstm.parameters import Interval, StrOptions, _fit_context, unchanged_on_error
from sklstm.persistence import SavedState, is_count, parameter_contradictions
from sklstm.preprocessing.output import ThreeAxesOutputMixin
from sklstm.sequences.batch import valid_steps
from sklstm.sequences.checks import AXES, refuse_kind, saying_what_to_do
from sklstm.sequences.ragged import is_ragged, pad_ragged

# A number of columns can have hundreds of divisors; a message names the nearest.
MOST_DIVISORS_NAMED = 8


class SequenceReshaper(
    SavedState, ThreeAxesOutputMixin, TransformerMixin, BaseEstimator
):
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

    Attributes
    ----------
    n_timesteps_out_ : int
        Timesteps of what `transform` returns.
    n_features_out_ : int
        Features of what `transform` returns.
    n_features_in_ : int
        Columns of the table seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns seen in `fit`, if they were all strings.

    See Also
    --------
    SequencePadder : Bring sequences of unequal length to one length.

    Notes
    -----
    The values are not examined: NaN passes through, and the estimators say where
    they find a missing value. The result keeps the dtype and is a view of the table
    wherever NumPy can make one, so writing into it may write into the table.

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

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "n_timesteps": [Interval(Integral, 1, None, closed="left"), None],
        "n_features": [Interval(Integral, 1, None, closed="left"), None],
        "layout": [StrOptions({"timestep", "feature"})],
        "pad": ["boolean"],
        "time": [Interval(Integral, 0, None, closed="left"), None],
    }

    def __init__(
        self,
        n_timesteps: int | None = None,
        *,
        n_features: int | None = None,
        layout: Literal["timestep", "feature"] = "timestep",
        pad: bool = False,
        time: int | None = None,
    ) -> None:
        self.n_timesteps = n_timesteps
        self.n_features = n_features
        self.layout = layout
        self.pad = pad
        self.time = time

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
            times do not rise, or X is no table.
        """
        with unchanged_on_error(self):
            X = self._check_table(X, reset=True)
            self.n_timesteps_out_, self.n_features_out_ = steps_and_features(
                X.shape[1], self.n_timesteps, self.n_features, pad=self.pad
            )
            if self.time is not None:
                if self.time >= self.n_features_out_:
                    raise ValueError(
                        f"time={self.time} is no feature: a timestep has "
                        f"{self.n_features_out_}, counted from 0. Choose a number "
                        f"below {self.n_features_out_}."
                    )
                self.transform(X)
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
            The sequences, a view of X where possible.

        Raises
        ------
        ValueError
            If X has other columns than in `fit`, times do not rise, or X is no table.
        """
        check_is_fitted(self)
        X = self._check_table(X, reset=False)
        steps = columns_to_steps(
            X, self.n_timesteps_out_, self.n_features_out_, self.layout
        )
        return steps if self.time is None else times_to_elapsed(steps, self.time)

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
            The table, without what `pad=True` added. With `time`, the times of every
            sequence count from 0.

        Raises
        ------
        ValueError
            If X has another shape than `transform` returns.
        """
        check_is_fitted(self)
        if is_ragged(X):
            X = pad_ragged(X, self.n_timesteps_out_)
        X = check_array(
            X,
            dtype="numeric",
            allow_nd=True,
            ensure_2d=False,
            ensure_all_finite=False,
            estimator=self,
            input_name="X",
        )
        expected = (self.n_timesteps_out_, self.n_features_out_)
        if X.shape[1:] != expected:
            raise ValueError(
                f"X has shape {X.shape}, but inverse_transform expects the axes "
                f"{AXES} that transform returns: (n_samples, {expected[0]}, "
                f"{expected[1]})."
            )
        if self.time is not None:
            X = elapsed_to_times(X, self.time)
        return steps_to_columns(X, self.n_features_in_, self.layout)

    def _check_table(self, X: Any, *, reset: bool) -> NDArray[Any]:
        """X as an array of two axes; sequences are sent elsewhere."""
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
                "sequences need another length."
            )
        with saying_what_to_do(type(self).__name__):
            table: NDArray[Any] = validate_data(
                self, X, reset=reset, dtype="numeric", ensure_all_finite=False
            )
            # scikit-learn leaves the objects of a data frame as they are.
            return table.astype(np.float64) if table.dtype == object else table

    def _contradictions(self) -> Iterator[str]:
        yield from parameter_contradictions(self)
        sizes = (self.n_timesteps_out_, self.n_features_out_)
        n_columns = self.n_features_in_
        if not all(is_count(size) for size in (*sizes, n_columns)):
            yield f"{n_columns!r} columns were made {sizes} timesteps and features"
        if sizes[0] * sizes[1] != n_columns and sizes != steps_and_features(
            n_columns, self.n_timesteps, self.n_features, pad=self.pad
        ):
            yield (
                f"{sizes[0]} timesteps of {sizes[1]} features follow neither from the "
                f"{n_columns} columns of X nor from the parameters"
            )
        if self.time is not None and self.time >= self.n_features_out_:
            yield f"time={self.time} is none of {self.n_features_out_} features"

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def steps_and_features(
    n_columns: int, n_timesteps: int | None, n_features: int | None, *, pad: bool
) -> tuple[int, int]:
    """How many timesteps of how many features a table's columns make.

    Parameters
    ----------
    n_columns : int
        Columns of the table.
    n_timesteps, n_features : int or None
        The sizes asked for; None means that it follows.
    pad : bool
        Whether the sizes may hold more than the columns.

    Returns
    -------
    tuple of int
        `n_timesteps` and `n_features`.

    Raises
    ------
    ValueError
        If no such sizes exist; the message names those that do.
    """
    if n_timesteps is not None and n_features is not None:
        _check_product(n_columns, n_timesteps, n_features, pad)
        return n_timesteps, n_features
    if n_timesteps is not None:
        _check_divides(n_columns, "n_timesteps", n_timesteps, pad)
        return n_timesteps, -(-n_columns // n_timesteps)
    if n_features is not None:
        _check_divides(n_columns, "n_features", n_features, pad)
        return -(-n_columns // n_features), n_features
    return n_columns, 1


def _check_product(
    n_columns: int, n_timesteps: int, n_features: int, pad: bool
) -> None:
    n_cells = n_timesteps * n_features
    if n_cells == n_columns or (pad and n_cells > n_columns):
        return
    repair = ", or set pad=True" if n_cells > n_columns else ""
    raise ValueError(
        f"X has {_count(n_columns)}, but n_timesteps={n_timesteps} times "
        f"n_features={n_features} is {n_cells}. Choose two sizes whose product is "
        f"{n_columns}, or give one of them and the other follows{repair}."
    )


def _check_divides(n_columns: int, name: str, size: int, pad: bool) -> None:
    if pad or n_columns % size == 0:
        return
    divisors = [k for k in range(1, n_columns + 1) if n_columns % k == 0]
    nearest = sorted(divisors, key=lambda k: abs(k - size))[:MOST_DIVISORS_NAMED]
    named = [str(k) for k in sorted(nearest)]
    options = named[0] if len(named) == 1 else f"{', '.join(named[:-1])} or {named[-1]}"
    among = "" if len(named) == len(divisors) else "for example "
    raise ValueError(
        f"X has {_count(n_columns)}, which {name}={size} does not divide. Choose "
        f"{among}{options}, or set pad=True."
    )


def _count(n_columns: int) -> str:
    return f"{n_columns} column" if n_columns == 1 else f"{n_columns} columns"


def columns_to_steps(
    table: NDArray[Any], n_timesteps: int, n_features: int, layout: str
) -> NDArray[Any]:
    """Columns as timesteps, filled up as the Notes of SequenceReshaper say.

    Parameters
    ----------
    table : ndarray of shape (n_samples, n_columns)
    n_timesteps, n_features : int
        Their product is at least `n_columns`.
    layout : {"timestep", "feature"}

    Returns
    -------
    ndarray of shape (n_samples, n_timesteps, n_features)
    """
    n_columns = table.shape[1]
    n_filled = -(-n_columns // n_features)
    n_cells = n_filled * n_features
    if n_cells > n_columns:
        table = _append_nan(table, n_cells)
    steps = _by_layout(table, n_filled, n_features, layout)
    if n_cells > n_columns:
        cells = np.arange(n_cells)[None]
        no_column = _by_layout(cells, n_filled, n_features, layout) >= n_columns
        np.copyto(steps, 0, where=no_column & valid_steps(steps)[:, :, None])
    return _append_nan(steps, n_timesteps) if n_timesteps > n_filled else steps


def steps_to_columns(steps: NDArray[Any], n_columns: int, layout: str) -> NDArray[Any]:
    """The inverse of :func:`columns_to_steps`.

    Parameters
    ----------
    steps : ndarray of shape (n_samples, n_timesteps, n_features)
    n_columns : int
        Columns of the table.
    layout : {"timestep", "feature"}

    Returns
    -------
    ndarray of shape (n_samples, n_columns)
    """
    n_samples, _, n_features = steps.shape
    steps = steps[:, : -(-n_columns // n_features)]
    if layout == "feature":
        steps = steps.swapaxes(1, 2)
    n_cells = steps.shape[1] * steps.shape[2]
    return steps.reshape(n_samples, n_cells)[:, :n_columns]


def times_to_elapsed(steps: NDArray[Any], time: int) -> NDArray[Any]:
    """A copy in which one feature is the difference to the previous valid timestep.

    Parameters
    ----------
    steps : ndarray of shape (n_samples, n_timesteps, n_features)
    time : int
        Which feature.

    Returns
    -------
    ndarray of shape (n_samples, n_timesteps, n_features)

    Raises
    ------
    ValueError
        If times do not rise within a sequence.
    """
    n_samples, n_timesteps, _ = steps.shape
    steps = steps.copy()
    times = steps[:, :, time].copy()
    valid = valid_steps(steps)
    latest = np.maximum.accumulate(np.where(valid, np.arange(n_timesteps), -1), axis=1)
    previous = np.column_stack([np.full(n_samples, -1), latest[:, :-1]])
    before = np.take_along_axis(times, np.maximum(previous, 0), axis=1)
    follows = valid & (previous >= 0)
    back = np.argwhere(follows & (times <= before))
    if len(back):
        sample, step = (int(k) for k in back[0])
        raise ValueError(
            f"The times of sample {sample} do not rise: {before[sample, step]} is "
            f"followed by {times[sample, step]} at timestep {step}. Sort the timesteps "
            "by time, and keep one of those at the same time."
        )
    elapsed = np.where(follows, times - before, 0)
    steps[:, :, time] = np.where(valid, elapsed, times)
    return steps


def elapsed_to_times(steps: NDArray[Any], time: int) -> NDArray[Any]:
    """A copy in which one feature is summed up over the valid timesteps."""
    steps = steps.copy()
    elapsed = steps[:, :, time]
    times = np.nancumsum(elapsed, axis=1)
    steps[:, :, time] = np.where(valid_steps(steps), times, elapsed)
    return steps


def _by_layout(
    table: NDArray[Any], n_timesteps: int, n_features: int, layout: str
) -> NDArray[Any]:
    if layout == "timestep":
        return table.reshape(len(table), n_timesteps, n_features)
    return table.reshape(len(table), n_features, n_timesteps).swapaxes(1, 2)


def _append_nan(values: NDArray[Any], length: int) -> NDArray[Any]:
    """A float copy whose second axis is `length`, NaN behind the values."""
    dtype = values.dtype if values.dtype.kind == "f" else np.float64
    longer = np.full((values.shape[0], length, *values.shape[2:]), np.nan, dtype=dtype)
    longer[:, : values.shape[1]] = values
    return longer
