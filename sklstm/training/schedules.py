"""Learning rates, one for every step of the optimizer."""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray


def cosine(n_steps: int) -> NDArray[np.float64]:
    """From one along half a cosine towards zero [1]_, as shares of the peak.

    References
    ----------
    .. [1] Loshchilov & Hutter (2017), SGDR: Stochastic gradient descent with warm
       restarts. :arxiv:`1608.03983`
    """
    return _half_cosine(np.arange(n_steps) / n_steps)


def one_cycle(n_steps: int) -> NDArray[np.float64]:
    """Up to one within three tenths of the steps, then down to almost zero [1]_.

    Both along half a cosine, from 1 / 25 and to 1 / 250,000, which are the figures of
    PyTorch's OneCycleLR. The momentum stays as it is.

    References
    ----------
    .. [1] Smith & Topin (2018), Super-convergence: Very fast training of neural
       networks using large learning rates. :arxiv:`1708.07120`
    """
    step = np.arange(n_steps)
    first, last = 1 / 25, 1 / 25e4
    top, end = max(0.3 * n_steps - 1, 0), max(n_steps - 1, 1)
    rising = first + (1 - first) * (1 - _half_cosine(step / max(top, 1)))
    falling = last + (1 - last) * _half_cosine((step - top) / (end - top))
    return np.where(step < top, rising, falling)


def _half_cosine(share: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """From one, where `share` is zero, to zero, where it is one."""
    falling: NDArray[np.float64] = (1 + np.cos(math.pi * share)) / 2
    return falling


SCHEDULES = {"cosine": cosine, "one_cycle": one_cycle}


class LearningRates:
    """The rates of one call of fit.

    Parameters
    ----------
    schedule : {"constant", "cosine", "one_cycle"}
    optimizer : keras.optimizers.Optimizer
        Its rate is the peak.
    n_steps : int
        Of the optimizer, in all epochs.
    """

    def __init__(self, schedule: str, optimizer: Any, n_steps: int) -> None:
        self.schedule = schedule
        self.optimizer = optimizer
        self.coming: NDArray[np.float32] | None = None
        if schedule != "constant":
            peak = self._current()
            self.coming = (peak * SCHEDULES[schedule](n_steps)).astype(np.float32)
            self.left_at = peak

    def take(self, n_steps: int) -> NDArray[np.float32]:
        """Those of the next steps; what a callback has set if they are constant."""
        if has_schedule(self.optimizer):
            return np.zeros(n_steps, np.float32)  # not read
        if self.coming is None:
            return np.full(n_steps, self._current(), np.float32)
        self._check_unchanged()
        rates, self.coming = self.coming[:n_steps], self.coming[n_steps:]
        self.left_at = float(rates[-1])
        return rates

    def _current(self) -> float:
        return float(self.optimizer.learning_rate)

    def _check_unchanged(self) -> None:
        """Refuse a callback and a schedule that undo each other's work."""
        if (rate := self._current()) != self.left_at:
            raise ValueError(
                f"A callback has set the learning rate to {rate:.3g}, but "
                f"schedule={self.schedule!r} sets it at every step. Give "
                "schedule='constant', or leave the callback out."
            )


def has_schedule(optimizer: Any) -> bool:
    """Whether an optimizer of Keras brings a schedule of its own."""
    # `optimizer.learning_rate` would be the rate at this step.
    rate = optimizer._learning_rate
    return isinstance(rate, keras.optimizers.schedules.LearningRateSchedule)
