"""Forked processes, in which TensorFlow's threads are gone; imports no TensorFlow."""

from __future__ import annotations

import os
import sys

_threads_are_lost = False


def refuse_lost_threads() -> None:
    """Training would wait for ever for threads that a fork has left behind.

    Raises
    ------
    RuntimeError
        In a forked child of a process in which TensorFlow had started.
    """
    if _threads_are_lost:
        raise RuntimeError(
            "fit was called in a forked child of a process in which TensorFlow had "
            "started, by a fit, to_keras() or a Keras object: TensorFlow's threads do "
            'not run here. Fit with joblib\'s backend "loky" or "threading", or start '
            'processes by "spawn"; a fitted estimator can predict in any process.'
        )


def _tensorflow_has_started() -> bool:
    """Whether there are threads: they start with the first tensor, not at import."""
    # Private: whatever TensorFlow offers to ask with would start it.
    eager = sys.modules.get("tensorflow.python.eager.context")
    context = None if eager is None else eager.context_safe()
    return context is not None and context._context_handle is not None


def _after_fork() -> None:
    global _threads_are_lost
    _threads_are_lost = _tensorflow_has_started()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
