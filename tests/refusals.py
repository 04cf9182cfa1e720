"""What the tests of refused input share: the inputs, the estimators, `refused`.

Each such test is one wrong call and a snapshot of what it raises. CONTRIBUTING.md says
how one command writes new snapshots.
"""

import re
import textwrap
from functools import cache

import numpy as np
import pandas as pd
import pytest

from sklstm import (
    BiLSTMClassifier,
    BiLSTMRegressor,
    BiLSTMTimestepClassifier,
    BiLSTMTimestepRegressor,
)

X = np.random.default_rng(0).normal(size=(8, 3, 2))
TABLE = X[:, :, 0]
CODES = X.round().clip(0)
FRAME = pd.DataFrame(TABLE, columns=["a", "b", "c"])
y = np.array([0, 1] * 4)
DAYS = pd.date_range("2026-05-01", periods=8)
INDEXED = FRAME.set_index([pd.Index(y, name="id"), pd.RangeIndex(8, name="step")])
STEPS = np.arange(24).reshape(8, 3) % 2
SEVERAL = np.array([[1, 0], [1, 1]] * 4)


def refused(call, *gaps):
    """The type and the words of what a call raises, in lines.

    A gap "before...after" leaves open what stands between, words of other packages.
    Sets are sorted: their order changes from one process to the next.
    """
    with pytest.raises(Exception) as raised:  # noqa: PT011 - the snapshot has its type
        call()
    words = str(raised.value).rstrip()
    for gap in gaps:
        before, after = map(re.escape, gap.split("..."))
        pattern = f"(?s){before or '^'}.*?{after or '$'}"
        words, found = re.subn(pattern, lambda _, gap=gap: gap, words)
        assert found, f"{gap} is not in: {words}"
    words = re.sub(r"\{('[^{}:]*')\}", sort, words)
    words = words.replace("numpy.bool_", "numpy.bool")  # NumPy 1
    words = re.sub(r"\n *", r"\\n ", words)  # apart from the line breaks below
    words = f"{raised.type.__name__}: {words}"
    lines = textwrap.fill(
        words, width=76, break_long_words=False, break_on_hyphens=False
    )
    assert lines.replace("\n", " ") == words, "a line break hides a second space"
    return lines


def sort(found):
    return f"{{{', '.join(sorted(found[1].split(', ')))}}}"


def classifier(**params):
    return BiLSTMClassifier(**{"units": 2, "epochs": 1, **params})


def regressor(**params):
    return BiLSTMRegressor(**{"units": 2, "epochs": 1, **params})


def timestep_classifier(**params):
    return BiLSTMTimestepClassifier(**{"units": 2, "epochs": 1, **params})


def timestep_regressor(**params):
    return BiLSTMTimestepRegressor(**{"units": 2, "epochs": 1, **params})


def but(array, place, value, dtype=float):
    """A copy of an array with one value, or several, replaced."""
    array = np.array(array, dtype=dtype)
    array[place] = value
    return array


def first_column(rows):
    return rows[:, :1]


@cache
def on_x():
    return classifier().fit(X, y)


@cache
def on_table():
    return classifier().fit(TABLE, y)


@cache
def on_frame():
    return classifier().fit(FRAME, y)


def again(estimator, new_X=X, new_y=y, **params):
    """Fit with warm_start, after a first fit and a change of parameters."""
    fitted = estimator.set_params(warm_start=True).fit(X, y)
    return fitted.set_params(**params).fit(new_X, new_y)


def twice(first, second, **params):
    """Two calls of partial_fit."""
    fitted = classifier(**params).partial_fit(*first)
    return fitted.partial_fit(*second)
