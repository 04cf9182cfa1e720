"""Keras optimizers by name or by example."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from numbers import Number
from typing import Any

import keras
import numpy as np

from sklstm.base.messages import said, shown
from sklstm.base.parameters import check_copied_whole
from sklstm.training.schedules import has_schedule
from sklstm.training.settings import keras_defaults

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
# 100 epochs at 0.005 score as well or better throughout. A schedule that falls from
# twice that is at 0.005 on average.
DEFAULT_LEARNING_RATES = dict.fromkeys(["adam", "adamw", "adamax", "nadam"], 0.005)
PEAK = 2.0


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
        with keras_defaults():
            return ELEMENTWISE[self.name].from_config(json.loads(self.config))


def read_optimizer(
    optimizer: Any,
    learning_rate: float | None,
    *,
    clipnorm: float | None = None,
    schedule: str = "constant",
    early_stopping: bool = False,
) -> tuple[OptimizerSpec, float | None]:
    """Describe an optimizer, and say at which rate it is to learn.

    Parameters
    ----------
    optimizer : str or keras.optimizers.Optimizer
    learning_rate : float or None
        None is the rate of the given optimizer object; for a name that in
        `DEFAULT_LEARNING_RATES`, `PEAK` times as much if it is to fall, or Keras'
        default.
    clipnorm : float, default=None
        Of the estimator, as `schedule` and `early_stopping`: some optimizers do not go
        with them.
    schedule : {"constant", "cosine", "one_cycle"}, default="constant"
    early_stopping : bool, default=False

    Returns
    -------
    spec : OptimizerSpec
    learning_rate : float or None
        None if the optimizer brings a schedule.

    Raises
    ------
    ValueError
        If the name is unknown, the optimizer is none of those that work element by
        element, or it carries something that training would not honour.
    """
    if isinstance(optimizer, str):
        spec, default = _read_name(optimizer)
        if schedule != "constant" and optimizer.lower() in DEFAULT_LEARNING_RATES:
            default *= PEAK
        return spec, learning_rate or default
    _check_kind(optimizer)
    check_copied_whole(optimizer)
    _check_settings(optimizer, clipnorm, early_stopping)
    spec, rate = _read_object(optimizer, learning_rate)
    if rate is None and schedule != "constant":
        name, own = type(optimizer).__name__, type(optimizer._learning_rate).__name__
        raise ValueError(
            f"schedule={shown(schedule)} does not go with {name}({own}), which brings "
            f"a schedule of its own. Give schedule='constant', or {name}() without it."
        )
    return spec, rate


@cache
def _read_name(name: str) -> tuple[OptimizerSpec, float]:
    """Spec and default rate; an optimizer that is built never frees all its memory."""
    if name.lower() not in ELEMENTWISE:
        raise ValueError(
            f"optimizer={shown(name)} is not supported. Choose one that works element "
            f"by element: {_CHOICES}."
        )
    with keras_defaults():
        optimizer = ELEMENTWISE[name.lower()]()
    spec, own = _read_object(optimizer, None)
    return spec, DEFAULT_LEARNING_RATES.get(name.lower(), own or 0.0)


def _check_kind(optimizer: Any) -> None:
    if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        raise ValueError(
            "A LossScaleOptimizer is not supported: the loss needs no scaling, as "
            "training is in float32. Give its inner_optimizer."
        )
    if ELEMENTWISE.get(type(optimizer).__name__.lower()) is not type(optimizer):
        raise ValueError(
            f"optimizer={shown(optimizer)} is not supported: it must be a name or an "
            "instance of a Keras optimizer that works element by element, one of "
            f"{_CHOICES}."
        )


def _check_settings(
    optimizer: Any, clipnorm: float | None, early_stopping: bool
) -> None:
    """Refuse what would do something else here than in a network of Keras."""
    name = type(optimizer).__name__
    step = int(optimizer.iterations)
    if step:
        raise ValueError(
            f"{name} starts at step {step}, which is not supported: training counts "
            "from 0. Give a new one, and a schedule that begins where it should."
        )
    if optimizer.use_ema and early_stopping:
        raise ValueError(
            f"early_stopping=True does not go with {name}(use_ema=True): the best "
            "parameters of any epoch would replace the averaged ones. Leave one of "
            "them out."
        )
    _check_clipping(optimizer, clipnorm)


def _check_clipping(optimizer: Any, clipnorm: float | None) -> None:
    name, of_arrays = type(optimizer).__name__, optimizer.clipnorm
    if of_arrays is not None:
        raise ValueError(
            f"{name}(clipnorm={of_arrays}) is not supported: it clips the gradient of "
            "each weight array by itself. Clip the norm of all parameters together "
            f"with {name}(global_clipnorm={of_arrays}), or with the estimator's "
            f"clipnorm={of_arrays}."
        )
    for setting in ("global_clipnorm", "clipvalue", "gradient_accumulation_steps"):
        value = getattr(optimizer, setting)
        if clipnorm is not None and value is not None:
            raise ValueError(
                f"clipnorm={clipnorm} does not go with {name}({setting}={value}): "
                "which comes first would be a guess. Leave clipnorm=None, and have the "
                f"optimizer clip, as {name}(global_clipnorm={clipnorm}) does."
            )


def _read_object(
    optimizer: Any, learning_rate: float | None
) -> tuple[OptimizerSpec, float | None]:
    rate = _read_rate(optimizer, learning_rate)
    config = optimizer.get_config()
    # The name is unique to each instance and would keep networks from being shared.
    del config["name"]
    # The loss is multiplied with it and the gradient divided by it: without effect in
    # float32.
    config["loss_scale_factor"] = None
    if rate is not None:
        config["learning_rate"] = 0.0
    _check_numbers(type(optimizer).__name__, config)
    # JSON does not know NumPy's numbers.
    as_json = json.dumps(config, sort_keys=True, default=lambda number: number.item())
    return OptimizerSpec(type(optimizer).__name__.lower(), as_json), rate


def _check_numbers(name: str, config: dict[str, Any]) -> None:
    for setting, value in config.items():
        is_number = isinstance(value, (Number, np.generic))
        if not (is_number or value is None or setting == "learning_rate"):
            raise ValueError(
                f"{name}({setting}={shown(value)}) is not supported: Keras cannot "
                "copy it. Give a plain number."
            )


def _read_rate(optimizer: Any, learning_rate: float | None) -> float | None:
    """The rate to start with; None if it follows a schedule."""
    name = type(optimizer).__name__
    own = optimizer._learning_rate
    if has_schedule(optimizer):
        schedule = type(own).__name__
        if learning_rate is not None:
            raise ValueError(
                f"learning_rate={learning_rate} does not go with {name}({schedule}), "
                "which brings a schedule of its own. Leave learning_rate=None, or give "
                f"{name}() without the schedule."
            )
        _check_schedule(own)
        return None
    if callable(own):
        raise ValueError(
            f"{name}(learning_rate={shown(own)}) is not supported: a function is "
            "called "
            "once, not at every step. Give a schedule of keras.optimizers.schedules, "
            "or callbacks=[keras.callbacks.LearningRateScheduler(...)]."
        )
    return learning_rate or float(own.numpy())


def _check_schedule(schedule: Any) -> None:
    saving = keras.saving
    try:
        saving.deserialize_keras_object(saving.serialize_keras_object(schedule))
    except (NotImplementedError, TypeError, ValueError) as error:
        raise ValueError(
            f"The schedule {type(schedule).__name__} cannot be built again from its "
            "get_config(). Decorate a class of your own with "
            "keras.saving.register_keras_serializable(), and give numbers and lists "
            "instead of arrays; or give "
            "callbacks=[keras.callbacks.LearningRateScheduler(...)]. Keras says: "
            f"{said(error)}"
        ) from error
