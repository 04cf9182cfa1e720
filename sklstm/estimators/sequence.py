"""What is read out of a sequence for its one target."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

from sklstm.estimators.base import BaseBiLSTM
from sklstm.network import POOLINGS, Architecture, is_pooling
from sklstm.parameters import StrOptions
from sklstm.targets import Codec

Pooling = Literal["last", "mean", "max"]


@dataclass(eq=False, repr=False, kw_only=True)
class PerSequence(BaseBiLSTM):
    """The states of all timesteps become one row in front of the dense layer."""

    pooling: Pooling | tuple[Pooling, ...] = "last"

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "pooling": [StrOptions(set(POOLINGS)), tuple, list],
    }

    def _architecture_for(self, codec: Codec) -> Architecture:
        pooling = self.pooling
        poolings = (pooling,) if isinstance(pooling, str) else tuple(pooling)
        if not is_pooling(poolings):
            raise ValueError(
                f"The 'pooling' parameter of {type(self).__name__} must be one of "
                f"{', '.join(map(repr, POOLINGS))}, or a tuple of different ones of "
                f"them. Got {pooling!r} instead."
            )
        return replace(super()._architecture_for(codec), pooling=poolings)

    def _unpack(self, state: dict[str, Any]) -> dict[str, Any]:
        state = super()._unpack(state)
        if "network_" in state:
            # Saved before there was a choice: what it has is what it goes on with.
            pooling = state["network_"].architecture.pooling
            state.setdefault("pooling", pooling[0] if len(pooling) == 1 else pooling)
        return state
