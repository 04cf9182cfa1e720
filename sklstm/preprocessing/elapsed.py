"""Times as the time elapsed since the timestep before, and back."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklstm.preprocessing.times import Times
from sklstm.sequences.batch import valid_steps
from sklstm.sequences.windows import SeriesOrder


def elapsed_times(
    times: Times, order: SeriesOrder, valid: NDArray[np.bool_], sampling_rate: int = 1
) -> NDArray[np.float64]:
    """For rows of a table: since the step before, `sampling_rate` rows back.

    In seconds, unless times are numbers; 0 where there is no step before in the same
    series, NaN in rows that are not valid, which are passed over. Times must rise.

    Parameters
    ----------
    times : Times
    order : SeriesOrder
    valid : ndarray of shape (n_rows,), bool
    sampling_rate : int, default=1

    Returns
    -------
    ndarray of shape (n_rows,)
    """
    lane = order.ranks % sampling_rate
    rows = np.lexsort((order.ranks, lane, order.codes))
    rows = rows[valid[rows]]
    before, after = rows[:-1], rows[1:]
    follows = (order.codes[before] == order.codes[after]) & (
        lane[before] == lane[after]
    )
    before, after = before[follows], after[follows]
    elapsed = np.full(len(times), np.nan)
    elapsed[rows] = 0
    elapsed[after] = times.since(before, after)
    return elapsed


def rows_to_remember(
    order: SeriesOrder, valid: NDArray[np.bool_], n_rows: int, sampling_rate: int
) -> NDArray[np.bool_]:
    """The last `n_rows` rows of each series, and those that elapsed times go back to.

    The step before a row is `sampling_rate` rows back, or a multiple of that if these
    rows are not valid. So what is remembered begins at a valid row, however many come
    after it.

    Parameters
    ----------
    order : SeriesOrder
    valid : ndarray of shape (n_rows,), bool
    n_rows, sampling_rate : int

    Returns
    -------
    ndarray of shape (n_rows,), bool
    """
    n_after, lane = order.n_after, order.ranks % sampling_rate
    older = np.flatnonzero(valid & (n_after >= n_rows))
    older = older[np.lexsort((order.ranks[older], lane[older], order.codes[older]))]
    codes, lanes = order.codes[older], lane[older]
    is_last = np.ones(len(older), dtype=bool)
    is_last[:-1] = (np.diff(codes) != 0) | (np.diff(lanes) != 0)
    n_kept = np.full(len(order.sizes), n_rows)
    np.maximum.at(n_kept, codes[is_last], n_after[older[is_last]] + 1)
    remembered: NDArray[np.bool_] = n_after < n_kept[order.codes]
    return remembered


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
