"""Scores of predictions at every timestep, and of quantiles."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, is_classifier
from sklearn.metrics import get_scorer, mean_pinball_loss
from sklearn.pipeline import Pipeline
from sklearn.utils import get_tags

from sklstm.base.sklearn_compat import accepts_sample_weight
from sklstm.sequences.ragged import arrays_of, pad_ragged
from sklstm.sequences.reading import read_sequences
from sklstm.targets.layouts import (
    read_timestep_weight,
    read_timesteps,
    refuse_missing,
    without_objects,
)

__all__ = ["make_pinball_scorer", "make_timestep_scorer"]

# Of y and weights, in messages.
READER = "a score of quantiles"


def make_timestep_scorer(scoring: object) -> TimestepScorer:
    """Make a scorer of sequences a scorer over all their valid timesteps.

    scikit-learn's metrics take one label per sample: a matrix of labels they would read
    as indicators, and score labels 1 and 2 as 1.0 whatever was predicted. This scorer
    hands them one per timestep, without those that are padding in X.

    Parameters
    ----------
    scoring : str or callable
        A name that :func:`sklearn.metrics.get_scorer` knows, such as "f1_macro",
        "neg_log_loss", "roc_auc" or "neg_mean_absolute_error", what
        :func:`sklearn.metrics.make_scorer` gives, or a function of (estimator, X, y):
        y and what the estimator predicts have one row per valid timestep there.

    Returns
    -------
    callable of (estimator, X, y, sample_weight=None)
        For `scoring` of GridSearchCV, cross_validate and the like.

    Raises
    ------
    ValueError
        If there is no scorer of that name.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.model_selection import cross_val_score
    >>> from sklstm import BiLSTMTimestepClassifier
    >>> from sklstm.metrics import make_timestep_scorer
    >>> X = np.random.default_rng(0).uniform(size=(60, 10, 1))
    >>> y = np.where(X[:, :, 0].cumsum(axis=1) > 2.5, "over", "under")
    >>> classifier = BiLSTMTimestepClassifier(units=8, epochs=20, random_state=0)
    >>> scorer = make_timestep_scorer("f1_macro")
    >>> cross_val_score(classifier, X, y, cv=3, scoring=scorer).shape
    (3,)
    """
    return TimestepScorer(get_scorer(scoring))


class TimestepScorer:
    """A scorer over all valid timesteps; made by `make_timestep_scorer`.

    Parameters
    ----------
    scorer : callable of (estimator, X, y)
    """

    def __init__(self, scorer: Callable[..., float]) -> None:
        self.scorer = scorer

    def __call__(
        self, estimator: BaseEstimator, X: Any, y: Any, sample_weight: Any = None
    ) -> float:
        """Score an estimator that predicts at every timestep.

        Parameters
        ----------
        estimator : fitted estimator or pipeline
        X : as its `predict` takes it
        y : array-like of shape (n_samples, n_timesteps), or list of arrays
        sample_weight : array-like of shape (n_samples,) or (n_samples, n_timesteps), \
or list of arrays, default=None

        Returns
        -------
        float

        Raises
        ------
        ValueError
            If `y` or `sample_weight` do not match the predictions.
        """
        rows = _Rows(estimator, X)
        y = rows.of(y, "y")
        weights = rows.weights_of(sample_weight)
        if weights is None:
            refuse_missing(y, np.ones(len(y), dtype=bool), rows.sequences)
            return float(self.scorer(rows, X, without_objects(y)))
        rows.used = np.flatnonzero(weights)
        refuse_missing(y, weights > 0, rows.sequences)
        y, weights = without_objects(y[rows.used]), weights[rows.used]
        return float(self.scorer(rows, X, y, sample_weight=weights))

    def _accept_sample_weight(self) -> bool:
        """scikit-learn asks its scorers, where there are several."""
        return accepts_sample_weight(self.scorer)

    def __repr__(self) -> str:
        return f"make_timestep_scorer({self.scorer!r})"


class _Rows:
    """A fitted estimator as scikit-learn's scorers want it: one row per timestep.

    Its predictions are those for one X, at the timesteps that are in use.
    """

    def __init__(self, estimator: BaseEstimator, X: Any) -> None:
        self.estimator = estimator
        self.predicted = arrays_of(estimator.predict(X), "predict", self.name)
        # Sequences of the same lengths, with padding in the same places.
        if isinstance(self.predicted, list):
            marks = pad_ragged([np.zeros(len(row)) for row in self.predicted])
        else:
            padded = [v != v for v in self.predicted.ravel()]
            marks = np.where(padded, np.nan, 0.0).reshape(self.predicted.shape)
            marks = marks.reshape(*marks.shape[:2], -1)
        self.sequences = read_sequences(marks)
        self.used: Any = slice(None)

    def of(self, values: object, name: str) -> NDArray[Any]:
        """What belongs to the valid timesteps."""
        return read_timesteps(
            values, self.sequences, name=name, estimator_name=self.name
        )

    def weights_of(self, sample_weight: object) -> NDArray[np.float64] | None:
        return read_timestep_weight(
            sample_weight, self.sequences, estimator_name=self.name
        )

    @property
    def name(self) -> str:
        return type(self.estimator).__name__

    @property
    def classes_(self) -> NDArray[Any]:
        classes: NDArray[Any] = self.estimator.classes_
        return classes

    def predict(self, X: object) -> NDArray[Any]:
        rows = self.of(self.predicted, "predict")
        if is_classifier(self.estimator):
            rows = rows.astype(self.classes_.dtype)
        return rows[self.used]

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        probabilities = self.of(self.estimator.predict_proba(X), "predict_proba")
        return probabilities[self.used]

    def __sklearn_tags__(self) -> Any:
        return get_tags(self.estimator)

    def __sklearn_is_fitted__(self) -> bool:
        return True


def make_pinball_scorer(quantiles: ArrayLike | None = None) -> PinballScorer:
    """Make a scorer of the mean pinball loss of all quantiles, negated.

    The loss is :func:`sklearn.metrics.mean_pinball_loss`, averaged over quantiles,
    targets and samples; at timesteps over all that are valid.

    Parameters
    ----------
    quantiles : array-like of shape (n_quantiles,), default=None
        Which of the estimator's quantiles count. None is all of them. Scores are to be
        compared only if they are of the same quantiles.

    Returns
    -------
    callable of (estimator, X, y, sample_weight=None)
        For `scoring` of GridSearchCV, cross_validate and the like. It takes regressors
        with ``loss="quantile"``, and pipelines and searches of them.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.model_selection import cross_val_score
    >>> from sklstm import BiLSTMRegressor
    >>> from sklstm.metrics import make_pinball_scorer
    >>> X = np.random.default_rng(0).normal(size=(60, 10, 2))
    >>> y = X[:, :, 0].sum(axis=1)
    >>> regressor = BiLSTMRegressor(8, loss="quantile", epochs=20, random_state=0)
    >>> cross_val_score(regressor, X, y, cv=3, scoring=make_pinball_scorer()).shape
    (3,)
    """
    return PinballScorer(quantiles)


class PinballScorer:
    """The mean pinball loss, negated; made by `make_pinball_scorer`.

    Parameters
    ----------
    quantiles : array-like of shape (n_quantiles,) or None
    """

    def __init__(self, quantiles: ArrayLike | None) -> None:
        self.quantiles = quantiles

    def __call__(
        self,
        estimator: BaseEstimator,
        X: object,
        y: object,
        sample_weight: object = None,
    ) -> float:
        """Score an estimator that predicts quantiles.

        Parameters
        ----------
        estimator : fitted regressor, pipeline or search
        X : as its `predict` takes it
        y : array-like, or list of arrays
            As in its `fit`.
        sample_weight : array-like or list of arrays, default=None
            As in its `fit`.

        Returns
        -------
        float

        Raises
        ------
        ValueError
            If the estimator predicts no quantiles or lacks one that counts, or if `y`
            or `sample_weight` do not match the predictions.
        """
        levels, predicted = predicted_quantiles(estimator, X)
        true, rows, weights = true_and_quantiles(y, predicted, sample_weight)
        losses = [
            mean_pinball_loss(true, rows[:, k], alpha=levels[k], sample_weight=weights)
            for k in self._places(levels)
        ]
        return -float(np.mean(losses))

    def _places(self, levels: NDArray[np.float64]) -> list[int]:
        """Of the quantiles that count."""
        if self.quantiles is None:
            return list(range(len(levels)))
        known = levels.tolist()
        wanted = np.asarray(self.quantiles, float).ravel().tolist()
        if unknown := [level for level in wanted if level not in known]:
            raise ValueError(
                f"The quantiles {unknown} are to be scored, but the estimator predicts "
                f"{known}. Give quantiles that all candidates predict, or None."
            )
        return [known.index(level) for level in wanted]

    def _accept_sample_weight(self) -> bool:
        """scikit-learn asks its scorers, where there are several."""
        return True

    def __repr__(self) -> str:
        quantiles = "" if self.quantiles is None else repr(self.quantiles)
        return f"make_pinball_scorer({quantiles})"


def predicted_quantiles(estimator: BaseEstimator, X: Any) -> tuple[NDArray[Any], Any]:
    """Levels and quantiles of a fitted estimator, also in a pipeline or search.

    Parameters
    ----------
    estimator : estimator
        Fitted. A pipeline, which passes `predict_quantiles` on to nobody, may end in
        it, and a search may have found it.
    X : as its `predict` takes it

    Returns
    -------
    levels : ndarray of shape (n_quantiles,)
    quantiles : ndarray, or ndarray of ndarray, with a last axis of quantiles

    Raises
    ------
    ValueError
        If it predicts no quantiles.
    """
    found = estimator
    while not hasattr(found, "predict_quantiles"):
        if isinstance(found, Pipeline):
            X = found[:-1].transform(X) if len(found) > 1 else X
            found = found[-1]
        elif hasattr(found, "best_estimator_"):
            found = found.best_estimator_
        else:
            raise ValueError(
                f"{type(found).__name__} predicts no quantiles. Give a regressor of "
                'sklstm that was fitted with loss="quantile", a pipeline that ends in '
                "one, or a search of these with refit=True."
            )
    return found.quantiles_, found.predict_quantiles(X)


def true_and_quantiles(
    y_true: object, quantiles: object, sample_weight: object = None
) -> tuple[NDArray[Any], NDArray[np.float64], NDArray[np.float64] | None]:
    """What is true beside its predicted quantiles, a row for every number.

    Parameters
    ----------
    y_true : array-like, or list of arrays
        In the shape of `quantiles` without its last axis. A list has an array for every
        sequence, of its valid timesteps.
    quantiles : ndarray, or ndarray of ndarray, with a last axis of quantiles
        As `predict_quantiles` gives them, NaN at padded timesteps.
    sample_weight : array-like of shape (n_samples,) or (n_samples, n_timesteps), or \
list of arrays, default=None

    Returns
    -------
    true : ndarray of shape (n_rows,)
    quantiles : ndarray of shape (n_rows, n_quantiles)
    weights : ndarray of shape (n_rows,) or None
        Without what is padded or weighs nothing.

    Raises
    ------
    ValueError
        If the shapes do not agree.
    """
    samples = arrays_of(quantiles, "quantiles", READER)
    sizes: int | list[int]
    if isinstance(samples, list):
        sizes = [of_one[..., 0].size for of_one in samples]
        rows = np.concatenate([_last_axis_kept(of_one) for of_one in samples])
    else:
        rows = _last_axis_kept(samples)
        sizes = len(rows) // len(samples)
    rows = rows.astype(np.float64, copy=False)
    padded = np.isnan(rows).any(axis=1)
    given = arrays_of(y_true, "y_true", READER)
    true = _without_padding(_flat(given), padded, "y_true")
    rows = rows[~padded]
    if sample_weight is None:
        return true, rows, None
    given = arrays_of(sample_weight, "sample_weight", READER)
    if isinstance(given, list) or given.ndim > 1:
        sizes = samples[0].shape[1] if samples[0].ndim == 3 else 1  # targets
    weights = np.repeat(_flat(given), sizes)
    weights = _without_padding(weights, padded, "sample_weight")
    used = weights > 0
    return true[used], rows[used], weights[used]


def _last_axis_kept(array: NDArray[Any]) -> NDArray[Any]:
    return array.reshape(-1, array.shape[-1])


def _flat(given: NDArray[Any] | list[NDArray[Any]]) -> NDArray[np.float64]:
    if isinstance(given, list):
        given = np.concatenate([np.ravel(of_one) for of_one in given])
    return np.ravel(given).astype(np.float64)


def _without_padding(
    values: NDArray[np.float64], padded: NDArray[np.bool_], name: str
) -> NDArray[np.float64]:
    """The values of rows that are not padded, be they given for these alone."""
    n_rows, n_valid = len(padded), int((~padded).sum())
    if len(values) == n_rows:
        return values[~padded]
    if len(values) == n_valid:
        return values
    padding = "" if n_valid == n_rows else f", {n_rows - n_valid} of them padded"
    raise ValueError(
        f"{name} has {len(values)} values, but quantiles were predicted for {n_rows}"
        f"{padding}. Give {name} in the shape of what predict gives."
    )
