"""Predicted quantiles from the outside: whose they are, and row by row."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline

from sklstm.sequences.containers import plain, without_na
from sklstm.sequences.ragged import is_ragged


def predicted_quantiles(estimator: Any, X: Any) -> tuple[NDArray[Any], Any]:
    """Levels and quantiles of a fitted estimator, also in a pipeline or search.

    Parameters
    ----------
    estimator : estimator
        Fitted. A pipeline, which passes `predict_quantiles` on to nobody, may end in
        it, and a search may have found it.
    X : as its `predict` takes it

    Returns
    -------
    levels : ndarray of shape (n_quantiles,)
    quantiles : ndarray, or ndarray of ndarray, with a last axis of quantiles

    Raises
    ------
    ValueError
        If it predicts no quantiles.
    """
    found = estimator
    while not hasattr(found, "predict_quantiles"):
        if isinstance(found, Pipeline):
            X = found[:-1].transform(X) if len(found) > 1 else X
            found = found[-1]
        elif hasattr(found, "best_estimator_"):
            found = found.best_estimator_
        else:
            raise ValueError(
                f"{type(found).__name__} predicts no quantiles. Give a regressor of "
                'sklstm that was fitted with loss="quantile", a pipeline that ends in '
                "one, or a search of these with refit=True."
            )
    return found.quantiles_, found.predict_quantiles(X)


def rows_of(
    y_true: Any, quantiles: Any, sample_weight: Any = None
) -> tuple[NDArray[Any], NDArray[np.float64], NDArray[np.float64] | None]:
    """What is true beside its predicted quantiles, a row for every number.

    Parameters
    ----------
    y_true : array-like, or list of arrays
        In the shape of `quantiles` without its last axis. A list has an array for every
        sequence, of its valid timesteps.
    quantiles : ndarray, or ndarray of ndarray, with a last axis of quantiles
        As `predict_quantiles` gives them, NaN at padded timesteps.
    sample_weight : array-like of shape (n_samples,) or (n_samples, n_timesteps), or \
list of arrays, default=None

    Returns
    -------
    true : ndarray of shape (n_rows,)
    quantiles : ndarray of shape (n_rows, n_quantiles)
    weights : ndarray of shape (n_rows,) or None
        Without what is padded or weighs nothing.

    Raises
    ------
    ValueError
        If the shapes do not agree.
    """
    if is_ragged(quantiles):
        samples: Any = [np.asarray(of_one, float) for of_one in quantiles]
        sizes: Any = [of_one[..., 0].size for of_one in samples]
        rows = np.concatenate([_last_axis_kept(of_one) for of_one in samples])
    else:
        samples = np.asarray(quantiles, float)
        rows = _last_axis_kept(samples)
        sizes = len(rows) // len(samples)
    padded = np.isnan(rows).any(axis=1)
    true = _without_padding(_flat(y_true, "y_true"), padded, "y_true")
    rows = rows[~padded]
    if sample_weight is None:
        return true, rows, None
    sample_weight = plain(sample_weight, "sample_weight", "a score of quantiles")
    if is_ragged(sample_weight) or np.ndim(sample_weight) > 1:
        sizes = samples[0].shape[1] if samples[0].ndim == 3 else 1  # targets
    weights = np.repeat(_flat(sample_weight, "sample_weight"), sizes)
    weights = _without_padding(weights, padded, "sample_weight")
    used = weights > 0
    return true[used], rows[used], weights[used]


def _last_axis_kept(array: NDArray[Any]) -> NDArray[Any]:
    return array.reshape(-1, array.shape[-1])


def _flat(values: Any, name: str) -> NDArray[np.float64]:
    values = plain(values, name, "a score of quantiles")
    if is_ragged(values):
        values = np.concatenate([np.ravel(of_one) for of_one in values])
    return np.ravel(without_na(np.asarray(values))).astype(np.float64)


def _without_padding(
    values: NDArray[np.float64], padded: NDArray[np.bool_], name: str
) -> NDArray[np.float64]:
    """The values of rows that are not padded, be they given for these alone."""
    n_rows, n_valid = len(padded), int((~padded).sum())
    if len(values) == n_rows:
        return values[~padded]
    if len(values) == n_valid:
        return values
    padding = "" if n_valid == n_rows else f", {n_rows - n_valid} of them padded"
    raise ValueError(
        f"{name} has {len(values)} values, but quantiles were predicted for {n_rows}"
        f"{padding}. Give {name} in the shape of what predict gives."
    )
