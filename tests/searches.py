"""A search, what it gives in this process, and what kills the processes it runs in."""

import functools
import os
import signal
import tempfile
from contextlib import suppress

import guide
import numpy as np
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    RandomizedSearchCV,
)
from sklearn.pipeline import make_pipeline

from sklstm import BiLSTMClassifier, SequenceReshaper

# Windows has one signal for all, which ends the process at once.
KILL = getattr(signal, "SIGKILL", signal.SIGTERM)

rng = np.random.default_rng(0)
X = rng.normal(size=(400, 6))
y = (X[:, 0] > 0).astype(int)
PIPELINE = make_pipeline(
    SequenceReshaper(n_features=2), BiLSTMClassifier(2, epochs=1, random_state=0)
)
GRID = {
    "bilstmclassifier__merge_mode": ["sum", "mul"],
    "bilstmclassifier__units": [2, 3],
}
SEARCHES = {
    "grid": GridSearchCV(PIPELINE, GRID, cv=2),
    "randomized": RandomizedSearchCV(PIPELINE, GRID, n_iter=3, cv=2, random_state=0),
    "halving": HalvingGridSearchCV(
        PIPELINE,
        GRID,
        resource="bilstmclassifier__epochs",
        min_resources=1,
        max_resources=2,
        factor=2,
        cv=2,
        random_state=0,
    ),
}


@functools.cache
def searched_here(kind, cv=2):
    """The search in this process, one fit after the other."""
    return clone(SEARCHES[kind]).set_params(cv=cv, error_score="raise").fit(X, y)


def recipe(name, changes=()):
    """Code of the guide, which is short."""
    code = guide.recipe("cluster.md", name, changes)
    assert len(code.splitlines()) <= 10
    return code


def assert_same_search(search, expected):
    assert search.cv_results_.keys() == expected.cv_results_.keys()
    for name, column in expected.cv_results_.items():
        if not name.endswith("_time"):
            assert_array_equal(search.cv_results_[name], column, err_msg=name)
    assert search.best_index_ == expected.best_index_


def deadly(function, folder, n_deaths, every):
    """The function; every so many calls in other processes it kills the process."""
    here = os.getpid()

    def call(*args, **kwargs):
        if os.getpid() != here:
            tempfile.mkstemp(dir=folder)
            death = len(list(folder.glob("tmp*"))) // every
            with suppress(FileExistsError):
                if 0 < death <= n_deaths:
                    (folder / f"death {death}").mkdir()
                    os.kill(os.getpid(), KILL)
        return function(*args, **kwargs)

    return call


def assert_died(folder, n_deaths):
    assert len(list(folder.glob("death*"))) == n_deaths
