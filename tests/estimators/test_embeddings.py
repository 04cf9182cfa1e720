"""Features that are codes: learnt vectors in training, in prediction and elsewhere."""

import io

import joblib
import keras
import numpy as np
import onnxruntime
import pandas as pd
import pytest
import tensorflow as tf
from graphs import (
    any_size,
    inputs_of,
    keras_logits_and_gradient,
    logits_and_gradient,
    prepared,
)
from numpy.testing import assert_allclose, assert_array_equal
from reference import network_logits
from sklearn.model_selection import GridSearchCV

from sklstm import (
    BiLSTMClassifier,
    BiLSTMRegressor,
    BiLSTMTimestepClassifier,
    BiLSTMTimestepRegressor,
    SlidingWindows,
    explain_shapes,
    to_onnx,
)
from sklstm.base.schema import contradictions_of
from sklstm.network import Architecture, Embedding, Network, initial_parameters
from sklstm.network.architecture import choose_dim
from sklstm.sequences.codes import read_codes, with_places
from sklstm.sequences.reading import read_sequences
from sklstm.training.layers_network import LayersStructure
from sklstm.training.program import Rows

TINY = {"units": 3, "epochs": 2, "random_state": 0}
CODES = (np.array([0, 7, 8, 2**31]), np.array([3, 5]))
EMBEDDINGS = (Embedding(0, 4, 3), Embedding(2, 2, 2))


def problem(n_samples=24, n_timesteps=6, seed=0):
    """A code, a number and another code; padding and missing codes."""
    rng = np.random.default_rng(seed)
    shape = (n_samples, n_timesteps)
    X = np.stack(
        [
            rng.choice(CODES[0], shape),
            rng.normal(size=shape),
            rng.choice(CODES[1], shape),
        ],
        axis=2,
    )
    X[0, 3:] = X[1, :2] = X[2, 2:4] = np.nan
    X[3, 1, 0] = X[4, 0, 2] = np.nan
    return X


X = problem()
Y = np.nansum(X[:, :, 0] == 7, axis=1) - np.nansum(X[:, :, 1], axis=1)
STEPS = np.cumsum(X[:, :, 2] == 3, axis=1) + 0.0


def fitted(estimator=BiLSTMRegressor, y=Y, **params):
    params = {"categorical_features": [0, 2], **TINY, **params}
    return estimator(**params).fit(X, y)


def looked_up(sequence, regressor):
    """Numbers and vectors of one sequence, one timestep after another."""
    weights, rows = regressor.weights_, []
    for step in sequence[~np.isnan(sequence).all(axis=1)]:
        row = [step[1]]
        for k, feature in enumerate((0, 2)):
            known = regressor.network_.codes[k].tolist()
            place = 1 + known.index(step[feature]) if step[feature] in known else 0
            row += list(weights[f"embedding_{k + 1}/embeddings"][place])
        rows.append(row)
    return np.array(rows)


def without_tables(network):
    return {k: v for k, v in network.weights.items() if not k.startswith("embedding")}


# -- training ----------------------------------------------------------------------


@pytest.mark.parametrize("every_step", [False, True])
@pytest.mark.parametrize("n_numbers", [0, 2])
@pytest.mark.parametrize("on_layers", [False, True])
def test_outputs_and_gradients_equal_keras(on_layers, n_numbers, every_step):
    """keras.layers.Embedding before standard layers, one table or two, ragged."""
    rng = np.random.default_rng(0)
    embeddings = tuple(
        Embedding(n_numbers + k, n, dim) for k, (n, dim) in enumerate([(5, 3), (2, 4)])
    )
    architecture = Architecture(
        n_numbers + 2,
        (4, 3),
        "bidirectional",
        "sum",
        2,
        "linear",
        every_step,
        embeddings=embeddings,
    )
    flat = initial_parameters(architecture, rng)
    lengths = np.array([6, 1, 4, 6, 2])
    places = [rng.integers(0, e.n_codes + 1, (5, 6, 1)) for e in embeddings]
    values = np.concatenate([rng.normal(size=(5, 6, n_numbers)), *places], axis=2)
    values[np.arange(6) >= lengths[:, None]] = 0
    values = values.astype(np.float32)
    weights = np.ones((6, 5, 1), np.float32)
    weights[np.arange(6)[:, None] >= lengths] = 0
    weights = weights.reshape(-1, 1) if every_step else weights[0]

    def loss(logits):
        return tf.reduce_sum(tf.sin(logits) * weights)

    if on_layers:
        structure = LayersStructure(architecture, 0.0, "mean_squared_error")
        network = prepared(structure, architecture, flat)
    else:
        network = any_size(architecture, flat)
    logits, gradient = logits_and_gradient(network, values, lengths, loss)
    expected, expected_gradient = keras_logits_and_gradient(
        architecture, flat, values, lengths, loss
    )
    assert_allclose(logits * weights, expected * weights, atol=1e-6)
    assert_allclose(gradient[: len(flat)], expected_gradient, atol=1e-5)
    assert not gradient[len(flat) :].any()
    assert_allclose(network.parameters, flat)


def test_dropout_drops_entries_of_vectors():
    """As in Keras, where it acts on what enters the LSTM: behind the embedding."""
    architecture = Architecture(
        1, (4,), "forward", "concat", 1, "linear", embeddings=(Embedding(0, 3, 50),)
    )
    flat = initial_parameters(architecture, np.random.default_rng(0))
    network = any_size(architecture, flat, dropout=0.4)
    rates, sizes = inputs_of(network)
    rows = Rows(np.zeros((30, 2, 1), np.float32), *[None] * 5)
    mask = network.dropout_masks(rows, rates, sizes, (1, 2))
    assert mask.shape == (30, 50)
    assert abs(np.mean(mask.numpy() == 0) - 0.4) < 0.1


def test_sizes_of_tables_are_inputs():
    """Vocabularies and dimensions need no new trace, only how many features do."""
    rng = np.random.default_rng(2)
    large, small = (
        Architecture(
            3, (units,), "bidirectional", "concat", 1, "sigmoid", embeddings=tables
        )
        for units, tables in [
            (9, (Embedding(0, 30, 6), Embedding(2, 40, 5))),
            (3, (Embedding(1, 4, 3), Embedding(2, 2, 7))),
        ]
    )
    network = any_size(large, initial_parameters(large, rng))
    flat = initial_parameters(small, rng)
    network.assign(flat, small, rng)
    values = np.concatenate(
        [rng.normal(size=(8, 4, 1)), rng.integers(0, 3, (8, 4, 2))], axis=2
    ).astype(np.float32)
    lengths = rng.integers(1, 5, 8)
    logits, _ = logits_and_gradient(network, values, lengths, tf.reduce_sum)
    alone = any_size(small, flat)
    expected, _ = logits_and_gradient(alone, values, lengths, tf.reduce_sum)
    assert_allclose(logits, expected, atol=1e-7)
    assert_allclose(network.parameters, flat)


def test_initial_vectors():
    """Small and uniform, and zero for what is missing or unknown."""
    architecture = Architecture(
        1, (2,), "forward", "concat", 1, "linear", embeddings=(Embedding(0, 999, 8),)
    )
    flat = initial_parameters(architecture, np.random.default_rng(0))
    table = Network(architecture, flat).weights["embedding_1/embeddings"]
    assert table.shape == (1000, 8)
    assert not table[0].any()
    assert abs(np.abs(table).max() - 0.05) < 1e-4
    assert abs(table.mean()) < 1e-3


@pytest.mark.parametrize(
    ("n_codes", "dim"), [(0, 1), (2, 2), (30, 11), (1000, 64), (20_000, 64)]
)
def test_automatic_dimensions(n_codes, dim):
    """fastai's rule of thumb, at most 64."""
    assert choose_dim(n_codes) == dim


def test_missing_codes_are_learnt():
    """They train the row of zeros; without any it stays zero."""
    assert fitted().weights_["embedding_1/embeddings"][0].any()
    complete = np.where(np.isnan(X).all(axis=2, keepdims=True), X, np.nan_to_num(X))
    regressor = BiLSTMRegressor(categorical_features=[0, 2], **TINY).fit(complete, Y)
    assert not regressor.weights_["embedding_1/embeddings"][0].any()


def test_learns_what_a_number_cannot_say():
    """Labels that alternate with the code: too rough for a number, easy for a table."""
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 40, size=(300, 5, 1))
    y = (codes[:, :, 0] % 2).sum(axis=1) > 2
    params = {"units": 8, "epochs": 25, "random_state": 0, "learning_rate": 0.02}
    embedding = BiLSTMClassifier(categorical_features=[0], **params)
    assert embedding.fit(codes[:200], y[:200]).score(codes[200:], y[200:]) > 0.9


# -- what is predicted -------------------------------------------------------------


@pytest.mark.parametrize(
    ("estimator", "y"), [(BiLSTMRegressor, Y), (BiLSTMTimestepRegressor, STEPS)]
)
def test_forward_pass_is_that_of_vectors(estimator, y):
    """Looked up one by one, in plain loops, padding and missing codes included."""
    regressor = fitted(estimator, y, units=(3, 2), normalize_y=False)
    network = regressor.network_
    inner = Architecture(
        6,
        (3, 2),
        "bidirectional",
        "concat",
        1,
        "linear",
        network.architecture.every_step,
        network.architecture.pooling,
    )
    for k in range(6):
        expected = network_logits(
            looked_up(X[k], regressor), without_tables(network), inner
        )
        predicted = regressor.predict(X[k : k + 1]).ravel()
        assert_allclose(predicted[~np.isnan(predicted)], expected.ravel(), atol=1e-5)


def test_lists_arrays_and_windows_agree(tmp_path):
    """However X is held: ragged, a memory map, integers, views of windows."""
    regressor = fitted()
    expected = regressor.predict(X)
    lists = [row[~np.isnan(row).all(axis=1)] for row in X]
    assert_allclose(regressor.predict(lists), expected, atol=1e-6)
    again = BiLSTMRegressor(categorical_features=[0, 2], **TINY).fit(lists, Y)
    assert_allclose(again.network_.flat, regressor.network_.flat, atol=1e-6)
    np.save(tmp_path / "X.npy", X)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    assert_array_equal(regressor.predict(mapped), expected)
    again = BiLSTMRegressor(categorical_features=[0, 2], **TINY).fit(mapped, Y)
    assert_array_equal(again.network_.flat, regressor.network_.flat)
    whole = np.nan_to_num(X[5:]).astype(np.int64)
    assert_array_equal(
        regressor.predict(whole), regressor.predict(whole.astype(np.float64))
    )


def test_windows_of_codes():
    """Codes are looked up in the table under the windows, once for each row."""
    table = X[5:].reshape(-1, 3)[:35].copy()
    table[7, 0] = np.nan
    y = np.arange(len(table), dtype=float)
    series = np.repeat([0, 1], [20, len(table) - 20])
    for windows, given in [
        (SlidingWindows(4), table),
        (SlidingWindows(4, groups=3), np.column_stack([table, series])),
    ]:
        views = windows.fit_transform(given)
        regressor = BiLSTMRegressor(categorical_features=[0, 2], **TINY).fit(views, y)
        copied = np.array(views)
        again = BiLSTMRegressor(categorical_features=[0, 2], **TINY).fit(copied, y)
        assert_array_equal(again.network_.flat, regressor.network_.flat)
        assert_allclose(regressor.predict(views), regressor.predict(copied), atol=1e-6)


def test_unknown_codes_are_as_missing_ones():
    """Never seen, negative or NaN beside numbers: one and the same, and no error."""
    regressor = fitted()
    outputs = []
    for value in (1.0, 6.0, 2.0**52, -1.0, -7.0, np.nan):
        changed = X[5:].copy()
        changed[:, 2, 0] = value
        outputs.append(regressor.predict(changed))
    for output in outputs:
        assert_array_equal(output, outputs[0])
    assert not np.allclose(outputs[0], regressor.predict(X[5:]))


def test_codes_are_told_apart_beyond_float32():
    """Neighbours above 2**24, which float32 does not hold, stay two codes."""
    codes = 2.0**24 + np.arange(4).repeat(6).reshape(-1, 2, 1) % 4
    regressor = BiLSTMRegressor(categorical_features=[0], **TINY)
    regressor.fit(codes, codes[:, 0, 0] % 4)
    assert regressor.network_.codes[0].tolist() == [2**24 + k for k in range(4)]
    assert len(np.unique(regressor.predict(codes))) == 4


def test_a_table_of_codes():
    """Its columns are timesteps of one feature, NaN is padding."""
    table = X[5:, :, 0].copy()
    table[0, 4:] = np.nan
    by_table = BiLSTMRegressor(categorical_features=[0], **TINY).fit(table, Y[5:])
    by_steps = BiLSTMRegressor(categorical_features=[True], **TINY)
    by_steps.fit(table[:, :, None], Y[5:])
    assert_array_equal(by_table.network_.flat, by_steps.network_.flat)


def test_names_of_a_frame_of_sequences():
    """They stand for numbers of features."""
    frame = pd.DataFrame(
        [[row[:, k] for k in range(3)] for row in X[5:]], columns=["a", "b", "c"]
    )
    named = BiLSTMRegressor(categorical_features=["a", "c"], **TINY)
    numbered = BiLSTMRegressor(categorical_features=[2, 0], **TINY)
    masked = BiLSTMRegressor(categorical_features=np.array([True, False, True]), **TINY)
    expected = named.fit(frame, Y[5:]).network_.flat
    assert_array_equal(numbered.fit(X[5:], Y[5:]).network_.flat, expected)
    assert_array_equal(masked.fit(X[5:], Y[5:]).network_.flat, expected)
    assert named.is_categorical_.tolist() == [True, False, True]


@pytest.mark.filterwarnings("ignore:X is not scaled")
@pytest.mark.parametrize("none", [None, [], [False, False, False]])
def test_without_categories(none):
    """Nothing is embedded, and nothing else changes."""
    values = np.nan_to_num(X)
    regressor = BiLSTMRegressor(categorical_features=none, **TINY).fit(values, Y)
    assert regressor.is_categorical_ is None
    expected = BiLSTMRegressor(**TINY).fit(values, Y)
    assert_array_equal(regressor.network_.flat, expected.network_.flat)


def test_samples_of_weight_zero_teach_no_code():
    """They are left out, as if they were not there."""
    weights = (X[:, :, 0] != 8).all(axis=1).astype(float)
    regressor = BiLSTMRegressor(categorical_features=[0, 2], **TINY)
    regressor.fit(X, Y, sample_weight=weights)
    assert 8 not in regressor.network_.codes[0]
    without = BiLSTMRegressor(categorical_features=[0, 2], **TINY)
    without.fit(X[weights > 0], Y[weights > 0])
    assert_array_equal(without.network_.flat, regressor.network_.flat)


# -- going on, saving, taking elsewhere --------------------------------------------


def test_training_goes_on_with_the_codes_it_began_with():
    """A code that comes later is unknown: it trains the row of missing codes."""
    regressor = BiLSTMRegressor(categorical_features=[0, 2], **TINY)
    regressor.partial_fit(X, Y)
    before = regressor.weights_["embedding_1/embeddings"].copy()
    later = np.where(X == 7, 9, X)
    regressor.partial_fit(later, Y)
    after = regressor.weights_["embedding_1/embeddings"]
    assert regressor.network_.codes[0].tolist() == CODES[0].tolist()
    assert (after[0] != before[0]).all()


def test_other_categories_need_a_new_start():
    """Training cannot go on with other features embedded."""
    regressor = fitted(warm_start=True).set_params(categorical_features=[0])
    with pytest.raises(ValueError, match=r"is features \[0\], but training began with"):
        regressor.fit(np.nan_to_num(X), Y)
    regressor = fitted(warm_start=True).set_params(embedding_dim=5)
    with pytest.raises(ValueError, match="another architecture"):
        regressor.fit(X, Y)


@pytest.mark.parametrize(
    ("estimator", "y"),
    [(BiLSTMClassifier, Y > 0), (BiLSTMTimestepClassifier, STEPS > 2)],
)
def test_saved_and_loaded(estimator, y):
    """Plain arrays; the same predictions."""
    classifier = fitted(estimator, y)
    file = io.BytesIO()
    joblib.dump(classifier, file)
    file.seek(0)
    loaded = joblib.load(file)
    assert_array_equal(loaded.predict_proba(X), classifier.predict_proba(X))
    assert [known.tolist() for known in loaded.network_.codes] == [
        known.tolist() for known in CODES
    ]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"codes": CODES[:1]}, "codes of 1 features, and embeds 2"),
        ({"codes": (CODES[0][::-1].copy(), CODES[1])}, "in rising order"),
        ({"codes": (CODES[0].astype(float), CODES[1])}, "in rising order"),
        ({"codes": (CODES[0][1:], CODES[1])}, "not 4 integers"),
        ({"categorical": np.array([True, True, False])}, "is_categorical_ is of"),
        ({"categorical": None}, "is_categorical_ is of"),
    ],
)
def test_contradictions(change, words):
    """What does not go together is not saved."""
    regressor = fitted()
    if "codes" in change:
        network = regressor.network_
        regressor.network_ = Network(
            network.architecture, network.flat, change["codes"]
        )
    else:
        regressor.is_categorical_ = change["categorical"]
    with pytest.raises(ValueError, match=words):
        joblib.dump(regressor, io.BytesIO())


@pytest.mark.parametrize(
    "embeddings",
    [
        (Embedding(0, 2, 2), Embedding(0, 2, 2)),
        (Embedding(3, 2, 2),),
        (Embedding(0, -1, 2),),
        (Embedding(0, 2, 0),),
    ],
)
def test_no_such_embedding(embeddings):
    """A file with such an architecture is refused."""
    architecture = Architecture(
        3, (2,), "forward", "concat", 1, "linear", embeddings=embeddings
    )
    assert list(contradictions_of(architecture))


@pytest.mark.parametrize(
    ("estimator", "y"),
    [(BiLSTMClassifier, Y > 0), (BiLSTMTimestepClassifier, STEPS > 2)],
)
def test_to_keras(estimator, y):
    """Standard layers that take X itself: lookups, embeddings, LSTMs."""
    classifier = fitted(estimator, y)
    layers = classifier.to_keras(mask=True)
    kinds = [type(layer) for layer in layers.layers]
    assert kinds.count(keras.layers.Embedding) == 2
    valid = ~np.isnan(X[3:]).all(axis=2)
    filled = np.where(np.isnan(X[3:]), -1, X[3:])
    outputs = layers([filled.astype(np.float32), valid]).numpy()[..., 0]
    expected = classifier.predict_proba(X[3:])[..., 1]
    assert_allclose(outputs, expected, atol=1e-6)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("only_codes", [False, True])
def test_onnx(only_codes, dtype):
    """Unknown and missing codes, padding anywhere, a vocabulary of one, of none."""
    values = X[:, :, [0, 2]] if only_codes else X
    columns = [0, 1] if only_codes else [0, 2]
    for estimator, y in ((BiLSTMRegressor, Y), (BiLSTMTimestepRegressor, STEPS)):
        regressor = estimator(categorical_features=columns, **TINY).fit(values, y)
        model = to_onnx(regressor, dtype=dtype)
        session = onnxruntime.InferenceSession(model.SerializeToString())
        changed = values.copy()
        changed[8, 1, 0], changed[9, 2, 0], changed[10, 0, 0] = -1, 5, 2**40
        (predicted,) = session.run(None, {"X": changed.astype(dtype)})
        assert_allclose(predicted, regressor.predict(changed), atol=1e-5)


@pytest.mark.parametrize("codes", [[4], []])
def test_hardly_any_codes(codes):
    """A vocabulary of one code, and of none: all missing."""
    values = X[5:].copy()
    values[:, :, 0] = codes[0] if codes else np.nan
    regressor = BiLSTMRegressor(categorical_features=[0], **TINY).fit(values, Y[5:])
    assert regressor.network_.codes[0].tolist() == codes
    session = onnxruntime.InferenceSession(to_onnx(regressor).SerializeToString())
    values[0, :, 0] = 3
    (predicted,) = session.run(None, {"X": values.astype(np.float32)})
    assert_allclose(predicted, regressor.predict(values), atol=1e-5)
    filled = np.nan_to_num(values, nan=-1).astype(np.float32)
    predicted = regressor.to_keras()(filled).numpy()[:, 0]
    assert_allclose(predicted, regressor.predict(values), atol=1e-5)


def test_search_over_dimensions():
    """`embedding_dim` is searched like any parameter."""
    regressor = BiLSTMRegressor(categorical_features=[0, 2], **TINY)
    search = GridSearchCV(regressor, {"embedding_dim": ["auto", 1, 4]}, cv=2)
    search.fit(X, Y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_explain_shapes_takes_missing_codes():
    """NaN beside numbers is no fault of X where the feature is a code."""
    report = explain_shapes(BiLSTMRegressor(categorical_features=[0, 2]), X, Y)
    assert report.failed is None
    assert explain_shapes(BiLSTMRegressor(categorical_features=[0]), X).failed


# -- what is refused ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "where", "shown"),
    [(0.5, (5, 1, 0), "0.5"), (np.inf, (7, 0, 2), "inf"), (1e17, (9, 5, 2), "1e[+]17")],
)
def test_what_is_no_code(value, where, shown):
    """Fractions and infinity, named with their place; in windows, too."""
    changed = X.copy()
    changed[where] = value
    words = (
        rf"Feature {where[2]} .* holds {shown} \(sample {where[0]}, timestep {where[1]}"
    )
    for X_wrong in (changed, list(changed[5:])):
        with pytest.raises(
            ValueError, match=words if X_wrong is changed else "Feature"
        ):
            BiLSTMRegressor(categorical_features=[0, 2], **TINY).fit(
                X_wrong, Y[-len(X_wrong) :]
            )
    with pytest.raises(ValueError, match=words):
        fitted().predict(changed)
    table = X[5:, 0].copy()
    table[6, 0] = 0.5
    windows = SlidingWindows(3).fit_transform(table)
    with pytest.raises(ValueError, match=r"0\.5 \(sample 6, timestep 2\)"):
        fitted().predict(windows)


FRAME = pd.DataFrame(X[5:, :, 0])


@pytest.mark.parametrize(
    ("given", "values", "words"),
    [
        ([3], X, r"has 3, but X has 3 features per timestep: .* from 0 to 2"),
        ([-1], X, "has -1, but X has 3"),
        ([1], X[:, :, 0], "columns of a table are timesteps of one feature"),
        ([True, False], X, "mask of 2 features, but X has 3"),
        (["a"], X, "X has no feature names"),
        (["0"], FRAME.rename(columns=str), "is a table, whose columns are timesteps"),
        ([0.5], X, "must be a list of feature numbers"),
        ([[0]], X, "must be a list of feature numbers"),
        (["a", 0], X, "must be a list of feature numbers|has no feature names"),
    ],
)
def test_what_names_no_features(given, values, words):
    """Numbers out of range, masks of another length, names without names."""
    regressor = BiLSTMRegressor(categorical_features=given, **TINY)
    with pytest.raises(ValueError, match=words):
        regressor.fit(values, Y[-len(values) :])


def test_unknown_name():
    """The names that there are are listed."""
    frame = pd.DataFrame(
        [[row[:, k] for k in range(2)] for row in X[5:]], columns=["a", "b"]
    )
    with pytest.raises(ValueError, match="has 'z', but the features of X are 'a', 'b'"):
        BiLSTMRegressor(categorical_features=["z"], **TINY).fit(frame, Y[5:])


def test_numbers_beside_codes_may_not_be_missing():
    """NaN in a feature that is no code is refused as ever."""
    changed = X.copy()
    changed[6, 1, 1] = np.nan
    with pytest.raises(ValueError, match=r"sample 6, timestep 1, feature 1"):
        fitted().predict(changed)


def test_places_are_read_lazily_and_stay_padding():
    """Values in a batch: numbers, then places, NaN where there is padding."""
    values = read_codes(X, np.array([0, 2]))
    batch = with_places(read_sequences(values), np.array([0, 2]), CODES)
    taken = np.asarray(batch.values)
    padding = np.isnan(X).all(axis=2)
    assert np.isnan(taken[padding]).all()
    assert_allclose(taken[~padding][:, 0], X[~padding][:, 1], rtol=1e-6)
    for k, feature in enumerate((0, 2)):
        known = CODES[k].tolist()
        expected = [
            known.index(code) + 1 if code in known else 0
            for code in X[~padding][:, feature]
        ]
        assert taken[~padding][:, 1 + k].tolist() == expected
