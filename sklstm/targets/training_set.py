"""Sequences and their targets, as given, as encoded, and as a network trains on them.

All that learns from a target sees its rows. Which sequence, and which of its timesteps,
a row belongs to is needed again only to train: `arrange` puts the rows in their places.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklstm.base.messages import said
from sklstm.sequences.batch import SequenceBatch


@dataclass(frozen=True, eq=False)
class Labelled:
    """Sequences and their target as it was given, checked.

    Parameters
    ----------
    sequences : SequenceBatch
    y : ndarray of shape (n_rows,) or (n_rows, n_columns)
    weights : ndarray of shape (n_rows,) or None
        All positive; None weighs all alike.
    steps : ndarray of shape (n_samples, longest), bool, or None
        Which valid timesteps the rows belong to, in order: sample after sample. None:
        the rows belong to the samples.
    """

    sequences: SequenceBatch
    y: NDArray[Any]
    weights: NDArray[np.float64] | None
    steps: NDArray[np.bool_] | None = None

    def rows_of(self, outputs: NDArray[Any]) -> NDArray[Any]:
        """Those of the outputs for the sequences that belong to rows of y."""
        if self.steps is None:
            return outputs
        in_front = np.arange(self.steps.shape[1]) < self.sequences.lengths[:, None]
        return outputs[self.steps[in_front]]


@dataclass(frozen=True, eq=False)
class Target:
    """A target as the network sees it.

    Parameters
    ----------
    values : ndarray of shape (n_rows, n_columns), float32
        Class indices in one column for a softmax, else a column per output; behind
        those of quantiles a column for the level of each.
    weights : ndarray of shape (n_rows,) or None
        None weighs all alike.
    classes : ndarray of shape (n_rows,) or None, default=None
        Numbers of the classes, if every row is of one.
    """

    values: NDArray[np.float32]
    weights: NDArray[np.float64] | None
    classes: NDArray[np.intp] | None = None


@dataclass(frozen=True, eq=False)
class TrainingSet:
    """Sequences, and what the network shall make of them.

    Parameters
    ----------
    sequences : SequenceBatch
    targets : ndarray of shape (n_samples, n_columns) or (n_samples, longest, \
n_columns), float32
        Behind the end of a sequence they are zero.
    weights : ndarray of shape (n_samples,) or (n_samples, longest), float32
        Zero where a timestep has no target.
    strata : ndarray of shape (n_samples,) or None, default=None
        Classes to keep in proportion when samples are split off.
    """

    sequences: SequenceBatch
    targets: NDArray[np.float32]
    weights: NDArray[np.float32]
    strata: NDArray[np.intp] | None = None

    def __len__(self) -> int:
        return len(self.sequences)

    def at(self, rows: NDArray[np.intp]) -> TrainingSet:
        """Some of the samples."""
        return TrainingSet(
            self.sequences.at(rows),
            self.targets[rows],
            self.weights[rows],
            None if self.strata is None else self.strata[rows],
        )

    def split(
        self,
        fraction: float,
        rng: np.random.Generator,
        *,
        splitter: Any = None,
        groups: NDArray[Any] | None = None,
    ) -> tuple[TrainingSet, TrainingSet]:
        """Split some samples off for validation.

        Parameters
        ----------
        fraction : float
            Share that is split off without a splitter: of the groups if there are any,
            else of the samples, classes in proportion.
        rng : numpy.random.Generator
        splitter : cross-validation splitter or None, default=None
            Its last split is taken.
        groups : ndarray of shape (n_samples,) or None, default=None
            Samples of one group stay together.

        Raises
        ------
        ValueError
            If there are too few samples, or too few of a class, or if the splitter
            tears a group apart.
        """
        from sklearn.model_selection import GroupShuffleSplit, train_test_split

        rows, seed = np.arange(len(self)), int(rng.integers(2**31))
        name, value = "validation_split", splitter
        if splitter is None:
            name, value = "validation_fraction", fraction
            if groups is not None:
                splitter = GroupShuffleSplit(1, test_size=fraction, random_state=seed)
        try:
            if splitter is None:
                train, held_out = train_test_split(
                    rows, test_size=fraction, stratify=self.strata, random_state=seed
                )
            else:
                *_, (train, held_out) = splitter.split(rows, self.strata, groups)
            if groups is not None and np.isin(groups[held_out], groups[train]).any():
                raise ValueError("samples of one group would be on both sides.")
        except ValueError as error:
            raise ValueError(
                f"early_stopping=True with {name}={value} cannot split {len(self)} "
                f"samples: {said(error)} Give more samples, another {name}, or set "
                "early_stopping=False."
            ) from error
        return self.at(train), self.at(held_out)


def arrange(labelled: Labelled, target: Target) -> TrainingSet:
    """Put every row of a target in its place.

    Samples whose weights are all zero, or too small for float32, are left out.

    Raises
    ------
    ValueError
        If none is left.
    """
    weights = _as_float32(target.weights, len(target.values))
    if labelled.steps is None:
        data = TrainingSet(labelled.sequences, target.values, weights, target.classes)
    else:
        shape, n_columns = labelled.steps.shape, target.values.shape[1]
        data = TrainingSet(
            labelled.sequences,
            targets=np.zeros((*shape, n_columns), np.float32),
            weights=np.zeros(shape, np.float32),
        )
        data.targets[labelled.steps] = target.values
        data.weights[labelled.steps] = weights
    used = data.weights.reshape(len(data), -1).any(axis=1)
    if not used.any():
        raise ValueError(
            "class_weight times sample_weight is zero for all samples: none is left to "
            "fit. Give a class of y that has samples a positive weight."
        )
    return data if used.all() else data.at(np.flatnonzero(used))


def _as_float32(
    weights: NDArray[np.float64] | None, n_rows: int
) -> NDArray[np.float32]:
    """Weights as float32 can hold them; those too small for it are zero."""
    if weights is None:
        return np.ones(n_rows, np.float32)
    scaled = relative_weights(weights)
    scaled[scaled < np.finfo(np.float32).tiny] = 0
    return scaled.astype(np.float32)


def relative_weights(weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weights of the same ratios, the largest of which is between 0.5 and 1.

    Sums and products of them are finite. A power of two leaves all digits as they are.
    """
    scaled: NDArray[np.float64] = np.ldexp(weights, -np.frexp(weights.max())[1])
    return scaled
