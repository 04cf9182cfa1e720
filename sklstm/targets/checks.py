"""y and weights at the public boundary, row by row."""

from __future__ import annotations

from numbers import Number
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse
from sklearn.base import BaseEstimator
from sklearn.exceptions import DataConversionWarning
from sklearn.utils.validation import column_or_1d

from sklstm.base.messages import said, shown
from sklstm.base.parameters import warn_caller
from sklstm.base.sklearn_compat import check_weights, check_y
from sklstm.sequences.batch import SequenceBatch
from sklstm.sequences.containers import is_missing, plain
from sklstm.sequences.ragged import arrays_of


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
            f"make it X.reshape({n_targets}, 1, {shape[2]}); to look back over earlier "
            "rows, use SlidingWindows on the 2D matrix. For a target at every timestep "
            "use BiLSTMTimestepClassifier or BiLSTMTimestepRegressor."
        )
    elif n_samples < n_targets:
        message += (
            " If windows were cut from the rows of X, cut y alike: SlidingWindows "
            "keeps one window per row, make_windows returns X and y in step."
        )
    elif shape[2] == 1:  # a table, of which the rows may be timesteps
        message += (
            " If several rows of X are the timesteps of one sequence, make sequences "
            "of them first: pad_sequences(X, groups=...) takes the column that tells "
            "them apart."
        )
    raise ValueError(message)


def check_sample_weight(
    sample_weight: object, n_weights: int, name: str, of: str = "samples"
) -> NDArray[np.float64] | None:
    """Non-negative weights, one for each of the samples (or timesteps), or None.

    Parameters
    ----------
    sample_weight : array-like or None
    n_weights : int
        How many there must be.
    name : str
        Of the estimator, for messages.
    of : {"samples", "timesteps"}, default="samples"
        What they belong to.

    Raises
    ------
    ValueError
        If their number differs, or they are negative, not finite or all zero.
    """
    if sample_weight is None:
        return None
    if not isinstance(sample_weight, Number):  # one weight for all
        given = arrays_of(sample_weight, "sample_weight", name)
        if isinstance(given, list):
            _refuse_weights("is a list of arrays", (), n_weights, name)
        if given.ndim > 1:
            _refuse_weights(f"has shape {given.shape}", given.shape, n_weights, name)
        sample_weight = given
    try:
        weights: NDArray[np.float64] = check_weights(
            sample_weight,
            np.empty(n_weights),
            dtype=np.float64,
            ensure_non_negative=True,
        )
        if not weights.any():
            raise ValueError(
                "Sample weights must contain at least one non-zero number."
            )
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{said(error).rstrip('.!')}. Give sample_weight one number for each of "
            "the "
            f"{n_weights} {of} of X, none negative and at least one positive, or None."
        ) from error
    return weights


def _refuse_weights(
    came: str, shape: tuple[int, ...], n_weights: int, name: str
) -> NoReturn:
    """Say what weights of several axes should be."""
    instead = (
        "Use sample_weight[:, 0]."
        if shape[1:] == (1,)
        else "Weights of timesteps go with BiLSTMTimestepClassifier and "
        "BiLSTMTimestepRegressor."
    )
    raise ValueError(
        f"sample_weight {came}, but {name} takes one weight for each sequence: shape "
        f"({n_weights},). {instead}"
    )


def none_missing(y: object, name: str) -> Any:
    """y as it is to be compared with predictions, of labels that are all known.

    Raises
    ------
    ValueError
        If it is masked, or objects of which one is missing.
    """
    y = plain(y, "y", name)
    if issparse(y):
        return y
    given = arrays_of(y, "y", name)
    if isinstance(given, list) or given.dtype != object:
        return y
    if is_missing(given).any():
        raise ValueError(f"Input y contains NaN. {_needs_targets(name)}")
    return y


def _needs_targets(name: str) -> str:
    return (
        f"{name} needs a y of one finite target, or one row of targets, per sequence: "
        "correct y, or drop these samples from X and y."
    )


def check_target(estimator: BaseEstimator, y: Any) -> NDArray[Any]:
    """A finite y of shape (n_samples,) or (n_samples, n_columns); labels may be text.

    Raises
    ------
    ValueError
        If y is None, not finite or of more than two axes.
    """
    name = type(estimator).__name__
    if y is None:
        raise ValueError(
            f"{name} requires y to be passed, but the target y is None. Give one "
            "target per sequence."
        )
    if issparse(y):
        raise ValueError(
            f"y is sparse (shape {y.shape}), but {name} takes dense targets. Use "
            "y.toarray()."
        )
    y = plain(y, "y", name)
    n_axes = getattr(y, "ndim", 1 if hasattr(y, "__len__") else np.asarray(y).ndim)
    if n_axes == 0:
        raise ValueError(
            f"y is a scalar, {shown(y)}, but {name} takes one target per sequence: "
            "shape (n_samples,) or (n_samples, n_columns)."
        )
    if n_axes > 2:
        raise ValueError(
            f"y has {n_axes} axes (shape {y.shape}), but {name} takes one target per "
            "sequence: shape (n_samples,) or (n_samples, n_columns). For a target at "
            "every timestep use BiLSTMTimestepClassifier or BiLSTMTimestepRegressor."
        )
    try:
        y = check_y(y, multi_output=True, estimator=estimator)
        if is_missing(y).any():
            raise ValueError("Input y contains None")
    except (TypeError, ValueError) as error:
        reason = str(error).partition("\n")[0].rstrip(".")
        # scikit-learn says it without the name if y is of objects.
        reason = reason.replace("Input contains", "Input y contains")
        raise ValueError(f"{reason}. {_needs_targets(name)}") from error
    if y.ndim == 2 and y.shape[1] == 1:
        y = column_or_1d(y, warn=True)
    return y


def warn_of_several_labels(y: NDArray[Any], n_timesteps: int | None) -> None:
    """Say how an indicator matrix is read, if it looks like something else.

    Parameters
    ----------
    y : ndarray of shape (n_rows, n_labels)
        Zeros and ones.
    n_timesteps : int or None
        Of X; None if the rows are timesteps themselves.
    """
    reasons = []
    if (y.sum(axis=1) == 1).all():
        reasons.append(
            "Every row has exactly one 1: if it is one-hot, give the classes, "
            "y.argmax(axis=-1)."
        )
    if y.shape[1] == n_timesteps:
        reasons.append(
            f"X has {n_timesteps} timesteps: for a label at each of them use "
            "BiLSTMTimestepClassifier."
        )
    if reasons:
        warn_caller(
            f"The {y.shape[1]} columns of y are read as labels of their own, of which "
            f"a prediction may have none or several. {' '.join(reasons)}",
            DataConversionWarning,
        )


def check_numeric_target(
    estimator: BaseEstimator, y: object, *, classifier: str
) -> NDArray[np.float64]:
    """A finite numeric y of shape (n_samples,) or (n_samples, n_targets).

    Parameters
    ----------
    estimator : estimator instance
    y : array-like
    classifier : str
        The class for y that is labels, for messages.

    Raises
    ------
    ValueError
        As :func:`check_target`, and if y is not numeric.
    """
    y = check_target(estimator, y)
    name = type(estimator).__name__
    try:
        if y.dtype.kind in "Mm":
            raise TypeError("dates have no unit of their own")
        # One by one: as an array, NumPy takes half a minute to refuse long text.
        given = y.astype(object) if y.dtype.kind in "SU" else y
        numbers = given.astype(np.float64, copy=False)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{name} needs numbers for y, got {y.dtype} ({said(error)}). For labels "
            f"use {classifier}."
        ) from error
    largest = np.abs(numbers).max()
    if largest > np.finfo(np.float32).max:
        raise ValueError(
            f"y holds values as large as {largest:.3g}, too large for float32. Scale "
            "y first, for example with sklearn.compose.TransformedTargetRegressor."
        )
    return numbers
