"""Targets that are numbers, whatever they belong to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from types import MethodType
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import RegressorMixin

from sklstm.base.messages import shown
from sklstm.base.parameters import StrOptions
from sklstm.base.persistence import check_fitted
from sklstm.base.sklearn_compat import _fit_context
from sklstm.estimators.base import BaseBiLSTM
from sklstm.estimators.fitting import Call
from sklstm.sequences.containers import plain
from sklstm.targets import Codec, Labelled, Numbers, Quantiles
from sklstm.targets.checks import check_numeric_target, none_missing
from sklstm.targets.codecs import are_levels

DEFAULT_QUANTILES = (0.1, 0.5, 0.9)


def read_levels(regressor: Any) -> NDArray[np.float64] | None:
    """The levels that the parameters ask for; None with another loss.

    Raises
    ------
    ValueError
        If `quantiles` are no levels, or beside another loss.
    """
    quantiles, name = regressor.quantiles, type(regressor).__name__
    if regressor.loss != "quantile":
        if quantiles is not None:
            raise ValueError(
                f"quantiles={shown(quantiles)} has no effect with "
                f"loss={shown(regressor.loss)}. "
                'Set loss="quantile", or quantiles=None.'
            )
        return None
    try:
        levels = np.array(DEFAULT_QUANTILES if quantiles is None else quantiles, float)
    except (TypeError, ValueError):
        levels = np.empty(0)
    if not are_levels(levels):
        raise ValueError(
            f"The 'quantiles' parameter of {name} must be one or more numbers between "
            "0 and 1, each larger than the one before, or None. Got "
            f"{shown(quantiles)} instead. For intervals of 80 % give (0.1, 0.5, 0.9)."
        )
    return levels


def check_same_levels(fitted: Codec, levels: NDArray[np.float64] | None) -> None:
    """Require of training that goes on the quantiles that were fitted.

    Raises
    ------
    ValueError
        If they are others, or only one of both is of quantiles.
    """
    before = fitted.levels if isinstance(fitted, Quantiles) else None
    found, wanted = (
        "none" if those is None else str(those.tolist()) for those in (before, levels)
    )
    if found != wanted:
        raise ValueError(
            f"Training cannot go on with other quantiles: fitted are {found}, loss and "
            f"quantiles ask for {wanted}. Give the parameters the fitted values, or "
            "call fit with warm_start=False to start again."
        )


def has_quantiles(regressor: Any) -> bool:
    """Whether it predicts quantiles, or will when it is fitted.

    Raises
    ------
    AttributeError
        If not. The message says what to set.
    """
    codec = vars(regressor).get("codec_")
    if codec is None:
        found = regressor.loss == "quantile"
    else:
        found = isinstance(codec, Quantiles)
    if not found:
        raise AttributeError(
            f"This {type(regressor).__name__} learns one number for every target, no "
            'quantiles. Set loss="quantile" and quantiles, for example to (0.1, 0.5, '
            "0.9), and fit again."
        )
    return True


class available_with_quantiles:
    """A method that regressors have if they predict quantiles.

    As scikit-learn's `available_if`, which hides the reason behind words of its own.

    Parameters
    ----------
    method : function
    """

    def __init__(self, method: Callable[..., Any]) -> None:
        self.method = method
        self.__doc__ = method.__doc__

    def __get__(self, regressor: Any, owner: type | None = None) -> Callable[..., Any]:
        if regressor is None:
            return self.method
        has_quantiles(regressor)
        return MethodType(self.method, regressor)


@dataclass(eq=False, repr=False, kw_only=True)
class BaseRegressor(RegressorMixin, BaseBiLSTM):
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
        **BaseBiLSTM._parameter_constraints,
        "loss": [StrOptions(set(_losses["linear"])), None],
        "normalize_y": ["boolean"],
        "quantiles": ["array-like", None],
    }

    def _check_target(self, y: Any) -> NDArray[np.float64]:
        return check_numeric_target(self, y, classifier=self._classifier)

    def _codec_for(self, given: Labelled, fitted: Codec | None, call: Call) -> Codec:
        levels = read_levels(self)
        if fitted is not None:
            check_same_levels(fitted, levels)
            return fitted
        numbers = Numbers.learn(given.y, given.weights, normalize=self.normalize_y)
        return numbers if levels is None else Quantiles(numbers, levels)

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> Self:
        """Train for one epoch on these samples, going on from the previous call.

        With `normalize_y` the first call determines shift and scale.

        Parameters
        ----------
        X, y, sample_weight
            As in `fit`.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            As in `fit`, and if `early_stopping` is set.
        """
        return self._fit_part(X, y, sample_weight)

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
        return self._decoded(X, self.codec_.quantiles)

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
