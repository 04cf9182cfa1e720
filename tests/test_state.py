"""The state of a fitted estimator: in files, in other processes, damaged, repeated."""

import copy
import io
import pickle
import struct
import subprocess
import sys

import cloudpickle
import joblib
import numpy as np
import pytest
import tensorflow as tf
from joblib import Parallel, delayed
from numpy.testing import assert_array_equal

import sklstm
from sklstm import (
    BiLSTMClassifier,
    BiLSTMRegressor,
    BiLSTMTimestepClassifier,
    BiLSTMTimestepRegressor,
)
from sklstm.persistence import _HEADER as HEADER
from sklstm.persistence import _checksum

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
        np.tri(2, dtype=int)[BINARY],
    ),
    "targets": (BiLSTMRegressor(units=5, epochs=2, random_state=3), NUMBERS),
    "dropout": (
        BiLSTMRegressor(units=4, epochs=2, dropout=0.3, random_state=4, batch_size=50),
        NUMBERS[:, 0],
    ),
    "timestep labels": (
        BiLSTMTimestepClassifier(units=5, epochs=1, random_state=5),
        np.where(X[:, :, 0] > 0, "up", "down"),
    ),
    "timestep targets": (
        BiLSTMTimestepRegressor(units=(3, 2), epochs=1, random_state=6),
        np.cumsum(np.nan_to_num(X), axis=1),
    ),
}

# What Python's and joblib's unpicklers raise, each at another place.
BROKEN_OFF = (
    EOFError,
    IndexError,
    KeyError,
    ValueError,
    pickle.UnpicklingError,
    struct.error,
)


def as_joblib(compress):
    def dumps(model):
        file = io.BytesIO()
        joblib.dump(model, file, compress=compress)
        return file.getvalue()

    return dumps, lambda content: joblib.load(io.BytesIO(content))


FILES = {
    "pickle": (pickle.dumps, pickle.loads),
    "joblib": as_joblib(0),
    "zlib": as_joblib(3),
    "gzip": as_joblib(("gzip", 3)),
    "lzma": as_joblib(("lzma", 3)),
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
    joblib.dump((outputs, model.predict(X)), f"{name}.outputs")
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
    outputs, predicted = joblib.load(elsewhere / f"{name}.outputs")
    expected = getattr(model, "predict_proba", model.predict)(X)
    assert_array_equal(outputs, expected, strict=True)
    if predicted.dtype == object:  # text, and NaN at padded timesteps
        assert repr(predicted.tolist()) == repr(model.predict(X).tolist())
    else:
        assert_array_equal(predicted, model.predict(X), strict=True)


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


@pytest.mark.parametrize("name", PROBLEMS)
@pytest.mark.parametrize("how", ["joblib", "zlib", "cloudpickle"])
def test_file_of_each_is_small(name, how, models):
    """Whatever the estimator and the format."""
    model = models[name]
    n_bytes = sum(array.nbytes for array in model.weights_.values())
    dumps = cloudpickle.dumps if how == "cloudpickle" else FILES[how][0]
    assert len(dumps(model)) <= 1.3 * n_bytes + 8000


@pytest.mark.parametrize("units", [1, 8, (64, 64)])
def test_file_is_little_larger_than_its_weights(units, tmp_path):
    """At most 1.3 times the weights and 8 kB: no optimizer, network or data."""
    model = BiLSTMRegressor(units, epochs=3).fit(X, NUMBERS)
    n_bytes = sum(array.nbytes for array in model.weights_.values())
    joblib.dump(model, tmp_path / "model.joblib")
    for size in (len(pickle.dumps(model)), (tmp_path / "model.joblib").stat().st_size):
        assert size <= 1.3 * n_bytes + 8000


COPIES = {
    "pickle": lambda model: pickle.loads(pickle.dumps(model)),
    "cloudpickle": lambda model: cloudpickle.loads(cloudpickle.dumps(model)),
    "deepcopy": copy.deepcopy,
}


@pytest.mark.parametrize("how", COPIES)
@pytest.mark.parametrize(
    "params",
    [
        {"optimizer": "adam", "dropout": 0.2, "batch_size": 50},
        {"optimizer": "adagrad"},  # its moments do not start from zero
        {"optimizer": "rmsprop", "recurrent_dropout": 0.2, "batch_size": 150},
    ],
    ids=str,
)
def test_training_goes_on_as_if_never_saved(how, params):
    """keep_optimizer_state=True: moments, step count and random numbers are kept."""
    model = BiLSTMClassifier(
        4, epochs=1, random_state=0, warm_start=True, keep_optimizer_state=True
    )
    model.set_params(**params).fit(X, LABELS)
    restored = COPIES[how](model)
    for estimator in (model, restored):
        estimator.partial_fit(X[:100], LABELS[:100]).fit(X, LABELS)
    for key, value in model.weights_.items():
        assert_array_equal(restored.weights_[key], value)
    assert restored.history_ == model.history_


# Trains on what the parent saved, in another process.
TRAIN = """
import sys

import cloudpickle
import joblib
from numpy.testing import assert_array_equal

for name in sys.argv[1:]:
    model, y, expected = joblib.load(f"{name}.training")
    if isinstance(model, bytes):
        model = cloudpickle.loads(model)
    model.fit(joblib.load("X.joblib"), y)
    for key, weights in expected.items():
        assert_array_equal(model.weights_[key], weights, err_msg=f"{name}, {key}")
"""


def test_training_goes_on_in_another_process(models, tmp_path):
    """Every kind of estimator, by joblib and cloudpickle: the same bits as here."""
    joblib.dump(X, tmp_path / "X.joblib")
    for name, (_, y) in PROBLEMS.items():
        model = copy.deepcopy(models[name].set_params(keep_optimizer_state=True))
        models[name].set_params(keep_optimizer_state=False)
        model.set_params(warm_start=True, epochs=2)
        saved = model if name in ("binary", "targets") else cloudpickle.dumps(model)
        expected = copy.deepcopy(model).fit(X, y).weights_
        joblib.dump((saved, y, expected), tmp_path / f"{name}.training", compress=3)
    command = [sys.executable, "-c", TRAIN, *PROBLEMS]
    trained = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert trained.returncode == 0, trained.stderr


@pytest.mark.parametrize("mode", ["r", "c", "r+"])
def test_memory_mapped_file(mode, models, tmp_path):
    """Weights stay in the file, shared by processes; a copy does not know of it."""
    path = tmp_path / "model.joblib"
    joblib.dump(models["multiclass"], path)
    restored = joblib.load(path, mmap_mode=mode)
    assert_array_equal(restored.predict_proba(X), models["multiclass"].predict_proba(X))
    kernel = restored.weights_["lstm_1/forward/kernel"]
    assert not kernel.flags.writeable
    mapped = kernel
    while not isinstance(mapped, np.memmap):
        mapped = mapped.base
    assert mapped.filename == str(path)
    assert b"memmap" not in pickle.dumps(restored)


def test_a_damaged_memory_mapped_file_is_refused(models, tmp_path):
    """The checksum reads what is mapped."""
    path = tmp_path / "model.joblib"
    joblib.dump(models["targets"], path)
    content = bytearray(path.read_bytes())
    weights = models["targets"].weights_["dense/kernel"].tobytes()
    content[content.index(weights)] ^= 1
    path.write_bytes(content)
    with pytest.raises(ValueError, match="is damaged"):
        joblib.load(path, mmap_mode="r")


class Labelled(BiLSTMClassifier):
    """A subclass with an attribute of its own, of a type of its own."""

    def fit(self, X, y, sample_weight=None):
        super().fit(X, y, sample_weight)
        self.note_ = object()
        self.seen_ = {"a", "b", "c"}
        return self


def test_attributes_of_others_do_not_matter():
    """What has no lasting representation is saved, but not compared."""
    model = Labelled(2, epochs=1).fit(X, LABELS)
    assert pickle.loads(pickle.dumps(model)).seen_ == {"a", "b", "c"}


@pytest.mark.parametrize(
    "labels",
    [
        np.array([np.str_("a"), np.str_("b")], dtype=object),
        np.array(["2024-01-01", "2024-01-02"], dtype="datetime64[D]"),
        np.array([True, False]),
        np.array([1.5, 2.5]).astype(np.float64),
    ],
    ids=["objects", "dates", "booleans", "floats"],
)
def test_checksum_of_labels_of_any_type(labels):
    """A checksum depends neither on NumPy's way to print nor on the byte order."""
    state = {"classes_": labels}
    plain = labels.tolist() if labels.dtype == object else labels
    swapped = (
        labels if labels.dtype == object else labels.astype(labels.dtype.newbyteorder())
    )
    expected = _checksum(state, ["classes_"])
    assert _checksum({"classes_": plain}, ["classes_"]) == expected
    assert _checksum({"classes_": swapped}, ["classes_"]) == expected
    assert _checksum({"classes_": labels[::-1]}, ["classes_"]) != expected


def test_training_state_is_kept_only_if_asked(models):
    """Without it the optimizer starts afresh; with it the file holds its moments."""
    model = models["targets"]
    small = len(pickle.dumps(model))
    n_bytes = sum(array.nbytes for array in model.weights_.values())
    model.set_params(keep_optimizer_state=True)
    large = len(pickle.dumps(model))
    model.set_params(keep_optimizer_state=False)
    assert small + 2 * n_bytes < large < small + 2 * n_bytes + 3000
    restored = pickle.loads(pickle.dumps(model))
    assert not hasattr(restored, "_training_state")


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


def changed(**changes):
    return lambda state: {**state, **changes}


def without(key):
    return lambda state: {k: v for k, v in state.items() if k != key}


def header(**changes):
    return lambda state: {**state, HEADER: {**state[HEADER], **changes}}


def flip_a_bit(state):
    flat = state["_flat"].copy()
    flat.view(np.uint8)[5] ^= 1
    return {**state, "_flat": flat}


def lacking_units(state):
    return {**state, "_architecture": without("units")(state["_architecture"])}


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (flip_a_bit, "saved BiLSTMClassifier is damaged: the checksum of its weights"),
        (lambda state: {**state, "_flat": state["_flat"][:-1]}, "is damaged"),
        (changed(classes_=np.array(["a", "c", "b"])), "is damaged"),
        (changed(_multilabel=True), "is damaged"),
        (changed(n_features_in_=3), "is damaged"),
        (lacking_units, "is damaged"),
        (without("_flat"), "is incomplete: it lacks '_flat'"),
        (without("_architecture"), "is incomplete: it lacks '_architecture'"),
        (without("classes_"), "is incomplete: it lacks 'classes_'"),
        (without(HEADER), "is incomplete: it has no '_saved_by_sklstm'"),
        (
            changed(**{HEADER: {}}),
            r"is incomplete: its header is damaged \(KeyError\('f",
        ),
        (changed(**{HEADER: "0.1"}), "is incomplete: its header is damaged"),
        (
            header(format=99, version="7.5"),
            r"has format 99, .* reads up to 1. Load it with sklstm 7\.5 or newer",
        ),
    ],
)
def test_damaged_state_is_refused(damage, message, models):
    """A state that is not what was saved raises, and says so."""
    state = models["multiclass"].__getstate__()
    restored = BiLSTMClassifier()
    with pytest.raises(ValueError, match=message):
        restored.__setstate__(damage(state))
    assert not hasattr(restored, "classes_")


def test_state_names_its_version(models):
    """Who finds an old file can tell what wrote it."""
    state = models["binary"].__getstate__()
    assert state[HEADER]["version"] == sklstm.__version__


@pytest.mark.parametrize("kind", FILES)
def test_truncated_file_is_refused(kind, models):
    """Wherever a file ends loading raises, or there was all but a checksum."""
    dumps, loads = FILES[kind]
    content = dumps(models["multiclass"])
    for end in range(0, len(content), 7):
        with pytest.raises(BROKEN_OFF):
            loads(content[:end] if end < len(content) - 20 else content[:-20])
    for end in range(len(content) - 20, len(content)):
        try:
            restored = loads(content[:end])
        except BROKEN_OFF:
            continue
        assert kind not in ("pickle", "joblib")
        assert_array_equal(
            restored.predict_proba(X), models["multiclass"].predict_proba(X)
        )


def test_damaged_file_is_refused(models, tmp_path):
    """One wrong bit among the parameters in a file does not go unnoticed."""
    path = tmp_path / "model.joblib"
    joblib.dump(models["targets"], path)
    content = bytearray(path.read_bytes())
    weights = models["targets"].weights_["lstm_1/forward/kernel"].tobytes()
    content[content.index(weights) + 2] ^= 16
    path.write_bytes(content)
    with pytest.raises(ValueError, match="is damaged"):
        joblib.load(path)
