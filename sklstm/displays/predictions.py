"""What is predicted along one sequence. Pure NumPy: no picture is drawn here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from sklstm.messages import shown
from sklstm.sequences.containers import plain
from sklstm.sequences.missing import is_missing


@dataclass(frozen=True, eq=False)
class Predictions:
    """True and predicted labels or values at each timestep.

    Parameters
    ----------
    y_true : ndarray of shape (n_timesteps,) or (n_timesteps, n_targets)
    y_pred : ndarray of the same shape
        NaN at padded timesteps.
    classes : ndarray of shape (n_classes,) or None
        None if `y_true` holds values.
    y_proba : ndarray of shape (n_timesteps, n_classes) or None
    """

    y_true: NDArray[Any]
    y_pred: NDArray[Any]
    classes: NDArray[Any] | None
    y_proba: NDArray[Any] | None

    @classmethod
    def read(cls, y_true: Any, y_pred: Any, classes: Any, y_proba: Any) -> Self:
        """Arrays whose shapes go together.

        Raises
        ------
        ValueError
            If they do not.
        """
        y_true, y_pred = (
            np.asarray(plain(y, name, "a display"))
            for name, y in (("y_true", y_true), ("y_pred", y_pred))
        )
        if y_true.shape != y_pred.shape or y_true.ndim not in (1, 2):
            raise ValueError(
                f"y_true has shape {y_true.shape}, y_pred {y_pred.shape}: both are of "
                "one sequence, (n_timesteps,) or (n_timesteps, n_targets). Give each "
                "timestep one target, padded ones included."
            )
        classes = None if classes is None else np.asarray(classes)
        if y_proba is not None:
            y_proba = np.asarray(y_proba)
            expected = (len(y_true), 0 if classes is None else len(classes))
            if y_proba.shape != expected:
                raise ValueError(
                    f"y_proba has shape {y_proba.shape}, but {expected[0]} timesteps "
                    f"and {expected[1]} classes need {expected}. Give the probability "
                    "of each class at each timestep, and the classes."
                )
        return cls(y_true, y_pred, classes, y_proba)

    @property
    def padded(self) -> NDArray[np.bool_]:
        """Which timesteps have no prediction, a number or a label."""
        missing = is_missing(np.asarray(self.y_pred))
        return np.asarray(missing.reshape(len(missing), -1).all(axis=1))

    def padded_stretches(self) -> NDArray[np.intp]:
        """First timestep of each padded stretch, and the one after its last."""
        # One False at either end, so that each stretch has a beginning and an end.
        padded = np.concatenate([[False], self.padded, [False]])
        return np.flatnonzero(padded[1:] != padded[:-1]).reshape(-1, 2)

    def numbers(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """True and predicted values, shape (n_timesteps, n_targets), NaN at padding."""
        padded = self.padded
        predicted = np.asarray(self.y_pred, dtype=float).reshape(len(padded), -1)
        true = np.asarray(self.y_true, dtype=float).reshape(predicted.shape).copy()
        true[padded] = np.nan
        return true, predicted

    def codes(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The places of true and predicted labels in `classes`, NaN at padding.

        Raises
        ------
        ValueError
            If a label is none of them.
        """
        return self._codes_of(self.y_true), self._codes_of(self.y_pred)

    def _codes_of(self, labels: NDArray[Any]) -> NDArray[np.float64]:
        padded, classes = self.padded, np.asarray(self.classes)
        # pandas' NA is equal to nothing, and not unequal either.
        labels = np.where(padded, classes[:1], np.asarray(labels))
        matches = labels[:, None] == classes[None]
        unknown = np.flatnonzero(~padded & ~matches.any(axis=1))
        if len(unknown):
            raise ValueError(
                f"The label {shown(labels[unknown[0]])} of timestep {unknown[0]} is "
                "not in "
                f"classes={shown(classes.tolist())}. Give labels that the estimator "
                "was fitted with."
            )
        return np.where(padded, np.nan, matches.argmax(axis=1))
