"""Parameters of estimators and functions, declared and checked as scikit-learn does.

Its validation of parameters is private, but documented and stable; imported here only.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from numbers import Integral
from types import FrameType
from typing import Any, TypeVar

import numpy as np
from sklearn.base import BaseEstimator, _fit_context
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import (
    HasMethods,
    Interval,
    StrOptions,
    validate_parameter_constraints,
    validate_params,
)

__all__ = [
    "Draws",
    "HasMethods",
    "Interval",
    "Splitter",
    "StrOptions",
    "_fit_context",
    "put_back_on_error",
    "unchanged_on_error",
    "validate_parameter_constraints",
    "validated",
    "warn_caller",
]

Function = TypeVar("Function", bound=Callable[..., Any])


class Splitter(HasMethods):
    """A cross-validation splitter, which Keras' parameter of the same name is not."""

    def __init__(self) -> None:
        super().__init__(["split"])

    def __str__(self) -> str:
        return (
            f"{super().__str__()} (a share of the samples is validation_fraction, "
            "beside early_stopping=True)"
        )


def validated(constraints: dict[str, list[Any]]) -> Callable[[Function], Function]:
    """Have a function's parameters checked, those of these names, when it is called."""
    return validate_params(constraints, prefer_skip_nested_validation=True)


class Draws:
    """What was drawn from random states that belong to the user, to be put back."""

    def __init__(self) -> None:
        self._drawn: list[tuple[np.random.RandomState, Any, Any]] = []

    @contextmanager
    def of(self, random_state: Any) -> Iterator[np.random.RandomState]:
        """Draw from a random state inside.

        Parameters
        ----------
        random_state : int, RandomState instance or None
            None is NumPy's global state. An int needs nothing put back.
        """
        generator = check_random_state(random_state)
        if isinstance(random_state, Integral):
            yield generator
            return
        before = generator.get_state(legacy=False)
        try:
            yield generator
        finally:
            self._drawn.append((generator, before, generator.get_state(legacy=False)))

    def put_back(self) -> None:
        """Leave random states as they were, unless others have drawn from them since.

        Such as another thread from NumPy's global state: it would see the same numbers
        twice.
        """
        for generator, before, after in reversed(self._drawn):
            if _same_state(generator.get_state(legacy=False), after):
                generator.set_state(before)


def _same_state(one: Any, other: Any) -> bool:
    """Whether two states of a random generator, nested dicts, are equal."""
    if isinstance(one, dict):
        return all(_same_state(value, other[name]) for name, value in one.items())
    return bool(np.array_equal(one, other))


@contextmanager
def put_back_on_error() -> Iterator[Draws]:
    """Have what fails draw from random states as if it had never been called."""
    draws = Draws()
    try:
        yield draws
    except BaseException:
        draws.put_back()
        raise


@contextmanager
def unchanged_on_error(estimator: BaseEstimator) -> Iterator[Draws]:
    """Give a failing fit no trace: attributes and random states as they were before."""
    before = dict(vars(estimator))
    try:
        with put_back_on_error() as draws:
            yield draws
    except BaseException:
        vars(estimator).clear()
        vars(estimator).update(before)
        raise


def warn_caller(message: str, category: type[Warning] = UserWarning) -> None:
    """Warn of the line outside sklstm and what it builds on that led here."""
    frame: FrameType | None = sys._getframe(1)
    level = 2
    while frame is not None and frame.f_globals.get("__name__", "").startswith(
        ("sklstm.", "sklearn.", "scikeras.")
    ):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)
