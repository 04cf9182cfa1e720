"""Parameters of estimators and functions, declared and checked as scikit-learn does."""

from __future__ import annotations

import functools
import inspect
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from numbers import Integral
from types import FrameType
from typing import Any, TypeVar

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state

from sklstm.base.messages import said
from sklstm.base.sklearn_compat import (
    HasMethods,
    Interval,
    StrOptions,
    _fit_context,
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
    "check_copied_whole",
    "check_parameters",
    "in_our_words",
    "parameter_names",
    "put_back_on_error",
    "unchanged_on_error",
    "validate_parameter_constraints",
    "validated",
    "warn_caller",
]

Function = TypeVar("Function", bound=Callable[..., Any])

# What Keras and other libraries for sequences call our parameters.
_THEIR_WORDS = {
    "n_timesteps": "lookback look_back lags n_lags maxlen max_len max_length n_in "
    "n_steps n_steps_in seq_len seq_length sequence_length input_length "
    "input_chunk_length timesteps time_steps window window_size window_length",
    "horizon": "fh forecast_horizon forecast_length n_ahead n_out n_steps_out "
    "output_chunk_length output_length output_steps pred_len prediction_length "
    "steps steps_ahead target_steps",
    "stride": "sequence_stride step step_size",
    "target": "target_col target_column targets",
    "groups": "group group_col group_column group_ids id id_column series_id",
    "time": "column_sort date_column time_col time_column time_idx timestamps",
    "known": "exog future_covariates known_covariates",
    "truncating": "truncate",
    "units": "hidden_dim hidden_size hidden_units lstm_units n_hidden n_units "
    "num_units",
    "epochs": "max_epochs max_iter n_epochs nb_epoch num_epochs",
    "learning_rate": "learning_rate_init lr",
    "recurrent_dropout": "rnn_dropout",
    "dropout": "dropout_rate",
    "random_state": "random_seed seed",
    "clipnorm": "gradient_clip_val",
}
_OUR_WORD = {
    theirs: ours for ours, words in _THEIR_WORDS.items() for theirs in words.split()
}


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


def in_our_words(called: Function) -> Function:
    """Have a function or class answer another library's word with its own.

    The signature stays what it is, and a wrong argument a TypeError.
    """
    if isinstance(called, type):
        called.__init__ = in_our_words(called.__init__)  # type: ignore[misc]
        return called
    names = inspect.signature(called).parameters.keys()

    @functools.wraps(called)
    def asked(*args: Any, **kwargs: Any) -> Any:
        if not kwargs.keys() <= names:
            _refuse_other_words(called, names, [k for k in kwargs if k not in names])
        return called(*args, **kwargs)

    return asked  # type: ignore[return-value]


def _refuse_other_words(called: Any, names: Any, wrong: list[str]) -> None:
    name = called.__qualname__.removesuffix(".__init__")
    for word in wrong:
        ours = _OUR_WORD.get(word)
        if ours in names:
            raise TypeError(
                f"{name} got an unexpected keyword argument {word!r}. It is called "
                f"{ours} here: write {ours}=."
            )
        if word == "value" and "padding" in names:
            raise TypeError(
                f"{name} got an unexpected keyword argument 'value'. Padding is always "
                "NaN, so that no real value is taken for it: leave value out."
            )


def parameter_names(cls: type[Any]) -> list[str]:
    """The parameters of a class, as its constructor names them."""
    parameters = inspect.signature(cls).parameters.values()
    return [
        p.name for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
    ]


def check_parameters(estimator: BaseEstimator, *names: str) -> None:
    """Check those that `transform` or `predict` reads: `fit` may have seen others.

    Raises
    ------
    ValueError
    """
    constraints = type(estimator)._parameter_constraints
    try:
        validate_parameter_constraints(
            {name: constraints[name] for name in names},
            {name: getattr(estimator, name) for name in names},
            caller_name=type(estimator).__name__,
        )
    except ValueError as error:
        raise type(error)(said(error)) from None


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
