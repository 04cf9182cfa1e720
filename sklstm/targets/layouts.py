"""Which rows of a target belong where: one per sequence, or one per timestep."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklstm.sequences.batch import SequenceBatch
from sklstm.targets.checks import check_lengths_match, check_sample_weight
from sklstm.targets.timesteps import (
    place_timesteps,
    read_timestep_weight,
    read_timesteps,
    refuse_missing,
    without_objects,
)
from sklstm.targets.training_set import Labelled


class Layout(ABC):
    """Where the rows of a target belong."""

    #: Whether the network has an output at every timestep, or one per sequence.
    every_step: bool

    @abstractmethod
    def read(
        self,
        sequences: SequenceBatch,
        y: Any,
        sample_weight: Any,
        check: Callable[[Any], NDArray[Any]],
        name: str,
    ) -> Labelled:
        """y and its weights checked, without what weighs nothing.

        Parameters
        ----------
        sequences : SequenceBatch
        y, sample_weight : as given
        check : callable
            Validates the rows of y by themselves.
        name : str
            Of the estimator, for messages.

        Raises
        ------
        ValueError
            If they do not match the sequences, or a target is missing.
        """

    @abstractmethod
    def place(self, rows: NDArray[Any], sequences: SequenceBatch, *, like: Any) -> Any:
        """Rows of predictions in the places that y has beside an X `like` this."""


class _PerSequence(Layout):
    """A row for every sequence."""

    every_step = False

    def read(
        self,
        sequences: SequenceBatch,
        y: Any,
        sample_weight: Any,
        check: Callable[[Any], NDArray[Any]],
        name: str,
    ) -> Labelled:
        """Samples of weight zero are left out."""
        y = check(y)
        check_lengths_match(sequences, y)
        weights = check_sample_weight(sample_weight, len(sequences), name)
        if weights is not None and not weights.all():
            used = np.flatnonzero(weights)
            sequences, y, weights = sequences.at(used), y[used], weights[used]
        return Labelled(sequences, y, weights)

    def place(self, rows: NDArray[Any], sequences: SequenceBatch, *, like: Any) -> Any:
        return rows


class _PerTimestep(Layout):
    """A row for every timestep that is not padding."""

    every_step = True

    def read(
        self,
        sequences: SequenceBatch,
        y: Any,
        sample_weight: Any,
        check: Callable[[Any], NDArray[Any]],
        name: str,
    ) -> Labelled:
        """Timesteps of weight zero have no target, but are read."""
        if y is None:
            raise ValueError(
                f"{name} requires y to be passed, but the target y is None. Give one "
                "target for every timestep."
            )
        y = read_timesteps(y, sequences, name="y", estimator_name=name)
        weights = read_timestep_weight(sample_weight, sequences, estimator_name=name)
        used = np.ones(len(y), dtype=bool) if weights is None else weights > 0
        refuse_missing(y, used, sequences)
        steps = np.arange(sequences.longest) < sequences.lengths[:, None]
        steps[steps] = used
        if weights is not None:
            y, weights = y[used], weights[used]
        return Labelled(sequences, check(without_objects(y)), weights, steps)

    def place(self, rows: NDArray[Any], sequences: SequenceBatch, *, like: Any) -> Any:
        return place_timesteps(rows, sequences, like=like)


PER_SEQUENCE = _PerSequence()
PER_TIMESTEP = _PerTimestep()
