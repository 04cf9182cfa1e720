"""The state of a fitted estimator: in files, in other processes, damaged, repeated."""

import copy
import io
import os
import pickle
import struct
import subprocess
import sys
import warnings
from itertools import cycle

import cloudpickle
import joblib
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from joblib import Parallel, delayed
from numpy.testing import assert_array_equal
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import KFold
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler
from sklearn.utils._param_validation import generate_valid_param, make_constraint

import sklstm
from sklstm import (
    BiLSTMClassifier,
    BiLSTMRegressor,
    BiLSTMTimestepClassifier,
    BiLSTMTimestepRegressor,
    SequenceDifferencer,
    SequenceFramer,
    SequenceImputer,
    SequencePadder,
    SequenceReshaper,
    SequenceScaler,
    SequenceTokenizer,
    SlidingWindows,
    WindowedEnsemble,
)
from sklstm.base.persistence import _CHECKSUM as CHECKSUM
from sklstm.base.persistence import _HEADER as HEADER
from sklstm.base.persistence import _sealed, checksum_of
from sklstm.base.schema import is_count
from sklstm.training import scikeras_wrapper
from sklstm.training.scikeras_wrapper import fit_network

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


def _go_on(path):
    """Train on what a file has, in the process that this is sent to."""
    saved, y, expected = joblib.load(path)
    model = cloudpickle.loads(saved) if isinstance(saved, bytes) else saved
    model.fit(X, y)
    for key, weights in expected.items():
        assert_array_equal(model.weights_[key], weights, err_msg=f"{path}, {key}")
    return os.getpid()


def test_training_goes_on_in_another_process(models, tmp_path):
    """Every kind of estimator, by joblib and cloudpickle: the same bits as here.

    The processes are those of test_fitted_by_two_jobs, which joblib keeps.
    """
    for name, (_, y) in PROBLEMS.items():
        model = copy.deepcopy(models[name].set_params(keep_optimizer_state=True))
        models[name].set_params(keep_optimizer_state=False)
        model.set_params(warm_start=True, epochs=2)
        saved = model if name in ("binary", "targets") else cloudpickle.dumps(model)
        expected = copy.deepcopy(model).fit(X, y).weights_
        joblib.dump((saved, y, expected), tmp_path / f"{name}.training", compress=3)
    files = sorted(tmp_path.glob("*.training"))
    assert len(files) == len(PROBLEMS)
    trained = Parallel(n_jobs=2, backend="loky")(delayed(_go_on)(f) for f in files)
    assert os.getpid() not in trained


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
    plain = labels.tolist() if labels.dtype == object else labels
    swapped = (
        labels if labels.dtype == object else labels.astype(labels.dtype.newbyteorder())
    )
    expected = checksum_of(labels)
    assert checksum_of(plain) == expected
    assert checksum_of(swapped) == expected
    assert checksum_of(labels[::-1]) != expected


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


def within(part, change):
    return lambda state: {**state, part: change(state[part])}


def flip_a_bit(network):
    flat = network["flat"].copy()
    flat.view(np.uint8)[5] ^= 1
    return {**network, "flat": flat}


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (
            within("network_", flip_a_bit),
            "saved BiLSTMClassifier is damaged: the checksum of its weights",
        ),
        (within("network_", lambda n: {**n, "flat": n["flat"][:-1]}), "is damaged"),
        (within("codec_", changed(classes=np.array(["a", "c", "b"]))), "is damaged"),
        (within("codec_", changed(**{"class": "Indicators"})), "is damaged"),
        (changed(n_features_in_=3), "is damaged"),
        (within("network_", within("architecture", without("units"))), "is damaged"),
        (within("network_", without("flat")), "is damaged"),
        (within("codec_", without("classes")), "is damaged"),
        (without("network_"), "is incomplete: it lacks 'network_'"),
        (without("codec_"), "is incomplete: it lacks 'codec_'"),
        (without("units"), "is incomplete: it lacks 'units'"),
        (without(HEADER), "is incomplete: it has no '_saved_by_sklstm'"),
        (without(CHECKSUM), "is incomplete: it has no '_checksum_of_sklstm'"),
        (lambda state: {}, "is incomplete: it has no '_saved_by_sklstm'"),
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


# -- everything that is fitted -----------------------------------------------------


TABLE = np.column_stack([np.arange(30), rng.normal(size=(30, 3))])
SHORT = {"units": 2, "epochs": 1, "random_state": 0}
GAPS = np.where(rng.random((30, *X.shape[1:])) < 0.2, np.nan, X[:30])
AVERAGES = FunctionTransformer(np.mean, kw_args={"axis": 1})
PERCEPTRON = MLPClassifier(2, solver="lbfgs", max_iter=2, random_state=0)

# Name: what it is, what it is fitted on, and its target.
FITTED = {
    "network": (
        BiLSTMRegressor(pooling="last", keep_optimizer_state=True, **SHORT),
        X[:30],
        NUMBERS[:30],
    ),
    "quantiles": (
        BiLSTMTimestepRegressor(loss="quantile", quantiles=(0.2, 0.9), **SHORT),
        X[:30],
        np.nan_to_num(X[:30]),
    ),
    "labels": (BiLSTMClassifier(units=(2, 1), epochs=1), X[:30], LABELS[:30]),
    "scaler": (SequenceScaler(), X[:30], None),
    "between 0 and 1": (SequenceScaler(MinMaxScaler()), X[:30], None),
    "imputer": (SequenceImputer("linear", add_indicator=True), GAPS, None),
    "padder": (SequencePadder(5, padding="pre", truncating="pre"), X[:30], None),
    "longest": (SequencePadder(), X[:30], None),
    "names": (
        SequencePadder(),
        [pd.DataFrame({"a": [1.0, 2.0], "b": [3.0, 4.0]})] * 2,
        None,
    ),
    "channels first": (SequencePadder(5, layout="channels_first"), X[:30, :2], None),
    "frames": (SequenceFramer(3, hop_length=2), X[:30], None),
    "differences": (SequenceDifferencer(2), X[:30], None),
    "reshaper": (SequenceReshaper(n_features=3, pad=True), TABLE, None),
    "static": (
        SequenceReshaper(n_timesteps=3, static=[True, False, False, False]),
        TABLE,
        None,
    ),
    "windows": (SlidingWindows(3, time=0, context="fit"), TABLE, None),
    "groups": (SlidingWindows(2, sampling_rate=2, groups=0), TABLE // 10, None),
    "pipeline": (
        make_pipeline(SlidingWindows(3), BiLSTMRegressor(**SHORT)),
        TABLE,
        TABLE[:, 1],
    ),
    "ensemble": (
        WindowedEnsemble(BiLSTMClassifier(**SHORT), n_timesteps=3, stride=2),
        X[:30],
        LABELS[:30],
    ),
    "ensemble of others": (
        WindowedEnsemble(make_pipeline(AVERAGES, PERCEPTRON), n_timesteps=3),
        np.nan_to_num(X[:30]),
        LABELS[:30],
    ),
}
# A pipeline has no state of ours but that of its steps.
OURS = [name for name in FITTED if name != "pipeline"]


@pytest.fixture(scope="module")
def fitted():
    """Everything that can be fitted, by name."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return {name: clone(m).fit(given, y) for name, (m, given, y) in FITTED.items()}


def outputs_of(model, X):
    methods = ("predict_quantiles", "predict_proba", "predict", "transform")
    method = next(name for name in methods if hasattr(model, name))
    return np.asarray(getattr(model, method)(X))


def given_to(name):
    """What is predicted or transformed; with a context, rows that follow."""
    X = FITTED[name][1]
    return X + np.array([30, 0, 0, 0]) if name == "windows" else X


@pytest.mark.parametrize("how", COPIES)
@pytest.mark.parametrize("name", FITTED)
def test_everything_fitted_comes_back(name, how, fitted):
    """With the same parameters and the same bits."""
    restored = COPIES[how](fitted[name])
    assert repr(restored) == repr(fitted[name])
    expected = outputs_of(fitted[name], given_to(name))
    assert_array_equal(outputs_of(restored, given_to(name)), expected, strict=True)


def leaves(value, path=()):
    """All in a state that is neither container nor object, and where it is."""
    if isinstance(value, (dict, list, tuple)):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, item in items:
            yield from leaves(item, (*path, key))
    elif isinstance(value, np.ndarray):
        if value.size:
            yield path, value
    elif isinstance(value, (bool, int, float, str, type(None))):
        yield path, value


def changed_a_little(leaf):
    """Another value of the same type."""
    if isinstance(leaf, np.ndarray):
        changed = leaf.copy()
        changed.flat[0] = changed_a_little(leaf.ravel()[:1].tolist()[0])
        return changed
    if leaf is None:
        return 0
    if isinstance(leaf, str):
        return ("z" if leaf[:1] != "z" else "y") + leaf[1:]
    return not leaf if isinstance(leaf, bool) else leaf + 1


def put(value, path, leaf):
    """A copy of a state with another leaf."""
    if not path:
        return leaf
    key, *rest = path
    if isinstance(value, dict):
        return {**value, key: put(value[key], rest, leaf)}
    items = list(value)
    items[key] = put(items[key], rest, leaf)
    return type(value)(items)


@pytest.mark.parametrize("name", OURS)
def test_every_value_of_a_state_is_examined(name, fitted):
    """Another value, wherever it is, header and parameters included, is refused."""
    state, empty = fitted[name].__getstate__(), clone(fitted[name])
    for path, leaf in leaves(state):
        # The versions of other packages only say whether to compare their objects.
        if path[:2] != (HEADER, "packages"):
            with pytest.raises(ValueError, match=r"is damaged|is incomplete|format"):
                empty.__setstate__(put(state, path, changed_a_little(leaf)))
    for lost in state:
        renamed = {f"{k}x" if k == lost else k: value for k, value in state.items()}
        with pytest.raises(ValueError, match="is incomplete"):
            empty.__setstate__(renamed)


# Flips one bit after the other in files. NumPy believes what a file says of a dtype, so
# that the process may end of it; then it is started again behind this bit.
FLIP = """
import io
import sys
import warnings

import joblib
import numpy as np

warnings.simplefilter("ignore")
cases, flips = joblib.load("flips.joblib")
for name, bit in flips[int(sys.argv[1]):]:
    content, given, expected = cases[name]
    content = bytearray(content)
    content[bit // 8] ^= 1 << bit % 8
    outcome = "refused"
    try:
        model = joblib.load(io.BytesIO(content))
        methods = ("predict_quantiles", "predict_proba", "predict", "transform")
        method = next(name for name in methods if hasattr(model, name))
        outputs = np.asarray(getattr(model, method)(given))
        same = repr(outputs.tolist()) == repr(expected.tolist())
        outcome = "same" if same else f"other: {name}, bit {bit}"
    except BaseException:
        pass
    print("outcome:", outcome, flush=True)
"""


def test_a_wrong_bit_in_a_file(fitted, tmp_path):
    """It predicts or transforms the same bits, or not at all; 30 bits of every file."""
    cases = {
        name: (FILES["joblib"][0](model), given, outputs_of(model, given))
        for name, model in fitted.items()
        for given in [given_to(name)]
    }
    flips = [
        (name, int(bit))
        for name, (content, *_) in cases.items()
        for bit in np.random.default_rng(0).integers(8 * len(content), size=30)
    ]
    joblib.dump((cases, flips), tmp_path / "flips.joblib")
    outcomes = []
    while len(outcomes) < len(flips):
        command = [sys.executable, "-c", FLIP, str(len(outcomes))]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
        said = [line for line in done.stdout.splitlines() if "outcome: " in line]
        outcomes += [line.partition("outcome: ")[2] for line in said]
        if done.returncode:
            assert done.returncode < 0, done.stderr
            outcomes.append("ended")
    assert set(outcomes) <= {"refused", "same", "ended"}
    assert outcomes.count("refused") > len(flips) / 2


class Centred(TransformerMixin, BaseEstimator):
    """A transformer of the user's, saved attribute by attribute."""

    def fit(self, X, y=None):
        self.mean_ = X.mean(axis=0)
        self.itself_ = {"of": self}
        self.seen_ = {"a", "b"}
        return self

    def transform(self, X):
        return X - self.mean_


class OwnWay(Centred):
    """Another, which is saved in a way of its own."""

    def __getstate__(self):
        return {"attributes": vars(self)}

    def __setstate__(self, state):
        vars(self).update(state["attributes"], loaded_=True)


def scaled_by(scaler):
    return SequenceScaler(scaler).fit(X)


OTHERS = {
    "scale": (lambda: scaled_by(None), lambda m: m.scaler_.scale_),
    "mean": (lambda: scaled_by(Centred()), lambda m: m.scaler_.mean_),
    "weights": (
        lambda: WindowedEnsemble(make_pipeline(AVERAGES, PERCEPTRON), n_timesteps=4),
        lambda m: m.estimator_[-1].coefs_[0],
    ),
    "tree": (
        lambda: WindowedEnsemble(
            make_pipeline(AVERAGES, RandomForestClassifier(2)), n_timesteps=4
        ),
        lambda m: m.estimator_[-1][1].tree_.value,
    ),
}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("name", OTHERS)
def test_objects_of_others_are_examined(name):
    """What scikit-learn's and the user's estimators hold is behind the checksum."""
    make, array_of = OTHERS[name]
    model = make()
    if not hasattr(model, "scaler_"):
        model.fit(np.nan_to_num(X), LABELS)
    state = model.__getstate__()
    changed = copy.deepcopy(state)
    clone(model).__setstate__(state)
    other = type(model).__new__(type(model))
    vars(other).update(changed)
    array_of(other).flat[0] += 1
    with pytest.raises(ValueError, match="checksum of what it holds of"):
        clone(model).__setstate__(changed)


def test_objects_of_another_version_may_differ():
    """scikit-learn warns then; whether it converted them nobody can tell."""
    state = scaled_by(None).__getstate__()
    state[HEADER]["packages"]["sklearn"] = "1.2.3"
    state["scaler_"].scale_ *= 2
    restored = SequenceScaler()
    restored.__setstate__(state)
    assert restored.scaler_.scale_[0] == state["scaler_"].scale_[0]


def test_objects_saved_in_a_way_of_their_own():
    """Nothing is known of what comes back, so only their type is compared."""
    model = scaled_by(OwnWay())
    restored = pickle.loads(pickle.dumps(model))
    assert_array_equal(restored.transform(X), model.transform(X))


# -- states made on purpose -------------------------------------------------------


def resealed(model, changes):
    """A state with other values, and with the checksums that go with them."""
    state = model.__getstate__()
    del state[HEADER], state[CHECKSUM]
    for name, value in changes.items():
        if value is LOST:
            del state[name]
        else:
            state[name] = value(state[name]) if callable(value) else value
    return _sealed(state, model._get_param_names())


LOST = object()


def network(**changes):
    return {"network_": changed(**changes)}


def architecture(**changes):
    return {"network_": within("architecture", changed(**changes))}


def codec(**changes):
    return {"codec_": changed(**changes)}


def numbers(**changes):
    return {"codec_": within("numbers", changed(**changes))}


@pytest.mark.parametrize(
    ("name", "changes", "why"),
    [
        ("network", network(flat=np.zeros(3, np.float32)), "no finite float32 array"),
        ("network", network(flat=np.zeros(72)), "no finite float32 array"),
        (
            "network",
            {"network_": lambda n: {**n, "flat": n["flat"] * np.nan}},
            r"no finite float32 array of shape \(architecture.n_parameters=\d+\)",
        ),
        ("network", network(flat=[0.0]), r"network_.flat=\[0.0\] is no finite"),
        ("network", {"network_": without("flat")}, "is incomplete: TypeError"),
        ("network", {"network_": LOST}, "is incomplete: it lacks 'network_'"),
        ("network", codec(scale=np.zeros(2)), "codec_.scale=.* is not positive"),
        ("network", codec(scale=-np.ones(2)), "is not positive"),
        ("network", codec(scale=np.full(2, np.nan)), r"finite .* \(n_outputs=2\)"),
        ("network", codec(mean=np.zeros(3)), r"finite float64 .* \(n_outputs=3\)"),
        ("network", codec(mean=np.zeros(3), scale=np.ones(3)), "3 targets do not go"),
        ("network", {"codec_": without("mean")}, "is incomplete: TypeError"),
        ("network", {"codec_": without("class")}, "is incomplete: KeyError"),
        ("network", {"codec_": LOST}, "it lacks 'codec_'"),
        ("network", codec(n_axes=1), "y had 1 axes and 2 targets"),
        ("network", {"n_outputs_": 3}, "n_outputs_=3 of 2 outputs"),
        ("quantiles", {"n_outputs_": 4}, "n_outputs_=4 of 2 outputs"),
        ("quantiles", codec(levels=np.array([0.9, 0.2])), "do not increase"),
        ("quantiles", codec(levels=np.array([0.5])), "1 quantiles of 2 targets"),
        ("quantiles", codec(levels=0.5), "do not increase"),
        ("quantiles", {"codec_": without("levels")}, "is incomplete: TypeError"),
        ("quantiles", numbers(n_axes=3), "y had 3 axes and 2 targets"),
        ("network", {"n_features_in_": 3}, "reads 2 features per timestep"),
        ("network", {"_fitted_on_table": True}, "reads 2 features per timestep"),
        ("network", {"_fitted_on_table": "no"}, "neither True nor False"),
        ("network", {"n_epochs_": -1}, "no number of epochs"),
        ("network", architecture(units=(2**40,)), "no finite float32 array"),
        (
            "network",
            architecture(units=(np.int32(2**30),) * 2),
            "is no number of units",
        ),
        ("network", architecture(units=()), "there is no network"),
        ("network", architecture(n_outputs=0), "is no number of outputs"),
        ("network", architecture(merge_mode="max"), "is none of 'concat'"),
        ("network", architecture(direction="up"), "is none of 'bidirectional'"),
        ("network", architecture(direction=[]), "is none of 'bidirectional'"),
        ("network", architecture(n_units=3), "is incomplete: TypeError"),
        ("network", architecture(every_step=True), "has every_step=True"),
        ("network", architecture(activation="softmax"), "ends in softmax"),
        ("network", {"predict": "sum"}, "'predict', which belongs to the class"),
        ("labels", codec(classes=np.array(["a", "b"])), "2 classes do not go with"),
        ("labels", codec(classes=np.array(["b", "a", "c"])), "is no sorted array"),
        ("labels", codec(classes=np.array(["a", "a", "c"])), "is no sorted array"),
        ("labels", codec(classes=["a", "b", "c"]), "is no sorted array"),
        (
            "labels",
            {"codec_": {"class": "Indicators", "n_labels": 3}},
            "3 labels do not go with",
        ),
        ("labels", {"codec_": {"class": "Codec"}}, "is incomplete: KeyError"),
        ("scaler", {"n_features_in_": 3}, "fitted on 2 features, but a timestep has 3"),
        ("scaler", {"n_features_out_": 0}, "is no number of features"),
        ("scaler", {"n_timesteps_in_": None}, "is no number of timesteps"),
        ("scaler", {"scaler_": "none"}, "does not transform"),
        ("names", {"feature_names_in_": np.array(["a"], object)}, "of 2 features"),
        ("names", {"feature_names_in_": np.array(["a", 1], object)}, "are no names"),
        ("names", {"feature_names_in_": "ab" * 1000}, "are no names of 2 features"),
        ("padder", {"n_timesteps_out_": 10**9}, "n_timesteps_out_=1000000000 follows"),
        ("longest", {"n_timesteps_out_": 10**9}, "n_timesteps_out_=1000000000 follows"),
        ("longest", {"n_timesteps_out_": None}, "=None is no number of timesteps"),
        ("longest", {"n_timesteps_out_": LOST}, "it lacks 'n_timesteps_out_'"),
        ("reshaper", {"n_timesteps_out_": 10**9}, "1000000000 timesteps of 3 features"),
        ("reshaper", {"n_features_in_": 0}, "=0 is no number of features"),
        ("padder", {"_shaped_by": {}}, r"_shaped_by={} does not hold \['n_t"),
        ("reshaper", {"_shaped_by": {}}, "_shaped_by={} does not hold"),
        (
            "frames",
            {"_shaped_by": {"frame_length": 5}},
            "frames of 5 timesteps have 10",
        ),
        ("frames", {"n_features_out_": 0}, "is no number of features"),
        ("frames", {"n_features_out_": 4}, "frames of 3 timesteps have 6"),
        (
            "differences",
            {"n_features_out_": 4},
            "order=2 with keep_values=True makes 6",
        ),
        ("static", {"is_static_": np.eye(1, 3)[0] > 0}, r"bool array .*_in_=4\)"),
        ("static", {"is_static_": np.eye(1, 4)[0]}, r"bool array .*_in_=4\)"),
        (
            "static",
            {"is_static_": np.zeros(4, dtype=bool)},
            "does not divide",
        ),
        ("imputer", {"statistics_": np.zeros(3)}, r"\(step_features=2\)"),
        ("imputer", {"statistics_": np.array([0, np.nan])}, "is no finite float64"),
        ("imputer", {"indicator_features_": np.array([0, 2])}, "are not among 2"),
        ("imputer", {"n_features_out_": 3}, "there are 2 features and 2 indicators"),
        ("windows", {"n_timesteps_out_": 10**9}, "does not go with series of at most"),
        ("windows", {"_rate": 0}, "_rate=0 is no number of rows"),
        ("windows", {"n_features_in_": 10**9}, "does not name 1000000000 columns"),
        ("windows", {"n_features_out_": 3}, "are no names of 3 features"),
        (
            "windows",
            {"feature_names_out_": lambda names: names[::-1]},
            "its columns make the features",
        ),
        ("windows", {"_columns": lambda c: {**c, "time": 9}}, "cannot tell series"),
        ("windows", {"_columns": lambda c: {**c, "group": 0}}, "cannot tell series"),
        ("windows", {"_columns": "none"}, "is incomplete: ValueError"),
        ("windows", {"_clock": None}, "is no kind of time"),
        (
            "windows",
            {
                "_last_rows": lambda rows: {
                    **rows,
                    "times": {**rows["times"], "ticks": rows["times"]["ticks"][1:]},
                }
            },
            "times of .* rows",
        ),
        ("ensemble", {"n_windows_": 0}, "is no number of windows"),
        ("ensemble", {"_y_ndim": 3}, "_y_ndim=3 is no number of axes of y"),
        ("ensemble", {"estimator_": "none"}, "does not predict"),
        ("ensemble", {"n_features_in_": 9}, "estimator_ reads 2 of 9 features per"),
    ],
)
def test_a_state_that_contradicts_itself(name, changes, why, fitted):
    """Checksums right or not: sizes, types and ranges have to agree."""
    state = resealed(fitted[name], changes)
    restored = clone(fitted[name])
    with pytest.raises(ValueError, match=why) as caught:
        restored.__setstate__(state)
    assert str(caught.value).startswith(f"The saved {type(restored).__name__} ")
    assert not any(attribute.endswith("_") for attribute in vars(restored))


@pytest.mark.parametrize("name", OURS)
def test_every_attribute_is_declared(name, fitted):
    """What is saved can be checked when it is loaded."""
    model = fitted[name]
    declared = {*model._saved, *model.get_params(deep=False), *model._not_saved()}
    assert vars(model).keys() - declared <= {"_shaped_by"}
    assert model._learnt in model._saved


def test_what_could_not_be_loaded_is_not_saved(fitted):
    """The file would be worth nothing: saving says so, while it can be mended."""
    model = copy.copy(fitted["ensemble"])
    model.n_windows_ = 0
    with pytest.raises(ValueError, match=r"fitted Win.*n_windows_=0.*call fit again"):
        pickle.dumps(model)


# -- parameters set after fit ------------------------------------------------------


TAGS = np.where(np.isnan(X[:30, :, 0]), "padding", LABELS[:30, None])
# Beside FITTED, so that every class is among them.
SET_LATER = FITTED | {
    "tags": (BiLSTMTimestepClassifier(**SHORT), X[:30], TAGS),
    "tokens": (SequenceTokenizer(), ["the old man", "the sea"], None),
}
SET_LATER.pop("pipeline")
# What scikit-learn cannot make of a constraint, or not so that it can be pickled.
VALUES = {
    "analyzer": ["char", len],
    "callbacks": [[], None],
    "categorical_features": [[0], None],
    "class_weight": ["balanced", {"a": 1, "b": 2, "c": 3}],
    "estimator": [BiLSTMRegressor(**SHORT), make_pipeline(AVERAGES, PERCEPTRON)],
    "groups": ["series", 1, len],
    "optimizer": ["sgd"],
    "random_state": [1, None],
    "scaler": [MinMaxScaler(), None],
    "static": [[0], None],
    "stop_words": ["english", ["old"]],
    "strip_accents": ["ascii", len],
    "validation_split": [KFold(2), None],
}


def values_of(model, parameter):
    """Values that the parameter may have, and one that it may not."""
    if parameter not in VALUES:
        allowed = type(model)._parameter_constraints[parameter]
        made = [generate_valid_param(make_constraint(option)) for option in allowed]
        sizes = [2, 4, 100] if any(is_count(value) for value in made) else []
        return [*made, *sizes, "no such value"]
    return [*VALUES[parameter], "no such value"]


def answers_of(model, X):
    """What every method answers, or the error that it raises."""
    methods = ("predict_quantiles", "predict_proba", "predict", "transform")
    answers = {}
    for method in methods:
        try:
            answers[method] = repr(getattr(model, method)(X).tolist())
        except Exception as error:
            answers[method] = repr(error)
    return answers


@pytest.fixture(scope="module")
def set_later(fitted):
    """Everything that can be fitted, of every class."""
    new = SET_LATER.keys() - fitted.keys()
    models = {name: clone(SET_LATER[name][0]) for name in new}
    for name, model in models.items():
        model.fit(*SET_LATER[name][1:])
    return fitted | models


def test_every_class_is_set_later():
    """No class is forgotten."""
    classes = {type(model) for model, *_ in SET_LATER.values()}
    public = (getattr(sklstm, name) for name in sklstm.__all__)
    assert classes == {c for c in public if isinstance(c, type) and "fit" in dir(c)}


@pytest.mark.parametrize("name", SET_LATER)
def test_parameters_set_after_fit(name, set_later):
    """What a user may do: whatever is set, a copy is and answers as the original."""
    dumps, loads = as_joblib(0)
    ways = cycle([copy.deepcopy, COPIES["pickle"], lambda model: loads(dumps(model))])
    given = SET_LATER[name][1]
    for parameter in set_later[name].get_params(deep=False):
        for value in values_of(set_later[name], parameter):
            model = copy.copy(set_later[name]).set_params(**{parameter: value})
            restored = next(ways)(model)
            assert repr(restored) == repr(model)
            assert answers_of(restored, given) == answers_of(model, given), parameter


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("padder", {"n_timesteps": 4}),
        ("frames", {"frame_length": 5}),
        ("differences", {"order": 1}),
        ("differences", {"keep_values": False}),
        ("reshaper", {"pad": False, "n_features": 2, "n_timesteps": 2}),
        ("static", {"static": None}),
        ("windows", {"n_timesteps": 20, "sampling_rate": 3}),
        ("imputer", {"add_indicator": False, "fill_value": 0}),
        ("scaler", {"scaler": MinMaxScaler()}),
        ("network", {"units": 7, "epochs": 3, "pooling": "mean"}),
    ],
)
def test_what_fit_has_used_up(name, settings, fitted):
    """The sizes that are fitted are for this one: new parameters for the next fit."""
    model = copy.copy(fitted[name]).set_params(**settings)
    expected = outputs_of(fitted[name], given_to(name))
    assert_array_equal(outputs_of(model, given_to(name)), expected, strict=True)
    width = getattr(model, "n_features_out_", None)
    assert width is None or expected.shape[-1] == width


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("padder", {"padding": "both"}, "'padding' parameter of SequencePadder must"),
        ("padder", {"layout": "rows"}, "'layout' parameter of SequencePadder must"),
        ("reshaper", {"layout": "both"}, "'layout' parameter of SequenceReshaper must"),
        ("reshaper", {"time": 10**5}, r"time=100000 is no feature.* number below 3"),
        ("imputer", {"strategy": "mean"}, "'strategy' parameter of SequenceImputer"),
        ("frames", {"hop_length": 0}, "'hop_length' parameter of SequenceFramer must"),
        ("frames", {"hop_length": 4}, "greater than frame_length=3.* call fit again"),
        ("groups", {"context": "fit"}, "set after fit, which has kept no rows"),
        ("ensemble", {"stride": 0}, "'stride' parameter of WindowedEnsemble must be"),
        ("ensemble", {"stride": 4}, "stride=4 is larger than n_timesteps=3"),
    ],
)
def test_what_is_used_is_checked(name, settings, message, fitted):
    """Set by a user, or in a file: who reads it says what is wrong."""
    model = copy.copy(fitted[name]).set_params(**settings)
    with pytest.raises(ValueError, match=message):
        outputs_of(model, given_to(name))
    restored = clone(fitted[name])
    restored.__setstate__(resealed(fitted[name], settings))
    with pytest.raises(ValueError, match=message):
        outputs_of(restored, given_to(name))


def test_score_goes_by_what_is_fitted(fitted):
    """And not by the estimator for the next fit."""
    model = copy.copy(fitted["ensemble"])
    expected = model.score(X[:30], LABELS[:30])
    model.set_params(estimator=BiLSTMRegressor())
    assert model.score(X[:30], LABELS[:30]) == expected


@pytest.mark.parametrize("name", OURS)
def test_copy_shares_what_is_fitted(name, fitted):
    """And looks at nothing: scikit-learn's callbacks copy in the middle of a fit."""
    model = fitted[name]
    names = model.get_params(deep=False)
    copied = copy.copy(model).set_params(**dict.fromkeys(names))
    assert all(value is None for value in copied.get_params(deep=False).values())
    for attribute in vars(model).keys() - names.keys():
        assert getattr(copied, attribute) is getattr(model, attribute)
    assert model.get_params(deep=False) == names


# -- training on -------------------------------------------------------------------


def test_a_loaded_model_draws_a_new_order(monkeypatch):
    """Every call after loading has another order of samples, a second run the same."""
    orders = []

    def spy(architecture, codes, start, *args, **settings):
        orders.append(tuple(copy.deepcopy(start.rng).permutation(30)))
        return fit_network(architecture, codes, start, *args, **settings)

    monkeypatch.setattr(scikeras_wrapper, "fit_network", spy)
    for _ in range(2):
        model = BiLSTMRegressor(2, epochs=2, random_state=0).fit(X[:30], NUMBERS[:30])
        for _ in range(3):
            model = pickle.loads(pickle.dumps(model)).set_params(warm_start=True)
            model.fit(X[:30], NUMBERS[:30])
        model.partial_fit(X[:30], NUMBERS[:30])
    assert len(set(orders)) == len(orders) / 2 == 5
    assert orders[:5] == orders[5:]
