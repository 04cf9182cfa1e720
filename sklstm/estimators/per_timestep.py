"""Predictions at every timestep, and who would take them for something else."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import is_classifier
from sklearn.metrics import accuracy_score, r2_score

from sklstm.estimators.fitting import TrainableBiLSTM
from sklstm.targets import PER_TIMESTEP, Layout

# Code of these hands on what an estimator, or a pipeline's last step, predicts.
_HAND_ON = ("sklearn.", "imblearn.", "sklstm.estimators.timestep", __name__)


class PerTimestepMixin(TrainableBiLSTM):
    """The rows of the target are those of all valid timesteps."""

    _layout: ClassVar[Layout] = PER_TIMESTEP

    def _predict(
        self,
        X: Any,
        decode: Callable[[NDArray[np.float64]], NDArray[Any]],
        *,
        labels: bool = False,
    ) -> NDArray[Any]:
        """Decoded outputs, numbers unless `labels`, in the places of X's timesteps."""
        placed: NDArray[Any] = super()._predict(X, decode)
        # A metric takes each column of a matrix of numbers for an output by itself. All
        # else it would read as what it is not.
        if (labels or placed.ndim != 2 or np.isnan(placed).any()) and _for_a_scorer():
            raise ValueError(
                f"{type(self).__name__} predicts at every timestep, but this scorer of "
                "scikit-learn wants one prediction per sample, and no padding. Use "
                "scoring=sklstm.metrics.make_timestep_scorer(scoring), which scores "
                "all valid timesteps, or no scoring, which is the estimator's score."
            )
        return placed

    def score(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> float:
        """Accuracy of labels, R2 of numbers, over all valid timesteps.

        Parameters
        ----------
        X, y, sample_weight
            As in `fit`.

        Returns
        -------
        float
            R2 averaged over the targets if there are several.
        """
        metric = accuracy_score if is_classifier(self) else r2_score
        return self._score_rows(X, y, sample_weight, metric)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        tags.target_tags.single_output = False
        return tags


def _for_a_scorer() -> bool:
    """Whether scikit-learn asks for predictions to hand them to a metric.

    Nothing that they could look like would make a metric refuse them: it takes a matrix
    of two integer labels for indicators, so that f1_macro of labels 1 and 2 is 1.0
    whatever was predicted, and column 1 of three axes for class 1. Who asks by way of
    other code, such as a subclass with one prediction per sequence, has made something
    else of them.
    """
    frame = inspect.currentframe()
    while frame is not None:
        module = frame.f_globals.get("__name__", "")
        if module == "sklearn.utils._response":
            return True
        if not module.startswith(_HAND_ON):
            return False
        frame = frame.f_back
    return False
