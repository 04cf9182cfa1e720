"""Keras optimizers by name or by example."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from typing import Any

import keras

# Those that treat every parameter by itself, so that a flat vector is as good as
# separate arrays. Lamb, Muon and Adafactor look at whole matrices.
ELEMENTWISE = {
    optimizer.__name__.lower(): optimizer
    for optimizer in (
        keras.optimizers.Adadelta,
        keras.optimizers.Adagrad,
        keras.optimizers.Adam,
        keras.optimizers.AdamW,
        keras.optimizers.Adamax,
        keras.optimizers.Ftrl,
        keras.optimizers.Lion,
        keras.optimizers.Nadam,
        keras.optimizers.RMSprop,
        keras.optimizers.SGD,
    )
}

_CHOICES = ", ".join(sorted(ELEMENTWISE))

# Keras' default of 0.001 is slow for networks of this size: on scikit-learn's data sets
# 100 epochs at 0.005 score as well or better throughout.
DEFAULT_LEARNING_RATES = dict.fromkeys(["adam", "adamw", "adamax", "nadam"], 0.005)


@dataclass(frozen=True)
class OptimizerSpec:
    """An optimizer apart from its learning rate, which is an input of training.

    Parameters
    ----------
    name : str
        Key of `ELEMENTWISE`.
    config : str
        Of the Keras optimizer, as JSON.
    """

    name: str
    config: str

    def build(self) -> Any:
        return ELEMENTWISE[self.name].from_config(json.loads(self.config))


def read_optimizer(
    optimizer: Any, learning_rate: float | None
) -> tuple[OptimizerSpec, float | None]:
    """Describe an optimizer, and say at which rate it is to learn.

    Parameters
    ----------
    optimizer : str or keras.optimizers.Optimizer
    learning_rate : float or None
        None is the rate of the given optimizer object; for a name that in
        `DEFAULT_LEARNING_RATES`, or Keras' default.

    Returns
    -------
    spec : OptimizerSpec
    learning_rate : float or None
        None if the optimizer brings a schedule.

    Raises
    ------
    ValueError
        If the name is unknown, or the optimizer is none of those that work element by
        element.
    """
    if isinstance(optimizer, str):
        spec, default = _read_name(optimizer)
        return spec, learning_rate or default
    return _read_object(optimizer, learning_rate)


@cache
def _read_name(name: str) -> tuple[OptimizerSpec, float | None]:
    """Spec and default rate; an optimizer that is built never frees all its memory."""
    if name.lower() not in ELEMENTWISE:
        raise ValueError(
            f"optimizer={name!r} is not supported. Choose one that works element by "
            f"element: {_CHOICES}."
        )
    rate = DEFAULT_LEARNING_RATES.get(name.lower())
    return _read_object(ELEMENTWISE[name.lower()](), rate)


def _read_object(
    optimizer: Any, learning_rate: float | None
) -> tuple[OptimizerSpec, float | None]:
    name = type(optimizer).__name__.lower()
    if ELEMENTWISE.get(name) is not type(optimizer):
        raise ValueError(
            f"optimizer={optimizer!r} is not supported: it must be a name or an "
            "instance of a Keras optimizer that works element by element, one of "
            f"{_CHOICES}."
        )
    if optimizer.use_ema:
        raise ValueError(
            "An optimizer with use_ema=True is not supported: its averaged weights "
            "would be lost. Use early_stopping=True to keep the best weights instead."
        )
    config = optimizer.get_config()
    # The name is unique to each instance and would keep networks from being shared.
    del config["name"]
    scheduled = not isinstance(config["learning_rate"], float)
    if learning_rate is not None or not scheduled:
        learning_rate = learning_rate or config["learning_rate"]
        config["learning_rate"] = 0.0
    return OptimizerSpec(name, json.dumps(config, sort_keys=True)), learning_rate
