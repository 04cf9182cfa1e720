"""What does not change over time, beside what does: repeated at every timestep."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_array

from sklstm.sequences.batch import as_floats, valid_steps
from sklstm.sequences.checks import plain_input, saying_what_to_do


def join_static(steps: NDArray[Any], static: NDArray[Any]) -> NDArray[Any]:
    """Static values behind the features of every timestep that is data.

    Parameters
    ----------
    steps : ndarray of shape (n_samples, n_timesteps, n_features)
        A timestep whose features are all NaN is padding, and stays so.
    static : ndarray of shape (n_samples, n_static)

    Returns
    -------
    ndarray of shape (n_samples, n_timesteps, n_features + n_static)
    """
    if not static.shape[1]:
        return steps
    shape = (*steps.shape[:2], static.shape[1])
    repeated = np.broadcast_to(static[:, None], shape)
    valid = valid_steps(steps)
    if not valid.all():
        repeated = np.where(valid[:, :, None], as_floats(repeated), np.nan)
    return np.concatenate([steps, repeated.astype(steps.dtype)], axis=2)


def split_static(
    steps: NDArray[Any], n_static: int
) -> tuple[NDArray[Any], NDArray[Any]]:
    """The inverse of :func:`join_static`.

    Parameters
    ----------
    steps : ndarray of shape (n_samples, n_timesteps, n_features + n_static)
    n_static : int
        At least 1.

    Returns
    -------
    steps : ndarray of shape (n_samples, n_timesteps, n_features)
    static : ndarray of shape (n_samples, n_static)
        Those of the first timestep that is data; NaN if there is none.
    """
    first = valid_steps(steps).argmax(axis=1)
    static: NDArray[Any] = steps[np.arange(len(steps)), first, -n_static:]
    return steps[:, :, :-n_static], static


def check_static(static: Any, n_samples: int) -> NDArray[Any]:
    """Static values of shape (n_samples, n_static) as floats.

    Raises
    ------
    ValueError
        If there is not one row of numbers for every sequence, or one is infinite.
    TypeError
        If they are sparse.
    """
    name = "pad_sequences"
    static = plain_input(static, name, "static")
    static = static if hasattr(static, "shape") else np.asarray(static)
    if len(static.shape) == 1:
        static = np.asarray(static)[:, None]
    with saying_what_to_do(name, "static"):
        values: NDArray[Any] = check_array(
            static,
            dtype=[np.float64, np.float32],
            ensure_all_finite="allow-nan",
            estimator=name,
            input_name="static",
        )
    if len(values) != n_samples:
        raise ValueError(
            f"static has {len(values)} rows (shape {values.shape}), but there are "
            f"{n_samples} sequences. Give one row of static values for every sequence, "
            "in the same order. Of a long table, name columns of it, and groups=."
        )
    return values
