"""What random_state=None is, and random states that a failing call has drawn from."""

import keras
import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.model_selection import ShuffleSplit
from sklearn.pipeline import make_pipeline

from sklstm import BiLSTMClassifier, SequenceReshaper, WindowedEnsemble
from sklstm.base.parameters import Draws
from sklstm.inspection import timestep_importance

rng = np.random.default_rng(0)
X = rng.normal(size=(24, 4, 2))
y = (X.sum(axis=(1, 2)) > 0).astype(int)
SMALL = {"direction": "forward", "pooling": "last", "epochs": 1}


class Raises(keras.callbacks.Callback):
    """Ends the first epoch."""

    def __init__(self, error=ValueError):
        super().__init__()
        self.error = error

    def on_epoch_end(self, epoch, logs=None):
        raise self.error("in the middle")


@pytest.fixture
def seeded():
    """Seeds NumPy's global state, which is as it was afterwards."""
    before = np.random.get_state()  # noqa: NPY002
    yield np.random.seed
    np.random.set_state(before)  # noqa: NPY002


def drawn(random_state):
    """What comes next, which is drawn as well."""
    generator = np.random.mtrand._rand if random_state is None else random_state
    return generator.randint(2**31)


def classifier(**params):
    return BiLSTMClassifier(2, **SMALL, **params)


def test_none_is_numpys_global_state(seeded):
    """As for the estimators of scikit-learn: a seed determines all fits after it."""
    seeded(3)
    first, second = classifier().fit(X, y), classifier().fit(X, y)
    seeded(3)
    again = classifier().fit(X, y)
    assert_array_equal(again.network_.flat, first.network_.flat)
    assert not np.array_equal(second.network_.flat, first.network_.flat)
    given = np.random.RandomState(3)
    by_instance = classifier(random_state=given).fit(X, y)
    assert_array_equal(by_instance.network_.flat, first.network_.flat)


def test_none_reaches_the_inner_estimator(seeded):
    """Of ensembles and pipelines."""
    table = X.reshape(24, 8)
    for model in (
        WindowedEnsemble(classifier(), n_timesteps=2),
        make_pipeline(SequenceReshaper(n_features=2), classifier()),
    ):
        data = X if isinstance(model, WindowedEnsemble) else table
        seeded(3)
        first = model.fit(data, y).predict_proba(data)
        seeded(3)
        assert_array_equal(model.fit(data, y).predict_proba(data), first)


FAILING = {
    "fit": lambda model, error: model.set_params(callbacks=Raises(error)).fit(X, y),
    "partial_fit": lambda model, error: model.set_params(
        callbacks=Raises(error)
    ).partial_fit(X, y, classes=[0, 1]),
    "early stopping": lambda model, error: model.set_params(
        callbacks=Raises(error), early_stopping=True, validation_fraction=0.25
    ).fit(X, y),
    "ensemble": lambda model, error: WindowedEnsemble(
        model.set_params(callbacks=Raises(error)), n_timesteps=2
    ).fit(X, y),
}


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
@pytest.mark.parametrize("given", [None, "an instance", "of PCG64"])
@pytest.mark.parametrize("call", FAILING)
def test_what_fails_draws_nothing(call, given, error, seeded):
    """The next fit gives what it would have given anyway."""
    seeded(5)
    make = {
        None: lambda: None,
        "an instance": lambda: np.random.RandomState(5),
        "of PCG64": lambda: np.random.RandomState(np.random.PCG64(5)),
    }[given]
    expected = drawn(make())
    seeded(5)
    random_state = make()
    with pytest.raises(error, match="in the middle"):
        FAILING[call](classifier(random_state=random_state), error)
    assert drawn(random_state) == expected


@pytest.mark.parametrize("given", [None, "an instance"])
def test_nor_does_a_splitter(given, seeded):
    """Which may have the same random state, or one of its own."""
    seeded(5)
    random_state = None if given is None else np.random.RandomState(5)
    expected = np.random.RandomState(5).randint(2**31)
    splitter = ShuffleSplit(1, random_state=random_state)
    model = classifier(random_state=random_state, validation_split=splitter)
    model.set_params(early_stopping=True, callbacks=Raises())
    with pytest.raises(ValueError, match="in the middle"):
        model.fit(X, y)
    assert drawn(random_state) == expected


@pytest.mark.parametrize("given", [None, "an instance"])
def test_nor_does_an_inspection(given, seeded):
    """Whose scorer fails."""
    model = classifier(random_state=0).fit(X, y)
    seeded(5)
    random_state = None if given is None else np.random.RandomState(5)
    expected = np.random.RandomState(5).randint(2**31)

    def scorer(estimator, X, y):
        raise ValueError("no score")

    with pytest.raises(ValueError, match="no score"):
        timestep_importance(model, X, y, scoring=scorer, random_state=random_state)
    assert drawn(random_state) == expected


def test_a_fit_that_succeeds_draws(seeded):
    """So that the next is another."""
    given = np.random.RandomState(5)
    model = classifier(random_state=given)
    first = model.fit(X, y).network_.flat
    assert not np.array_equal(model.fit(X, y).network_.flat, first)


def test_what_others_have_drawn_stays_drawn(seeded):
    """Another thread would see the same numbers twice."""
    seeded(5)
    draws = Draws()
    with draws.of(None) as generator:
        generator.uniform()
    drawn(None)
    expected = np.random.get_state()[2]  # noqa: NPY002
    draws.put_back()
    assert np.random.get_state()[2] == expected  # noqa: NPY002
