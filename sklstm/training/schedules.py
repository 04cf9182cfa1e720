"""Learning rates, one for every step of the optimizer."""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from sklstm.base.messages import shown
from sklstm.base.parameters import warn_caller


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


# What Keras has to set the rate by, epoch by epoch.
_SET_THE_RATE = (
    keras.callbacks.LearningRateScheduler,
    keras.callbacks.ReduceLROnPlateau,
)


def chosen_schedule(
    schedule: str, optimizer: str | keras.optimizers.Optimizer, callbacks: list[Any]
) -> str:
    """What "auto" stands for: "cosine" unless something else sets the rate.

    Parameters
    ----------
    schedule : {"auto", "constant", "cosine", "one_cycle"}
    optimizer : str or keras.optimizers.Optimizer
    callbacks : list of keras.callbacks.Callback
    """
    if schedule != "auto":
        return schedule
    by_callback = any(isinstance(callback, _SET_THE_RATE) for callback in callbacks)
    return "constant" if by_callback or has_schedule(optimizer) else "cosine"


class LearningRates:
    """The rates of one call of fit.

    Parameters
    ----------
    schedule : {"constant", "cosine", "one_cycle"}
    optimizer : keras.optimizers.Optimizer
        Its rate is the peak.
    n_steps : int
        Of the optimizer, in all epochs.
    gives_way : bool, default=False
        Whether the schedule ends where a callback sets the rate.
    """

    def __init__(
        self,
        schedule: str,
        optimizer: keras.optimizers.Optimizer,
        n_steps: int,
        *,
        gives_way: bool = False,
    ) -> None:
        self.schedule = schedule
        self.optimizer = optimizer
        self.gives_way = gives_way
        self.n_taken = 0
        self.coming: NDArray[np.float32] | None = None
        if schedule != "constant":
            peak = self._current()
            self.coming = (peak * SCHEDULES[schedule](n_steps)).astype(np.float32)
            self.left_at = peak

    def take(self, n_steps: int) -> NDArray[np.float32]:
        """Those of the next steps; what a callback has set if they are constant."""
        if has_schedule(self.optimizer):
            return np.zeros(n_steps, np.float32)  # not read
        if self.coming is not None and self._current() != self.left_at:
            self._make_way()
        if self.coming is None:
            return np.full(n_steps, self._current(), np.float32)
        rates, self.coming = self.coming[:n_steps], self.coming[n_steps:]
        self.left_at = float(rates[-1])
        self.n_taken += n_steps
        return rates

    def _current(self) -> float:
        return float(self.optimizer.learning_rate)

    def _make_way(self) -> None:
        """Leave the rate to the callback that has set it, or refuse the callback.

        Both would undo each other's work.
        """
        rate = self._current()
        if not self.gives_way:
            raise ValueError(
                f"A callback has set the learning rate to {rate:.3g}, but "
                f"schedule={shown(self.schedule)} sets it at every step. Give "
                "schedule='constant', or leave the callback out."
            )
        self.coming = None
        if self.n_taken:
            warn_caller(
                f"A callback has set the learning rate to {rate:.3g} after "
                f"{self.n_taken} steps on the cosine of schedule='auto'. From here on "
                "callbacks alone set it. Give schedule='constant' to leave it to them "
                "from the first step.",
                UserWarning,
            )


def has_schedule(optimizer: str | keras.optimizers.Optimizer) -> bool:
    """Whether an optimizer brings a schedule of its own; a name brings none."""
    # `optimizer.learning_rate` would be the rate at this step.
    rate = getattr(optimizer, "_learning_rate", None)
    return isinstance(rate, keras.optimizers.schedules.LearningRateSchedule)
