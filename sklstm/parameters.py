"""Parameters of estimators and functions, declared and checked as scikit-learn does.

Its validation of parameters is private, but documented and stable; imported here only.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, TypeVar

from sklearn.base import BaseEstimator, _fit_context
from sklearn.utils._param_validation import (
    HasMethods,
    Interval,
    StrOptions,
    validate_parameter_constraints,
    validate_params,
)

__all__ = [
    "HasMethods",
    "Interval",
    "Splitter",
    "StrOptions",
    "_fit_context",
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


@contextmanager
def unchanged_on_error(estimator: BaseEstimator) -> Iterator[None]:
    """Give a failing fit no trace: all attributes as they were before."""
    before = dict(vars(estimator))
    try:
        yield
    except BaseException:
        vars(estimator).clear()
        vars(estimator).update(before)
        raise


def warn_caller(message: str, category: type[Warning] = UserWarning) -> None:
    """Warn of the line outside sklstm and scikit-learn that led here."""
    frame: FrameType | None = sys._getframe(1)
    level = 2
    while frame is not None and frame.f_globals.get("__name__", "").startswith(
        ("sklstm.", "sklearn.")
    ):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)
