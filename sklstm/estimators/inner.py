"""An estimator inside an ensemble: what it may be, and what it is given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NoReturn, Self

import numpy as np
from numpy.typing import NDArray
from sklearn import get_config
from sklearn.base import is_classifier, is_regressor
from sklearn.utils.validation import has_fit_parameter

from sklstm.base.messages import shown
from sklstm.estimators.base import BaseBiLSTM
from sklstm.sequences.batch import SequenceBatch
from sklstm.sequences.windows import CutSequences, Windows


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


def early_stopping_of(estimator: Any) -> str | None:
    """The parameter of an estimator, or pipeline, whose early stopping knows groups."""
    from sklearn.pipeline import Pipeline

    if isinstance(estimator, BaseBiLSTM):
        return "early_stopping"
    if isinstance(estimator, Pipeline) and isinstance(estimator[-1], BaseBiLSTM):
        return f"{estimator.steps[-1][0]}__early_stopping"
    return None


def sets_groups_aside(estimator: Any) -> bool:
    """Whether it sets samples aside and is to be told which belong together."""
    name = early_stopping_of(estimator)
    return name is not None and bool(estimator.get_params()[name])


def routed(estimator: Any, params: dict[str, Any]) -> dict[str, Any]:
    """Those that are not None, under the names by which `fit` takes them.

    Raises
    ------
    ValueError
        If it does not take one.
    """
    from sklearn.pipeline import Pipeline

    is_pipeline = isinstance(estimator, Pipeline)
    routing = is_pipeline and get_config()["enable_metadata_routing"]
    names = {}
    for name in params:
        if routing or has_fit_parameter(estimator, name):
            names[name] = name
        # What is validated has to go through the transformers.
        elif is_pipeline and not name.endswith("_val"):
            step, last = estimator.steps[-1]
            if has_fit_parameter(last, name):
                names[name] = f"{step}__{name}"
    given = {name: value for name, value in params.items() if value is not None}
    for name in given:
        if name not in names:
            _refuse(estimator, name)
    return {names[name]: value for name, value in given.items()}


def _refuse(estimator: Any, name: str) -> NoReturn:
    message = f"{type(estimator).__name__}.fit takes no {name}, but "
    if name == "sample_weight":
        raise ValueError(
            f"{message}the windows need weights for every sequence to count as much as "
            "it should: the sequences have unequal numbers of windows, or "
            "sample_weight was given. Choose an estimator that takes it."
        )
    raise ValueError(
        f"{message}validation data were given. Choose an estimator that takes them; a "
        'pipeline does with transform_input=["X_val"], metadata routing, and '
        "set_fit_request(X_val=True, y_val=True) of its last step."
    )
