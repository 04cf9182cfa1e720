"""X and y at the public boundary: every message about a shape is written here.

This is the only module that imports names scikit-learn keeps private.
"""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, _fit_context
from sklearn.utils._param_validation import (
    HasMethods,
    Hidden,
    Interval,
    Options,
    StrOptions,
    validate_parameter_constraints,
)
from sklearn.utils.validation import (
    _check_sample_weight,
    _check_y,
    check_array,
    column_or_1d,
    validate_data,
)

from sklstm.sequences import SequenceBatch, is_ragged, pad_ragged, read_sequences

__all__ = [
    "HasMethods",
    "Hidden",
    "Interval",
    "Options",
    "StrOptions",
    "_fit_context",
    "as_three_axes",
    "check_lengths_match",
    "check_numeric_target",
    "check_sample_weight",
    "check_sequences",
    "check_target",
    "column_or_1d",
    "validate_parameter_constraints",
]

AXES = "(n_samples, n_timesteps, n_features)"


def check_sequences(estimator: BaseEstimator, X: Any, *, reset: bool) -> SequenceBatch:
    """Validate X and describe it as a batch of sequences.

    Sets `n_features_in_`, `n_timesteps_in_` and, for a data frame,
    `feature_names_in_` on the estimator when `reset`; compares with them otherwise.

    Parameters
    ----------
    estimator : estimator instance
    X : 2D or 3D array-like, or a list of sequences of unequal length
        A 2D X is `n_columns` timesteps of one feature.
    reset : bool
        True in `fit`, False in `predict` and `transform`.

    Returns
    -------
    SequenceBatch

    Raises
    ------
    ValueError
        If X has another shape than expected, or values that are no numbers.
    TypeError
        If X is sparse or not numeric.
    """
    return read_sequences(as_three_axes(estimator, X, reset=reset))


def as_three_axes(estimator: BaseEstimator, X: Any, *, reset: bool) -> NDArray[Any]:
    """X as an array of three axes, its shape checked, its values not yet.

    Same parameters and errors as :func:`check_sequences`.
    """
    if is_ragged(X):
        X = pad_ragged(X)
    elif not hasattr(X, "ndim") and not hasattr(X, "columns"):
        X = np.asarray(X)
    n_axes = getattr(X, "ndim", 2)
    if n_axes == 3:
        return _check_three_axes(estimator, X, reset=reset)
    if n_axes != 2:
        _refuse_axes(estimator, X)
    X = _check_table(estimator, X, reset=reset)
    if reset:
        estimator.n_timesteps_in_ = X.shape[1]
        estimator._fitted_on_table = True
    return X[:, :, None]


def n_step_features(estimator: BaseEstimator) -> int:
    """How many features a timestep had in `fit`: one if X was a 2D matrix."""
    return 1 if estimator._fitted_on_table else int(estimator.n_features_in_)


def _check_three_axes(estimator: BaseEstimator, X: Any, *, reset: bool) -> NDArray[Any]:
    name = type(estimator).__name__
    X = check_array(
        X,
        dtype="numeric",
        allow_nd=True,
        ensure_all_finite=False,
        estimator=name,
        input_name="X",
    )
    n_timesteps, n_features = X.shape[1:]
    if n_timesteps == 0 or n_features == 0:
        raise ValueError(
            f"X has shape {X.shape}, axes {AXES}: every sequence needs at least one "
            "timestep and one feature."
        )
    if reset:
        estimator.n_features_in_ = n_features
        estimator.n_timesteps_in_ = n_timesteps
        estimator._fitted_on_table = False
        if hasattr(estimator, "feature_names_in_"):
            del estimator.feature_names_in_
    elif n_features != n_step_features(estimator):
        raise ValueError(
            f"X has {n_features} features per timestep (shape {X.shape}, axes {AXES}), "
            f"but {name} was fitted with {n_step_features(estimator)}. Give it the "
            "same features, in the same order."
        )
    return X


def _check_table(estimator: BaseEstimator, X: Any, *, reset: bool) -> NDArray[Any]:
    """Let scikit-learn convert and check a matrix or data frame."""
    if not reset and not estimator._fitted_on_table:
        X = check_array(
            X,
            ensure_all_finite=False,
            estimator=type(estimator).__name__,
            input_name="X",
        )
        if n_step_features(estimator) != 1:
            _refuse_table(estimator, X.shape)
        return X
    return validate_data(
        estimator, X, reset=reset, dtype="numeric", ensure_all_finite=False
    )


def _refuse_axes(estimator: BaseEstimator, X: Any) -> NoReturn:
    name = type(estimator).__name__
    if X.ndim == 0:
        raise ValueError(
            f"Expected X with 2 or 3 axes, got a scalar instead: {X!r}. {name} takes "
            f"(n_samples, n_columns) or {AXES}."
        )
    if X.ndim == 1:
        n = len(X)
        raise ValueError(
            f"Expected X with 2 or 3 axes, got a 1D array of shape ({n},) instead. "
            "The first axis is samples. Reshape your data: X.reshape(1, -1) makes it "
            f"one sequence of {n} timesteps, X.reshape(-1, 1) {n} sequences of one "
            "timestep."
        )
    raise ValueError(
        f"X has {X.ndim} axes (shape {X.shape}), but {name} takes (n_samples, "
        f"n_columns) or {AXES}. Merge the axes that make up one timestep, for example "
        "X.reshape(n_samples, n_timesteps, -1)."
    )


def _refuse_table(estimator: BaseEstimator, shape: tuple[int, ...]) -> NoReturn:
    n_columns, n_features = shape[1], n_step_features(estimator)
    if n_columns % n_features == 0:
        hint = (
            f"If its {n_columns} columns are {n_columns // n_features} timesteps of "
            f"{n_features} features, put SequenceReshaper(n_features={n_features}) in "
            "front."
        )
    else:
        hint = f"{n_columns} columns cannot be timesteps of {n_features} features."
    raise ValueError(
        f"X has 2 axes (shape {shape}), but {type(estimator).__name__} was fitted on "
        f"{AXES} with n_features={n_features}. {hint}"
    )


def check_lengths_match(batch: SequenceBatch, y: NDArray[Any]) -> None:
    """Require one target per sample, and explain the usual confusion of axes.

    Raises
    ------
    ValueError
        If `y` has another length than the batch has samples.
    """
    n_samples, n_targets = len(batch), len(y)
    if n_samples == n_targets:
        return
    shape = tuple(batch.values.shape)
    message = (
        f"Found input variables with inconsistent numbers of samples: X has "
        f"{n_samples} (shape {shape}), y has {n_targets}. The first axis of X is "
        "samples, and every sample needs one target."
    )
    if n_samples == 1 and shape[1] == n_targets:
        message += (
            f" X is one sample of {n_targets} timesteps. If the rows are the samples, "
            f"make it X.reshape({n_targets}, 1, {shape[2]}); if every timestep has a "
            "label, use BiLSTMTimestepClassifier or BiLSTMTimestepRegressor; to look "
            "back over earlier rows, use SlidingWindows on the 2D matrix."
        )
    elif n_samples < n_targets:
        message += (
            " If windows were cut from the rows of X, cut y alike: SlidingWindows "
            "keeps one window per row, make_windows returns X and y in step."
        )
    raise ValueError(message)


def check_sample_weight(
    sample_weight: Any, batch: SequenceBatch
) -> NDArray[np.float64] | None:
    """Non-negative weights, one per sample, or None.

    Raises
    ------
    ValueError
        If they are not one per sample, negative, not finite or all zero.
    """
    if sample_weight is None:
        return None
    weights = _check_sample_weight(
        sample_weight, batch.lengths, dtype=np.float64, ensure_non_negative=True
    )
    if not weights.any():
        raise ValueError(
            "Sample weights are all zero: no sample is left to fit. Give at least one "
            "sample a positive weight."
        )
    return weights


def check_target(estimator: BaseEstimator, y: Any) -> NDArray[Any]:
    """A finite y of shape (n_samples,) or (n_samples, n_columns); labels may be text.

    Raises
    ------
    ValueError
        If y is None, not finite or of more than two axes.
    """
    if y is None:
        raise ValueError(
            f"{type(estimator).__name__} requires y to be passed, but the target y is "
            "None."
        )
    if getattr(y, "ndim", 0) > 2:
        raise ValueError(
            f"y has {y.ndim} axes (shape {y.shape}), but {type(estimator).__name__} "
            "takes one target per sequence: shape (n_samples,) or (n_samples, "
            "n_columns). For a target at every timestep use a BiLSTMTimestep estimator."
        )
    y = _check_y(y, multi_output=True, estimator=estimator)
    if y.ndim == 2 and y.shape[1] == 1:
        y = column_or_1d(y, warn=True)
    return y


def check_numeric_target(estimator: BaseEstimator, y: Any) -> NDArray[np.float64]:
    """A finite numeric y of shape (n_samples,) or (n_samples, n_targets).

    Raises
    ------
    ValueError
        As :func:`check_target`, and if y is not numeric.
    """
    y = check_target(estimator, y)
    try:
        return y.astype(np.float64, copy=False)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{type(estimator).__name__} needs numbers for y, got {y.dtype} ({error}). "
            "For labels use BiLSTMClassifier."
        ) from error
