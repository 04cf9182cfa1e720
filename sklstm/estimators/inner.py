"""An estimator inside an ensemble: what it may be, and what it is given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import is_classifier, is_regressor

from sklstm.estimators.base import BaseBiLSTM
from sklstm.estimators.routing import early_stopping_of, routed, sets_groups_aside
from sklstm.messages import shown
from sklstm.sequences.batch import SequenceBatch
from sklstm.sequences.cutting import CutSequences
from sklstm.sequences.windows import Windows


def check_inner(estimator: Any, name: str) -> None:
    """Require a classifier or regressor that splits no sequence in two.

    Parameters
    ----------
    estimator : estimator
    name : str
        Of the ensemble, for messages.

    Raises
    ------
    ValueError
        If it is another estimator.
    """
    if not (is_classifier(estimator) or is_regressor(estimator)):
        raise ValueError(
            f"The 'estimator' parameter of {name} must be a classifier or a "
            f"regressor. Got {shown(estimator)}, which is neither."
        )
    by_groups = early_stopping_of(estimator)
    for key, value in estimator.get_params().items():
        if key == by_groups:
            continue
        leaf = key.rpartition("__")[2]
        if leaf == "cv" or (leaf == "early_stopping" and value is True):
            raise ValueError(
                f"{type(estimator).__name__} with {key}={shown(value)} splits the "
                "samples "
                "it is given, so windows of one sequence would be on both sides and "
                f"every score too good. Put the split outside, around {name}"
                + ("." if leaf == "cv" else f", and set {key}=False.")
            )


@dataclass(frozen=True, eq=False)
class InnerData:
    """What an estimator inside is given: windows, and the targets and weights of each.

    Parameters
    ----------
    sequences : SequenceBatch
    windows : Windows
    owners : ndarray of shape (n_windows,)
        The sequence of each.
    y : ndarray of shape (n_windows,) or (n_windows, n_outputs)
    weights : ndarray of shape (n_windows,) or None
    """

    sequences: SequenceBatch
    windows: Windows
    owners: NDArray[np.intp]
    y: NDArray[Any]
    weights: NDArray[np.float64] | None

    @classmethod
    def of(
        cls,
        sequences: SequenceBatch,
        cut: CutSequences,
        y: NDArray[Any],
        weights: NDArray[np.float64] | None,
    ) -> Self:
        """Of targets and weights of the sequences."""
        of_windows = cut.weights(weights)
        return cls(sequences, cut.windows, cut.owners, y[cut.owners], of_windows)

    def fit(
        self, estimator: Any, held_out: InnerData | None, groups: NDArray[Any] | None
    ) -> Any:
        """Fit an estimator on the windows.

        Parameters
        ----------
        estimator : estimator
        held_out : InnerData or None
            Data for validation.
        groups : ndarray of shape (n_samples,) or None
            Of sequences that are set aside together; None makes each a group.

        Raises
        ------
        ValueError
            If it takes no weights or validation data where there are some.
        """
        params: dict[str, Any] = {"sample_weight": self.weights}
        if held_out is not None:
            params["X_val"] = held_out.windows_for(estimator)
            params["y_val"] = held_out.y
            params["sample_weight_val"] = held_out.weights
        elif sets_groups_aside(estimator):
            owners = self.owners
            params["groups"] = owners if groups is None else groups[owners]
        X = self.windows_for(estimator)
        return estimator.fit(X, self.y, **routed(estimator, params))

    def windows_for(self, estimator: Any) -> Any:
        """Estimators of sklstm read them where they lie in the sequences."""
        if isinstance(estimator, BaseBiLSTM):
            return self.windows
        return np.asarray(self.windows)
