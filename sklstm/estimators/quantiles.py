"""What regressors with ``loss="quantile"`` ask for and have learnt."""

from __future__ import annotations

from collections.abc import Callable
from types import MethodType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklstm.messages import shown
from sklstm.targets import Codec, Quantiles
from sklstm.targets.quantiles import are_levels

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
