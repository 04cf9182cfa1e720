"""Codecs from saved states."""

from __future__ import annotations

from typing import Any

from sklstm.messages import shown
from sklstm.targets.codecs import Codec, Indicators, Labels, Numbers
from sklstm.targets.quantiles import Quantiles


def codec_of_state(state: dict[str, Any]) -> Codec:
    """The codec whose `to_state` is part of a saved state."""
    if "_y_mean" in state:
        numbers = Numbers(state["_y_mean"], state["_y_scale"], state["_y_ndim"])
        if "_quantiles" in state:
            return Quantiles(numbers, state["_quantiles"])
        return numbers
    multilabel = state["_multilabel"]
    if not isinstance(multilabel, bool):
        raise ValueError(f"_multilabel={shown(multilabel)} is neither True nor False")
    if multilabel:
        return Indicators(len(state["classes_"]))
    return Labels(state["classes_"])
