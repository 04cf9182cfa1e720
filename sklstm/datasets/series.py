"""Problems of series in a table."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_random_state

from sklstm.datasets.ranges import RANGES
from sklstm.parameters import validated


@validated(RANGES)
def make_panel(
    n_series: int = 8,
    *,
    n_rows: int = 200,
    lead: int = 3,
    noise: float = 0.1,
    random_state: Any = None,
) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """A table of several series in two columns, one of which announces the other.

    For forecasts with :func:`~sklstm.make_windows` or
    :class:`~sklstm.SlidingWindows`: the rows of a series are in the order of time, and
    the series stand one behind the other.

    Parameters
    ----------
    n_series : int, default=8
        Number of series: stores, patients, sensors, ...
    n_rows : int, default=200
        Rows of each series.
    lead : int, default=3
        How many rows before the value its driver is known.
    noise : float, default=0.1
        Standard deviation of what cannot be forecast.
    random_state : int, RandomState instance or None, default=None
        Draws the series. An int gives the same ones in every call.

    Returns
    -------
    table : ndarray of shape (n_series * n_rows, 2)
        Column 0 is the value to forecast: a level and a phase of its own for each
        series, a cycle of 12 rows, the driver of `lead` rows before, and noise.
        Column 1 is the driver: each is half the one before plus half a new normal
        number.
    groups : ndarray of shape (n_series * n_rows,)
        The number of each row's series.

    Raises
    ------
    ValueError
        If a parameter is out of its range.

    Examples
    --------
    >>> from sklstm import make_windows
    >>> from sklstm.datasets import make_panel
    >>> table, groups = make_panel(random_state=0)
    >>> table.shape, groups.shape
    ((1600, 2), (1600,))
    >>> X, y = make_windows(table, 24, horizon=3, target=0, groups=groups)
    >>> X.shape, y.shape
    ((1392, 24, 2), (1392, 3))
    """
    rng = check_random_state(random_state)
    levels = rng.normal(size=(n_series, 1))
    phases = rng.uniform(size=(n_series, 1))
    drivers = rng.normal(size=(n_series, lead + n_rows))
    for row in range(1, lead + n_rows):
        drivers[:, row] = (drivers[:, row - 1] + drivers[:, row]) / 2
    cycles = np.sin(2 * np.pi * (np.arange(n_rows) / 12 + phases))
    values = levels + cycles + drivers[:, :n_rows]
    values += noise * rng.normal(size=values.shape)
    table = np.stack([values, drivers[:, lead:]], axis=-1).reshape(-1, 2)
    return table, np.repeat(np.arange(n_series, dtype=np.intp), n_rows)
