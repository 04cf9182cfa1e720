"""Missing values from the timesteps around them: SequenceImputer."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from numbers import Real
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sklstm.base.messages import shown
from sklstm.base.parameters import (
    Interval,
    StrOptions,
    _fit_context,
    unchanged_on_error,
)
from sklstm.base.schema import OF_SEQUENCES, Array, Kind, count, instance_of
from sklstm.preprocessing.base import (
    SequenceTransformer,
    StepTable,
    changed_sequences,
    overlapping_windows,
    without_writing,
)
from sklstm.sequences.batch import SequenceBatch, as_floats
from sklstm.sequences.checks import n_step_features

STRATEGIES = ("ffill", "bfill", "linear")


class SequenceImputer(SequenceTransformer):
    """Fill missing values in from the timesteps around them in the same sequence.

    NaN beside numbers is a missing value. A timestep whose features are all NaN is
    padding: it is not filled, wherever it stands, and neither counts nor is counted.

    Parameters
    ----------
    strategy : {"ffill", "bfill", "linear"}, default="ffill"
        Where a missing value comes from, in pandas' words.

        - "ffill": the last value before it.
        - "bfill": the next value after it.
        - "linear": the line between these two, by the number of timesteps; behind the
          last value, that.
    fill_value : {"mean", "median"} or float, default="mean"
        What stands where a sequence has nothing to take, as in front of its first value
        with "ffill": the mean or median of the feature over all timesteps seen in
        `fit`, or a number.
    add_indicator : bool, default=False
        Whether features are put behind the others that are 1 where a value was missing
        and 0 where not: one for each feature of which `fit` saw a missing value.

    Attributes
    ----------
    statistics_ : ndarray of shape (n_features,)
        What `fill_value` is for each feature.
    indicator_features_ : ndarray of int
        The features that have an indicator; none without `add_indicator`.
    n_features_out_ : int
        Features per timestep of what `transform` returns.
    n_features_in_ : int
        Features of each timestep; the number of columns if X was a table.
    n_timesteps_in_ : int
        Timesteps of X in `fit`, its padding included.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns seen in `fit`, if X was a data frame, or a list of data
        frames, whose column names are all strings.

    See Also
    --------
    SequenceScaler : With any imputer of rows of scikit-learn, such as KNNImputer.
    SequencePadder : Bring sequences of unequal length to one length.

    Notes
    -----
    A table is `n_columns` timesteps of one feature, as everywhere in sklstm, so NaN in
    it is padding and nothing is imputed. Put the imputer *behind* the step that makes
    the sequences, such as :class:`SequenceReshaper`.

    Of windows that overlap the result is computed when it is read, a few megabytes at a
    time: an object that reads like an array, of which ``np.asarray`` makes one.
    Windows without missing values stay windows.

    "bfill" and "linear" look ahead: not for forecasts, where nobody knows what follows.

    float32 and float64 are kept, integers become float64.

    Examples
    --------
    >>> import numpy as np
    >>> from sklstm import SequenceImputer
    >>> nan = np.nan
    >>> X = [[[nan, 5.0], [1.0, nan], [nan, 6.0]], [[3.0, 7.0]]]
    >>> imputer = SequenceImputer().fit(X)
    >>> imputer.transform(X)[0]
    array([[2., 5.],
           [1., 5.],
           [1., 6.]])
    """

    _learnt: ClassVar[str] = "statistics_"

    _current_params: ClassVar[tuple[str, ...]] = ("strategy",)
    _takes_missing: ClassVar[bool] = True

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "strategy": [StrOptions(set(STRATEGIES))],
        "fill_value": [
            StrOptions({"mean", "median"}),
            Interval(Real, None, None, closed="neither"),
        ],
        "add_indicator": ["boolean"],
    }

    def __init__(
        self,
        strategy: Literal["ffill", "bfill", "linear"] = "ffill",
        *,
        fill_value: Literal["mean", "median"] | float = "mean",
        add_indicator: bool = False,
    ) -> None:
        self.strategy = strategy
        self.fill_value = fill_value
        self.add_indicator = add_indicator

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: ArrayLike, y: ArrayLike | None = None) -> Self:
        """Learn what stands where a sequence has no value to take.

        Parameters
        ----------
        X : 2D or 3D array-like, or a list of sequences of unequal length
            The sequences of a list have shape (n_timesteps_i,) or (n_timesteps_i,
            n_features). A table is `n_columns` timesteps of one feature.
        y : Ignored
            Present for API consistency.

        Returns
        -------
        SequenceImputer
            The fitted instance.

        Raises
        ------
        ValueError
            If X has infinite values or a sequence without timesteps, or if a feature
            has no value at all and `fill_value` is not a number.
        """
        with unchanged_on_error(self):
            batch = self._read_sequences(X, reset=True)
            steps = StepTable.of(batch)
            missing = np.isnan(steps.rows)
            self.statistics_ = self._statistics(steps, missing)
            has_indicator = missing.any(axis=0) & bool(self.add_indicator)
            self.indicator_features_ = np.flatnonzero(has_indicator)
            self.n_features_out_ = batch.n_features + len(self.indicator_features_)
        return self

    def transform(self, X: ArrayLike) -> Any:
        """Fill missing values in; padding stays where it is.

        Parameters
        ----------
        X : 2D or 3D array-like, or a list of sequences of unequal length
            Sequences with the features seen in `fit`.

        Returns
        -------
        array-like of shape (n_samples, n_timesteps, n_features_out_)
            The sequences, then the indicators. The shorter of a list are padded with
            NaN behind. A read-only view of X if nothing is missing.

        Raises
        ------
        ValueError
            If X has other features than in `fit`, infinite values or a sequence without
            timesteps.
        """
        self._check_ready()
        batch = self._read_sequences(X, reset=False)
        if overlapping_windows(batch) is not None:
            steps = StepTable.of(batch)
            rows = as_floats(steps.rows)
            if not np.isnan(rows).any():
                flags = np.zeros((len(rows), len(self.indicator_features_)), rows.dtype)
                return steps.place(np.concatenate([rows, flags], axis=1))
        change = partial(
            imputed,
            strategy=self.strategy,
            statistics=self.statistics_,
            indicators=self.indicator_features_,
        )
        n_timesteps = batch.values.shape[1]
        filled = changed_sequences(batch, change, n_timesteps, self.n_features_out_)
        return without_writing(filled, X)

    def _statistics(
        self, steps: StepTable, missing: NDArray[np.bool_]
    ) -> NDArray[np.float64]:
        if not isinstance(self.fill_value, str):
            return np.full(missing.shape[1], float(self.fill_value))
        empty = np.flatnonzero(missing.all(axis=0))
        if len(empty):
            raise ValueError(
                f"Feature {empty[0]} of X is missing at all {steps.n_steps} timesteps "
                f"({len(empty)} such features of {missing.shape[1]}): nothing is there "
                f"to learn its {self.fill_value} from. Leave it out, or give a number, "
                "fill_value=0."
            )
        rows = steps.rows.astype(np.float64)
        if steps.counts is None:
            statistic = np.nanmean if self.fill_value == "mean" else np.nanmedian
            return statistic(rows, axis=0)
        weighted = _weighted_mean if self.fill_value == "mean" else _weighted_median
        return np.array(
            [
                weighted(values[known], steps.counts[known])
                for values, known in zip(rows.T, ~missing.T, strict=True)
            ]
        )

    _saved: ClassVar[dict[str, Kind]] = {
        **OF_SEQUENCES,
        "statistics_": Array(np.float64, n_step_features),
        "indicator_features_": instance_of(np.ndarray),
        "n_features_out_": count("features"),
    }

    def _contradictions(self) -> Iterator[str]:
        n_features = n_step_features(self)
        flagged = self.indicator_features_.tolist()
        if flagged != sorted({*flagged} & {*range(n_features)}):
            yield (
                f"indicator_features_={shown(flagged)} are not among {n_features} "
                "features"
            )
        if self.n_features_out_ != n_features + len(flagged):
            yield (
                f"n_features_out_={shown(self.n_features_out_)}, but there are "
                f"{n_features} features and {len(flagged)} indicators"
            )


def imputed(
    batch: SequenceBatch,
    *,
    strategy: str,
    statistics: NDArray[np.float64],
    indicators: NDArray[np.intp],
) -> NDArray[Any]:
    """Sequences whose missing values are filled in, as SequenceImputer describes it.

    Parameters
    ----------
    batch : SequenceBatch
    strategy : {"ffill", "bfill", "linear"}
    statistics : ndarray of shape (n_features,)
        What stands where a sequence has nothing to take.
    indicators : ndarray of int
        The features that have an indicator.

    Returns
    -------
    ndarray of shape (n_samples, n_timesteps, n_columns)
        The values themselves, not a copy, if there is nothing to do.
    """
    steps = as_floats(batch.all_values())
    missing = np.isnan(steps)
    if not missing.any() and not len(indicators):
        return steps
    valid = batch.valid()
    filled = fill(steps, valid, strategy)
    filled = np.where(np.isnan(filled), statistics.astype(steps.dtype), filled)
    flags = missing[:, :, indicators].astype(steps.dtype)
    filled = np.concatenate([filled, flags], axis=2)
    filled[~valid] = np.nan
    return filled


def _weighted_mean(values: NDArray[np.float64], counts: NDArray[np.intp]) -> float:
    return float(np.average(values, weights=counts))


def _weighted_median(values: NDArray[np.float64], counts: NDArray[np.intp]) -> float:
    """The median of values each of which is there so many times."""
    order = np.argsort(values, kind="stable")
    ends = np.cumsum(counts[order])
    middle = np.array([(ends[-1] - 1) // 2, ends[-1] // 2])
    return float(values[order][np.searchsorted(ends, middle, side="right")].mean())


def fill(steps: NDArray[Any], valid: NDArray[np.bool_], strategy: str) -> NDArray[Any]:
    """A copy of the steps whose missing values are filled in, as far as they can be.

    Parameters
    ----------
    steps : ndarray of shape (n_samples, n_timesteps, n_features)
    valid : ndarray of shape (n_samples, n_timesteps), bool
        Which timesteps are data. What is filled in at the others is of no use.
    strategy : {"ffill", "bfill", "linear"}
    """
    if strategy == "bfill":
        return _reversed(_carried(_reversed(steps)))
    before = _carried(steps)
    if strategy == "ffill":
        return before
    # Padding takes no time: timesteps are counted without it.
    ranks = np.cumsum(valid, axis=1).astype(steps.dtype)[:, :, None]
    known_at = np.where(np.isnan(steps), np.nan, ranks)
    after = _reversed(_carried(_reversed(steps)))
    first, last = _carried(known_at), _reversed(_carried(_reversed(known_at)))
    inside = np.isnan(steps) & ~np.isnan(first) & ~np.isnan(last)
    span = np.where(inside, last - first, 1)
    share = np.where(inside, ranks - first, 0) / span
    return np.where(inside, before + share * (after - before), before)


def _carried(steps: NDArray[Any]) -> NDArray[Any]:
    """The last value that was known at each timestep; NaN in front of the first."""
    n_timesteps = steps.shape[1]
    here = np.arange(n_timesteps)[None, :, None]
    known = np.where(np.isnan(steps), -1, here)
    source = np.maximum.accumulate(known, axis=1)
    carried: NDArray[Any] = np.take_along_axis(steps, np.maximum(source, 0), axis=1)
    return carried


def _reversed(steps: NDArray[Any]) -> NDArray[Any]:
    return steps[:, ::-1]
