"""Sequences too long to train on as a whole: WindowedEnsemble."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from numbers import Integral
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import (
    BaseEstimator,
    MetaEstimatorMixin,
    clone,
    is_classifier,
)
from sklearn.metrics import accuracy_score, r2_score
from sklearn.utils import get_tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import type_of_target

from sklstm.base.parameters import (
    HasMethods,
    Interval,
    _fit_context,
    check_parameters,
    unchanged_on_error,
)
from sklstm.base.persistence import (
    SavedState,
    check_fitted,
)
from sklstm.base.schema import OF_SEQUENCES, Check, Kind, count
from sklstm.base.sklearn_compat import CallbackSupportMixin
from sklstm.estimators.base import BaseBiLSTM
from sklstm.estimators.callbacks import inner_fit
from sklstm.estimators.inner import InnerData, check_inner
from sklstm.estimators.training_data import Validation, of_validation_data
from sklstm.sequences.batch import SequenceBatch
from sklstm.sequences.checks import check_sequences, n_step_features
from sklstm.sequences.containers import plain
from sklstm.sequences.windows import CutSequences
from sklstm.targets.checks import (
    check_lengths_match,
    check_sample_weight,
    check_target,
    none_missing,
    warn_of_several_labels,
)
from sklstm.targets.labels import are_many_classes, warn_of_many_classes


def _estimator_has(method: str) -> Callable[[WindowedEnsemble], bool]:
    """Whether the estimator, fitted or to be cloned, has a method."""

    def check(self: WindowedEnsemble) -> bool:
        getattr(vars(self).get("estimator_", self.estimator), method)
        return True

    return check


class WindowedEnsemble(
    SavedState,
    CallbackSupportMixin,
    MetaEstimatorMixin,
    BaseEstimator,
):
    """Train on overlapping windows of long sequences, answer once per sequence.

    Every sequence is cut into windows. A clone of the estimator is trained on the
    windows of all sequences, each with the label or value of its sequence and with a
    weight such that every sequence counts once, however many windows it has. The
    prediction for a sequence is the mean of those for its windows: of probabilities
    for a classifier, of values for a regressor.

    It is a classifier if `estimator` is one, else a regressor.

    Parameters
    ----------
    estimator : estimator instance
        A classifier or regressor of sequences, such as
        :class:`~sklstm.BiLSTMClassifier` or a pipeline that ends in one. It is cloned.
    n_timesteps : int, default=200
        Length of a window. A shorter sequence is one window, padded in front.
    stride : int, default=None
        Timesteps from the start of a window to that of the next, at most
        `n_timesteps`. None is half of it. The last window of a sequence ends where
        the sequence ends, so that no timestep is left out.

    Attributes
    ----------
    estimator_ : estimator
        The clone trained on the windows.
    classes_ : ndarray of shape (n_classes,)
        Those of `estimator_`, if it is a classifier.
    n_windows_ : int
        Number of windows it was trained on.
    n_features_in_ : int
        Features per timestep in `fit`, or columns if X was a matrix.
    n_timesteps_in_ : int
        Timesteps of the longest sequence in `fit`, its padding included.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns, if X was a data frame, or a list of data frames, whose
        column names are all strings.

    See Also
    --------
    SlidingWindows : A window for every row of a table that has one target per row.

    Notes
    -----
    Splits belong outside, where a sequence is one sample: search over
    ``estimator__units`` with ``GridSearchCV(WindowedEnsemble(...))``. With
    `early_stopping`, estimators of sklstm set whole sequences aside, or go by `X_val`.
    Any other `estimator` that splits its samples would have windows of one sequence on
    both sides, and is refused.

    Estimators of sklstm read the windows where they lie in the sequences. Any other
    estimator, also a pipeline, is given all windows as one array in `fit`:
    `n_timesteps` / `stride` times the memory of X. Prediction goes through the
    windows in parts either way.

    Examples
    --------
    >>> import numpy as np
    >>> from sklstm import BiLSTMClassifier, WindowedEnsemble
    >>> X = np.random.default_rng(0).normal(size=(20, 1000, 2))
    >>> X[:10, :, 0] += 1
    >>> y = np.repeat(["high", "low"], 10)
    >>> inner = BiLSTMClassifier(units=4, epochs=5, random_state=0)
    >>> ensemble = WindowedEnsemble(inner, n_timesteps=100).fit(X, y)
    >>> ensemble.n_windows_
    380
    >>> ensemble.predict_proba(X).shape
    (20, 2)
    """

    n_windows_: int

    #: As of the estimators.
    __metadata_request__fit: ClassVar[dict[str, Any]] = {"groups": True}

    _learnt: ClassVar[str] = "estimator_"

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "estimator": [HasMethods(["fit", "predict"])],
        "n_timesteps": [Interval(Integral, 1, None, closed="left")],
        "stride": [Interval(Integral, 1, None, closed="left"), None],
    }

    def __init__(
        self, estimator: Any, *, n_timesteps: int = 200, stride: int | None = None
    ) -> None:
        self.estimator = estimator
        self.n_timesteps = n_timesteps
        self.stride = stride

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        X_val: ArrayLike | None = None,
        y_val: ArrayLike | None = None,
        sample_weight_val: ArrayLike | None = None,
        groups: ArrayLike | None = None,
    ) -> Self:
        """Train a clone of the estimator on the windows of all sequences.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_timesteps, n_features), (n_samples, \
n_columns), or list of sequences
            A matrix is `n_columns` timesteps of one feature. Sequences in a list may
            differ in length. A timestep whose features are all NaN is padding.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            One target, or one row of targets, per sequence.
        sample_weight : array-like of shape (n_samples,), default=None
            Of the sequences; divided evenly among the windows of each.
        X_val, y_val, sample_weight_val : as X, y and sample_weight, default=None
            Data for validation, cut into windows like X: what `early_stopping` of an
            estimator of sklstm goes by.
        groups : array-like of shape (n_samples,), default=None
            Sequences of one group are set aside together; None makes each a group.

        Returns
        -------
        WindowedEnsemble
            The fitted instance.

        Raises
        ------
        ValueError
            If a parameter, X or y is not as described, if `estimator` splits its
            samples, or if it takes no weights or validation data where there are some.
        """
        estimator = clone(self.estimator)
        with inner_fit(self, estimator, X, y), unchanged_on_error(self):
            validation = Validation(X_val, y_val, sample_weight_val, groups)
            check_inner(self.estimator, type(self).__name__)
            self._check_stride()
            given = self._read(X, y, sample_weight, reset=True)
            kind = type_of_target(given.y)
            if is_classifier(estimator) and kind.startswith("multilabel"):
                warn_of_several_labels(given.y, self.n_timesteps_in_)
            if is_classifier(estimator) and kind == "multiclass":
                self._warn_of_many_classes(given)
            held_out = None
            if validation.is_given:
                with of_validation_data():
                    held_out = self._read(X_val, y_val, sample_weight_val)
            of_sequences = validation.groups_of(given.sequences)
            self.estimator_ = given.fit(estimator, held_out, of_sequences)
            self.n_windows_ = len(given.owners)
            self._y_ndim = given.y.ndim
            if is_classifier(estimator):
                self.classes_ = self.estimator_.classes_
            elif hasattr(self, "classes_"):
                del self.classes_
        return self

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """The class with the highest mean probability, or the mean value.

        Parameters
        ----------
        X : as in `fit`, with sequences of any length

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_outputs)
            As y was in `fit`. A classifier without `predict_proba` votes.
        """
        check_fitted(self)
        if not is_classifier(self.estimator_):
            return self._mean(self.estimator_.predict, X)
        proba = self._mean(getattr(self.estimator_, "predict_proba", self._votes), X)
        if self._y_ndim == 2:
            return (proba > 0.5).astype(np.int64)
        return self.classes_[proba.argmax(axis=1)]

    @available_if(_estimator_has("predict_proba"))
    def predict_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """Mean over the windows of each sequence of the probabilities of the classes.

        Parameters
        ----------
        X : as in `fit`, with sequences of any length

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            In the order of `classes_`.
        """
        check_fitted(self)
        return self._mean(self.estimator_.predict_proba, X)

    @available_if(_estimator_has("predict_proba"))
    def predict_log_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """Logarithms of the mean probabilities of the classes.

        Parameters
        ----------
        X : as in `fit`, with sequences of any length

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            In the order of `classes_`; -inf where a probability is zero.
        """
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    def score(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> float:
        """Accuracy of a classifier, R2 of a regressor: of sequences, not windows.

        Parameters
        ----------
        X : as in `fit`, with sequences of any length
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        sample_weight : array-like of shape (n_samples,), default=None

        Returns
        -------
        float
        """
        predicted = self.predict(X)
        metric = accuracy_score if is_classifier(self.estimator_) else r2_score
        name = type(self).__name__
        sample_weight = plain(sample_weight, "sample_weight", name)
        y = none_missing(y, name)
        return float(metric(y, predicted, sample_weight=sample_weight))

    def _check_stride(self) -> None:
        if self.stride is not None and self.stride > self.n_timesteps:
            raise ValueError(
                f"stride={self.stride} is larger than n_timesteps={self.n_timesteps}: "
                "the timesteps between two windows would be left out. Choose a stride "
                f"of at most {self.n_timesteps}."
            )

    def _read(
        self, X: Any, y: Any, sample_weight: Any, *, reset: bool = False
    ) -> InnerData:
        """Sequences, targets and weights, checked and cut into windows."""
        batch = check_sequences(self, X, reset=reset)
        y = check_target(self, y)
        check_lengths_match(batch, y)
        weights = check_sample_weight(sample_weight, len(batch), type(self).__name__)
        return InnerData.of(batch, self._cut(batch), y, weights)

    def _warn_of_many_classes(self, given: InnerData) -> None:
        """Unless the estimator inside does: it sees a label for every window."""
        n_classes, n_sequences = len(np.unique(given.y)), len(given.sequences)
        if not are_many_classes(n_classes, len(given.owners)):
            warn_of_many_classes(n_classes, n_sequences, type(self).__name__)

    _saved: ClassVar[dict[str, Kind]] = {
        **OF_SEQUENCES,
        "estimator_": Check(
            lambda estimator: hasattr(estimator, "predict"), "does not predict"
        ),
        "n_windows_": count("windows"),
        "_y_ndim": Check(lambda n: n in (1, 2), "is no number of axes of y"),
    }

    def _not_saved(self) -> set[str]:
        return {"classes_"}

    def _derive(self) -> None:
        if is_classifier(self.estimator_):
            self.classes_ = self.estimator_.classes_

    def _contradictions(self) -> Iterator[str]:
        if isinstance(self.estimator_, BaseBiLSTM):
            n_read, n_features = map(n_step_features, (self.estimator_, self))
            if n_read != n_features:
                yield f"estimator_ reads {n_read} of {n_features} features per timestep"

    def _cut(self, batch: SequenceBatch) -> CutSequences:
        stride = self.stride or max(1, self.n_timesteps // 2)
        return CutSequences.of(batch, self.n_timesteps, stride)

    def _mean(
        self, function: Callable[[NDArray[Any]], Any], X: Any
    ) -> NDArray[np.float64]:
        """A function of windows, averaged over the windows of each sequence."""
        check_parameters(self, "n_timesteps", "stride")
        self._check_stride()
        return self._cut(check_sequences(self, X, reset=False)).mean(function)

    def _votes(self, windows: NDArray[Any]) -> NDArray[np.float64]:
        """For each window one at the class predicted, zero elsewhere."""
        predicted = self.estimator_.predict(windows)
        if predicted.ndim == 2:
            return predicted
        return (predicted[:, None] == self.classes_).astype(np.float64)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        inner = get_tags(self.estimator)
        tags.estimator_type = inner.estimator_type
        tags.classifier_tags = inner.classifier_tags
        tags.regressor_tags = inner.regressor_tags
        tags.target_tags = inner.target_tags
        tags.non_deterministic = inner.non_deterministic
        tags.input_tags.three_d_array = True
        tags.input_tags.allow_nan = True  # a timestep of NaN is padding
        return tags
