"""ONNX models in onnxruntime against the estimators they were made of."""

import copy
import functools
import subprocess
import sys
from dataclasses import replace

import numpy as np
import onnx
import onnxruntime
import pandas as pd
import pytest
import skl2onnx
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, TunedThresholdClassifierCV
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import (
    MinMaxScaler,
    OneHotEncoder,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
)

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
    to_onnx,
)
from sklstm.network import Network
from sklstm.network.architecture import MERGE_MODES, split_parameters

# One epoch of large steps, so that no parameter is left at zero.
TINY = {"epochs": 1, "learning_rate": 0.1, "random_state": 0}
N_SAMPLES, N_TIMESTEPS, N_FEATURES = 30, 6, 2

rng = np.random.default_rng(0)
X = rng.normal(size=(N_SAMPLES, N_TIMESTEPS, N_FEATURES)).astype(np.float32)
X[0, :4] = np.nan  # padding in front,
X[1, 2:] = np.nan  # behind,
X[2, 1:3] = np.nan  # in a gap,
X[3, [0, 2, 4, 5]] = np.nan  # everywhere,
X[4, 1:] = np.nan  # and but one timestep of data
FULL = X[5:]
FULL_X = np.nan_to_num(X).astype(float)
PADDED_STEPS = np.isnan(X).all(axis=2)
TABLE = rng.normal(3, 2, size=(N_SAMPLES, 12)).astype(np.float32)
NUMBERS = rng.normal(size=N_SAMPLES)
STEP_NUMBERS = rng.normal(5, 3, size=(N_SAMPLES, N_TIMESTEPS))
BINARY = rng.integers(0, 2, size=N_SAMPLES)


def run(model, X):
    """All outputs of an ONNX model."""
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    (model_input,) = session.get_inputs()
    return session.run(None, {model_input.name: X})


@functools.cache
def trained(estimator):
    y = NUMBERS if estimator is BiLSTMRegressor else STEP_NUMBERS
    return estimator(2, **TINY).fit(X, y)


def with_network(estimator, **of_architecture):
    """A fitted regressor with another network of random weights: none is traced."""
    regressor = copy.deepcopy(trained(estimator))
    architecture = replace(regressor.network_.architecture, **of_architecture)
    flat = np.random.default_rng(0).normal(0, 0.5, architecture.n_parameters)
    regressor.network_ = Network(architecture, flat.astype(np.float32))
    return regressor


@pytest.mark.parametrize("units", [(3,), (3, 2)])
@pytest.mark.parametrize(
    ("direction", "merge_mode"),
    [
        *(("bidirectional", merge_mode) for merge_mode in MERGE_MODES),
        ("forward", "concat"),
        ("backward", "concat"),
    ],
)
@pytest.mark.parametrize("estimator", [BiLSTMRegressor, BiLSTMTimestepRegressor])
def test_every_architecture(estimator, direction, merge_mode, units):
    """Padding anywhere, every direction, merge mode and stack."""
    regressor = with_network(
        estimator, direction=direction, merge_mode=merge_mode, units=units
    )
    (predicted,) = run(to_onnx(regressor), X)
    assert_allclose(predicted, regressor.predict(X), atol=5e-6)


@pytest.mark.parametrize(
    "values",
    [X[:1], X[4:5], FULL[:1], FULL[:, :1], FULL[:1, :1], np.tile(FULL, (1, 3, 1))],
    ids=["padded row", "padded to one", "row", "step", "row of a step", "longer"],
)
@pytest.mark.parametrize(
    ("estimator", "y"),
    [(BiLSTMRegressor, NUMBERS), (BiLSTMTimestepRegressor, STEP_NUMBERS)],
)
def test_any_size(estimator, y, values):
    """Neither the number of samples nor that of timesteps is fixed."""
    regressor = estimator(3, **TINY).fit(X, y)
    (predicted,) = run(to_onnx(regressor), values)
    assert_allclose(predicted, regressor.predict(values), atol=5e-6)


def test_lstm_reads_numbers():
    """No NaN is left to how a runtime treats what is behind a sequence's length."""
    model = to_onnx(BiLSTMRegressor((3, 2), **TINY).fit(X, NUMBERS))
    lstms = [node for node in model.graph.node if node.op_type == "LSTM"]
    model.graph.output.extend(onnx.ValueInfoProto(name=node.input[0]) for node in lstms)
    _, *read = run(model, X)
    assert len(read) == 2
    assert all(np.isfinite(values).all() for values in read)


LABELS = {
    "binary": BINARY,
    "negative": 2 * BINARY - 1,
    "text": np.where(BINARY, "up", "down"),
    "objects": np.where(BINARY, "été", "hiver").astype(object),
    "booleans": BINARY.astype(bool),
    "floats": BINARY + 1.0,
    "three": np.arange(N_SAMPLES) % 3 + 5,
    "three texts": np.array(["a", "bb", "c"])[np.arange(N_SAMPLES) % 3],
    "multilabel": np.stack([BINARY, 1 - BINARY, np.roll(BINARY, 1)], axis=1),
}


@pytest.mark.parametrize("name", LABELS)
def test_labels(name):
    """Text stays text, all else becomes int64; probabilities are one tensor."""
    y = LABELS[name]
    classifier = BiLSTMClassifier(3, **TINY).fit(X, y)
    label, probabilities = run(to_onnx(classifier), X)
    assert_array_equal(label, classifier.predict(X))
    assert label.dtype == (object if y.dtype.kind in "OU" else np.int64)
    assert_allclose(probabilities, classifier.predict_proba(X), atol=1e-6)


@pytest.mark.parametrize("name", ["binary", "three", "multilabel"])
def test_ties(name):
    """Even odds are no label, equal odds the first class: as in predict."""
    classifier = BiLSTMClassifier(3, **TINY).fit(X, LABELS[name])
    network = classifier.network_
    zeros = np.zeros_like(network.flat)
    classifier.network_ = Network(network.architecture, zeros)
    label, probabilities = run(to_onnx(classifier), X)
    assert_array_equal(label, classifier.predict(X))
    assert_allclose(probabilities, classifier.predict_proba(X), rtol=1e-7)


def test_small_probabilities():
    """The rarer of two classes keeps its digits in float32."""
    classifier = BiLSTMClassifier(3, **TINY).fit(X, BINARY)
    architecture, flat = (
        classifier.network_.architecture,
        classifier.network_.flat.copy(),
    )
    split_parameters(flat, architecture)["dense/bias"][:] = 15
    classifier.network_ = Network(architecture, flat)
    _, probabilities = run(to_onnx(classifier), X)
    assert (probabilities[:, 0] < 1e-5).all()
    assert_allclose(probabilities, classifier.predict_proba(X), rtol=1e-4)


STEP_LABELS = {
    name: (
        LABELS[name][:, None] if LABELS[name].ndim == 1 else LABELS[name][:, None, :]
    )
    for name in ("binary", "three texts", "multilabel")
}


@pytest.mark.parametrize(
    ("name", "at_padding"),
    [
        ("binary", np.iinfo(np.int64).min),
        ("three texts", ""),
        ("multilabel", np.iinfo(np.int64).min),
    ],
)
def test_timestep_labels(name, at_padding):
    """Labels stand at their timesteps; padded ones have NaN for probabilities."""
    y = np.repeat(STEP_LABELS[name], N_TIMESTEPS, axis=1)
    classifier = BiLSTMTimestepClassifier(3, **TINY).fit(X, y)
    label, probabilities = run(to_onnx(classifier), X)
    expected = classifier.predict(X)
    assert_array_equal(label[~PADDED_STEPS], expected[~PADDED_STEPS])
    assert (label[PADDED_STEPS] == at_padding).all()
    assert_allclose(probabilities, classifier.predict_proba(X), atol=1e-6)
    label, _ = run(to_onnx(classifier), FULL)
    assert_array_equal(label, classifier.predict(FULL))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("normalize_y", [True, False])
@pytest.mark.parametrize(
    "y", [1e5 + 1e3 * NUMBERS, np.stack([NUMBERS, 40 * NUMBERS], axis=1)]
)
def test_targets(y, normalize_y, dtype):
    """In their own units and the shape and precision asked for."""
    regressor = BiLSTMRegressor(3, normalize_y=normalize_y, **TINY).fit(X, y)
    (predicted,) = run(to_onnx(regressor, dtype=dtype), X.astype(dtype))
    assert predicted.dtype == dtype
    atol = 1e-6 * np.abs(y).max() if normalize_y else 1e-6
    assert_allclose(predicted, regressor.predict(X), atol=atol, rtol=1e-6)


def test_several_targets_at_every_timestep():
    """The axis of targets is kept, and NaN stands where there is padding."""
    y = np.stack([STEP_NUMBERS, 40 * STEP_NUMBERS], axis=2)
    regressor = BiLSTMTimestepRegressor(3, **TINY).fit(X, y)
    (predicted,) = run(to_onnx(regressor), X)
    assert_allclose(predicted, regressor.predict(X), atol=1e-4)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("layout", ["timestep", "feature"])
@pytest.mark.parametrize(
    "params",
    [
        {},
        {"n_timesteps": 1},
        {"n_timesteps": 4},
        {"n_timesteps": 5, "pad": True},
        {"n_timesteps": 7, "n_features": 5, "pad": True},
        {"n_timesteps": 4, "time": 0},
        {"n_timesteps": 5, "pad": True, "time": 2},
        {"n_timesteps": 5, "static": [0, 8]},
        {"n_timesteps": 4, "n_features": 3, "pad": True, "time": 1, "static": [11]},
    ],
    ids=str,
)
def test_reshaper(params, layout, dtype):
    """Both layouts, filled up, with times that become the time elapsed."""
    table = np.abs(TABLE).cumsum(axis=1).astype(dtype)
    table[0, :3] = table[1, 3:9] = np.nan
    reshaper = SequenceReshaper(layout=layout, **params).fit(table[2:])
    (steps,) = run(to_onnx(reshaper, dtype=dtype), table)
    assert_array_equal(steps, reshaper.transform(table), strict=True)


@pytest.mark.parametrize("truncating", ["pre", "post"])
@pytest.mark.parametrize("padding", ["pre", "post"])
@pytest.mark.parametrize("n_timesteps", [1, 3, N_TIMESTEPS, 9])
def test_padder(n_timesteps, padding, truncating):
    """Longer sequences are cut and shorter ones padded, on either side."""
    params = {"padding": padding, "truncating": truncating}
    padder = SequencePadder(n_timesteps, **params).fit(X)
    model = to_onnx(padder)
    for values in (X, FULL, X[:, :1][5:]):
        assert_array_equal(run(model, values)[0], padder.transform(values))


def test_channels_first():
    """The axes are swapped inside the graph; a table has none to swap."""
    swapped = X.swapaxes(1, 2)
    padder = SequencePadder(4, padding="pre", layout="channels_first").fit(swapped)
    model = to_onnx(padder)
    dims = model.graph.input[0].type.tensor_type.shape.dim
    assert [dim.dim_value for dim in dims] == [0, N_FEATURES, 0]
    for values in (swapped, swapped[5:, :, :1]):
        assert_array_equal(run(model, values)[0], padder.transform(values))
    types = [("X", skl2onnx.common.data_types.FloatTensorType([None, None, 2]))]
    skl2onnx.to_onnx(padder, initial_types=types)  # what is not said is right
    types = [("X", skl2onnx.common.data_types.FloatTensorType([None, 6, 2]))]
    with pytest.raises(ValueError, match=r"6 per timestep. .* shape \[None, 2, None\]"):
        skl2onnx.to_onnx(padder, initial_types=types)
    padder.fit(TABLE)
    assert_array_equal(run(to_onnx(padder), TABLE)[0], padder.transform(TABLE))
    pipeline = make_pipeline(padder, BiLSTMRegressor(3, **TINY)).fit(swapped, NUMBERS)
    (predicted,) = run(to_onnx(pipeline), swapped)
    assert_allclose(predicted, pipeline.predict(swapped), atol=5e-6)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "scaler",
    [
        None,
        MinMaxScaler(),
        RobustScaler(),
        QuantileTransformer(n_quantiles=5),
        PCA(1),
        make_pipeline(StandardScaler(), PCA(2)),
    ],
    ids=str,
)
def test_scaler(scaler, dtype):
    """Any scaler that skl2onnx knows, over the timesteps that are data."""
    sequence_scaler = SequenceScaler(scaler).fit(X)
    (scaled,) = run(to_onnx(sequence_scaler, dtype=dtype), X.astype(dtype))
    expected = sequence_scaler.transform(X.astype(dtype))
    assert scaled.dtype == dtype
    assert_allclose(scaled, expected, atol=1e-6)


GAPS = np.concatenate([X, np.abs(X[:, :, :1]).round()], axis=2)
GAPS[rng.random(GAPS.shape) < 0.2] = np.nan
GAPS[:, -1, 0] = 1
CATEGORIES = make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder())


@pytest.mark.parametrize(
    "scaler",
    [
        None,
        SimpleImputer(strategy="median"),
        make_pipeline(SimpleImputer(), PCA(2)),
        ColumnTransformer(
            [("0", SimpleImputer(), [0, 2]), ("1", StandardScaler(), [1])]
        ),
        ColumnTransformer([("0", CATEGORIES, [2]), ("1", StandardScaler(), [0, 1])]),
    ],
    ids=str,
)
def test_scaler_of_missing_values(scaler):
    """They are filled in, or stay where they are; padding is neither."""
    sequence_scaler = SequenceScaler(scaler).fit(GAPS)
    (scaled,) = run(to_onnx(sequence_scaler), GAPS)
    assert_allclose(scaled, sequence_scaler.transform(GAPS), atol=1e-5)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("add_indicator", [False, True])
@pytest.mark.parametrize("strategy", ["ffill", "bfill", "linear"])
def test_imputer(strategy, add_indicator, dtype):
    """Values from the timesteps around, and what was learnt where there are none."""
    params = {"strategy": strategy, "add_indicator": add_indicator}
    imputer = SequenceImputer(**params).fit(GAPS)
    model = to_onnx(imputer, dtype=dtype)
    for values in (GAPS.astype(dtype), GAPS[5:7, -1:].astype(dtype)):
        (filled,) = run(model, values)
        assert filled.dtype == dtype
        assert_allclose(filled, imputer.transform(values), atol=1e-6)


def test_scaler_of_a_table():
    """A table comes back as a table, its NaN where they were."""
    table = TABLE.copy()
    table[0, 4:] = np.nan
    scaler = SequenceScaler().fit(table)
    (scaled,) = run(to_onnx(scaler), table)
    assert_allclose(scaled, scaler.transform(table), atol=1e-6)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "transformer",
    [
        *(SequenceFramer(length, hop_length=2) for length in (2, 3, N_TIMESTEPS, 9)),
        SequenceFramer(1, hop_length=1),
        SequenceDifferencer(),
        SequenceDifferencer(3),
        SequenceDifferencer(2, keep_values=False),
    ],
    ids=str,
)
def test_frames_and_differences(transformer, dtype):
    """Of sequences padded anywhere, of any length, and of the columns of a table."""
    model = to_onnx(transformer.fit(X), dtype=dtype)
    for values in (X, FULL, X[:, :1][5:], X[4:5], np.tile(X, (1, 3, 1))):
        values = values.astype(dtype)
        expected = transformer.transform(values)
        assert_array_equal(run(model, values)[0], expected, strict=True)
    table = TABLE.astype(dtype)
    table[0, 4:] = table[1, :5] = np.nan
    model = to_onnx(transformer.fit(table), dtype=dtype)
    assert_array_equal(run(model, table)[0], transformer.transform(table), strict=True)


@pytest.fixture(scope="module")
def pipeline():
    """A scaler of columns, of features, a padder and a classifier of text."""
    steps = (
        StandardScaler(),
        SequenceReshaper(n_timesteps=4),
        SequenceScaler(),
        SequencePadder(6, padding="pre"),
        BiLSTMClassifier(3, **TINY),
    )
    return make_pipeline(*steps).fit(TABLE, LABELS["three texts"])


def test_pipeline_in_a_file(pipeline, tmp_path):
    """Table in, labels and probabilities out, by a runtime that has the file only."""
    table = TABLE.copy()
    table[0, 3:6] = np.nan
    onnx.save(to_onnx(pipeline, input_name="table"), tmp_path / "model.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    label, probabilities = session.run(["label", "probabilities"], {"table": table})
    assert_array_equal(label, pipeline.predict(table))
    assert_allclose(probabilities, pipeline.predict_proba(table), atol=1e-6)


def test_frames_in_a_pipeline():
    """In front of a network, which knows the shape of what it is given."""
    steps = (SequenceScaler(), SequenceDifferencer(), SequenceFramer(3, hop_length=2))
    pipeline = make_pipeline(*steps, BiLSTMRegressor(3, **TINY)).fit(X, NUMBERS)
    (predicted,) = run(to_onnx(pipeline), X)
    assert_allclose(predicted, pipeline.predict(X), atol=5e-6)


def test_search(pipeline):
    """Of a search, the best estimator is exported."""
    grid = {"bilstmclassifier__units": [2]}
    search = GridSearchCV(pipeline, grid, cv=2).fit(TABLE, BINARY)
    _, probabilities = run(to_onnx(search), TABLE)
    assert_allclose(probabilities, search.predict_proba(TABLE), atol=1e-6)


def test_frozen(pipeline):
    """What is frozen is exported as it is."""
    _, probabilities = run(to_onnx(FrozenEstimator(pipeline)), TABLE)
    assert_allclose(probabilities, pipeline.predict_proba(TABLE), atol=1e-6)


def test_steps_that_pass_through(pipeline):
    """Steps that do nothing neither hide the input's shape nor the classifier."""
    steps = ("passthrough", make_pipeline(*pipeline.named_steps.values()))
    _, probabilities = run(to_onnx(make_pipeline(*steps)), TABLE)
    assert_allclose(probabilities, pipeline.predict_proba(TABLE), atol=1e-6)


@pytest.mark.parametrize("options", [None, {"zipmap": False}])
def test_skl2onnx(pipeline, options):
    """skl2onnx' own function knows the estimators; no maps, whatever its options."""
    model = skl2onnx.to_onnx(pipeline, TABLE[:1], options=options)
    label, probabilities = run(model, TABLE)
    assert_array_equal(label, pipeline.predict(TABLE))
    assert_allclose(probabilities, pipeline.predict_proba(TABLE), atol=1e-6)


def test_columns_of_a_frame():
    """skl2onnx makes an input of every column of a data frame."""
    frame = pd.DataFrame(TABLE).add_prefix("t").assign(t3=BINARY)
    pipeline = make_pipeline(
        SequenceReshaper(n_timesteps=4), BiLSTMRegressor(3, **TINY)
    )
    pipeline.fit(frame, NUMBERS)
    model = skl2onnx.to_onnx(pipeline, frame[:1])
    session = onnxruntime.InferenceSession(model.SerializeToString())
    (predicted,) = session.run(None, {name: frame[[name]].to_numpy() for name in frame})
    assert_allclose(predicted, pipeline.predict(frame), atol=1e-6)


@pytest.mark.parametrize("target_opset", [13, 15, 18, skl2onnx.__max_supported_opset__])
def test_opsets(target_opset):
    """Standard operators of the version asked for, the LSTM among them."""
    classifier = BiLSTMTimestepClassifier((3, 2), **TINY).fit(X, STEP_NUMBERS > 5)
    model = to_onnx(classifier, target_opset=target_opset)
    (opset,) = model.opset_import
    assert (opset.domain, opset.version) == ("", target_opset)
    assert sum(node.op_type == "LSTM" for node in model.graph.node) == 2
    _, probabilities = run(model, X)
    assert_allclose(probabilities, classifier.predict_proba(X), atol=1e-6)


@pytest.mark.parametrize(
    ("transformer", "values", "shape"),
    [
        (SequenceReshaper(), TABLE, [0, 12]),
        (SequenceScaler(), TABLE, [0, 12]),
        (SequenceScaler(), X, [0, 0, 2]),
        (make_pipeline("passthrough", SequencePadder()), X, [0, 0, 2]),
    ],
)
def test_input(transformer, values, shape):
    """A table keeps its columns, sequences may have any number of timesteps."""
    model = to_onnx(transformer.fit(values))
    (value,) = model.graph.input
    assert value.name == "X"
    dims = value.type.tensor_type.shape.dim
    assert [dim.dim_value for dim in dims] == shape


REFUSED = {
    "reach": (make_pipeline(SlidingWindows(3), BiLSTMRegressor(3, **TINY)), TABLE),
    "windows of its own": (
        WindowedEnsemble(BiLSTMRegressor(3, **TINY), n_timesteps=3),
        FULL,
    ),
    "cannot refuse a longer sequence": (SequencePadder(truncating="raise"), X),
    "compare the predictions": (
        TunedThresholdClassifierCV(BiLSTMClassifier(3, **TINY), cv=2),
        TABLE,
    ),
}


@pytest.mark.parametrize("message", REFUSED)
def test_refused(message):
    """What a graph would compute differently, or not at all."""
    estimator, values = REFUSED[message]
    estimator.fit(values, BINARY[: len(values)])
    with pytest.raises(ValueError, match=message):
        to_onnx(estimator)


class WithoutColumns(TransformerMixin, BaseEstimator):
    """A transformer that forgets what it was fitted on."""

    def fit(self, X, y=None):
        self.fitted_ = True
        return self

    def transform(self, X):
        return X


def test_unknown_columns():
    """The shape of the input comes from the first step, which must know it."""
    pipeline = make_pipeline(WithoutColumns(), SequenceScaler()).fit(TABLE)
    with pytest.raises(ValueError, match="does not know how many columns"):
        to_onnx(pipeline)


def test_windows_outside():
    """As the message of SlidingWindows says: the steps behind it are exported."""
    pipeline = make_pipeline(SlidingWindows(3), BiLSTMRegressor(3, **TINY))
    pipeline.fit(TABLE, NUMBERS)
    windows = np.asarray(pipeline[:1].transform(TABLE))
    (predicted,) = run(to_onnx(pipeline[1:]), windows)
    assert_allclose(predicted, pipeline.predict(TABLE), atol=1e-5)


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ([None, None, 3], "fitted with 2 features per timestep"),
        ([None, 4], "fitted with 2 features per timestep"),
        ([None], "takes an input of 2 or 3 axes"),
    ],
)
def test_other_input(shape, message):
    """An input that predict would refuse is refused by its type."""
    regressor = BiLSTMRegressor(3, **TINY).fit(X, NUMBERS)
    types = [("X", skl2onnx.common.data_types.FloatTensorType(shape))]
    with pytest.raises(ValueError, match=message):
        skl2onnx.to_onnx(regressor, initial_types=types)


def test_reshaper_of_another_table():
    """The reshaper says how many columns it knows."""
    reshaper = SequenceReshaper(n_timesteps=4).fit(TABLE)
    with pytest.raises(ValueError, match="fitted on a table of 12 columns"):
        skl2onnx.to_onnx(reshaper, TABLE[:1, :8])


@pytest.mark.parametrize(
    "estimator",
    [BiLSTMClassifier(), make_pipeline(SequenceReshaper(), BiLSTMRegressor())],
)
def test_not_fitted(estimator):
    """Nothing to export before fit."""
    with pytest.raises(NotFittedError, match="is not fitted yet"):
        to_onnx(estimator)
    fitted_first = make_pipeline(StandardScaler().fit(TABLE), estimator)
    with pytest.raises(NotFittedError, match="is not fitted yet"):
        skl2onnx.to_onnx(fitted_first, TABLE[:1])


def test_bad_arguments():
    """The message says what is allowed."""
    scaler = SequenceScaler().fit(X)
    with pytest.raises(ValueError, match="dtype must be float32 or float64"):
        to_onnx(scaler, dtype=np.int64)
    with pytest.raises(ValueError, match="target_opset must be at least 13"):
        to_onnx(scaler, target_opset=12)
    with pytest.raises(ValueError, match="LogisticRegression cannot be exported"):
        to_onnx(LogisticRegression().fit(TABLE, BINARY))


IMPORTS = """
import sys

import sklstm
from sklstm import SequenceScaler, to_onnx

loaded = [name for name in sys.modules if name.startswith(("onnx", "skl2onnx"))]
assert not loaded, loaded
scaler = SequenceScaler().fit([[1.0, 2.0]])
sys.modules["skl2onnx"] = None
try:
    to_onnx(scaler)
except ImportError as error:
    assert "pip install 'sklstm[onnx]'" in str(error)
else:
    raise AssertionError("no error without skl2onnx")
del sys.modules["skl2onnx"]
to_onnx(scaler)
assert "tensorflow" not in sys.modules
"""


def test_imports():
    """sklstm does without onnx, export without TensorFlow; the extra is named."""
    done = subprocess.run(
        [sys.executable, "-c", IMPORTS], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("pooling", [("last",), ("max",), ("mean", "last", "max")])
@pytest.mark.parametrize("merge_mode", MERGE_MODES)
def test_pooling_and_states(merge_mode, pooling):
    """Padding anywhere; what `transform` gives is an output if asked for."""
    regressor = with_network(
        BiLSTMRegressor, units=(3, 2), merge_mode=merge_mode, pooling=pooling
    )
    predicted, states = run(to_onnx(regressor, states=True), X)
    assert_allclose(predicted, regressor.predict(X), atol=5e-6)
    assert_allclose(states, regressor.transform(X), atol=5e-6)


def test_states_of_a_pipeline():
    """Behind transformers, beside label and probabilities."""
    pipe = make_pipeline(StandardScaler(), SequenceReshaper(4), BiLSTMClassifier(3))
    pipe.set_params(**{f"bilstmclassifier__{k}": v for k, v in TINY.items()})
    label, _, states = run(to_onnx(pipe.fit(TABLE, BINARY), states=True), TABLE)
    assert_array_equal(label, pipe.predict(TABLE))
    assert_allclose(states, pipe.transform(TABLE), atol=5e-6)


def test_states_are_refused_where_they_are_not():
    """At every timestep, and for steps behind the network."""
    tagger = BiLSTMTimestepRegressor(2, **TINY).fit(X, STEP_NUMBERS)
    with pytest.raises(ValueError, match="BiLSTMTimestepRegressor has no states of"):
        to_onnx(tagger, states=True)
    pipe = make_pipeline(BiLSTMClassifier(2, **TINY), PCA(2)).fit(X, BINARY)
    with pytest.raises(ValueError, match="that transforms for the steps behind it"):
        to_onnx(pipe)


# -- labels that ONNX has not ------------------------------------------------------


def labelled(classes):
    """A classifier whose labels are others: none is trained for them."""
    classifier = copy.copy(trained_classifier())
    codec = copy.copy(classifier.codec_)
    object.__setattr__(codec, "classes", classes)
    classifier.codec_, classifier.classes_ = codec, classes
    return classifier


@functools.cache
def trained_classifier():
    return BiLSTMClassifier(3, **TINY).fit(X, BINARY)


@pytest.mark.parametrize(
    "classes",
    [
        np.array([1, 2**63 + 5], dtype=np.uint64),
        np.array(["2020-01-01", "2020-01-02"], dtype="datetime64[D]"),
        np.array([1, 2], dtype="timedelta64[s]"),
        np.array([0.5, 1.5]),
        np.array([1.0, 1e300]),
        np.array([1.0, np.inf]),
        np.array([b"a", b"b"]),
        np.array([1, "b"], dtype=object),
        np.array([1, 2**70], dtype=object),
        np.array([np.iinfo(np.int64).min, 0]),
    ],
    ids=lambda classes: str(classes.dtype),
)
def test_labels_that_onnx_has_not(classes):
    """As int64 they would be other numbers: one error, which says what to do."""
    message = r"The labels \[.*\] \(dtype .*\) cannot be exported .* y\.astype\(str\)"
    classifier = labelled(classes)
    with pytest.raises(ValueError, match=message):
        to_onnx(classifier)
    types = [("X", skl2onnx.common.data_types.FloatTensorType([None, None, 2]))]
    with pytest.raises(ValueError, match=message):
        skl2onnx.to_onnx(classifier, initial_types=types)


@pytest.mark.parametrize(
    "classes",
    [
        np.array([1, 2**63 - 1], dtype=np.uint64),
        np.array([-(2.0**60), 2.0**60 + 1024]),
        np.array([False, True]),
        np.array([-(2**62) - 1, 2**62 + 1]),
        np.array(["a", "b"], dtype=object),
        np.array(["a", "b"], dtype=np.dtypes.StringDType())
        if hasattr(np.dtypes, "StringDType")
        else np.array(["a", "b"]),
    ],
    ids=lambda classes: str(classes.dtype),
)
def test_labels_at_the_edge(classes):
    """Whatever int64 has is exactly that number, text of any type the same text."""
    classifier = labelled(classes)
    label, _ = run(to_onnx(classifier), X)
    expected = classes[trained_classifier().predict(X)]
    assert label.tolist() == expected.tolist()


# -- digits that float32 has not ---------------------------------------------------

LEVELS = 1e7 + 9.5 * rng.normal(size=(N_SAMPLES, 6))


@pytest.mark.parametrize(
    "scaler",
    [
        StandardScaler(),
        MinMaxScaler(),
        RobustScaler(),
        QuantileTransformer(n_quantiles=5),
        PCA(2),
        SequenceScaler(),
        SequenceScaler(make_pipeline(MinMaxScaler())),
        make_union(StandardScaler(), MinMaxScaler()),
        ColumnTransformer([("0", "passthrough", [1]), ("1", RobustScaler(), [0, 2])]),
    ],
    ids=str,
)
def test_levels_that_float32_cannot_tell(scaler):
    """It is said, and float64 gives what transform gives."""
    scaler.fit(LEVELS)
    message = r"numbers around 1e\+07 in steps of 1, .* spreads by .*numpy\.float64"
    with pytest.warns(UserWarning, match=message) as caught:
        to_onnx(scaler)
    assert [warning.filename for warning in caught] == [__file__]
    (scaled,) = run(to_onnx(scaler, dtype=np.float64), LEVELS)
    assert_allclose(scaled, scaler.transform(LEVELS), atol=1e-6)


def test_targets_that_float32_cannot_tell():
    """It is said; what float32 can hold is nearest to what predict gives."""
    y = 1e7 + 9.5 * NUMBERS
    regressor = BiLSTMRegressor(3, **TINY).fit(X, y)
    with pytest.warns(UserWarning, match=r"1e\+07 in steps of 1, but target 0 spreads"):
        (predicted,) = run(to_onnx(regressor), X)
    assert predicted.dtype == np.float32
    assert_allclose(predicted, regressor.predict(X), rtol=0, atol=0.501)
    (predicted,) = run(to_onnx(regressor, dtype=np.float64), X.astype(float))
    assert_allclose(predicted, regressor.predict(X), rtol=0, atol=1e-4)


def test_codes_that_float32_cannot_tell():
    """One would be looked up as its neighbour."""
    codes = np.where(BINARY, 2.0**24, 2.0**24 + 1)[:, None, None]
    values = np.concatenate([np.repeat(codes, N_TIMESTEPS, axis=1), FULL_X], axis=2)
    regressor = BiLSTMRegressor(3, categorical_features=[0], **TINY)
    regressor.fit(values, NUMBERS)
    with pytest.raises(ValueError, match=r"code 16777217 of .*dtype=numpy\.float64"):
        to_onnx(regressor)
    (predicted,) = run(to_onnx(regressor, dtype=np.float64), values)
    assert_allclose(predicted, regressor.predict(values), atol=5e-6)


# -- columns by name ---------------------------------------------------------------

FRAME = pd.DataFrame(TABLE[:, :6], columns=list("abcdef")).assign(f=BINARY * 1.0)


@pytest.mark.parametrize(
    "chosen",
    [
        ColumnTransformer(
            [("0", StandardScaler(), ["c", "a"])], remainder="passthrough"
        ),
        ColumnTransformer([("0", "drop", ["b"])], remainder=RobustScaler()),
        ColumnTransformer([("0", StandardScaler(), slice("b", "d"))]),
        ColumnTransformer([("0", StandardScaler(), slice(1, None, 2))]),
        ColumnTransformer([("0", StandardScaler(), [-1, 0])]),
        ColumnTransformer([("0", StandardScaler(), list("fedcba"))]),
        ColumnTransformer([("0", StandardScaler(), make_column_selector("[cd]"))]),
        ColumnTransformer([("0", MinMaxScaler(), FRAME.columns > "c")]),
        ColumnTransformer([("0", OneHotEncoder(sparse_output=False), ["f"])]),
        ColumnTransformer(
            [("0", StandardScaler(), ["b"]), ("1", MinMaxScaler(), ["a", "c"])],
            transformer_weights={"0": 2.0},
        ),
        ColumnTransformer([("0", StandardScaler(), []), ("1", MinMaxScaler(), ["b"])]),
        ColumnTransformer(
            [
                (
                    "0",
                    ColumnTransformer([("0", StandardScaler(), ["d"])]),
                    ["e", "d", "a"],
                )
            ]
        ),
        make_union(
            ColumnTransformer([("0", StandardScaler(), ["b"])]),
            ColumnTransformer([("0", MinMaxScaler(), ["a"])]),
        ),
    ],
)
def test_columns_by_name(chosen):
    """One input, the columns as in fit; alone, in front of a network, behind a step."""
    frame = FRAME.astype(np.float32)
    chosen.fit(frame)
    (columns,) = run(to_onnx(chosen), frame.to_numpy())
    assert_allclose(columns, chosen.transform(frame), atol=1e-6)
    imputer = SimpleImputer().set_output(transform="pandas")
    pipeline = make_pipeline(imputer, chosen, SequenceReshaper())
    (steps,) = run(to_onnx(pipeline.fit(frame)), frame.to_numpy())
    assert_allclose(steps, pipeline.transform(frame), atol=1e-6)


def test_columns_in_another_order_inside_a_scaler():
    """All of them, not in their order: as a step of its own skl2onnx leaves them."""
    swapped = ColumnTransformer([("0", StandardScaler(), [1, 0])])
    scaler = SequenceScaler(swapped).fit(FULL * [1, 9] + [0, 5])
    (scaled,) = run(to_onnx(scaler), FULL)
    assert_allclose(scaled, scaler.transform(FULL), atol=1e-6)


def test_columns_of_text():
    """They are no numbers: an input of every column is made by skl2onnx."""
    frame = FRAME.assign(name=np.where(BINARY, "x", "y"))
    encoder = OneHotEncoder(sparse_output=False)
    chosen = ColumnTransformer([("0", encoder, ["name"]), ("1", "passthrough", ["a"])])
    pipeline = make_pipeline(chosen, SequenceReshaper()).fit(frame)
    with pytest.raises(
        ValueError, match=r"fitted on text.* skl2onnx\.to_onnx\(pipeline"
    ):
        to_onnx(pipeline)


# -- names, and inputs of no rows --------------------------------------------------


@pytest.mark.parametrize("name", ["", "a/b", "a b", "a-b", "1a", "é", "X\n", None, 3])
def test_names_that_onnx_does_not_allow(name):
    """An error, and no other name without a word."""
    scaler = SequenceScaler().fit(X)
    with pytest.raises(ValueError, match=r"input_name=.* is no name that ONNX allows"):
        to_onnx(scaler, input_name=name)


@pytest.mark.parametrize("name", ["_x", "A1", "input", "steps"])
def test_names_that_are_kept(name):
    """And outputs are called as ever; none is called as the input."""
    model = to_onnx(trained(BiLSTMRegressor), input_name=name)
    assert [value.name for value in model.graph.input] == [name]
    assert [value.name for value in model.graph.output] == ["variable"]
    with pytest.raises(ValueError, match="what an output of the model is called"):
        to_onnx(trained(BiLSTMRegressor), input_name="variable")


# Where an LSTM is given no rows, onnxruntime ends the process: asked in one of its own.
EMPTY = """
import sys

import numpy as np
import onnxruntime

for path in sys.argv[1:]:
    session = onnxruntime.InferenceSession(path)
    (given,) = session.get_inputs()
    shapes = [(0, 12)] if len(given.shape) == 2 else [(0, 3, 2), (2, 0, 2), (0, 0, 2)]
    for shape in shapes:
        found = session.run(None, {given.name: np.zeros(shape, np.float32)})
        print([list(array.shape) for array in found], flush=True)
"""


def test_no_rows(tmp_path):
    """No rows and no timesteps give none, and do not end the process."""
    tagger = BiLSTMTimestepClassifier(3, **TINY).fit(X, STEP_NUMBERS > 5)
    table = make_pipeline(SequenceReshaper(6), BiLSTMRegressor(3, **TINY))
    models = {
        "numbers": trained(BiLSTMRegressor),
        "labels": trained_classifier(),
        "last": with_network(BiLSTMRegressor, units=(3, 2), pooling=("last",)),
        "tags": tagger,
        "frames": SequenceFramer(3, hop_length=2).fit(X),
        "table": table.fit(TABLE, NUMBERS),
    }
    for name, model in models.items():
        onnx.save(to_onnx(model), tmp_path / name)
    command = [sys.executable, "-c", EMPTY, *(str(tmp_path / name) for name in models)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = done.stdout.splitlines()
    expected = []
    for one in ("[[{0}]]", "[[{0}], [{0}, 2]]", "[[{0}]]"):
        expected += [one.format(n) for n in (0, 2, 0)]
    expected += [f"[[{n}, {t}], [{n}, {t}, 2]]" for n, t in ((0, 3), (2, 0), (0, 0))]
    expected += ["[[0, 1, 6]]", "[[2, 1, 6]]", "[[0, 1, 6]]", "[[0]]"]
    assert found == expected
