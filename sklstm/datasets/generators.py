"""Problems with an answer at every timestep."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_random_state

from sklstm.base.parameters import Interval, validated

_A_COUNT = [Interval(Integral, 1, None, closed="left")]

RANGES: dict[str, list[Any]] = {
    "n": [Interval(Integral, 2, None, closed="left")],
    "n_samples": _A_COUNT,
    "n_series": _A_COUNT,
    "n_timesteps": _A_COUNT,
    "n_rows": _A_COUNT,
    "min_timesteps": _A_COUNT,
    "max_timesteps": _A_COUNT,
    "lag": _A_COUNT,
    "lead": [Interval(Integral, 0, None, closed="left")],
    "noise": [Interval(Real, 0, None, closed="left")],
    "share": [Interval(Real, 0, 1, closed="neither")],
    "duration": _A_COUNT,
    "shift": [Interval(Real, None, None, closed="neither")],
    "random_state": ["random_state"],
}


@validated(RANGES)
def make_counting(n: int = 10) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Count in tenths, 0.0, 0.1, 0.2, ...: from each number, the next.

    Parameters
    ----------
    n : int, default=10
        How many numbers are counted; at least 2.

    Returns
    -------
    X : ndarray of shape (n - 1, 1, 1)
        The numbers except the last: sequences of one timestep of one feature.
    y : ndarray of shape (n - 1,)
        The number after each.

    Raises
    ------
    ValueError
        If a parameter is out of its range.

    Examples
    --------
    >>> from sklstm.datasets import make_counting
    >>> X, y = make_counting(5)
    >>> X.shape
    (4, 1, 1)
    >>> X.ravel(), y
    (array([0. , 0.1, 0.2, 0.3]), array([0.1, 0.2, 0.3, 0.4]))
    """
    numbers = np.arange(n) / 10
    return numbers[:-1, None, None], numbers[1:]


@validated(RANGES)
def make_unequal_lengths(
    n_samples: int = 100,
    *,
    min_timesteps: int = 5,
    max_timesteps: int = 20,
    random_state: Any = None,
) -> tuple[list[NDArray[np.float64]], NDArray[np.intp]]:
    """Label sequences of unequal length by whether most of their values are ones.

    The zeros are data. Padding that is read as zeros, or zeros that are read as
    padding, change the answer.

    Parameters
    ----------
    n_samples : int, default=100
        Number of sequences.
    min_timesteps, max_timesteps : int, default=5 and 20
        The lengths are drawn uniformly from these to those, both included.
    random_state : int, RandomState instance or None, default=None
        Draws lengths and values. An int gives the same ones in every call.

    Returns
    -------
    X : list of n_samples ndarray of shape (n_timesteps_i, 1)
        Zeros and ones. The probability of ones is one number per sequence, drawn
        uniformly.
    y : ndarray of shape (n_samples,)
        One label per sequence: 1 if more than half of its values are 1, else 0.

    Raises
    ------
    ValueError
        If a parameter is out of its range, or `min_timesteps` above `max_timesteps`.

    Examples
    --------
    >>> from sklstm.datasets import make_unequal_lengths
    >>> X, y = make_unequal_lengths(3, min_timesteps=2, max_timesteps=5, random_state=4)
    >>> [sequence.shape for sequence in X], y.shape
    ([(4, 1), (4, 1), (5, 1)], (3,))
    >>> X[0].ravel(), X[1].ravel(), y[:2]
    (array([0., 1., 0., 0.]), array([0., 1., 1., 1.]), array([0, 1]))
    """
    if min_timesteps > max_timesteps:
        raise ValueError(
            f"min_timesteps={min_timesteps} is above max_timesteps={max_timesteps}. "
            "Choose a smaller min_timesteps or a larger max_timesteps."
        )
    rng = check_random_state(random_state)
    lengths = rng.randint(min_timesteps, max_timesteps + 1, size=n_samples)
    ones = np.repeat(rng.uniform(size=n_samples), lengths)
    values = (rng.uniform(size=len(ones)) < ones).astype(np.float64)
    ends = lengths.cumsum()
    y = (2 * np.add.reduceat(values, ends - lengths) > lengths).astype(np.intp)
    return np.split(values[:, None], ends[:-1]), y


@validated(RANGES)
def make_cumulative_sum(
    n_samples: int = 100, *, n_timesteps: int = 10, random_state: Any = None
) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Label each timestep by whether the sum so far exceeds a limit.

    Parameters
    ----------
    n_samples : int, default=100
        Number of sequences.
    n_timesteps : int, default=10
        Timesteps of each sequence.
    random_state : int, RandomState instance or None, default=None
        Draws the values. An int gives the same ones in every call.

    Returns
    -------
    X : ndarray of shape (n_samples, n_timesteps, 1)
        Values drawn uniformly from [0, 1).
    y : ndarray of shape (n_samples, n_timesteps)
        1 where the sum of the values up to and with this timestep exceeds
        `n_timesteps / 4`, else 0. Once 1, it stays 1.

    Raises
    ------
    ValueError
        If a parameter is out of its range.

    Examples
    --------
    >>> from sklstm.datasets import make_cumulative_sum
    >>> X, y = make_cumulative_sum(3, random_state=0)
    >>> X.shape, y.shape
    ((3, 10, 1), (3, 10))
    >>> X[0, :5].ravel().round(2)  # the limit is 2.5
    array([0.55, 0.72, 0.6 , 0.54, 0.42])
    >>> y[0]
    array([0, 0, 0, 0, 1, 1, 1, 1, 1, 1])
    """
    X = check_random_state(random_state).uniform(size=(n_samples, n_timesteps, 1))
    y = (X[:, :, 0].cumsum(axis=1) > n_timesteps / 4).astype(np.intp)
    return X, y


@validated(RANGES)
def make_sine_to_cosine(
    n_samples: int = 100, *, n_timesteps: int = 50, random_state: Any = None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """From a sine wave, the cosine at every timestep.

    A single value of the sine leaves the sign of the cosine open; its neighbours tell.

    Parameters
    ----------
    n_samples : int, default=100
        Number of sequences.
    n_timesteps : int, default=50
        Timesteps of each sequence.
    random_state : int, RandomState instance or None, default=None
        Draws the waves. An int gives the same ones in every call.

    Returns
    -------
    X : ndarray of shape (n_samples, n_timesteps, 1)
        Sines. Each sequence has from 1 to 3 periods, drawn uniformly, and a phase drawn
        uniformly.
    y : ndarray of shape (n_samples, n_timesteps)
        The cosine of the same angle.

    Raises
    ------
    ValueError
        If a parameter is out of its range.

    Examples
    --------
    >>> import numpy as np
    >>> from sklstm.datasets import make_sine_to_cosine
    >>> X, y = make_sine_to_cosine(4, random_state=0)
    >>> X.shape, y.shape
    ((4, 50, 1), (4, 50))
    >>> np.allclose(X[:, :, 0] ** 2 + y**2, 1)
    True
    """
    rng = check_random_state(random_state)
    phases = rng.uniform(0, 2 * np.pi, size=(n_samples, 1))
    n_periods = rng.uniform(1, 3, size=(n_samples, 1))
    turns = n_periods * np.arange(n_timesteps) / n_timesteps
    angles = phases + 2 * np.pi * turns
    return np.sin(angles)[:, :, None], np.cos(angles)


@validated(RANGES)
def make_echo(
    n_samples: int = 100,
    *,
    n_timesteps: int = 20,
    lag: int = 3,
    random_state: Any = None,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """At every timestep, the value of some timesteps before.

    Parameters
    ----------
    n_samples : int, default=100
        Number of sequences.
    n_timesteps : int, default=20
        Timesteps of each sequence.
    lag : int, default=3
        After how many timesteps a value comes back; less than `n_timesteps`.
    random_state : int, RandomState instance or None, default=None
        Draws the values. An int gives the same ones in every call.

    Returns
    -------
    X : ndarray of shape (n_samples, n_timesteps, 1)
        Values drawn uniformly from [0, 1).
    y : ndarray of shape (n_samples, n_timesteps)
        ``y[:, t]`` is ``X[:, t - lag, 0]``, and 0 in the first `lag` timesteps, which
        have nothing to echo.

    Raises
    ------
    ValueError
        If a parameter is out of its range.

    Examples
    --------
    >>> from sklstm.datasets import make_echo
    >>> X, y = make_echo(2, n_timesteps=5, lag=2, random_state=0)
    >>> X.shape, y.shape
    ((2, 5, 1), (2, 5))
    >>> X[0].ravel().round(2), y[0].round(2)
    (array([0.55, 0.72, 0.6 , 0.54, 0.42]), array([0.  , 0.  , 0.55, 0.72, 0.6 ]))
    """
    if lag >= n_timesteps:
        raise ValueError(
            f"lag={lag} leaves nothing to echo in n_timesteps={n_timesteps}. Choose a "
            f"lag below {n_timesteps}, or more timesteps."
        )
    X = check_random_state(random_state).uniform(size=(n_samples, n_timesteps, 1))
    y = np.zeros((n_samples, n_timesteps))
    y[:, lag:] = X[:, :-lag, 0]
    return X, y


@validated(RANGES)
def make_rare_events(
    n_samples: int = 100,
    *,
    n_timesteps: int = 50,
    share: float = 0.05,
    duration: int = 3,
    shift: float = 2.0,
    random_state: Any = None,
) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Noise that is shifted during rare events; label the timesteps of the events.

    Parameters
    ----------
    n_samples : int, default=100
        Number of sequences.
    n_timesteps : int, default=50
        Timesteps of each sequence.
    share : float, default=0.05
        The share of timesteps that is in an event, on average.
    duration : int, default=3
        Timesteps of an event. Events can overlap, and begin before the sequence.
    shift : float, default=2.0
        What an event adds to the values, in standard deviations of the noise.
    random_state : int, RandomState instance or None, default=None
        Draws events and noise. An int gives the same ones in every call.

    Returns
    -------
    X : ndarray of shape (n_samples, n_timesteps, 1)
        Normal noise of standard deviation 1, and `shift` during events.
    y : ndarray of shape (n_samples, n_timesteps)
        1 during events, else 0.

    Raises
    ------
    ValueError
        If a parameter is out of its range.

    Examples
    --------
    >>> from sklstm.datasets import make_rare_events
    >>> X, y = make_rare_events(random_state=0)
    >>> X.shape, y.shape
    ((100, 50, 1), (100, 50))
    >>> float(y.mean())
    0.0528
    """
    rng = check_random_state(random_state)
    # A timestep is outside all events if none of `duration` timesteps begins one.
    begin = 1 - (1 - share) ** (1 / duration)
    begins = rng.uniform(size=(n_samples, duration - 1 + n_timesteps)) < begin
    n_begun = np.pad(begins.cumsum(axis=1), ((0, 0), (1, 0)))
    y = (n_begun[:, duration:] > n_begun[:, :-duration]).astype(np.intp)
    X = rng.normal(size=y.shape) + shift * y
    return X[:, :, None], y


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
