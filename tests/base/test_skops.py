"""Files of skops, which hold no pickles: the same predictions, and nothing to fear."""

import zipfile

import numpy as np
import pytest
import skops.io
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from skops.io.exceptions import UntrustedTypesFoundException

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
    SlidingWindows,
    WindowedEnsemble,
)
from sklstm.base import persistence
from sklstm.base.persistence import TRUSTED_TYPES
from sklstm.metrics import make_pinball_scorer, make_timestep_scorer

pd = pytest.importorskip("pandas")

rng = np.random.default_rng(0)
X = rng.normal(size=(24, 6, 2))
X[::3, 4:] = np.nan
TABLE = rng.normal(size=(24, 6))
LABELS = np.array(["a", "b", "c"])[np.arange(24) % 3]
NUMBERS = rng.normal(size=24) * 50
FRAME = pd.DataFrame(
    {
        "store": ["north", "south"] * 12,
        "day": pd.date_range("2024-01-01", periods=24),
        "sold": NUMBERS,
    }
)
SMALL = {"units": 2, "epochs": 1, "random_state": 0}

# Name: the model, what it is fitted on, and its target.
MODELS = {
    "labels": (BiLSTMClassifier(**SMALL), X, LABELS),
    "codes": (
        BiLSTMClassifier(categorical_features=[0], **SMALL),
        X.round().clip(0),
        LABELS,
    ),
    "text of objects": (BiLSTMClassifier(**SMALL), X, LABELS.astype(object)),
    "text of NumPy": (
        BiLSTMClassifier(**SMALL),
        X,
        np.array(list(LABELS), dtype=object),
    ),
    "booleans": (BiLSTMClassifier(**SMALL), X, NUMBERS > 0),
    "several labels": (
        BiLSTMClassifier(**{**SMALL, "units": (2, 3)}),
        X,
        np.tri(3, 4, dtype=int)[np.arange(24) % 3],
    ),
    "numbers": (BiLSTMRegressor(merge_mode="mul", **SMALL), X, NUMBERS),
    "numbers of a frame": (
        BiLSTMRegressor(**SMALL),
        pd.DataFrame(TABLE, columns=list("abcdef")),
        NUMBERS,
    ),
    "trained on": (
        BiLSTMClassifier(keep_optimizer_state=True, warm_start=True, **SMALL),
        X,
        LABELS,
    ),
    "quantiles": (
        BiLSTMRegressor(loss="quantile", quantiles=np.array([0.2, 0.9]), **SMALL),
        X,
        NUMBERS,
    ),
    "timestep labels": (
        BiLSTMTimestepClassifier(**SMALL),
        X,
        np.where(X[:, :, 0] > 0, "up", "down"),
    ),
    "timestep numbers": (
        BiLSTMTimestepRegressor(**SMALL),
        X,
        np.nancumsum(X[:, :, 0], axis=1),
    ),
    "table": (
        make_pipeline(
            StandardScaler(),
            SequenceReshaper(n_features=2, layout="feature"),
            BiLSTMClassifier(**SMALL),
        ),
        TABLE,
        LABELS,
    ),
    "sequences": (
        make_pipeline(
            SequencePadder(5, padding="pre"),
            SequenceDifferencer(),
            SequenceFramer(2, hop_length=2),
            SequenceScaler(MinMaxScaler()),
            SequenceImputer(),
            SequenceScaler(PCA(1)),
            BiLSTMRegressor(**SMALL),
        ),
        X,
        NUMBERS,
    ),
    "windows": (
        make_pipeline(
            SlidingWindows(3, groups="store", time="day", context="fit"),
            SequenceScaler(),
            BiLSTMRegressor(**SMALL),
        ),
        FRAME,
        NUMBERS,
    ),
    "ensemble": (
        WindowedEnsemble(
            make_pipeline(SequenceScaler(), BiLSTMClassifier(**SMALL)), n_timesteps=3
        ),
        X,
        LABELS,
    ),
}


@pytest.fixture(scope="module")
def models():
    """The fitted models by name."""
    fitted = {}
    for name, (model, given, y) in MODELS.items():
        if name == "text of NumPy":  # elements that know their own type
            y = np.array([np.str_(label) for label in y], dtype=object)
        fitted[name] = clone(model).fit(given, y)
    return fitted


@pytest.mark.parametrize("name", MODELS)
def test_predicts_the_same_bits(name, models):
    """Only our public classes have to be trusted, and the whole model comes back."""
    model, given = models[name], MODELS[name][1]
    data = skops.io.dumps(model)
    assert set(skops.io.get_untrusted_types(data=data)) <= set(TRUSTED_TYPES)
    restored = skops.io.loads(data, trusted=TRUSTED_TYPES)
    if name == "windows":  # its context: what follows the rows of fit
        given = given.assign(day=given["day"] + pd.Timedelta(days=24))
    for method in ("predict_proba", "predict_quantiles", "predict"):
        if hasattr(model, method):
            outputs = getattr(restored, method)(given)
            expected = getattr(model, method)(given)
            if expected.dtype == object:  # text, and NaN at padded timesteps
                outputs, expected = repr(outputs.tolist()), repr(expected.tolist())
            assert_array_equal(outputs, expected, strict=True)


@pytest.mark.parametrize("name", MODELS)
def test_unfitted(name):
    """Parameters come back as they were."""
    model = MODELS[name][0]
    restored = skops.io.loads(skops.io.dumps(model), trusted=TRUSTED_TYPES)
    assert repr(restored) == repr(model)


def test_training_goes_on(models):
    """The optimizer's state is arrays, too."""
    data = skops.io.dumps(models["trained on"])
    restored = skops.io.loads(data, trusted=TRUSTED_TYPES)
    expected = clone(models["trained on"]).fit(X, LABELS)
    for model in (restored, expected):
        model.partial_fit(X, LABELS)
    for key, weights in expected.weights_.items():
        assert_array_equal(restored.weights_[key], weights)


def test_trusted_types_are_the_public_classes():
    """No class is forgotten; beside them there are the scorers that `metrics` makes."""
    public = [getattr(sklstm, name) for name in sklstm.__all__]
    scorers = {f"sklstm.metrics.{name}Scorer" for name in ("Pinball", "Timestep")}
    assert set(TRUSTED_TYPES) == scorers | {
        f"{item.__module__}.{item.__name__}"
        for item in public
        if isinstance(item, type)
    }


SPLITTERS = {
    f"sklearn.model_selection._split.{name}" for name in ("KFold", "StratifiedKFold")
}
OWN_SCORE = {"sklearn.metrics._scorer._PassthroughScorer"}
NAMED_SCORE = {
    "sklearn.metrics._scorer._Scorer",
    "sklearn.metrics._classification.accuracy_score",
}


@pytest.mark.parametrize(
    ("name", "scoring", "needed"),
    [
        ("labels", None, OWN_SCORE),
        ("labels", "accuracy", NAMED_SCORE),
        ("timestep labels", make_timestep_scorer("accuracy"), NAMED_SCORE),
        ("quantiles", make_pinball_scorer(), {"sklearn.model_selection._split.KFold"}),
    ],
)
def test_search(name, scoring, needed):
    """A search holds splitter and scorer too: scikit-learn's, which skops asks for."""
    model, given, y = MODELS[name]
    search = GridSearchCV(model, {"units": [1, 2]}, cv=2, scoring=scoring)
    data = skops.io.dumps(search.fit(given, y))
    untrusted = set(skops.io.get_untrusted_types(data=data))
    others = untrusted - set(TRUSTED_TYPES)
    assert needed & others
    assert others <= needed | SPLITTERS
    restored = skops.io.loads(data, trusted=untrusted)
    assert restored.best_params_ == search.best_params_
    best = skops.io.dumps(search.best_estimator_)
    assert set(skops.io.get_untrusted_types(data=best)) <= set(TRUSTED_TYPES)


@pytest.mark.parametrize(
    ("transformer", "settings"),
    [
        (SequencePadder(20), {"n_timesteps": 15}),
        (SequenceFramer(3, hop_length=2), {"frame_length": 5}),
        (SequenceDifferencer(2), {"order": 1, "keep_values": False}),
        (SequenceScaler(), {"scaler": MinMaxScaler()}),
    ],
)
def test_parameters_set_after_fit(transformer, settings):
    """They are saved beside what is fitted, and do not contradict it."""
    model = clone(transformer).fit(X).set_params(**settings)
    restored = skops.io.loads(skops.io.dumps(model), trusted=TRUSTED_TYPES)
    assert repr(restored) == repr(model)
    assert_array_equal(restored.transform(X), model.transform(X))


def test_a_state_made_on_purpose(models, monkeypatch):
    """Types all trusted and checksums right: what does not agree is refused."""
    model = clone(models["ensemble"]).fit(X, LABELS)
    network = model.estimator_[-1].network_
    network.flat = network.flat.astype(np.float64)
    with monkeypatch.context() as forger:
        forger.setattr(persistence, "_refuse_contradictions", lambda *_: None)
        data = skops.io.dumps(model)
    with pytest.raises(ValueError, match="saved BiLSTMClassifier contradicts itself"):
        skops.io.loads(data, trusted=TRUSTED_TYPES)


def test_nothing_loads_without_trust(models):
    """skops asks first, and names the class."""
    data = skops.io.dumps(models["labels"])
    with pytest.raises(UntrustedTypesFoundException, match="BiLSTMClassifier"):
        skops.io.loads(data)


def test_a_function_is_not_trusted():
    """`groups` may be a callable: that is code, and shows up by its name."""
    windows = SlidingWindows(3, groups=len)
    untrusted = skops.io.get_untrusted_types(data=skops.io.dumps(windows))
    assert set(untrusted) == {
        "builtins.len",
        "sklstm.preprocessing.sliding_windows.SlidingWindows",
    }


def test_damaged_file_is_refused(models, tmp_path):
    """A wrong bit among the parameters fails the checksum of the archive."""
    path = tmp_path / "model.skops"
    skops.io.dump(models["numbers"], path)
    content = bytearray(path.read_bytes())
    weights = models["numbers"].weights_["lstm_1/forward/kernel"].tobytes()
    content[content.index(weights) + 2] ^= 16
    path.write_bytes(content)
    with pytest.raises(zipfile.BadZipFile, match="Bad CRC-32"):
        skops.io.load(path, trusted=TRUSTED_TYPES)
