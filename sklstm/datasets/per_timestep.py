"""Problems with an answer at every timestep."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_random_state

from sklstm.datasets.ranges import RANGES
from sklstm.parameters import validated


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
