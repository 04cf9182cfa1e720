"""Targets that are labels, whatever they belong to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Self, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import ClassifierMixin

from sklstm.base.parameters import StrOptions
from sklstm.base.persistence import check_fitted
from sklstm.base.sklearn_compat import _fit_context
from sklstm.estimators.base import BaseBiLSTM
from sklstm.estimators.fitting import Call
from sklstm.sequences.containers import plain
from sklstm.targets import Codec, Indicators, Labelled, Labels
from sklstm.targets.checks import none_missing
from sklstm.targets.labels import (
    balanced_weights,
    check_known_classes,
    check_labels,
    learn_labels,
    weights_by_class,
)


@dataclass(eq=False, repr=False, kw_only=True)
class BaseClassifier(ClassifierMixin, BaseBiLSTM):
    """Labels, per sequence or per timestep."""

    class_weight: dict[Any, float] | list[Any] | Literal["balanced"] | None = None

    classes_: NDArray[Any] = field(init=False)
    codec_: Labels | Indicators = field(init=False)

    #: The class for targets that are numbers.
    _regressor: ClassVar[str] = "BiLSTMRegressor"

    _losses: ClassVar[dict[str, tuple[str, ...]]] = {
        "sigmoid": ("binary_crossentropy", "binary_focal_crossentropy"),
        "softmax": ("categorical_crossentropy", "categorical_focal_crossentropy"),
    }

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **BaseBiLSTM._parameter_constraints,
        "loss": [
            StrOptions({name for names in _losses.values() for name in names}),
            None,
        ],
        "class_weight": [dict, list, StrOptions({"balanced"}), None],
    }

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        classes: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Train for one epoch on these samples, going on from the previous call.

        Parameters
        ----------
        X, y, sample_weight
            As in `fit`.
        classes : array-like of shape (n_classes,), default=None
            All labels that will ever come; required in the first call unless y is an
            indicator array.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            As in `fit`, and if `early_stopping` is set or `classes` is missing.
        """
        if self.class_weight == "balanced":
            raise ValueError(
                "class_weight='balanced' is not supported by partial_fit, which cannot "
                "see how frequent the classes are. Give a dict of weights instead."
            )
        return self._fit_part(X, y, sample_weight, classes)

    def _check_target(self, y: Any) -> NDArray[Any]:
        return check_labels(self, y, regressor=self._regressor)

    def _codec_for(
        self, given: Labelled, fitted: Codec | None, call: Call
    ) -> Labels | Indicators:
        if fitted is not None:
            if call.classes is not None:
                check_known_classes(call.classes, self.classes_)
            return cast(Labels | Indicators, fitted)
        codec = learn_labels(
            given.y,
            call.classes,
            type(self).__name__,
            n_timesteps=None if self._layout.every_step else self.n_timesteps_in_,
            in_parts=call.in_parts,
        )
        self.classes_ = codec.classes
        return codec

    def _weights_of(
        self,
        y: NDArray[Any],
        weights: NDArray[np.float64] | None,
        codec: Any,
        *,
        balanced_on: NDArray[Any],
    ) -> NDArray[np.float64] | None:
        class_weight = self.class_weight
        if class_weight == "balanced" and balanced_on is not y:
            class_weight = balanced_weights(balanced_on)
        return weights_by_class(class_weight, y, weights, codec)

    def score(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> float:
        """Accuracy of the labels.

        Parameters
        ----------
        X, y, sample_weight
            As in `fit`.

        Returns
        -------
        float
            Of several labels, the share of samples for which all are right.

        Raises
        ------
        ValueError
            If X, y or the weights are not as described.
        """
        name = type(self).__name__
        sample_weight = plain(sample_weight, "sample_weight", name)
        return float(super().score(X, none_missing(y, name), sample_weight))

    def predict_proba(self, X: ArrayLike) -> Any:
        """Probabilities of the classes.

        Parameters
        ----------
        X : as in `fit`, with any number of timesteps

        Returns
        -------
        ndarray of shape (n_samples, n_classes); of a timestep classifier (n_samples, \
n_timesteps, n_classes), or (n_samples,) of ndarray
            In the order of `classes_`; rows sum to one unless the target is multilabel.
            At padded timesteps NaN; the last if X is a list of sequences. A row alone
            and in a batch may differ by rounding, some 5e-7.
        """
        check_fitted(self)
        return self._decoded(X, self.codec_.probabilities)

    def predict_log_proba(self, X: ArrayLike) -> Any:
        """Logarithms of the probabilities of the classes.

        Parameters
        ----------
        X : as in `fit`, with any number of timesteps

        Returns
        -------
        ndarray
            As `predict_proba` gives the probabilities; -inf where one is zero.
        """
        check_fitted(self)
        return self._decoded(X, self.codec_.log_probabilities)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags

    # -- what is saved --------------------------------------------------------------

    def _not_saved(self) -> set[str]:
        return super()._not_saved() | {"classes_"}

    def _derive(self) -> None:
        super()._derive()
        self.classes_ = self.codec_.classes
