"""An estimator inside an ensemble: what it may be, and how it takes weights."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn import get_config
from sklearn.base import is_classifier, is_regressor
from sklearn.utils.validation import has_fit_parameter


def check_inner(estimator: Any, name: str) -> None:
    """Require a classifier or regressor that does not split its samples.

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
            f"regressor. Got {estimator!r}, which is neither."
        )
    for key, value in estimator.get_params().items():
        leaf = key.rpartition("__")[2]
        if leaf == "cv" or (leaf == "early_stopping" and value is True):
            raise ValueError(
                f"{type(estimator).__name__} with {key}={value!r} splits the samples "
                "it is given, so windows of one sequence would be on both sides and "
                f"every score too good. Put the split outside, around {name}"
                + ("." if leaf == "cv" else f", and set {key}=False.")
            )


def weights_for(
    estimator: Any, weights: NDArray[np.float64] | None
) -> dict[str, NDArray[np.float64]]:
    """The weights under the name by which `fit` of an estimator takes them.

    Raises
    ------
    ValueError
        If there are weights, and it takes none.
    """
    if weights is None:
        return {}
    if has_fit_parameter(estimator, "sample_weight"):
        return {"sample_weight": weights}
    from sklearn.pipeline import Pipeline

    if isinstance(estimator, Pipeline):
        if get_config()["enable_metadata_routing"]:
            return {"sample_weight": weights}
        name, last = estimator.steps[-1]
        if has_fit_parameter(last, "sample_weight"):
            return {f"{name}__sample_weight": weights}
    raise ValueError(
        f"{type(estimator).__name__}.fit takes no sample_weight, but the windows need "
        "weights for every sequence to count as much as it should: the sequences have "
        "unequal numbers of windows, or sample_weight was given. Choose an estimator "
        "that takes it."
    )
