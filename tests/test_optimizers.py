"""Optimizers by name or by example."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from sklstm import BiLSTMClassifier
from sklstm.training.optimizers import ELEMENTWISE, read_optimizer


@pytest.mark.parametrize("name", sorted(ELEMENTWISE))
def test_names_are_those_of_keras(name):
    """A name stands for the Keras optimizer with its defaults, step by step."""
    theirs = keras.optimizers.get(name)
    theirs.learning_rate = 0.05
    assert_steps_alike(read_optimizer(name, 0.05)[0], 0.05, theirs)


@pytest.mark.parametrize(
    "settings",
    [
        {"beta_1": 0.5, "beta_2": 0.9, "epsilon": 1e-3},
        {"amsgrad": True},
        {"weight_decay": 0.1},
        {"gradient_accumulation_steps": 2},
    ],
    ids=str,
)
def test_settings_are_kept(settings):
    """All of an optimizer's settings take effect."""
    for optimizer in (keras.optimizers.Adam, keras.optimizers.AdamW):
        spec, rate = read_optimizer(optimizer(0.05, **settings), None)
        assert_steps_alike(spec, rate, optimizer(0.05, **settings))


def assert_steps_alike(spec, rate, theirs):
    """Our optimizer and Keras' own change a vector in the same way."""
    ours = spec.build()
    ours.learning_rate = rate
    rng = np.random.default_rng(0)
    start = rng.normal(size=6).astype(np.float32)
    vectors = [keras.Variable(start), keras.Variable(start)]
    for _ in range(5):
        gradient = tf.constant(rng.normal(size=6), tf.float32)
        for optimizer, vector in zip([ours, theirs], vectors, strict=True):
            optimizer.apply([gradient], [vector])
    assert not np.allclose(vectors[0], start)
    np.testing.assert_allclose(vectors[0], vectors[1], rtol=1e-5, atol=1e-7)


def test_learning_rate():
    """Ours by default for the Adam family, the object's own, or the one given."""
    assert read_optimizer("adam", None)[1] == 0.005
    assert read_optimizer("SGD", None)[1] == pytest.approx(0.01)
    assert read_optimizer(keras.optimizers.Adam(0.25), None)[1] == 0.25
    assert read_optimizer(keras.optimizers.Adam(0.25), 0.5)[1] == 0.5


def test_learning_rate_is_no_part_of_the_description():
    """So that networks are shared between rates, and between a name and an object."""
    first, _ = read_optimizer("adam", 0.1)
    second, _ = read_optimizer(keras.optimizers.Adam(0.2), None)
    assert first == second
    other, _ = read_optimizer(keras.optimizers.Adam(beta_1=0.5), None)
    assert first != other


def test_a_schedule_stays_with_the_optimizer():
    """The rate then follows the schedule from step to step."""
    schedule = keras.optimizers.schedules.ExponentialDecay(0.5, 1, 1e-9)
    spec, rate = read_optimizer(keras.optimizers.SGD(schedule), None)
    assert rate is None
    X = np.random.default_rng(0).normal(size=(30, 3, 1))
    y = np.arange(30) % 2
    once = BiLSTMClassifier(
        2, optimizer=keras.optimizers.SGD(schedule), epochs=1, batch_size=30
    )
    once.set_params(random_state=0, shuffle=False).fit(X, y)
    often = BiLSTMClassifier(**{**once.get_params(), "epochs": 3}).fit(X, y)
    np.testing.assert_allclose(
        once.weights_["dense/kernel"], often.weights_["dense/kernel"], atol=1e-6
    )
    assert spec.build().learning_rate is not None


@pytest.mark.parametrize(
    "optimizer",
    [
        *["lamb", "muon", "adafactor", "adaam"],
        pytest.param(keras.optimizers.Lamb(), id="instance"),
    ],
)
def test_others_are_refused(optimizer):
    """What looks at whole matrices would be wrong on a flat vector."""
    with pytest.raises(ValueError, match=r"not supported.*element by element.*adam"):
        read_optimizer(optimizer, None)


def test_averaged_weights_are_refused():
    """use_ema would be lost without a word."""
    with pytest.raises(ValueError, match="use_ema=True is not supported"):
        read_optimizer(keras.optimizers.Adam(use_ema=True), None)


def test_a_name_is_read_once():
    """Building an optimizer costs memory that TensorFlow never gives back."""
    assert read_optimizer("adam", 0.1)[0] is read_optimizer("adam", None)[0]
