"""Targets that are numbers, whatever they belong to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import RegressorMixin

from sklstm.estimators.fitting import TrainableBiLSTM
from sklstm.estimators.quantiles import (
    available_with_quantiles,
    check_same_levels,
    has_quantiles,
    read_levels,
)
from sklstm.parameters import StrOptions
from sklstm.persistence import check_fitted
from sklstm.sequences.containers import plain
from sklstm.targets import Codec, Numbers, Quantiles
from sklstm.targets.checks import check_numeric_target, none_missing


@dataclass(eq=False, repr=False, kw_only=True)
class BaseRegressor(RegressorMixin, TrainableBiLSTM):
    """Numbers, per sequence or per timestep."""

    normalize_y: bool = True
    quantiles: ArrayLike | None = None

    codec_: Numbers | Quantiles = field(init=False)

    #: The class for targets that are labels.
    _classifier: ClassVar[str] = "BiLSTMClassifier"

    _losses: ClassVar[dict[str, tuple[str, ...]]] = {
        "linear": (
            "mean_squared_error",
            "mean_absolute_error",
            "huber",
            "log_cosh",
            "quantile",
        )
    }

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **TrainableBiLSTM._parameter_constraints,
        "loss": [StrOptions(set(_losses["linear"])), None],
        "normalize_y": ["boolean"],
        "quantiles": ["array-like", None],
    }

    def _check_target(self, y: Any) -> NDArray[np.float64]:
        return check_numeric_target(self, y, classifier=self._classifier)

    def _codec_for(
        self,
        y: NDArray[Any],
        weights: NDArray[np.float64] | None,
        fitted: Any,
        **known: Any,
    ) -> Codec:
        levels = read_levels(self)
        if fitted is not None:
            check_same_levels(fitted, levels)
            codec: Codec = fitted
            return codec
        numbers = Numbers.learn(y, weights, normalize=self.normalize_y)
        return numbers if levels is None else Quantiles(numbers, levels)

    def score(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> float:
        """R2 of the numbers.

        Parameters
        ----------
        X, y, sample_weight
            As in `fit`.

        Returns
        -------
        float
            Averaged over the targets if there are several.

        Raises
        ------
        ValueError
            If X, y or the weights are not as described.
        """
        name = type(self).__name__
        sample_weight = plain(sample_weight, "sample_weight", name)
        return float(super().score(X, none_missing(y, name), sample_weight))

    @available_with_quantiles
    def predict_quantiles(self, X: ArrayLike) -> Any:
        """All quantiles of the targets, of ``loss="quantile"``.

        They never cross: those of a target are sorted.

        Parameters
        ----------
        X : as in `fit`, with any number of timesteps

        Returns
        -------
        ndarray of shape (n_samples, n_quantiles) or (n_samples, n_targets, n_quantiles)
            In the order of `quantiles_`. A timestep regressor's have the axis
            n_timesteps behind n_samples, NaN at padded timesteps; of a list of
            sequences it is an object array with an array for every sequence.
        """
        check_fitted(self)
        has_quantiles(self)
        assert isinstance(self.codec_, Quantiles)
        return self._predict(X, self.codec_.quantiles)

    @property
    def quantiles_(self) -> NDArray[np.float64]:
        """What was fitted with ``loss="quantile"``: the levels, in increasing order."""
        check_fitted(self)
        has_quantiles(self)
        assert isinstance(self.codec_, Quantiles)
        return self.codec_.levels

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
