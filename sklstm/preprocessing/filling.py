"""Missing values from the timesteps around them, never from another sample.

Everywhere ``steps`` has shape ``(n_samples, n_timesteps, n_features)``, and what is
returned has it, too. Pure NumPy.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

STRATEGIES = ("ffill", "bfill", "linear")


def fill(steps: NDArray[Any], valid: NDArray[np.bool_], strategy: str) -> NDArray[Any]:
    """A copy of the steps whose missing values are filled in, as far as they can be.

    Parameters
    ----------
    steps : ndarray of shape (n_samples, n_timesteps, n_features)
    valid : ndarray of shape (n_samples, n_timesteps), bool
        Which timesteps are data. What is filled in at the others is of no use.
    strategy : {"ffill", "bfill", "linear"}
    """
    if strategy == "bfill":
        return _reversed(_carried(_reversed(steps)))
    before = _carried(steps)
    if strategy == "ffill":
        return before
    # Padding takes no time: timesteps are counted without it.
    ranks = np.cumsum(valid, axis=1).astype(steps.dtype)[:, :, None]
    known_at = np.where(np.isnan(steps), np.nan, ranks)
    after = _reversed(_carried(_reversed(steps)))
    first, last = _carried(known_at), _reversed(_carried(_reversed(known_at)))
    inside = np.isnan(steps) & ~np.isnan(first) & ~np.isnan(last)
    span = np.where(inside, last - first, 1)
    share = np.where(inside, ranks - first, 0) / span
    return np.where(inside, before + share * (after - before), before)


def _carried(steps: NDArray[Any]) -> NDArray[Any]:
    """The last value that was known at each timestep; NaN in front of the first."""
    n_timesteps = steps.shape[1]
    here = np.arange(n_timesteps)[None, :, None]
    known = np.where(np.isnan(steps), -1, here)
    source = np.maximum.accumulate(known, axis=1)
    carried: NDArray[Any] = np.take_along_axis(steps, np.maximum(source, 0), axis=1)
    return carried


def _reversed(steps: NDArray[Any]) -> NDArray[Any]:
    return steps[:, ::-1]
