"""What early stopping goes by: data of the user's own, or a split of the samples."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import column_or_1d

from sklstm.base.messages import said
from sklstm.sequences.batch import SequenceBatch
from sklstm.sequences.containers import is_missing, plain


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
