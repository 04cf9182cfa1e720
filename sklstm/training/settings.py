"""What a process has set for Keras and TensorFlow, and training does not follow."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras
import tensorflow as tf

#: Of all variables and layers, whatever policy the process has.
FLOATS = "float32"

_EPSILON = 1e-7


class _KerasDefaults:
    """The settings of Keras that it reads wherever it makes or traces something.

    They are the process's, not a thread's: the first who needs the defaults sets them,
    the last sets them back.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._n_users = 0
        self._before: tuple[str, float] = (FLOATS, _EPSILON)

    def enter(self) -> None:
        with self._lock:
            config = keras.config
            if not self._n_users:
                self._before = config.floatx(), config.epsilon()
                if self._before[0] != FLOATS:
                    # Keras makes a policy of floatx once, when it is first asked.
                    config.dtype_policy()
                config.set_floatx(FLOATS)
                config.set_epsilon(_EPSILON)
            self._n_users += 1

    def leave(self) -> None:
        with self._lock:
            self._n_users -= 1
            if self._n_users:
                return
            floatx, epsilon = self._before
            # What somebody has set meanwhile stays.
            if keras.config.floatx() == FLOATS:
                keras.config.set_floatx(floatx)
            if keras.config.epsilon() == _EPSILON:
                keras.config.set_epsilon(epsilon)


_DEFAULTS = _KerasDefaults()


@contextmanager
def keras_defaults() -> Iterator[None]:
    """Let Keras compute in float32 inside, whatever floatx and epsilon are.

    Where networks and optimizers are made, and where graphs are traced.
    """
    _DEFAULTS.enter()
    try:
        yield
    finally:
        _DEFAULTS.leave()


def check_settings(name: str) -> None:
    """Refuse what TensorFlow would make another network of.

    Parameters
    ----------
    name : str
        Of the method that was called.

    Raises
    ------
    RuntimeError
        If TensorFlow builds graphs here instead of computing, or variables for several
        devices, or if it checks or converts what operations give.
    """
    if not tf.executing_eagerly():
        raise RuntimeError(f"{name} needs TensorFlow to compute at once, {_in_graph()}")
    if tf.distribute.has_strategy():
        strategy = type(tf.distribute.get_strategy()).__name__
        raise RuntimeError(
            f"{name} makes networks for one device, but was called in the scope of a "
            f"{strategy} of TensorFlow. Call it outside of `with strategy.scope():`; "
            "after tf.distribute.experimental_set_strategy(strategy) call that with "
            "None first."
        )
    if _watches_operations():
        raise RuntimeError(
            f"{name} would build into a network, and keep there, what "
            "tf.debugging.enable_check_numerics() or "
            "tf.debugging.experimental.enable_dump_debug_info() adds to every "
            "operation. Call tf.debugging.disable_check_numerics() or "
            "disable_dump_debug_info() first."
        )
    if _converts_types():
        raise RuntimeError(
            f"{name} uses Keras, which fails where TensorFlow converts types, as "
            "experimental_enable_numpy_behavior(dtype_conversion_mode='all') or 'safe' "
            "has it. Leave that out, or set the mode 'legacy'."
        )


# Private: TensorFlow offers nothing to ask with.
def _watches_operations() -> bool:
    eager = sys.modules.get("tensorflow.python.eager.context")
    return eager is not None and bool(getattr(eager.context(), "op_callbacks", ()))


def _converts_types() -> bool:
    ops = sys.modules.get("tensorflow.python.framework.ops")
    return bool(getattr(ops, "is_auto_dtype_conversion_enabled", bool)())


def _in_graph() -> str:
    """Why TensorFlow does not compute at once, and what to do about it."""
    if tf.inside_function():
        return "but was called inside a tf.function. Call it outside."
    if _computes_at_once_elsewhere():
        return (
            "but was called in a graph that is being built. Call it outside of `with "
            "tf.Graph().as_default():`."
        )
    return (
        "which tf.compat.v1.disable_eager_execution() has turned off in this process "
        "(disable_v2_behavior() calls it). Leave it out, or use sklstm in another "
        "process."
    )


def _computes_at_once_elsewhere() -> bool:
    """Whether a thread of its own, which is in no graph, computes at once."""
    answers: list[Any] = []
    thread = threading.Thread(target=lambda: answers.append(tf.executing_eagerly()))
    thread.start()
    thread.join()
    return bool(answers[0])
