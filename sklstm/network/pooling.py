"""What is read out of the states over time: the last ones, their mean or maximum.

A pool is given the states block by block. Rows are sorted by length, the longest first,
so that those whose sequence goes on at a timestep are the first ones.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
from numpy.typing import NDArray

from sklstm.network.recurrence import Floats


class Pool(ABC):
    """Makes one state of those of all timesteps, for every row.

    Parameters
    ----------
    lengths : ndarray of shape (n_rows,)
        Of the sequences, none greater than the one before.
    """

    def __init__(self, lengths: NDArray[np.intp]) -> None:
        self.lengths = lengths
        self.longest, self.shortest = int(lengths[0]), int(lengths[-1])

    @abstractmethod
    def add(self, start: int, states: Floats) -> None:
        """See a block of shape (n_steps, n_lstms, units, n_rows), begun at `start`."""

    @abstractmethod
    def result(self) -> Floats:
        """The pooled states, shape (n_lstms, units, n_rows)."""


class Last(Pool):
    """The state of the last timestep."""

    def add(self, start: int, states: Floats) -> None:
        stop = start + len(states)
        if stop == self.longest == self.shortest:
            self.pooled = states[-1]
        elif stop >= self.shortest:
            if start < self.shortest:
                self.pooled = np.empty_like(states[0])
            ended = np.flatnonzero((self.lengths > start) & (self.lengths <= stop))
            at_end = states[self.lengths[ended] - 1 - start, :, :, ended]
            self.pooled[:, :, ended] = np.moveaxis(at_end, 0, -1)

    def result(self) -> Floats:
        return self.pooled


class Accumulating(Pool):
    """A ufunc over the timesteps."""

    ufunc: np.ufunc

    def add(self, start: int, states: Floats) -> None:
        if start == 0:
            self.pooled, start, states = states[0].copy(), 1, states[1:]
        if len(states) > 1 and start + len(states) <= self.shortest:
            states = self.ufunc.reduce(states, axis=0, keepdims=True)
        for t, state in enumerate(states, start):
            n_rows = len(self.lengths)
            if t >= self.shortest:
                n_rows = int(np.count_nonzero(self.lengths > t))
            pooled = self.pooled[..., :n_rows]
            self.ufunc(pooled, state[..., :n_rows], out=pooled)

    def result(self) -> Floats:
        return self.pooled


class Mean(Accumulating):
    """The mean over time."""

    ufunc = np.add

    def result(self) -> Floats:
        mean: Floats = self.pooled / self.lengths.astype(np.float32)
        return mean


class Max(Accumulating):
    """The maximum over time."""

    ufunc = np.maximum


POOLS: dict[str, type[Pool]] = {"last": Last, "mean": Mean, "max": Max}
