"""What is not public in scikit-learn, imported here and nowhere else.

Each name says why it is used, and what to do when it goes. Two more are asked of our
objects and cannot be imported: `_parameter_constraints`, which goes with the
validation of parameters, and `_accept_sample_weight` of scorers.
"""

from __future__ import annotations

from typing import Any

# Parameters are validated as scikit-learn's are, by declarations and with its words.
# Private, but documented for developers and the same since version 1.3. When it goes:
# a function of ours that compares `_parameter_constraints` at the beginning of `fit`.
from sklearn.base import _fit_context

# Rows and columns of arrays and of frames of any library. sklearn.utils exports it,
# underscore and all. When it goes: narwhals.
from sklearn.utils import _safe_indexing as safe_indexing
from sklearn.utils._param_validation import (
    HasMethods,
    Interval,
    StrOptions,
    validate_parameter_constraints,
    validate_params,
)

# y and weights are refused in scikit-learn's words. When they go: check_array.
from sklearn.utils.validation import _check_sample_weight as check_weights
from sklearn.utils.validation import _check_y as check_y

# Callbacks are public from version 1.9 on, and experimental: when they change, here and
# in estimators/callbacks.py.
try:
    from sklearn.callback import CallbackSupportMixin
except ImportError:  # scikit-learn < 1.9

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """Nothing to support."""

        def _init_callback_context(self, **_settings: Any) -> None:
            return None


__all__ = [
    "ASKS_FOR_SCORERS",
    "SAYS_COMPLEX",
    "SAYS_EMPTY",
    "SAYS_NAMES_DIFFER",
    "SAYS_NAN",
    "SAYS_NO_COLUMNS",
    "SAYS_NO_NUMBERS",
    "SAYS_SPARSE",
    "CallbackSupportMixin",
    "HasMethods",
    "Interval",
    "StrOptions",
    "_fit_context",
    "accepts_sample_weight",
    "callback_context",
    "check_weights",
    "check_y",
    "safe_indexing",
    "validate_parameter_constraints",
    "validate_params",
]

# The module that asks estimators for predictions on behalf of scorers. When it is
# renamed, what predicts per timestep no longer refuses scorers that misread it;
# tests/estimators/test_timestep.py notice.
ASKS_FOR_SCORERS = "sklearn.utils._response"

# Parts of messages to which ours add what to do; scikit-learn has no classes for these
# errors. When a sentence changes, its own message stands alone, and
# tests/*/test_refused_*.py notice.
SAYS_SPARSE = "Sparse data was passed"
SAYS_COMPLEX = "Complex data not supported\n"
SAYS_EMPTY = "a minimum of 1 is required"
SAYS_NAMES_DIFFER = "The feature names"
SAYS_NAN = "contains NaN"
# These two are NumPy's.
SAYS_NO_COLUMNS = "at least one array or dtype"
SAYS_NO_NUMBERS = ("could not convert", "float() argument")


def callback_context(estimator: Any, max_subtasks: int) -> Any:
    """Where callbacks are told how far a fit is; None if there are none."""
    return estimator._init_callback_context(max_subtasks=max_subtasks)


def accepts_sample_weight(scorer: Any) -> bool:
    """Whether a scorer takes weights; one that does not say so is asked."""
    accepts = getattr(scorer, "_accept_sample_weight", None)
    return accepts is None or bool(accepts())
