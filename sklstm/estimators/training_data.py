"""Data beside those of training: for validation, and what callbacks ask about."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import column_or_1d

from sklstm.base.messages import said
from sklstm.estimators.embeddings import is_number
from sklstm.network import Architecture
from sklstm.sequences.batch import SequenceBatch
from sklstm.sequences.checks import check_sequences
from sklstm.sequences.codes import Codes, with_places
from sklstm.sequences.containers import is_missing, plain
from sklstm.sequences.suspicions import Spread, warn_of_validation
from sklstm.targets import Codec, Labelled, TrainingSet, arrange


@dataclass(frozen=True, eq=False)
class Validation:
    """What `fit` was given for validation.

    Parameters
    ----------
    X, y, sample_weight : as `fit` takes them, or None
        Data of their own.
    groups : array-like of shape (n_samples,) or None
        What belongs together when samples of the training data are set aside.
    """

    X: Any = None
    y: Any = None
    sample_weight: Any = None
    groups: Any = None

    def __post_init__(self) -> None:
        given = {
            "X_val": self.X,
            "y_val": self.y,
            "sample_weight_val": self.sample_weight,
        }
        missing = [name for name in ("X_val", "y_val") if given[name] is None]
        came = [name for name, value in given.items() if value is not None]
        if came and missing:
            raise ValueError(
                f"{' and '.join(came)} came without {' and '.join(missing)}. Give "
                "X_val and y_val together, or neither to have samples of X set aside."
            )

    @property
    def is_given(self) -> bool:
        """Whether there are data of their own."""
        return self.X is not None

    def groups_of(self, sequences: SequenceBatch) -> NDArray[Any] | None:
        """The group of every sample that is in use.

        Raises
        ------
        ValueError
            If there is not one for each sample of X.
        """
        if self.groups is None:
            return None
        groups: NDArray[Any] = column_or_1d(plain(self.groups, "groups", "fit"))
        n_samples = sequences.values.shape[0]
        if len(groups) != n_samples:
            raise ValueError(
                f"groups has {len(groups)} entries, but X has {n_samples} samples. "
                "Give each sample the label of its group."
            )
        missing = np.flatnonzero(is_missing(groups))
        if len(missing):
            raise ValueError(
                f"Sample {missing[0]} of X has no group: groups is missing there "
                f"({len(missing)} of {n_samples} samples). Give each sample the label "
                "of its group, or one of its own."
            )
        return groups if sequences.rows is None else groups[sequences.rows]


@contextmanager
def of_validation_data() -> Iterator[None]:
    """Say in messages which X and y are meant."""
    try:
        yield
    except (TypeError, ValueError) as error:
        raise type(error)(
            f"In the validation data (X_val, y_val, sample_weight_val): {said(error)}"
        ) from error


@dataclass(frozen=True, eq=False)
class DataReader:
    """Reads other data as those of training were: for validation, and for callbacks.

    Parameters
    ----------
    estimator : BaseEstimator
    codec : Codec
    architecture : Architecture
    codes : tuple of ndarray of shape (n_codes,), int64
    training : Labelled
        On whose y classes are balanced.
    """

    estimator: BaseEstimator
    codec: Codec
    architecture: Architecture
    codes: Codes
    training: Labelled

    def sequences(self, X: Any) -> SequenceBatch:
        """X, checked."""
        sequences = check_sequences(self.estimator, X, reset=False)
        self._compare(sequences, "What a callback asks about")
        return sequences

    def training_set(self, X: Any, y: Any, sample_weight: Any) -> TrainingSet:
        """X and y, checked and encoded."""
        return self.coded(
            self.encoded(self.estimator._read(X, y, sample_weight, reset=False))
        )

    def encoded(self, given: Labelled) -> TrainingSet:
        """What was read, with targets and weights as the network learns them."""
        estimator, codec = self.estimator, self.codec
        weights = estimator._weights_of(
            given.y, given.weights, codec, balanced_on=self.training.y
        )
        target = codec.encode(given.y, weights, type(estimator).__name__)
        return arrange(given, target)

    def coded(self, data: TrainingSet) -> TrainingSet:
        """The sequences as the network reads them."""
        sequences = data.sequences
        if self.codes:
            columns = self.architecture.categorical
            sequences = with_places(sequences, columns, self.codes)
        return replace(data, sequences=sequences.in_memory())

    def held_out(self, validation: Validation) -> TrainingSet | None:
        """Validation data of the user's own, if there are any."""
        if not validation.is_given:
            return None
        with of_validation_data():
            given = self.estimator._read(
                validation.X, validation.y, validation.sample_weight, reset=False
            )
            self._compare(given.sequences, "X_val")
            return self.coded(self.encoded(given))

    @cached_property
    def _spread(self) -> Spread:
        # A callback may ask after every epoch.
        return Spread.of(self.training.sequences)

    def _compare(self, sequences: SequenceBatch, X_val: str) -> None:
        warn_of_validation(self._spread, sequences, is_number(self.estimator), X_val)
