"""Gradients of our own in a graph, which leave nothing behind when it is dropped."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from functools import cache
from typing import Any

import tensorflow as tf

_REGISTERING = threading.Lock()


def with_gradient(
    value: tf.Tensor, gradient: Callable[..., Any], *inputs: Any, **known: Any
) -> Any:
    """A tensor of a graph that is traced, with a gradient of our own.

    `tf.custom_gradient` would register another gradient for every trace, each of which
    keeps its graph for the rest of the process. Here a gradient is registered once, and
    what it needs of a graph comes with the op. `tf.gradients` finds it, a tape does
    not.

    Parameters
    ----------
    value : tensor
        What was computed from the inputs.
    gradient : callable of (upstream, \\*inputs, \\*\\*known)
        Gives the gradient with respect to every input, None where it has none.
    *inputs : tensor
    **known : tensor, or hashable
        What else the gradient needs.

    Returns
    -------
    tensor
        `value`
    """
    tensors = {name: known[name] for name in known if tf.is_tensor(known[name])}
    constants = tuple(item for item in known.items() if item[0] not in tensors)
    with _REGISTERING:
        name = _registered(gradient, len(inputs), tuple(tensors), constants)
    with value.graph.gradient_override_map({"IdentityN": name}):
        same, *_ = tf.identity_n([value, *inputs, *tensors.values()])
    return same


@cache
def _registered(
    gradient: Callable[..., Any],
    n_inputs: int,
    names: tuple[str, ...],
    constants: tuple[tuple[str, Hashable], ...],
) -> str:
    """The name that TensorFlow knows such a gradient by."""

    def of_op(op: tf.Operation, upstream: tf.Tensor, *_: Any) -> list[Any]:
        _, *tensors = op.inputs
        known = dict(zip(names, tensors[n_inputs:], strict=True)) | dict(constants)
        gradients = gradient(upstream, *tensors[:n_inputs], **known)
        return [None, *gradients, *[None] * len(names)]

    # A function's id, too: this module may be imported anew, TensorFlow's registry not.
    name = f"{gradient.__module__}.{gradient.__qualname__}"
    name = f"{name} {id(of_op)} {n_inputs} {names} {constants}"
    tf.RegisterGradient(name)(of_op)
    return name
