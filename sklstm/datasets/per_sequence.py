"""Problems with one answer per sequence."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_random_state

from sklstm.datasets.ranges import RANGES
from sklstm.parameters import validated


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
