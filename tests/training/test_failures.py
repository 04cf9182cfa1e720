"""Training that fails, is interrupted, or ends too soon; and what it leaves behind."""

import signal
import subprocess
import sys
import warnings

import keras
import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from sklstm import (
    BiLSTMClassifier,
    BiLSTMRegressor,
    BiLSTMTimestepClassifier,
    BiLSTMTimestepRegressor,
    WindowedEnsemble,
)
from sklstm.training import scikeras_wrapper
from sklstm.training.lending import POOL

rng = np.random.default_rng(0)
X = rng.normal(size=(24, 5, 2))
X[::3, 3:] = np.nan
SUMS = np.nancumsum(X[:, :, 0], axis=1)

ESTIMATORS = {
    "classifier": (BiLSTMClassifier, (SUMS[:, -1] > 0).astype(int)),
    "regressor": (BiLSTMRegressor, SUMS[:, -1]),
    "timestep classifier": (BiLSTMTimestepClassifier, np.where(SUMS > 0, "up", "down")),
    "timestep regressor": (BiLSTMTimestepRegressor, SUMS),
}
NETWORKS = {
    "kernel": {},
    "recurrent": {"recurrent_dropout": 0.1},
    "layers": {"direction": "forward"},
}

every_estimator = pytest.mark.parametrize("kind", ESTIMATORS)
# Keras' layers take seconds to trace, so one estimator stands for all there.
on_both_networks = pytest.mark.parametrize(
    ("kind", "network"),
    [
        *((kind, "kernel") for kind in ESTIMATORS),
        ("regressor", "recurrent"),
        ("timestep classifier", "layers"),
    ],
)


@pytest.fixture(autouse=True)
def _layers_train(request, monkeypatch):
    """Keras' layers train where a test asks for them, as on a GPU."""
    callspec = getattr(request.node, "callspec", None)
    if callspec is not None and callspec.params.get("network") == "layers":
        monkeypatch.setattr(scikeras_wrapper, "trains_on_layers", lambda _: True)


def make(kind, network="kernel", **params):
    """An estimator of a kind, and its target."""
    estimator, y = ESTIMATORS[kind]
    params = {
        "units": 2,
        "epochs": 3,
        "schedule": "constant",
        "random_state": 0,
    } | params
    params |= NETWORKS[network]
    return estimator(**params), y


class Raises(keras.callbacks.Callback):
    """Ends the second epoch with an exception, after it has changed the network."""

    def __init__(self, error):
        super().__init__()
        self.error = error

    def on_epoch_end(self, epoch, logs=None):
        if epoch == 1:
            self.model.optimizer.learning_rate = 123.0
            self.model.stop_training = True
            raise self.error("in the middle")


class PressesControlC(keras.callbacks.Callback):
    """Python's own handler raises KeyboardInterrupt, wherever that may be."""

    def on_train_batch_end(self, batch, logs=None):
        signal.raise_signal(signal.SIGINT)


@pytest.fixture
def control_c():
    """Python's handler of Control-C, which a shell's background jobs do not have."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


class Diverges(keras.callbacks.Callback):
    """From the third epoch on nothing is finite."""

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 2:
            self.model.optimizer.learning_rate = np.inf


class Unlearns(keras.callbacks.Callback):
    """From the second epoch on training climbs, so the first is the best."""

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 1:
            self.model.optimizer.learning_rate = -1.0


# -- loss NaN or infinite -------------------------------------------------------------


@on_both_networks
def test_divergence_names_epoch_and_causes(kind, network):
    """An error; the estimator stays unfitted."""
    model, y = make(kind, network, callbacks=Diverges())
    message = (
        r"Training diverged: the .* became .* in epoch 3\. The usual causes are "
        r"features or targets that are not scaled .* StandardScaler .* learning_rate"
        r".* clipnorm"
    )
    with pytest.raises(ValueError, match=message):
        model.fit(X, y)
    assert set(vars(model)) == set(model.get_params())


@on_both_networks
def test_early_stopping_keeps_the_best_when_training_diverges(kind, network):
    """The finite parameters of the best epoch, and a warning that says so."""
    params = {"early_stopping": True, "validation_fraction": 0.3}
    model, y = make(kind, network, callbacks=Diverges(), **params, epochs=5)
    with pytest.warns(ConvergenceWarning, match=r"in epoch \d\. The best parameters"):
        model.fit(X, y)
    losses = model.history_["val_loss"]
    assert not np.isfinite(losses[-1])
    shorter, _ = make(kind, network, **params, epochs=1 + int(np.nanargmin(losses[:2])))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        shorter.fit(X, y)
    for key, weights in shorter.weights_.items():
        assert_array_equal(model.weights_[key], weights)


@pytest.mark.parametrize("early_stopping", [False, True])
def test_infinite_loss_with_finite_parameters_is_an_error(early_stopping):
    """Where the sum of errors overflows; nor did early stopping see a finite epoch."""
    model = BiLSTMRegressor(
        2,
        epochs=2,
        loss="mean_absolute_error",
        normalize_y=False,
        early_stopping=early_stopping,
    )
    with pytest.raises(ValueError, match=r"loss became inf in epoch 1\. The usual"):
        model.fit(X, np.full(24, 1e38))


def test_divergence_inside_an_ensemble():
    """The ensemble stays unfitted, too."""
    inner, y = make("classifier", callbacks=Diverges())
    model = WindowedEnsemble(inner, n_timesteps=3)
    with pytest.raises(ValueError, match="Training diverged"):
        model.fit(X, y)
    assert set(vars(model)) == {"estimator", "n_timesteps", "stride"}


# -- interrupted ----------------------------------------------------------------------


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, SystemExit])
@on_both_networks
def test_an_exception_leaves_no_trace(kind, network, error):
    """An unfitted estimator stays so, a fitted one what it was; the next fit is right.

    Right is the same bits as those of the network that nobody had interrupted.
    """
    unfitted, y = make(kind, network, callbacks=Raises(error))
    with pytest.raises(error, match="in the middle"):
        unfitted.fit(X, y)
    assert set(vars(unfitted)) == set(unfitted.get_params())
    fitted, _ = make(kind, network)
    outputs = fitted.fit(X, y).predict(X)
    fitted.set_params(callbacks=[Raises(error)])
    before = dict(vars(fitted))
    with pytest.raises(error, match="in the middle"):
        fitted.fit(X, y)
    after = vars(fitted)
    assert after.keys() == before.keys()
    assert all(after[key] is before[key] for key in before)
    assert repr(fitted.predict(X)) == repr(outputs)
    again, _ = make(kind, network)
    for key, weights in again.fit(X, y).weights_.items():
        assert_array_equal(weights, fitted.weights_[key])


@pytest.mark.usefixtures("control_c")
@every_estimator
def test_control_c(kind):
    """A signal in the middle of an epoch: no network is lost, none remembers it."""
    fitted, y = make(kind)
    expected = fitted.fit(X, y).weights_
    n_networks = len(POOL)
    model = clone(fitted).set_params(callbacks=PressesControlC())
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, y)
    assert set(vars(model)) == set(model.get_params())
    assert len(POOL) == n_networks
    for network in POOL.networks():
        assert network.history is network.loan is None
        assert not network.stop_training
    for key, weights in clone(fitted).fit(X, y).weights_.items():
        assert_array_equal(weights, expected[key])


@pytest.mark.usefixtures("control_c")
@every_estimator
def test_interrupted_partial_fit_can_be_repeated(kind):
    """The call that failed does not count: no epoch, moment or random number of it."""
    model, y = make(kind, dropout=0.2)
    whole = clone(model)
    classes = {"classes": np.unique(y)} if "classifier" in kind else {}
    model.partial_fit(X, y, **classes)
    model.set_params(callbacks=PressesControlC())
    with pytest.raises(KeyboardInterrupt):
        model.partial_fit(X, y)
    assert model.n_epochs_ == 1
    model.set_params(callbacks=None).partial_fit(X, y)
    whole.partial_fit(X, y, **classes).partial_fit(X, y)
    for key, weights in whole.weights_.items():
        assert_array_equal(model.weights_[key], weights)


# -- ended too soon -------------------------------------------------------------------


@every_estimator
def test_early_stopping_that_never_stopped_warns(kind):
    """As MLPClassifier does: all epochs were run, and the last was the best."""
    params = {"early_stopping": True, "validation_fraction": 0.3}
    model, y = make(kind, learning_rate=1e-3, **params)
    with pytest.warns(ConvergenceWarning, match="all epochs=3 were run and the last"):
        model.fit(X, y)
    assert np.argmin(model.history_["val_loss"]) == 2


def test_no_warning_where_nothing_says_what_converged_is():
    """Without early stopping the epochs are a choice; a best epoch before is enough."""
    for params in ({}, {"early_stopping": True, "callbacks": Unlearns()}):
        model, y = make("classifier", **params)
        model.fit(X, y)  # warnings are errors here
        assert model.n_epochs_ == 3


# -- Keras' callbacks for long runs ---------------------------------------------------


def test_backup_and_restore_is_refused(tmp_path):
    """It would put back parameters, but not where the optimizer and the epochs were."""
    callback = keras.callbacks.BackupAndRestore(tmp_path)
    model, y = make("classifier", callbacks=[callback])
    with pytest.raises(ValueError, match=r"Save the estimator itself .* warm_start"):
        model.fit(X, y)
    assert set(vars(model)) == set(model.get_params())


# What docs/guide/saving.md recommends; killed by the operating system on the way.
LONG_RUN = """
import os
import signal
import sys

import joblib
import numpy as np

from sklstm import BiLSTMRegressor

rng = np.random.default_rng(0)
X, y = rng.normal(size=(24, 5, 2)), rng.normal(size=24)
model = BiLSTMRegressor(
    3, epochs=2, dropout=0.2, warm_start=True, keep_optimizer_state=True, random_state=0
).set_params(schedule="constant")
if os.path.exists("run.joblib"):
    model = joblib.load("run.joblib")
while getattr(model, "n_epochs_", 0) < 8:
    model.fit(X, y)
    joblib.dump(model, "part.joblib")
    os.replace("part.joblib", "run.joblib")
    if sys.argv[1:] and model.n_epochs_ == 4:
        os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs POSIX signals")
def test_a_killed_run_goes_on(tmp_path, monkeypatch):
    """A loop of fit and joblib.dump ends with the bits of one long fit."""
    import joblib

    command = [sys.executable, "-c", LONG_RUN, "kill"]
    killed = subprocess.run(command, cwd=tmp_path, capture_output=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    monkeypatch.chdir(tmp_path)
    assert joblib.load("run.joblib").n_epochs_ == 4
    monkeypatch.setattr(sys, "argv", ["-c"])
    exec(LONG_RUN, {})
    model = joblib.load("run.joblib")
    assert model.n_epochs_ == 8
    numbers = np.random.default_rng(0)
    data = numbers.normal(size=(24, 5, 2)), numbers.normal(size=24)
    for key, weights in clone(model).set_params(epochs=8).fit(*data).weights_.items():
        assert_array_equal(model.weights_[key], weights)
