"""Which features are codes of categories: `categorical_features` is read."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from sklstm.messages import listed, shown
from sklstm.parameters import warn_caller
from sklstm.sequences.codes import is_marked_as_codes, read_codes


def check_categories(estimator: BaseEstimator, values: Any, *, reset: bool) -> Any:
    """Check the codes of an estimator that embeds some; missing ones become -1.

    Sets `is_categorical_` when `reset`, if the estimator has `categorical_features`.

    Parameters
    ----------
    estimator : estimator instance
        Whose `feature_names_in_`, if it has any, are those of X.
    values : array-like of shape (n_samples, n_timesteps, n_features)
        X with three axes.
    reset : bool

    Returns
    -------
    array-like of the shape and dtype of `values`

    Raises
    ------
    ValueError
        If `categorical_features` does not go with X, or a code is no integer.
    """
    if reset and hasattr(estimator, "categorical_features"):
        estimator.is_categorical_ = categorical_mask(estimator, values.shape[2])
        if estimator.categorical_features is None and is_marked_as_codes(values):
            _warn_of_codes(type(estimator).__name__)
    mask = getattr(estimator, "is_categorical_", None)
    return values if mask is None else read_codes(values, np.flatnonzero(mask))


def _warn_of_codes(name: str) -> None:
    warn_caller(
        f"X holds codes of tokens, as SequenceTokenizer gives them, but {name} takes "
        "them for quantities, so that token 7 would be more than token 3. Set "
        "categorical_features=[0] to have a vector learnt for each; "
        "categorical_features=[] takes them as numbers without this warning."
    )


def categorical_mask(estimator: Any, n_features: int) -> NDArray[np.bool_] | None:
    """Which features `categorical_features` says are codes; None if there are none."""
    given = estimator.categorical_features
    if given is None or len(given) == 0:
        return None
    array = np.asarray(given)
    if array.ndim == 1 and array.dtype.kind == "b":
        return _read_mask(array, n_features)
    if array.ndim == 1 and array.dtype.kind in "iu":
        return _read_numbers(array, n_features)
    if array.ndim == 1 and all(isinstance(name, str) for name in array.tolist()):
        return _read_names(array.tolist(), estimator)
    raise ValueError(
        "categorical_features must be a list of feature numbers or of feature names, "
        f"or a boolean mask of the {n_features} features of a timestep. Got "
        f"{shown(given)} instead."
    )


def _read_mask(mask: NDArray[np.bool_], n_features: int) -> NDArray[np.bool_] | None:
    if len(mask) != n_features:
        raise ValueError(
            f"categorical_features is a mask of {len(mask)} features, but X has "
            f"{n_features} per timestep. Give one boolean for each."
        )
    return mask if mask.any() else None


def _read_numbers(numbers: NDArray[Any], n_features: int) -> NDArray[np.bool_]:
    wrong = numbers[(numbers < 0) | (numbers >= n_features)]
    if len(wrong):
        hint = ""
        if n_features == 1:
            hint = (
                " The columns of a table are timesteps of one feature; several "
                "features need three axes."
            )
        raise ValueError(
            f"categorical_features has {wrong[0]}, but X has {n_features} features per "
            f"timestep: give numbers from 0 to {n_features - 1}.{hint}"
        )
    return np.isin(np.arange(n_features), numbers)


def _read_names(names: list[str], estimator: Any) -> NDArray[np.bool_]:
    known = list(getattr(estimator, "feature_names_in_", ()))
    if not known or estimator._fitted_on_table:
        what = "is a table, whose columns are timesteps of one feature"
        if not known:
            what = "has no feature names, or not all are strings"
        raise ValueError(
            f"categorical_features names features, but X {what}. Give "
            f"{type(estimator).__name__} their numbers, or a boolean mask; names go "
            "with a data frame whose cells are sequences, or a list of data frames."
        )
    missing = [name for name in names if name not in known]
    if missing:
        raise ValueError(
            f"categorical_features has {shown(missing[0])}, but the features of X are "
            f"{listed(known)}."
        )
    return np.array([name in names for name in known])
