"""The columns of a table as timesteps, and back."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklstm.sequences.batch import valid_steps


def columns_to_steps(
    table: NDArray[Any], n_timesteps: int, n_features: int, layout: str
) -> NDArray[Any]:
    """Columns as timesteps, filled up as the Notes of SequenceReshaper say.

    Parameters
    ----------
    table : ndarray of shape (n_samples, n_columns)
    n_timesteps, n_features : int
        Their product is at least `n_columns`.
    layout : {"timestep", "feature"}

    Returns
    -------
    ndarray of shape (n_samples, n_timesteps, n_features)
    """
    n_columns = table.shape[1]
    n_filled = -(-n_columns // n_features)
    n_cells = n_filled * n_features
    if n_cells > n_columns:
        table = _append_nan(table, n_cells)
    steps = _by_layout(table, n_filled, n_features, layout)
    if n_cells > n_columns:
        cells = np.arange(n_cells)[None]
        no_column = _by_layout(cells, n_filled, n_features, layout) >= n_columns
        np.copyto(steps, 0, where=no_column & valid_steps(steps)[:, :, None])
    return _append_nan(steps, n_timesteps) if n_timesteps > n_filled else steps


def steps_to_columns(steps: NDArray[Any], n_columns: int, layout: str) -> NDArray[Any]:
    """The inverse of :func:`columns_to_steps`.

    Parameters
    ----------
    steps : ndarray of shape (n_samples, n_timesteps, n_features)
    n_columns : int
        Columns of the table.
    layout : {"timestep", "feature"}

    Returns
    -------
    ndarray of shape (n_samples, n_columns)
    """
    n_samples, _, n_features = steps.shape
    steps = steps[:, : -(-n_columns // n_features)]
    if layout == "feature":
        steps = steps.swapaxes(1, 2)
    n_cells = steps.shape[1] * steps.shape[2]
    return steps.reshape(n_samples, n_cells)[:, :n_columns]


def _by_layout(
    table: NDArray[Any], n_timesteps: int, n_features: int, layout: str
) -> NDArray[Any]:
    if layout == "timestep":
        return table.reshape(len(table), n_timesteps, n_features)
    return table.reshape(len(table), n_features, n_timesteps).swapaxes(1, 2)


def _append_nan(values: NDArray[Any], length: int) -> NDArray[Any]:
    """A float copy whose second axis is `length`, NaN behind the values."""
    dtype = values.dtype if values.dtype.kind == "f" else np.float64
    longer = np.full((values.shape[0], length, *values.shape[2:]), np.nan, dtype=dtype)
    longer[:, : values.shape[1]] = values
    return longer
