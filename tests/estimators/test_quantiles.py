"""Quantiles: what is learnt, what is predicted, and where they are refused."""

import pickle

import keras
import numpy as np
import onnxruntime
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.metrics import mean_pinball_loss, r2_score

from sklstm import BiLSTMRegressor, BiLSTMTimestepRegressor, to_onnx
from sklstm.base.schema import Part, contradictions_of
from sklstm.network import Architecture
from sklstm.targets import CODECS, Numbers, Quantiles
from sklstm.training import scikeras_wrapper
from sklstm.training.losses import loss_per_row

rng = np.random.default_rng(0)
X = rng.normal(size=(40, 5, 2)).astype(np.float32)
LENGTHS = np.resize([5, 3, 4, 1], 40)
VALID = np.arange(5) < LENGTHS[:, None]
PADDED = np.where(VALID[:, :, None], X, np.nan)
LIST = [sequence[:n] for sequence, n in zip(X, LENGTHS, strict=True)]
# The spread depends on the sequence, so that quantiles are not parallel.
NUMBERS = X[:, :, 0].sum(axis=1) + rng.normal(size=40) * np.exp(X[:, 0, 1])
SEVERAL = np.stack([NUMBERS, 50 - 20 * NUMBERS], axis=1)
STEPS = X[:, :, 0].cumsum(axis=1) + rng.normal(size=(40, 5))
STEPS_SEVERAL = np.stack([STEPS, -3 * STEPS], axis=2)
LEVELS = (0.05, 0.3, 0.5, 0.9)
SMALL = {"units": 3, "loss": "quantile", "epochs": 2, "random_state": 0}


def regressor(**params):
    return BiLSTMRegressor(**{**SMALL, **params})


def timestep_regressor(**params):
    return BiLSTMTimestepRegressor(**{**SMALL, **params})


# -- the loss and the codec ------------------------------------------------------------


def test_loss_is_that_of_scikit_learn():
    """Per row, averaged over outputs, each of which has a level of its own."""
    true, predicted = rng.normal(size=(2, 6, 3)).astype(np.float32)
    levels = np.array([0.1, 0.5, 0.95], np.float32)
    targets = np.hstack([true, np.tile(levels, (6, 1))])
    expected = [
        np.mean(
            [
                mean_pinball_loss([t], [p], alpha=level)
                for t, p, level in zip(*row, levels, strict=True)
            ]
        )
        for row in zip(true, predicted, strict=True)
    ]
    assert_allclose(loss_per_row("quantile", targets, predicted), expected, rtol=1e-5)


@st.composite
def codecs(draw):
    """Any number of targets and levels."""
    n_targets = draw(st.integers(1, 3))
    n_axes = draw(st.sampled_from([1, 2])) if n_targets == 1 else 2
    seed = draw(st.integers(0, 2**32 - 1))
    generator = np.random.default_rng(seed)
    levels = np.sort(generator.uniform(0.001, 0.999, draw(st.integers(1, 5))))
    mean, scale = generator.normal(size=n_targets), generator.uniform(1, 9, n_targets)
    return Quantiles(Numbers(mean, scale, n_axes), levels), generator


@given(codecs())
def test_codec_against_loops(drawn):
    """Every target by itself: sorted, in its units, its median between neighbours."""
    codec, generator = drawn
    numbers, levels = codec.numbers, codec.levels
    outputs = generator.normal(size=(7, codec.n_outputs))
    quantiles = np.empty((7, codec.n_targets, len(levels)))
    medians = np.empty((7, codec.n_targets))
    for row in range(7):
        for k in range(codec.n_targets):
            of_target = outputs[row, k * len(levels) : (k + 1) * len(levels)]
            quantiles[row, k] = sorted(of_target * numbers.scale[k] + numbers.mean[k])
            medians[row, k] = np.interp(0.5, levels, quantiles[row, k])
    if numbers.n_axes == 1:
        quantiles, medians = quantiles[:, 0], medians[:, 0]
    assert_allclose(codec.quantiles(outputs), quantiles)
    assert_allclose(codec.decode(outputs), medians)
    restored = Part(*CODECS).unpack(Part(*CODECS).pack(codec))
    assert_array_equal(restored.quantiles(outputs), codec.quantiles(outputs))


@given(codecs())
def test_targets_stand_before_their_levels(drawn):
    """Output k of a target that was met exactly decodes to that target."""
    codec, generator = drawn
    y = generator.normal(size=(7, codec.n_targets))
    target = codec.encode(y[:, 0] if codec.numbers.n_axes == 1 else y, None, "It")
    true, levels = np.split(target.values, 2, axis=1)
    assert target.values.dtype == np.float32
    by_target = levels.reshape(7, codec.n_targets, -1)
    assert_allclose(by_target, np.broadcast_to(codec.levels, by_target.shape))
    assert_allclose(codec.decode(true).reshape(y.shape), y, atol=1e-5)


# -- training --------------------------------------------------------------------------


def pinball(true, predicted, levels):
    """As in textbooks; `levels` belong to the last axis."""
    error = true[..., None] - predicted
    return tf.where(error >= 0, levels * error, (levels - 1) * error)


def keras_epoch(network, y, weights, levels):
    """Plain gradient descent in batches of 8 on a network of standard layers."""
    filled = np.where(VALID[:, :, None], X, 0)
    for start in range(0, len(y), 8):
        rows = slice(start, start + 8)
        with tf.GradientTape() as tape:
            outputs = network([filled[rows], VALID[rows]])
            by_target = tf.reshape(outputs, [-1, *y.shape[1:], len(levels)])
            losses = pinball(y[rows].astype(np.float32), by_target, levels)
            of_row = tf.range(weights.ndim, tf.rank(losses))
            w = weights[rows]
            loss = tf.reduce_sum(tf.reduce_mean(losses, of_row) * w) / w.sum()
        gradients = tape.gradient(loss, network.trainable_variables)
        network.optimizer.apply(gradients, network.trainable_variables)


@pytest.mark.parametrize(
    ("make", "y"),
    [
        (regressor, NUMBERS),
        (regressor, SEVERAL),
        (timestep_regressor, STEPS),
        (timestep_regressor, STEPS_SEVERAL),
    ],
    ids=["one", "several", "timesteps", "several at timesteps"],
)
def test_an_epoch_equals_keras(make, y):
    """Weighted, of unequal lengths, from the same parameters on."""
    at_timesteps = make is timestep_regressor
    weights = rng.uniform(0.5, 2, VALID.shape if at_timesteps else 40)
    model = make(
        quantiles=LEVELS,
        optimizer="sgd",
        learning_rate=0.1,
        shuffle=False,
        batch_size=8,
        normalize_y=False,
    )
    network = model.partial_fit(PADDED, y, sample_weight=weights).to_keras(mask=True)
    network.compile(keras.optimizers.SGD(0.1))
    counted = weights * VALID if at_timesteps else weights
    keras_epoch(network, y, counted.astype(np.float32), np.float32(LEVELS))
    model.partial_fit(PADDED, y, sample_weight=weights)
    expected = np.concatenate([part.ravel() for part in network.get_weights()])
    assert_allclose(model.network_.flat, expected, atol=2e-5)


def test_layers_of_keras_learn_the_same(monkeypatch):
    """Which train where there is a GPU."""
    params = {"direction": "forward", "pooling": "last", "shuffle": False}
    fused = regressor(quantiles=LEVELS, **params).fit(PADDED, SEVERAL)
    monkeypatch.setattr(scikeras_wrapper, "trains_on_layers", lambda _: True)
    on_layers = regressor(quantiles=LEVELS, **params).fit(PADDED, SEVERAL)
    assert_allclose(on_layers.network_.flat, fused.network_.flat, atol=1e-5)


def test_learns_what_is_known():
    """Quantiles of noise whose spread depends on the sequence."""
    generator = np.random.default_rng(1)
    X = generator.uniform(-1, 1, size=(800, 4, 1))
    noise = generator.uniform(size=800)
    y = X[:, 0, 0] + noise * (1.2 + X[:, -1, 0])
    model = regressor(units=8, epochs=40, quantiles=(0.1, 0.5, 0.9)).fit(X, y)
    assert model.history_["loss"][-1] < 0.5 * model.history_["loss"][0]
    true = X[:, 0] + np.array([0.1, 0.5, 0.9]) * (1.2 + X[:, -1])
    assert np.abs(model.predict_quantiles(X) - true).mean() < 0.1


def test_units_do_not_matter():
    """With `normalize_y` quantiles of scaled targets are scaled quantiles."""
    quantiles = regressor().fit(X, NUMBERS).predict_quantiles(X)
    scaled = regressor().fit(X, 1000 * NUMBERS + 50).predict_quantiles(X)
    assert_allclose(scaled, 1000 * quantiles + 50, rtol=1e-3, atol=0.1)


def test_early_stopping_looks_at_the_same_loss():
    """The best parameters by the pinball loss of what was set aside."""
    params = {"early_stopping": True, "patience": 2, "epochs": 60, "units": 8}
    model = regressor(learning_rate=0.05, **params).fit(X, NUMBERS)
    val_loss = model.history_["val_loss"]
    assert len(val_loss) < 60
    assert np.argmin(val_loss) == len(val_loss) - 3


# -- predictions -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "given", "y", "shape"),
    [
        (regressor, X, NUMBERS, (40, 4)),
        (regressor, LIST, SEVERAL, (40, 2, 4)),
        (timestep_regressor, PADDED, STEPS, (40, 5, 4)),
        (timestep_regressor, PADDED, STEPS_SEVERAL, (40, 5, 2, 4)),
    ],
)
def test_shapes_and_order(make, given, y, shape):
    """They do not cross, and `predict` is the median."""
    model = make(quantiles=LEVELS, epochs=1).fit(given, y)
    quantiles = model.predict_quantiles(given)
    assert quantiles.shape == shape
    assert_array_equal(model.quantiles_, LEVELS)
    assert model.n_outputs_ == (2 if 2 in shape else 1)
    valid = np.isfinite(quantiles)
    if make is timestep_regressor:
        assert_array_equal(valid.all(axis=tuple(range(2, valid.ndim))), VALID)
    else:
        assert valid.all()
    steps = np.diff(quantiles, axis=-1)
    assert (steps[np.isfinite(steps)] >= 0).all()
    assert_array_equal(model.predict(given), quantiles[..., 2])


def test_lists_at_timesteps():
    """An array for every sequence, as `predict` gives."""
    model = timestep_regressor().fit(PADDED, STEPS_SEVERAL)
    quantiles = model.predict_quantiles(LIST)
    assert quantiles.dtype == object
    assert [len(of_one) for of_one in quantiles] == list(LENGTHS)
    expected = model.predict_quantiles(PADDED)[VALID]
    assert_allclose(np.concatenate(list(quantiles)), expected, atol=1e-5)


@pytest.mark.parametrize(
    ("quantiles", "of_median"),
    [
        ((0.1, 0.9), [0.5, 0.5]),
        ((0.1, 0.4, 0.8), [0, 0.75, 0.25]),
        ((0.6, 0.9), [1, 0]),
        ((0.9,), [1]),
    ],
)
def test_median_that_was_not_asked_for(quantiles, of_median):
    """Between its neighbours, or the nearest one; a single quantile is itself."""
    model = regressor(quantiles=quantiles).fit(X, NUMBERS)
    expected = model.predict_quantiles(X) @ of_median
    assert_allclose(model.predict(X), expected)


@pytest.mark.parametrize(
    ("make", "y"), [(regressor, SEVERAL), (timestep_regressor, STEPS_SEVERAL)]
)
def test_score_is_of_the_median(make, y):
    """R2, as with any other loss."""
    model = make(quantiles=LEVELS).fit(X, y)
    flat = (-1, 2)
    expected = r2_score(y.reshape(flat), model.predict(X).reshape(flat))
    assert model.score(X, y) == pytest.approx(expected)


def test_keras_layers_have_every_quantile():
    """Of target 0, then of target 1, in the units of y."""
    model = regressor(quantiles=LEVELS).fit(X, SEVERAL)
    outputs = np.array(model.to_keras()(X)).reshape(40, 2, 4)
    assert_allclose(
        np.sort(outputs, axis=2), model.predict_quantiles(X), rtol=1e-4, atol=1e-4
    )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("make", "y"),
    [
        (regressor, NUMBERS),
        (regressor, SEVERAL),
        (timestep_regressor, STEPS),
        (timestep_regressor, STEPS_SEVERAL),
    ],
)
def test_onnx(make, y, dtype):
    """Targets as `predict` gives them, then their quantiles, sorted, NaN at padding."""
    model = make(quantiles=(0.1, 0.3, 0.8), epochs=1).fit(X, y)
    exported = to_onnx(model, dtype=dtype)
    names = [output.name for output in exported.graph.output]
    assert names == ["variable", "quantiles"]
    session = onnxruntime.InferenceSession(
        exported.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    targets, quantiles = session.run(None, {"X": PADDED.astype(dtype)})
    assert_allclose(targets, model.predict(PADDED), rtol=1e-4, atol=1e-4)
    expected = model.predict_quantiles(PADDED)
    assert_allclose(quantiles, expected, rtol=1e-4, atol=1e-4)
    assert quantiles.dtype == dtype
    declared = exported.graph.output[1].type.tensor_type.shape.dim
    assert len(declared) == quantiles.ndim
    assert declared[-1].dim_value == 3


# -- kept, and refused -----------------------------------------------------------------


def test_parameters_set_later_are_for_the_next_fit():
    """A saved model predicts what was fitted, in the order that `quantiles_` says."""
    model = regressor(quantiles=[0.2, 0.7]).fit(X, NUMBERS)
    expected = model.predict_quantiles(X)
    model.set_params(loss="huber", quantiles=None)
    restored = pickle.loads(pickle.dumps(model))
    assert_array_equal(restored.predict_quantiles(X), expected)
    assert_array_equal(restored.quantiles_, [0.2, 0.7])


def test_array_of_quantiles():
    """As NumPy makes them; copies and files are as of a tuple."""
    model = clone(regressor(quantiles=np.linspace(0.1, 0.9, 9))).fit(X, NUMBERS)
    restored = pickle.loads(pickle.dumps(model))
    assert_array_equal(restored.predict_quantiles(X), model.predict_quantiles(X))


def test_training_goes_on():
    """As if there had been no break, with the same quantiles."""
    whole = regressor(epochs=4, quantiles=LEVELS, schedule="constant")
    parts = clone(whole).set_params(epochs=2, warm_start=True).fit(X, NUMBERS)
    parts.fit(X, NUMBERS)
    whole.fit(X, NUMBERS)
    assert_array_equal(parts.network_.flat, whole.network_.flat)


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ({}, {"quantiles": (0.2, 0.8)}, r"fitted are \[0.1, 0.5, 0.9\].* \[0.2, 0.8\]"),
        ({}, {"loss": "huber"}, r"fitted are \[0.1, 0.5, 0.9\].*ask for none"),
        ({"loss": None}, {"loss": "quantile"}, r"fitted are none.*\[0.1, 0.5, 0.9\]"),
    ],
)
def test_training_does_not_go_on_with_other_quantiles(before, after, message):
    """Neither by warm_start nor by partial_fit; the model stays as it was."""
    model = regressor(warm_start=True).set_params(**before).fit(X, NUMBERS)
    expected = model.predict(X)
    for train in (model.set_params(**after).fit, model.partial_fit):
        with pytest.raises(ValueError, match=message):
            train(X, NUMBERS)
    assert_array_equal(model.predict(X), expected)


@pytest.mark.parametrize("fit", [False, True])
@pytest.mark.parametrize("make", [BiLSTMRegressor, BiLSTMTimestepRegressor])
def test_no_quantiles_of_another_loss(make, fit):
    """The method is not there, and the reason says what to set."""
    model = make(units=2, epochs=1)
    if fit:
        model.fit(X, NUMBERS if make is BiLSTMRegressor else STEPS)
    assert not hasattr(model, "predict_quantiles")
    assert not hasattr(model, "quantiles_")
    with pytest.raises(AttributeError, match='Set loss="quantile" and quantiles'):
        model.predict_quantiles  # noqa: B018


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"levels": np.array([0.5, 0.1, 0.9])}, "do not increase between 0 and 1"),
        ({"levels": np.array([0.1, 0.5, 1.0])}, "do not increase between 0 and 1"),
        ({"levels": [0.1, 0.5, 0.9]}, "do not increase between 0 and 1"),
        ({"levels": np.array([0.1, 0.5])}, "2 quantiles of 1 targets do not go with"),
        ({"numbers": Numbers(np.zeros(1), -np.ones(1), 1)}, "is not positive"),
        ({"numbers": Numbers(np.zeros(1), np.ones(1), 3)}, "y had 3 axes"),
    ],
)
def test_contradictions(changes, why):
    """Of what a file may hold."""
    parts = {"numbers": Numbers(np.zeros(1), np.ones(1), 1)}
    codec = Quantiles(**{**parts, "levels": np.array([0.1, 0.5, 0.9]), **changes})
    architecture = Architecture(2, (3,), "forward", "concat", 3, "linear")
    found = [*contradictions_of(codec), *codec.contradictions(architecture)]
    assert why in found[0]
