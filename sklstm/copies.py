"""What copies of an optimizer leave out: scikit-learn's clone, a pickle, training."""

from __future__ import annotations

from typing import Any


def check_copied_whole(optimizer: Any) -> None:
    """Refuse an optimizer of which a copy would be another.

    Keras copies what `get_config` gives, whoever asks for the copy.

    Parameters
    ----------
    optimizer : str or keras.optimizers.Optimizer
        Or anything else: what is no optimizer is not refused here.

    Raises
    ------
    ValueError
        If it belongs to another network, spares parameters from weight decay, or has a
        method of its own.
    """
    kind = type(optimizer)
    name = kind.__name__
    if getattr(optimizer, "built", False):
        raise ValueError(
            f"The optimizer {name} has been used to train another network, to which "
            "its moments and count of steps belong. Give a new one, as "
            f"{name}.from_config(optimizer.get_config()) makes it."
        )
    spared = ("_exclude_from_weight_decay", "_exclude_from_weight_decay_pattern")
    if any(getattr(optimizer, attribute, None) for attribute in spared):
        raise ValueError(
            f"{name}.exclude_from_weight_decay(...) is not supported: copies of the "
            "optimizer, such as those that are trained with, do not keep it. Give one "
            "that spares nothing (its weight_decay is then for all parameters, biases "
            "too), or has no weight_decay."
        )
    attributes = getattr(optimizer, "__dict__", {})
    own = [key for key in attributes if callable(getattr(kind, key, None))]
    if own:
        raise ValueError(
            f"The optimizer {name} has {', '.join(own)} of its own, in place of the "
            "method of its class: copies of the optimizer, such as those that are "
            "trained with, do not keep it. Give an optimizer as Keras makes it."
        )
