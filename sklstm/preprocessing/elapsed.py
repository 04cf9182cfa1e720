"""A feature of times as the time elapsed since the timestep before, and back."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklstm.sequences.batch import valid_steps


def times_to_elapsed(steps: NDArray[Any], time: int) -> NDArray[Any]:
    """A copy in which one feature is the difference to the previous valid timestep.

    Parameters
    ----------
    steps : ndarray of shape (n_samples, n_timesteps, n_features)
    time : int
        Which feature.

    Returns
    -------
    ndarray of shape (n_samples, n_timesteps, n_features)

    Raises
    ------
    ValueError
        If times do not rise within a sequence.
    """
    n_samples, n_timesteps, _ = steps.shape
    steps = steps.copy()
    times = steps[:, :, time].copy()
    valid = valid_steps(steps)
    latest = np.maximum.accumulate(np.where(valid, np.arange(n_timesteps), -1), axis=1)
    previous = np.column_stack([np.full(n_samples, -1), latest[:, :-1]])
    before = np.take_along_axis(times, np.maximum(previous, 0), axis=1)
    follows = valid & (previous >= 0)
    back = np.argwhere(follows & (times <= before))
    if len(back):
        sample, step = (int(k) for k in back[0])
        raise ValueError(
            f"The times of sample {sample} do not rise: {before[sample, step]} is "
            f"followed by {times[sample, step]} at timestep {step}. Sort the timesteps "
            "by time, and keep one of those at the same time."
        )
    elapsed = np.where(follows, times - before, 0)
    steps[:, :, time] = np.where(valid, elapsed, times)
    return steps


def elapsed_to_times(steps: NDArray[Any], time: int) -> NDArray[Any]:
    """A copy in which one feature is summed up over the valid timesteps."""
    steps = steps.copy()
    elapsed = steps[:, :, time]
    times = np.nancumsum(elapsed, axis=1)
    steps[:, :, time] = np.where(valid_steps(steps), times, elapsed)
    return steps
