"""What is read out of a sequence for its one target."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin

from sklstm.base.messages import shown
from sklstm.base.parameters import StrOptions
from sklstm.base.persistence import check_fitted
from sklstm.estimators.base import BaseBiLSTM
from sklstm.estimators.embeddings import Codes
from sklstm.network import POOLINGS, Architecture, is_pooling
from sklstm.sequences.checks import check_sequences
from sklstm.targets import Codec

Pooling = Literal["last", "mean", "max"]


@dataclass(eq=False, repr=False, kw_only=True)
class PerSequence(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseBiLSTM):
    """The states of all timesteps become one row in front of the dense layer."""

    pooling: Pooling | tuple[Pooling, ...] = ("last", "mean", "max")

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "pooling": [StrOptions(set(POOLINGS)), tuple, list],
    }

    def _architecture_for(self, codec: Codec, codes: Codes) -> Architecture:
        pooling = self.pooling
        poolings = (pooling,) if isinstance(pooling, str) else tuple(pooling)
        if not is_pooling(poolings):
            raise ValueError(
                f"The 'pooling' parameter of {type(self).__name__} must be one of "
                f"{', '.join(map(repr, POOLINGS))}, or a tuple of different ones of "
                f"them. Got {shown(pooling)} instead."
            )
        return replace(super()._architecture_for(codec, codes), pooling=poolings)

    def transform(self, X: ArrayLike) -> NDArray[np.float32]:
        """The states that the dense layer reads, as features of every sequence.

        For clustering, nearest neighbours or another model.

        Parameters
        ----------
        X : as in `fit`, with any number of timesteps

        Returns
        -------
        ndarray of shape (n_samples, n_poolings * width), float32
            `width` is `units` of the last layer, twice that if "concat" merges two
            directions. Poolings are in the order of `pooling`.
        """
        check_fitted(self)
        return self.network_.states(check_sequences(self, X, reset=False))

    @property
    def _n_features_out(self) -> int:
        """What scikit-learn numbers in the names of the columns of `transform`."""
        return self.network_.architecture.head[0]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags
