"""The networks that are trained, against standard Keras layers of equal weights."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf
from graphs import (
    LOSS,
    any_size,
    inputs_of,
    keras_logits_and_gradient,
    logits_and_gradient,
    prepared,
    random_data,
)
from numpy.testing import assert_allclose, assert_array_equal

from sklstm.network.architecture import (
    DIRECTIONS,
    MERGE_MODES,
    Architecture,
    initial_parameters,
    split_parameters,
)
from sklstm.training.any_size_network import (
    AnySizeStructure,
    capacity_for,
)
from sklstm.training.layers_network import LayersStructure
from sklstm.training.program import Rows


@pytest.mark.parametrize("every_step", [False, True])
@pytest.mark.parametrize("units", [(4,), (2, 4, 3)])
@pytest.mark.parametrize(
    ("direction", "merge_mode"),
    [("forward", "concat"), ("backward", "concat")]
    + [("bidirectional", merge_mode) for merge_mode in MERGE_MODES],
)
def test_outputs_and_gradients_equal_keras(direction, merge_mode, units, every_step):
    """Unequal lengths, every direction, merge mode, stack and head, both gradients."""
    rng = np.random.default_rng(0)
    architecture = Architecture(
        3, units, direction, merge_mode, 4, "softmax", every_step
    )
    flat = initial_parameters(architecture, rng)
    values, lengths = random_data(rng, architecture)
    weights = rng.normal(size=(values.shape[1], len(values), 4))
    weights[np.arange(values.shape[1])[:, None] >= lengths] = 0
    weights = tf.constant(weights.reshape(-1, 4) if every_step else weights[0])
    weights = tf.cast(weights, tf.float32)

    def loss(logits):
        return tf.reduce_sum(tf.sin(logits) * weights)

    counted = weights.numpy() != 0
    structure = AnySizeStructure.of(architecture, "categorical_crossentropy")
    keras_logits, keras_gradient = keras_logits_and_gradient(
        architecture, flat, values, lengths, loss
    )
    for wide in (False,) if every_step else (False, True):
        network = any_size(architecture, flat, replace(structure, wide=wide))
        logits, gradient = logits_and_gradient(network, values, lengths, loss)
        assert_allclose(logits * counted, keras_logits * counted, atol=1e-6)
        assert_allclose(gradient[: len(flat)], keras_gradient, atol=1e-5)
        assert not gradient[len(flat) :].any()


@pytest.mark.parametrize(
    "pooling", [("mean",), ("max", "last"), ("mean", "last", "max")]
)
@pytest.mark.parametrize(
    ("direction", "merge_mode"),
    [("forward", "concat"), ("backward", "concat")]
    + [("bidirectional", merge_mode) for merge_mode in MERGE_MODES],
)
def test_pooled_outputs_and_gradients_equal_keras(direction, merge_mode, pooling):
    """Unequal lengths, pooled by direction or of merged states."""
    rng = np.random.default_rng(0)
    architecture = Architecture(
        3, (5, 3), direction, merge_mode, 4, "softmax", pooling=pooling
    )
    flat = initial_parameters(architecture, rng)
    values, lengths = random_data(rng, architecture)
    weights = tf.cast(rng.normal(size=(len(values), 4)), tf.float32)

    def loss(logits):
        return tf.reduce_sum(tf.sin(logits) * weights)

    network = any_size(architecture, flat)
    logits, gradient = logits_and_gradient(network, values, lengths, loss)
    expected, keras_gradient = keras_logits_and_gradient(
        architecture, flat, values, lengths, loss
    )
    assert_allclose(logits, expected, atol=1e-6)
    assert_allclose(gradient[: len(flat)], keras_gradient, atol=1e-5)
    assert not gradient[len(flat) :].any()


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_sequences_in_a_batch_are_as_alone(direction):
    """Logits and gradients are those of each sequence at its own length, summed."""
    rng = np.random.default_rng(1)
    architecture = Architecture(2, (3, 4), direction, "mul", 1, "sigmoid")
    flat = initial_parameters(architecture, rng)
    values, lengths = random_data(rng, architecture)
    network = any_size(architecture, flat)
    logits, gradient = logits_and_gradient(network, values, lengths, tf.reduce_sum)
    alone = [
        logits_and_gradient(network, row[None, :n], [n], tf.reduce_sum)
        for row, n in zip(values, lengths, strict=True)
    ]
    assert_allclose(logits, np.concatenate([a for a, _ in alone]), atol=1e-6)
    assert_allclose(gradient, np.sum([g for _, g in alone], axis=0), atol=1e-5)


def test_size_is_an_input():
    """A network of larger capacity gives the same for every size it is assigned."""
    rng = np.random.default_rng(2)
    small = Architecture(2, (3,), "bidirectional", "concat", 1, "sigmoid")
    large = Architecture(5, (9,), "bidirectional", "sum", 1, "sigmoid")
    network = any_size(large, initial_parameters(large, rng))
    flat = initial_parameters(small, rng)
    network.assign(flat, small, rng)
    values, lengths = random_data(rng, small)
    logits, _ = logits_and_gradient(network, values, lengths, tf.reduce_sum)
    expected, _ = logits_and_gradient(
        any_size(small, flat), values, lengths, tf.reduce_sum
    )
    assert_allclose(logits, expected, atol=1e-7)
    assert_allclose(network.parameters, flat)


def test_dropout_scales_inputs_alike_at_all_timesteps():
    """A dropped network is one whose input columns are zero or scaled up."""
    rng = np.random.default_rng(3)
    architecture = Architecture(6, (4,), "backward", "concat", 1, "sigmoid")
    flat = initial_parameters(architecture, rng)
    values, lengths = random_data(rng, architecture, n_rows=1)
    dropped = any_size(architecture, flat, dropout=0.5)
    logits, _ = logits_and_gradient(
        dropped, values, lengths, tf.reduce_sum, training=True, seed=(7, 1)
    )
    plain = any_size(architecture, flat)
    differences = []
    for mask in itertools.product([0, 2], repeat=6):
        masked = (values * mask).astype(np.float32)
        logit, _ = logits_and_gradient(plain, masked, lengths, tf.reduce_sum)
        differences.append(abs(logit - logits).item())
    assert min(differences) < 1e-6


def test_every_lstm_has_masks_of_its_own():
    """Rates are met, and rows, layers and directions drawn independently."""
    rng = np.random.default_rng(6)
    architecture = Architecture(30, (20, 14), "bidirectional", "sum", 1, "sigmoid")
    network = any_size(
        architecture,
        initial_parameters(architecture, rng),
        with_recurrent_dropout(architecture),
        dropout=0.3,
        recurrent_dropout=0.6,
    )
    rows = Rows(np.zeros((50, 2, 30), np.float32), *[None] * 5)
    rates, sizes = inputs_of(network)
    masks = network.dropout_masks(rows, rates, sizes, (1, 2))
    assert masks.shape == (50, 168)
    by_lstm = np.split(masks, np.cumsum([30, 30, 20, 20, 20, 20, 14]), axis=1)
    for drawn, rate in [(by_lstm[:4], 0.3), (by_lstm[4:], 0.6)]:
        for mask in drawn:
            assert_allclose(np.unique(mask), [0, 1 / (1 - rate)], rtol=1e-6)
            assert abs(np.mean(mask) - 1) < 0.15
        assert not np.array_equal(drawn[0], drawn[1])
        assert not np.array_equal(drawn[0][0], drawn[0][1])
    assert not np.array_equal(masks[:, 60:80] == 0, masks[:, 100:120] == 0)
    numbers = tf.random.stateless_uniform([50, 30], (1, 2))
    assert_array_equal(masks[:, :30] == 0, numbers < 0.3)


def with_recurrent_dropout(architecture):
    loss = LOSS[architecture.activation]
    return AnySizeStructure.of(architecture, loss, recurrent_dropout=True)


def dropped_logits(layers, merge_mode, values, lengths, masks):
    """A bidirectional network step by step, by TensorFlow's plain operations.

    `layers` holds kernel, recurrent kernel and bias of every LSTM and those of the
    dense layer; `masks` is what inputs of every LSTM, and then states of every LSTM,
    are multiplied with.
    """
    *lstms, kernel, bias = layers
    steps = values
    n_layers = len(lstms) // 6
    for layer in range(n_layers):
        merged = []
        for backward in (False, True):
            k = 2 * layer + backward
            weights, recurrent, gate_bias = lstms[3 * k : 3 * k + 3]
            kept_inputs, kept_states = masks[k], masks[2 * n_layers + k]
            x = tf.reverse_sequence(steps, lengths, 1) if backward else steps
            h = c = tf.zeros_like(kept_states)
            states = []
            for t in range(values.shape[1]):
                z = (x[:, t] * kept_inputs) @ weights + (h * kept_states) @ recurrent
                i, f, candidate, o = tf.split(z + gate_bias, 4, axis=1)
                c = tf.sigmoid(f) * c + tf.sigmoid(i) * tf.tanh(candidate)
                h = tf.sigmoid(o) * tf.tanh(c)
                states.append(h)
            states = tf.stack(states, axis=1)
            if layer + 1 == n_layers:
                states = tf.gather(states, lengths - 1, axis=1, batch_dims=1)
            elif backward:
                states = tf.reverse_sequence(states, lengths, 1)
            merged.append(states)
        steps = sum(merged) if merge_mode == "sum" else tf.concat(merged, axis=-1)
    return steps @ kernel + bias


@pytest.mark.parametrize("merge_mode", ["concat", "sum"])
@pytest.mark.parametrize("dropout", [0.0, 0.4])
def test_recurrent_dropout_equals_plain_operations(merge_mode, dropout):
    """Outputs and gradients, layers and directions each with masks of their own."""
    rng = np.random.default_rng(8)
    architecture = Architecture(3, (5, 4), "bidirectional", merge_mode, 2, "linear")
    flat = initial_parameters(architecture, rng)
    values, lengths = random_data(rng, architecture)
    network = any_size(
        architecture,
        flat,
        with_recurrent_dropout(architecture),
        dropout=dropout,
        recurrent_dropout=0.5,
    )
    weights = rng.normal(size=(len(values), 2))

    def loss(logits):
        return tf.reduce_sum(tf.sin(logits) * tf.cast(weights, logits.dtype))

    seed = (3, 4)
    logits, gradient = logits_and_gradient(
        network, values, lengths, loss, training=True, seed=seed
    )
    rows = Rows(values, *[None] * 5)
    rates, sizes = inputs_of(network)
    masks = network.dropout_masks(rows, rates, sizes, seed)
    widths = np.repeat([3, 5 if merge_mode == "sum" else 10, 5, 4], 2)
    masks = tf.split(tf.cast(masks, tf.float64), widths, axis=1)
    layers = [
        tf.constant(array, tf.float64)
        for array in split_parameters(flat, architecture).values()
    ]
    with tf.GradientTape() as tape:
        tape.watch(layers)
        expected = dropped_logits(
            layers, merge_mode, values.astype(np.float64), lengths, masks
        )
        scalar = loss(expected)
    gradients = tape.gradient(scalar, layers)
    assert_allclose(logits, expected, atol=1e-6)
    assert_allclose(
        gradient[: len(flat)],
        np.concatenate([np.ravel(part) for part in gradients]),
        atol=1e-5,
    )
    assert not gradient[len(flat) :].any()


def test_dropout_is_off_in_evaluation_and_without_rate():
    """Rate zero and evaluation give the undropped network."""
    rng = np.random.default_rng(4)
    architecture = Architecture(3, (4,), "bidirectional", "concat", 1, "sigmoid")
    flat = initial_parameters(architecture, rng)
    values, lengths = random_data(rng, architecture)
    plain, _ = logits_and_gradient(
        any_size(architecture, flat), values, lengths, tf.reduce_sum, training=True
    )
    structure = with_recurrent_dropout(architecture)
    dropped = any_size(
        architecture, flat, structure, dropout=0.5, recurrent_dropout=0.5
    )
    evaluated, _ = logits_and_gradient(dropped, values, lengths, tf.reduce_sum)
    assert_allclose(plain, evaluated, atol=0)
    without = any_size(architecture, flat, structure)
    undropped, _ = logits_and_gradient(
        without, values, lengths, tf.reduce_sum, training=True
    )
    assert_allclose(undropped, plain, atol=1e-7)


@pytest.mark.parametrize("every_step", [False, True])
def test_network_of_keras_layers_agrees(every_step):
    """The network for a GPU computes the same when nothing is dropped, else not."""
    rng = np.random.default_rng(5)
    architecture = Architecture(
        3, (4, 2), "backward", "concat", 2, "linear", every_step
    )
    flat = initial_parameters(architecture, rng)
    values, lengths = random_data(rng, architecture)
    structure = LayersStructure(architecture, 0.2, "mean_squared_error")
    network = prepared(structure, architecture, flat)
    valid = np.ones((len(values), 1), np.float32)
    if every_step:
        valid = (np.arange(values.shape[1])[:, None] < lengths).reshape(-1, 1)

    def loss(logits):
        return tf.reduce_sum(logits * valid)

    expected = logits_and_gradient(any_size(architecture, flat), values, lengths, loss)
    logits, gradient = logits_and_gradient(network, values, lengths, loss)
    assert_allclose(logits * valid, expected[0] * valid, atol=1e-6)
    assert_allclose(gradient, expected[1][: len(flat)], atol=1e-5)
    assert_allclose(network.parameters, flat)
    dropped, _ = logits_and_gradient(network, values, lengths, loss, training=True)
    assert not np.allclose(dropped, logits)


@pytest.mark.parametrize(
    ("units", "n_features", "wide"),
    [((32,), 8, False), ((128,), 8, True), ((16, 128), 8, True), ((100,), 12, False)],
)
def test_wide_kernels_have_a_structure_of_their_own(units, n_features, wide):
    """They take the gradient that is faster for them."""
    architecture = Architecture(
        n_features, units, "bidirectional", "concat", 1, "sigmoid"
    )
    assert AnySizeStructure.of(architecture, "binary_crossentropy").wide == wide


@pytest.mark.parametrize(
    ("n_parameters", "capacity"),
    [
        *[(1, 4096), (4096, 4096), (4097, 16384), (16385, 65536), (2**18, 2**18)],
        *[(2**18 + 1, 9 * 2**15), (2**20, 2**20), (1_346_241, 11 * 2**17)],
    ],
)
def test_capacity_is_a_power_of_four(n_parameters, capacity):
    """So that sizes share networks; all small ones one, large ones less generously."""
    assert capacity_for(n_parameters) == capacity
