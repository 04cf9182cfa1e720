"""What a fit produces."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from sklstm.base.schema import ANYTHING, Array, Declared, Each, Kind, Part
from sklstm.network.architecture import (
    Architecture,
    code_contradictions,
    split_parameters,
)
from sklstm.network.forward import ForwardPass
from sklstm.sequences.batch import SequenceBatch
from sklstm.sequences.codes import Codes, with_places


class Network(Declared):
    """An architecture and its parameters, ready to predict.

    Parameters
    ----------
    architecture : Architecture
    flat : ndarray of shape (architecture.n_parameters,), float32
        All parameters. Kept, not copied; read-only from the first prediction on.
    codes : tuple of ndarray of shape (n_codes,), int64, default=()
        The known codes of every embedded feature, sorted.
    """

    def __init__(
        self,
        architecture: Architecture,
        flat: NDArray[np.float32],
        codes: Codes = (),
    ) -> None:
        self.architecture = architecture
        self.flat = flat
        self.codes = codes

    @cached_property
    def forward_pass(self) -> ForwardPass:
        """The weights arranged for predictions."""
        self.flat.flags.writeable = False
        return ForwardPass(self.flat, self.architecture)

    def prepare(self) -> None:
        """Arrange the weights now, before the first prediction asks for it."""
        self.forward_pass  # noqa: B018

    def __call__(self, batch: SequenceBatch) -> NDArray[np.float64]:
        """Activated outputs, shape (n_rows, n_outputs).

        A row for every sample, or for every valid timestep, sample after sample.

        Raises
        ------
        ValueError
            If products of values and weights are too large for float32.
        """
        return self.forward_pass(self._coded(batch))

    def states(self, batch: SequenceBatch) -> NDArray[np.float32]:
        """What the dense layer reads of every sample, shape (n_samples, width).

        Raises
        ------
        ValueError
            As when called.
        """
        return self.forward_pass.states(self._coded(batch))

    def _coded(self, batch: SequenceBatch) -> SequenceBatch:
        if not self.codes:
            return batch
        return with_places(batch, self.architecture.categorical, self.codes)

    @property
    def weights(self) -> dict[str, NDArray[np.float32]]:
        """Parameters by name, such as ``lstm_1/forward/kernel``; read-only views."""
        return split_parameters(self.flat, self.architecture)

    _saved: ClassVar[dict[str, Kind]] = {
        "architecture": Part(Architecture),
        "flat": Array(np.float32, "architecture.n_parameters"),
        "codes": Each(ANYTHING),
    }

    def _contradictions(self) -> Iterator[str]:
        yield from code_contradictions(self.codes, self.architecture.embeddings)
