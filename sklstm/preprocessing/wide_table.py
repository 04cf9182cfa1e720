"""A wide table, whose columns are timesteps or static, as sequences, and back."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklstm.sequences.batch import as_floats, valid_steps


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


# A number of columns can have hundreds of divisors; a message names the nearest.
MOST_DIVISORS_NAMED = 8


def steps_and_features(
    n_columns: int,
    n_timesteps: int | None,
    n_features: int | None,
    *,
    pad: bool,
    beside: str = "",
) -> tuple[int, int]:
    """How many timesteps of how many features a table's columns make.

    Parameters
    ----------
    n_columns : int
        Columns of the table.
    n_timesteps, n_features : int or None
        The sizes asked for; None means that it follows.
    pad : bool
        Whether the sizes may hold more than the columns.
    beside : str, default=""
        Which columns of X these are, for messages, if not all.

    Returns
    -------
    tuple of int
        `n_timesteps` and `n_features`.

    Raises
    ------
    ValueError
        If no such sizes exist; the message names those that do.
    """
    counted = f"{n_columns} column{'s' * (n_columns != 1)}{beside}"
    if n_timesteps is not None and n_features is not None:
        _check_product(n_columns, n_timesteps, n_features, pad, counted)
        return n_timesteps, n_features
    if n_timesteps is not None:
        _check_divides(n_columns, "n_timesteps", n_timesteps, pad, counted)
        return n_timesteps, -(-n_columns // n_timesteps)
    if n_features is not None:
        _check_divides(n_columns, "n_features", n_features, pad, counted)
        return -(-n_columns // n_features), n_features
    return n_columns, 1


def _check_product(
    n_columns: int, n_timesteps: int, n_features: int, pad: bool, counted: str
) -> None:
    n_cells = n_timesteps * n_features
    if n_cells == n_columns or (pad and n_cells > n_columns):
        return
    repair = ", or set pad=True" if n_cells > n_columns else ""
    raise ValueError(
        f"X has {counted}, but n_timesteps={n_timesteps} times "
        f"n_features={n_features} is {n_cells}. Choose two sizes whose product is "
        f"{n_columns}, or give one of them and the other follows{repair}."
    )


def _check_divides(
    n_columns: int, name: str, size: int, pad: bool, counted: str
) -> None:
    if pad or n_columns % size == 0:
        return
    divisors = [k for k in range(1, n_columns + 1) if n_columns % k == 0]
    nearest = sorted(divisors, key=lambda k: abs(k - size))[:MOST_DIVISORS_NAMED]
    named = [str(k) for k in sorted(nearest)]
    options = named[0] if len(named) == 1 else f"{', '.join(named[:-1])} or {named[-1]}"
    among = "" if len(named) == len(divisors) else "for example "
    raise ValueError(
        f"X has {counted}, which {name}={size} does not divide. Choose "
        f"{among}{options}, or set pad=True."
    )


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
