"""The state of a fitted estimator: in files, in other processes, damaged, repeated."""

import pickle
import subprocess
import sys

import joblib
import numpy as np
import pytest
import tensorflow as tf
from joblib import Parallel, delayed
from numpy.testing import assert_array_equal

from sklstm import BiLSTMClassifier, BiLSTMRegressor

rng = np.random.default_rng(0)
X = rng.normal(size=(300, 6, 2)).astype(np.float32)
X[::3, 4:] = np.nan
LABELS = rng.choice(["a", "b", "c"], size=300)
BINARY = rng.integers(0, 2, size=300)
NUMBERS = rng.normal(size=(300, 2)) * 50

# Name of the model: what it is, and what it is fitted on.
PROBLEMS = {
    "multiclass": (BiLSTMClassifier(units=5, epochs=1, random_state=0), LABELS),
    "binary": (
        BiLSTMClassifier((4, 3), merge_mode="mul", epochs=1, random_state=1),
        BINARY,
    ),
    "multilabel": (
        BiLSTMClassifier(4, direction="backward", epochs=1, random_state=2),
        np.eye(2, dtype=int)[BINARY],
    ),
    "targets": (BiLSTMRegressor(units=5, epochs=2, random_state=3), NUMBERS),
    "dropout": (
        BiLSTMRegressor(units=4, epochs=2, dropout=0.3, random_state=4, batch_size=50),
        NUMBERS[:, 0],
    ),
}

# Loads what the parent saved, and predicts where nothing of TensorFlow can be imported.
SERVE = """
import sys

HEAVY = ("tensorflow", "keras", "scikeras")
import sklstm

imported = [name for name in HEAVY if name in sys.modules]
assert not imported, f"import sklstm imported {imported}"
for name in HEAVY:
    sys.modules[name] = None

import joblib
import numpy as np

X = joblib.load("X.joblib")
for name in sys.argv[1:]:
    model = joblib.load(f"{name}.joblib")
    outputs = getattr(model, "predict_proba", model.predict)(X)
    np.savez(f"{name}.npz", outputs=outputs, predicted=model.predict(X))
"""


@pytest.fixture(scope="module")
def models():
    """The fitted models by name."""
    return {name: model.fit(X, y) for name, (model, y) in PROBLEMS.items()}


@pytest.fixture(scope="module")
def elsewhere(models, tmp_path_factory):
    """A folder in which another process left its predictions."""
    folder = tmp_path_factory.mktemp("elsewhere")
    joblib.dump(X, folder / "X.joblib")
    for name, model in models.items():
        joblib.dump(model, folder / f"{name}.joblib")
    command = [sys.executable, "-c", SERVE, *models]
    served = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert served.returncode == 0, served.stderr
    return folder


@pytest.mark.parametrize("name", PROBLEMS)
def test_served_without_tensorflow(name, models, elsewhere):
    """Another process, without TensorFlow, predicts the same bits from the file."""
    model = models[name]
    served = np.load(elsewhere / f"{name}.npz")
    outputs = getattr(model, "predict_proba", model.predict)(X)
    assert_array_equal(served["outputs"], outputs, strict=True)
    assert_array_equal(served["predicted"], model.predict(X), strict=True)


def _fit(model, y):
    return model.fit(X, y).weights_


@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_fitted_by_two_jobs(backend, models):
    """The same random_state gives the same bits in other processes and threads."""
    jobs = [
        delayed(_fit)(type(model)(**model.get_params()), y)
        for model, y in PROBLEMS.values()
    ]
    fitted = Parallel(n_jobs=2, backend=backend)(jobs)
    for weights, model in zip(fitted, models.values(), strict=True):
        for key, value in model.weights_.items():
            assert_array_equal(weights[key], value, strict=True)


def test_other_fits_leave_no_trace(models):
    """A network that served another problem trains as if it were new."""
    model, y = PROBLEMS["targets"]
    params = model.get_params()
    BiLSTMRegressor(**{**params, "units": 7, "clipnorm": 0.1}).fit(X[:90, :3], y[:90])
    again = BiLSTMRegressor(**params).fit(X, y)
    for key, value in models["targets"].weights_.items():
        assert_array_equal(again.weights_[key], value)


def test_random_state_instance_goes_on():
    """A RandomState is drawn from, so a second fit differs and a copy repeats it."""
    params = {"units": 2, "epochs": 1}
    shared = np.random.RandomState(0)
    copied = np.random.RandomState(0)
    fits = [
        BiLSTMRegressor(**params, random_state=state).fit(X, NUMBERS).predict(X)
        for state in (shared, shared, copied)
    ]
    assert (fits[0] != fits[1]).any()
    assert_array_equal(fits[0], fits[2])


def test_no_random_state_is_not_numpys():
    """Without random_state two fits differ, even if NumPy's global seed is set."""
    fits = []
    for _ in range(2):
        np.random.seed(0)  # noqa: NPY002
        fits.append(BiLSTMRegressor(2, epochs=1).fit(X, NUMBERS).predict(X))
    assert (fits[0] != fits[1]).any()


def test_tensorflow_stays_unseeded(models):
    """A seeded fit does not make TensorFlow ask everybody for a seed."""
    assert tf.random.normal([3]).shape == (3,)
    assert (tf.random.normal([3]) != tf.random.normal([3])).numpy().any()


def _walk(state):
    yield state
    if isinstance(state, dict):
        for value in state.values():
            yield from _walk(value)
    elif isinstance(state, (list, tuple)):
        for value in state:
            yield from _walk(value)


def test_state_is_plain(models):
    """What is saved is arrays, numbers, text and containers of them."""
    plain = (dict, list, tuple, str, bool, int, float, np.ndarray, type(None))
    for name, model in models.items():
        for part in _walk(model.__getstate__()):
            assert type(part) in plain, f"{name} saves a {type(part)}"


def test_file_is_little_larger_than_its_weights(models):
    """No optimizer, no network and no training data are saved."""
    model = BiLSTMRegressor(64, epochs=1).fit(X, NUMBERS)
    n_bytes = sum(array.nbytes for array in model.weights_.values())
    assert len(pickle.dumps(model)) < n_bytes + 4000


def test_a_loaded_model_trains_on(models):
    """warm_start goes on from a file, with an optimizer that starts anew."""
    model = pickle.loads(pickle.dumps(models["multiclass"]))
    weights = model.weights_
    model.set_params(warm_start=True).fit(X, LABELS)
    assert model.n_epochs_ == 2
    assert np.abs(model.weights_["dense/bias"] - weights["dense/bias"]).max() < 0.2


def test_weights_are_read_only(models):
    """Nobody changes what the checksum was taken of."""
    for model in (models["binary"], pickle.loads(pickle.dumps(models["binary"]))):
        for array in model.weights_.values():
            assert not array.flags.writeable


def flip_a_bit(state):
    flat = state["_flat"].copy()
    flat.view(np.uint8)[5] ^= 1
    return {**state, "_flat": flat}


def without(key):
    return lambda state: {k: v for k, v in state.items() if k != key}


def of_format(number):
    return lambda state: {**state, "_format": number}


def lacking_units(state):
    architecture = dict(state["_architecture"])
    del architecture["units"]
    return {**state, "_architecture": architecture}


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (flip_a_bit, "parameters of the saved .* are damaged: their checksum"),
        (
            lambda state: {**state, "_flat": state["_flat"][:-1]},
            "parameters of the saved .* are damaged",
        ),
        (without("_checksum"), r"is incomplete or .* another version .*_checksum"),
        (without("_architecture"), r"is incomplete or .* another version .*_archi"),
        (without("_format"), r"is incomplete or .* another version .*_format"),
        (lacking_units, r"is incomplete or .* another version .*units"),
        (of_format(99), "has format 99, .* reads up to 1. Load it with a newer sklstm"),
    ],
)
def test_damaged_state_is_refused(damage, message, models):
    """A state that is not what was saved raises, and says so."""
    model = models["multiclass"]
    restored = BiLSTMClassifier()
    with pytest.raises(ValueError, match=message):
        restored.__setstate__(damage(model.__getstate__()))


def test_damaged_file_is_refused(models, tmp_path):
    """One wrong bit among the parameters in a file does not go unnoticed."""
    path = tmp_path / "model.joblib"
    joblib.dump(models["targets"], path)
    content = bytearray(path.read_bytes())
    weights = models["targets"].weights_["lstm_1/forward/kernel"].tobytes()
    content[content.index(weights) + 2] ^= 16
    path.write_bytes(content)
    with pytest.raises(ValueError, match="are damaged"):
        joblib.load(path)
