"""Learning rates by step: their arithmetic, and training at them."""

import copy
import math

import keras
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from sklstm import BiLSTMClassifier, BiLSTMTimestepRegressor
from sklstm.training import epochs, runtime
from sklstm.training.schedules import cosine, one_cycle

rng = np.random.default_rng(0)
X = rng.normal(size=(21, 4, 2)).astype(np.float32)
y = (X.sum(axis=(1, 2)) > 0).astype(int)
N_STEPS = 9  # three epochs of three epochs
SETTINGS = {
    "direction": "forward",
    "pooling": "last",
    "optimizer": "sgd",
    "learning_rate": 0.5,
    "batch_size": 8,
    "epochs": 3,
    "shuffle": False,
    "random_state": 0,
}


def torch_one_cycle(step, n_steps):
    """PyTorch's OneCycleLR(max_lr=1, total_steps=n_steps), as it is written there."""
    first, last = 1 / 25, 1 / 25 / 1e4
    phases = [(0.3 * n_steps - 1, first, 1.0), (n_steps - 1, 1.0, last)]
    begin = 0.0
    for end, high, low in phases:
        if step <= end or end == n_steps - 1:
            share = (step - begin) / (end - begin)
            return low + (high - low) / 2 * (1 + math.cos(math.pi * share))
        begin = end
    raise AssertionError


def test_cosine_is_that_of_keras():
    """Step by step, without its last, which would be zero."""
    decay = keras.optimizers.schedules.CosineDecay(1.0, 40)
    assert_allclose(cosine(40), [decay(step) for step in range(40)], atol=1e-6)


@pytest.mark.parametrize("n_steps", [10, 37, 1000])
def test_one_cycle_is_that_of_pytorch(n_steps):
    """Step by step."""
    expected = [torch_one_cycle(step, n_steps) for step in range(n_steps)]
    assert_allclose(one_cycle(n_steps), expected, rtol=1e-9)


@pytest.mark.parametrize("schedule", [cosine, one_cycle])
def test_few_steps_have_rates(schedule):
    """Of any number of steps none learns at more than the peak, nor not at all."""
    for n_steps in range(1, 12):
        rates = schedule(n_steps)
        assert rates.shape == (n_steps,)
        assert (rates > 0).all()
        assert rates.max() <= 1
        assert rates.max() > 0.4


@pytest.fixture(scope="module")
def start():
    """A network to train further."""
    classifier = BiLSTMClassifier(2, warm_start=True, **SETTINGS)
    return classifier.set_params(epochs=1, schedule="constant").fit(X, y)


@pytest.fixture(scope="module")
def trained_by_keras(start):
    """Weights of a network of Keras that was told the rate before every step."""
    network = start.to_keras()
    network.compile(keras.optimizers.SGD(0.0), "binary_crossentropy", run_eagerly=True)
    trained = {}
    for schedule in (cosine, one_cycle):
        network.set_weights(list(start.weights_.values()))
        for step, rate in enumerate(0.5 * schedule(N_STEPS)):
            network.optimizer.learning_rate = rate
            rows = slice(step % 3 * 8, step % 3 * 8 + 8)
            network.train_on_batch(X[rows], y[rows])
        trained[schedule.__name__] = network.get_weights()
    return trained


@pytest.mark.parametrize("on_gpu", [False, True])
@pytest.mark.parametrize("chunk_bytes", [1, 2**20])
@pytest.mark.parametrize("schedule", ["cosine", "one_cycle"])
def test_steps_at_a_schedule(
    start, trained_by_keras, schedule, chunk_bytes, on_gpu, monkeypatch
):
    """As in Keras, whether an epoch is one graph call or several; warm starts anew."""
    monkeypatch.setattr(runtime, "has_gpu", lambda: on_gpu)
    monkeypatch.setattr(epochs, "CHUNK_BYTES", chunk_bytes)
    classifier = copy.deepcopy(start).set_params(schedule=schedule, epochs=3).fit(X, y)
    expected = trained_by_keras[schedule]
    for weights, of_keras in zip(classifier.weights_.values(), expected, strict=True):
        assert_allclose(weights, of_keras, atol=1e-5)


class Rates(keras.callbacks.Callback):
    """The rate after every epoch."""

    seen = []  # noqa: RUF012

    def on_epoch_end(self, epoch, logs=None):
        self.seen.append(float(self.model.optimizer.learning_rate))


@pytest.mark.parametrize("schedule", ["constant", "cosine", "one_cycle"])
def test_callbacks_see_the_rate(schedule, monkeypatch):
    """The optimizer has that of the last step; every call of fit is a new round."""
    monkeypatch.setattr(Rates, "seen", [])
    classifier = BiLSTMClassifier(2, schedule=schedule, warm_start=True, **SETTINGS)
    classifier.set_params(callbacks=Rates()).fit(X, y).fit(X, y)
    shares = {"cosine": cosine, "one_cycle": one_cycle, "constant": np.ones}[schedule]
    assert_allclose(Rates.seen, np.tile(0.5 * shares(N_STEPS)[2::3], 2), rtol=1e-5)


def test_partial_fit_is_at_the_constant_rate():
    """Nobody knows how many calls will come."""
    target = X.sum(axis=2)
    constant = BiLSTMTimestepRegressor(2, random_state=0)
    at_cosine = clone(constant).set_params(schedule="cosine")
    for regressor in (constant, at_cosine):
        regressor.partial_fit(X, target).partial_fit(X, target)
    assert_array_equal(at_cosine.network_.flat, constant.network_.flat)


def test_early_stopping_ends_a_schedule_early(monkeypatch):
    """The rates are those of all epochs, however many are run."""
    monkeypatch.setattr(Rates, "seen", [])
    noise = np.random.default_rng(1).integers(0, 2, len(X))
    classifier = BiLSTMClassifier(2, early_stopping=True, patience=1, random_state=0)
    classifier.set_params(schedule="cosine", epochs=100, batch_size=64)
    classifier.set_params(learning_rate=0.2, callbacks=Rates()).fit(X, noise)
    assert 1 < classifier.n_epochs_ < 100
    assert_allclose(Rates.seen, 0.2 * cosine(100)[: classifier.n_epochs_], rtol=1e-5)


def test_a_rate_that_fell_as_planned_is_no_reason_to_warn():
    """The last epoch may be the best: nothing is left to gain from more of them."""
    classifier = BiLSTMClassifier(2, early_stopping=True, **SETTINGS)
    classifier.set_params(schedule="constant")
    with pytest.warns(ConvergenceWarning, match="has not converged"):
        classifier.set_params(learning_rate=0.01).fit(X, y)
    classifier.set_params(schedule="cosine").fit(X, y)


def test_a_callback_that_sets_the_rate():
    """It would be undone at the next step: an error, but at the last step."""
    reduce = keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2)
    classifier = BiLSTMClassifier(2, schedule="cosine", callbacks=reduce, **SETTINGS)
    message = r"set the learning rate to 0\.25, but schedule='cosine' sets it at every"
    with pytest.raises(ValueError, match=message):
        classifier.fit(X, y)


def fitted(schedule="auto", **params):
    """A classifier that was fitted with the settings of all, and these."""
    classifier = BiLSTMClassifier(2, schedule=schedule, **SETTINGS | params)
    return classifier.fit(X, y)


def assert_same(*classifiers):
    first, *others = (classifier.network_.flat for classifier in classifiers)
    for other in others:
        assert_array_equal(other, first)


def test_the_default_is_a_cosine():
    """Bit for bit, the default rate too."""
    assert BiLSTMClassifier().schedule == "auto"
    assert_same(fitted(), fitted("cosine"))
    adam = {"optimizer": "adam", "learning_rate": None}
    assert_same(fitted(**adam), fitted("cosine", **adam))


class OwnScheduler(keras.callbacks.LearningRateScheduler):
    """A subclass is known as well."""


@pytest.mark.parametrize(
    "callback",
    [
        keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2),
        keras.callbacks.ReduceLROnPlateau("loss", min_delta=9, patience=1),
        OwnScheduler(lambda epoch, rate: 0.3 - epoch / 10),
    ],
)
def test_the_default_gives_way_to_callbacks(callback):
    """Their rates from the first step on, at the rate for a constant one."""
    params = {"callbacks": callback, "optimizer": "adam", "learning_rate": None}
    assert_same(fitted(**params), fitted("constant", **params))
    with pytest.raises(ValueError, match="schedule='cosine' sets it at every step"):
        fitted("cosine", **params)


def test_the_default_gives_way_to_a_schedule_of_the_optimizer():
    """In `fit`, and when training goes on."""
    decay = keras.optimizers.schedules.CosineDecay(0.5, 20)
    params = {"optimizer": keras.optimizers.SGD(decay), "learning_rate": None}
    params["warm_start"] = True
    assert_same(fitted(**params).fit(X, y), fitted("constant", **params).fit(X, y))
    with pytest.raises(ValueError, match=r"'cosine' does not go with SGD\(CosineDecay"):
        fitted("cosine", **params)


class Sets(keras.callbacks.Callback):
    """Sets the rate from some epoch on, without being known for it."""

    def __init__(self, first):
        super().__init__()
        self.first = first

    def on_epoch_begin(self, epoch, logs=None):
        if epoch >= self.first:
            self.model.optimizer.learning_rate = 0.25 / (1 + epoch)


def test_a_callback_of_the_users_own_is_followed():
    """From the first step: as if the schedule had been constant."""
    assert_same(fitted(callbacks=Sets(0)), fitted("constant", callbacks=Sets(0)))


def test_a_callback_that_comes_later_is_followed_with_a_warning(monkeypatch):
    """Steps on the cosine were taken by then."""
    monkeypatch.setattr(Rates, "seen", [])
    message = r"to 0\.125 after 3 steps on the cosine of schedule='auto'\. From here on"
    with pytest.warns(UserWarning, match=message):
        fitted(callbacks=[Sets(1), Rates()])
    assert_allclose(Rates.seen, [0.5 * cosine(9)[2], 0.125, 0.25 / 3], rtol=1e-6)
