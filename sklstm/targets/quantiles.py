"""The codec of quantiles: several numbers for every target."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklstm.messages import shown
from sklstm.network import Architecture
from sklstm.targets.codecs import Codec, Numbers
from sklstm.targets.training_set import Target


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

    def contradictions(self, architecture: Architecture) -> Iterator[str]:
        levels = self.levels
        is_array = isinstance(levels, np.ndarray) and levels.dtype == np.float64
        if not (is_array and are_levels(levels)):
            yield f"the quantiles {shown(levels)} do not increase between 0 and 1"
        if architecture.n_outputs != self.n_outputs:
            yield (
                f"{len(levels)} quantiles of {self.n_targets} targets do not go with "
                f"{shown(architecture)}"
            )
        yield from self.numbers.contradictions(
            replace(architecture, n_outputs=self.n_targets)
        )

    def to_state(self) -> dict[str, Any]:
        return {**self.numbers.to_state(), "_quantiles": self.levels}


def are_levels(levels: NDArray[np.float64]) -> bool:
    """Whether they are levels of quantiles: one or more, increasing between 0 and 1."""
    return bool(
        levels.ndim == 1
        and len(levels)
        and (np.diff(levels, prepend=0, append=1) > 0).all()
    )
