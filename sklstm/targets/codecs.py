"""Codecs: y as a network learns it, and the network's outputs as y.

One class for each kind of answer. A codec holds plain arrays, and sees one row for
every sequence or every timestep, whichever has the answers.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.special import logit

from sklstm.base.messages import labels_shown, shown
from sklstm.base.schema import Array, Check, Declared, Kind, Part, count
from sklstm.network import Architecture
from sklstm.targets.training_set import Target, relative_weights

# Beyond the log-odds of any probability between 0 and 1.
_CERTAIN = 750.0


class Codec(Declared, ABC):
    """What all kinds of answers have."""

    @property
    @abstractmethod
    def activation(self) -> str:
        """Of the dense output layer: "sigmoid", "softmax" or "linear"."""

    @property
    @abstractmethod
    def n_outputs(self) -> int:
        """Width of the dense output layer."""

    @property
    def n_targets(self) -> int:
        """What scikit-learn calls outputs."""
        return self.n_outputs

    @abstractmethod
    def encode(
        self, y: NDArray[Any], weights: NDArray[np.float64] | None, name: str
    ) -> Target:
        """Rows of y as the network sees them.

        Parameters
        ----------
        y : ndarray of shape (n_rows,) or (n_rows, n_columns)
        weights : ndarray of shape (n_rows,) or None
        name : str
            Of the estimator, for messages.

        Raises
        ------
        ValueError
            If y is not of the kind that was learnt.
        """

    @abstractmethod
    def decode(self, outputs: NDArray[np.float64]) -> NDArray[Any]:
        """Activated outputs, shape (n_rows, n_outputs), as rows of y."""

    def in_units_of_y(
        self, weights: dict[str, NDArray[Any]]
    ) -> dict[str, NDArray[Any]]:
        """Weights of a network whose outputs need no decoding, by name."""
        return weights

    @abstractmethod
    def __str__(self) -> str:
        """What it is of, for a message."""

    def contradictions(self, architecture: Architecture) -> Iterator[str]:
        """What it says against the network whose outputs it decodes."""
        needed = (self.n_outputs, self.activation)
        if (architecture.n_outputs, architecture.activation) != needed:
            yield f"{self} do not go with {shown(architecture)}"


class ClassCodec(Codec):
    """Of classes or labels, which have probabilities."""

    @abstractmethod
    def probabilities(self, outputs: NDArray[np.float64]) -> NDArray[np.float64]:
        """A column for every class or label."""

    def log_probabilities(self, outputs: NDArray[np.float64]) -> NDArray[np.float64]:
        """Their logarithms, -inf where a probability is zero."""
        with np.errstate(divide="ignore"):
            return np.log(self.probabilities(outputs))

    def log_odds(self, outputs: NDArray[np.float64]) -> NDArray[np.float64]:
        """Of every output, in a column each; finite, as metrics want them.

        Shape (n_rows,) if there is one.
        """
        log_odds = np.clip(logit(outputs), -_CERTAIN, _CERTAIN)
        return log_odds if log_odds.shape[1] > 1 else log_odds[:, 0]


@dataclass(frozen=True, eq=False)
class Labels(ClassCodec):
    """One of several classes.

    Parameters
    ----------
    classes : ndarray of shape (n_classes,)
        Sorted.
    """

    classes: NDArray[Any]

    @property
    def activation(self) -> str:
        return "sigmoid" if len(self.classes) == 2 else "softmax"

    @property
    def n_outputs(self) -> int:
        """One sigmoid for two classes, otherwise one output per class."""
        return 1 if len(self.classes) == 2 else len(self.classes)

    def encode(
        self, y: NDArray[Any], weights: NDArray[np.float64] | None, name: str
    ) -> Target:
        """The places of the labels in `classes`."""
        if y.ndim != 1:
            raise ValueError(
                f"y has shape {y.shape}, but {name} was fitted on one label per "
                f"sequence, one of {labels_shown(self.classes)}."
            )
        unknown = np.setdiff1d(y, self.classes)
        if len(unknown):
            raise ValueError(
                "y holds labels that are not among the known classes: "
                f"{labels_shown(unknown)}. "
                f"{name} knows {labels_shown(self.classes)}; name all classes in the "
                "first call of partial_fit, or fit again without warm_start."
            )
        numbers = np.searchsorted(self.classes, y)
        return Target(numbers[:, None].astype(np.float32), weights, numbers)

    def decode(self, outputs: NDArray[np.float64]) -> NDArray[Any]:
        """The most probable class."""
        if self.n_outputs == 1:
            numbers = (outputs[:, 0] > 0.5).astype(np.intp)
        else:
            numbers = outputs.argmax(axis=1)
        return self.classes[numbers]

    def probabilities(self, outputs: NDArray[np.float64]) -> NDArray[np.float64]:
        if self.n_outputs == 1:
            return np.column_stack([1 - outputs, outputs])
        return outputs

    def __str__(self) -> str:
        return f"{len(self.classes)} classes"

    _saved: ClassVar[dict[str, Kind]] = {
        "classes": Check(
            lambda classes: _are_labels(classes),
            "is no sorted array of different labels",
        )
    }


@dataclass(frozen=True, eq=False)
class Indicators(ClassCodec):
    """Any number of several labels.

    Parameters
    ----------
    n_labels : int
    """

    n_labels: int

    @property
    def activation(self) -> str:
        return "sigmoid"

    @property
    def n_outputs(self) -> int:
        return self.n_labels

    @property
    def classes(self) -> NDArray[np.intp]:
        """The numbers of the labels."""
        return np.arange(self.n_labels)

    def encode(
        self, y: NDArray[Any], weights: NDArray[np.float64] | None, name: str
    ) -> Target:
        """Zeros and ones."""
        if y.ndim != 2 or y.shape[1] != self.n_labels:
            raise ValueError(
                f"y has shape {y.shape}, but {name} was fitted on {self.n_labels} "
                "labels: give an indicator matrix of shape (n_samples, "
                f"{self.n_labels})."
            )
        return Target(y.astype(np.float32), weights)

    def decode(self, outputs: NDArray[np.float64]) -> NDArray[np.int64]:
        """One where a label is more probable than not."""
        return (outputs > 0.5).astype(np.int64)

    def probabilities(self, outputs: NDArray[np.float64]) -> NDArray[np.float64]:
        return outputs

    def __str__(self) -> str:
        return f"{self.n_labels} labels"

    _saved: ClassVar[dict[str, Kind]] = {"n_labels": count("labels")}


@dataclass(frozen=True, eq=False)
class Numbers(Codec):
    """One number or several.

    Parameters
    ----------
    mean, scale : ndarray of shape (n_targets,)
        The network learns ``(y - mean) / scale``.
    n_axes : {1, 2}
        Of the rows of y: 1 if a single target has no axis of its own.
    """

    mean: NDArray[np.float64]
    scale: NDArray[np.float64]
    n_axes: int

    @property
    def activation(self) -> str:
        return "linear"

    @property
    def n_outputs(self) -> int:
        return len(self.mean)

    @classmethod
    def learn(
        cls,
        y: NDArray[np.float64],
        weights: NDArray[np.float64] | None,
        *,
        normalize: bool,
    ) -> Numbers:
        """Mean and standard deviation of every target, or zero and one."""
        columns = y.reshape(len(y), -1)
        n_targets = columns.shape[1]
        if not normalize:
            return cls(np.zeros(n_targets), np.ones(n_targets), y.ndim)
        if weights is not None:
            weights = relative_weights(weights)
        mean = np.average(columns, axis=0, weights=weights)
        deviations = columns - mean
        largest = np.abs(deviations).max(axis=0)
        # A constant target has nothing to scale.
        largest[largest == 0] = 1.0
        # Squares of small deviations would be zero.
        variance = np.average((deviations / largest) ** 2, axis=0, weights=weights)
        scale = np.where(variance > 0, largest * np.sqrt(variance), 1.0)
        return cls(mean, scale, y.ndim)

    def encode(
        self, y: NDArray[Any], weights: NDArray[np.float64] | None, name: str
    ) -> Target:
        """The scaled targets."""
        columns = y.reshape(len(y), -1)
        if columns.shape[1] != self.n_outputs:
            raise ValueError(
                f"y has {columns.shape[1]} targets, but {name} was fitted on "
                f"{self.n_outputs}. Give as many, or call fit with warm_start=False to "
                "start again."
            )
        values = ((columns - self.mean) / self.scale).astype(np.float32)
        return Target(values, weights)

    def decode(self, outputs: NDArray[np.float64]) -> NDArray[np.float64]:
        """The targets in their units."""
        numbers = outputs * self.scale + self.mean
        return numbers[:, 0] if self.n_axes == 1 else numbers

    def in_units_of_y(
        self, weights: dict[str, NDArray[Any]]
    ) -> dict[str, NDArray[Any]]:
        """The dense layer takes the scale."""
        return weights | {
            "dense/kernel": weights["dense/kernel"] * self.scale,
            "dense/bias": weights["dense/bias"] * self.scale + self.mean,
        }

    def __str__(self) -> str:
        return f"{self.n_outputs} targets"

    _saved: ClassVar[dict[str, Kind]] = {
        "mean": Array(np.float64, "n_outputs"),
        "scale": Array(np.float64, "n_outputs", positive=True),
        "n_axes": count("axes"),
    }

    def _contradictions(self) -> Iterator[str]:
        n_targets = self.n_outputs
        if self.n_axes not in ((1, 2) if n_targets == 1 else (2,)):
            yield f"y had {shown(self.n_axes)} axes and {n_targets} targets"


@dataclass(frozen=True, eq=False)
class Quantiles(Codec):
    """Quantiles of one target or several.

    The network has an output for every quantile of the first target, then for every
    quantile of the second, and so on.

    Parameters
    ----------
    numbers : Numbers
        The targets.
    levels : ndarray of shape (n_quantiles,)
        Increasing, between 0 and 1.
    """

    numbers: Numbers
    levels: NDArray[np.float64]

    @property
    def activation(self) -> str:
        return "linear"

    @property
    def n_targets(self) -> int:
        return self.numbers.n_outputs

    @property
    def n_outputs(self) -> int:
        return self.n_targets * len(self.levels)

    @property
    def median_weights(self) -> NDArray[np.float64]:
        """Of the quantiles in the median, shape (n_quantiles,).

        It lies on the straight line between its neighbours, or is the nearest
        quantile if all are on one side of it.
        """
        alone = np.eye(len(self.levels))
        return np.array([np.interp(0.5, self.levels, unit) for unit in alone])

    def encode(
        self, y: NDArray[Any], weights: NDArray[np.float64] | None, name: str
    ) -> Target:
        """The scaled targets, once for every output; behind them the outputs' levels.

        The levels are data, not constants of a graph, so that one trace serves all.
        """
        scaled = self.numbers.encode(y, weights, name).values
        levels = np.tile(self.levels.astype(np.float32), (len(y), self.n_targets))
        by_output = np.repeat(scaled, len(self.levels), axis=1)
        return Target(np.hstack([by_output, levels]), weights)

    def decode(self, outputs: NDArray[np.float64]) -> NDArray[np.float64]:
        """The median of every target."""
        # Not by way of `@`, whose last bit depends on the number of rows.
        return self.numbers.decode(
            (self._sorted(outputs) * self.median_weights).sum(axis=2)
        )

    def quantiles(self, outputs: NDArray[np.float64]) -> NDArray[np.float64]:
        """Shape (n_rows, n_quantiles), or (n_rows, n_targets, n_quantiles)."""
        numbers = self.numbers
        of_targets = self._sorted(outputs) * numbers.scale[:, None]
        of_targets += numbers.mean[:, None]
        return of_targets[:, 0] if numbers.n_axes == 1 else of_targets

    def _sorted(self, outputs: NDArray[np.float64]) -> NDArray[np.float64]:
        """Shape (n_rows, n_targets, n_quantiles), never crossing.

        Sorted estimates are closer to the true quantiles than crossing ones [1]_.

        References
        ----------
        .. [1] Chernozhukov, Fernandez-Val & Galichon (2010), Quantile and probability
           curves without crossing. :doi:`10.3982/ECTA7880`
        """
        by_target = outputs.reshape(len(outputs), self.n_targets, len(self.levels))
        return np.sort(by_target, axis=2)

    def in_units_of_y(
        self, weights: dict[str, NDArray[Any]]
    ) -> dict[str, NDArray[Any]]:
        """The dense layer takes the scale of every output's target."""
        by_output = Numbers(
            np.repeat(self.numbers.mean, len(self.levels)),
            np.repeat(self.numbers.scale, len(self.levels)),
            n_axes=2,
        )
        return by_output.in_units_of_y(weights)

    def __str__(self) -> str:
        return f"{len(self.levels)} quantiles of {self.numbers}"

    _saved: ClassVar[dict[str, Kind]] = {
        "numbers": Part(Numbers),
        "levels": Check(
            lambda levels: (
                isinstance(levels, np.ndarray)
                and levels.dtype == np.float64
                and are_levels(levels)
            ),
            "do not increase between 0 and 1",
        ),
    }


def are_levels(levels: NDArray[np.float64]) -> bool:
    """Whether they are levels of quantiles: one or more, increasing between 0 and 1."""
    return bool(
        levels.ndim == 1
        and len(levels)
        and (np.diff(levels, prepend=0, append=1) > 0).all()
    )


def _are_labels(classes: Any) -> bool:
    """Whether it is an array of different labels, sorted."""
    is_array = isinstance(classes, np.ndarray) and classes.ndim == 1
    return is_array and np.array_equal(classes, np.unique(classes))


#: Every kind of codec.
CODECS = (Labels, Indicators, Numbers, Quantiles)
