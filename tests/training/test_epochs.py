"""An epoch as graph calls: its arithmetic, its order, its callbacks."""

from itertools import pairwise

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from recipes import recipe
from sklearn.exceptions import ConvergenceWarning

from sklstm.network.architecture import Architecture, initial_parameters
from sklstm.sequences.batch import SequenceBatch
from sklstm.targets.training_set import TrainingSet
from sklstm.training import epochs as batching
from sklstm.training.any_size_network import AnySizeStructure
from sklstm.training.epochs import BUCKET_BATCHES, batch_order, chunks_of
from sklstm.training.layers import keras_layers
from sklstm.training.program import Rates

ARCHITECTURE = Architecture(3, (4,), "bidirectional", "concat", 1, "sigmoid")


@pytest.fixture(scope="module")
def flat():
    return initial_parameters(ARCHITECTURE, np.random.default_rng(0))


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(1)
    values = rng.normal(size=(23, 5, 3)).astype(np.float32)
    targets = (values.sum(axis=(1, 2)) > 0).astype(np.float32)[:, None]
    weights = rng.uniform(0.5, 2, 23).astype(np.float32)
    return TrainingSet(SequenceBatch(values, np.full(23, 5), True), targets, weights)


@pytest.fixture(scope="module")
def shared_network():
    structure = AnySizeStructure.of(ARCHITECTURE, "binary_crossentropy")
    return structure.build(keras.optimizers.SGD(0.5))


@pytest.fixture
def network(shared_network, flat):
    shared_network.assign(flat, ARCHITECTURE, np.random.default_rng(2))
    shared_network.set_optimizer_state(None)
    shared_network.optimizer.learning_rate = 0.5
    return shared_network


def fit(network, data, **settings):
    network.fit(data, **recipe(**settings))
    return network.history.history


def keras_epochs(flat, data, n_epochs, batch_size, **optimizer):
    """The same training with standard layers, one train_on_batch after another."""
    network = keras_layers(ARCHITECTURE)
    start, arrays = 0, []
    for shape in ARCHITECTURE.shapes.values():
        size = int(np.prod(shape))
        arrays.append(flat[start : start + size].reshape(shape))
        start += size
    network.set_weights(arrays)
    optimizer = keras.optimizers.SGD(0.5, **optimizer)
    network.compile(optimizer, "binary_crossentropy", run_eagerly=True)
    for _ in range(n_epochs):
        for first in range(0, len(data.targets), batch_size):
            rows = slice(first, first + batch_size)
            weights = data.weights[rows]
            # Keras divides by the number of rows, we by the sum of weights.
            network.train_on_batch(
                data.sequences.values[rows],
                data.targets[rows],
                sample_weight=weights / weights.mean(),
            )
    return np.concatenate([weights.ravel() for weights in network.get_weights()])


def test_epochs_equal_keras(network, data, flat):
    """Weighted batches, the last one smaller, over two epochs."""
    fit(network, data, epochs=2)
    assert_allclose(network.parameters, keras_epochs(flat, data, 2, 8), atol=1e-5)


def test_clipnorm_limits_the_norm_of_all_parameters(network, data, flat):
    """It is Keras' global_clipnorm."""
    network.assign(flat, ARCHITECTURE, np.random.default_rng(2), Rates(clipnorm=0.01))
    fit(network, data)
    expected = keras_epochs(flat, data, 1, 8, global_clipnorm=0.01)
    assert_allclose(network.parameters, expected, atol=1e-6)
    assert np.linalg.norm(network.parameters - flat) <= 3 * 0.5 * 0.01 * 1.001


def test_history_is_the_weighted_mean(network, data, flat):
    """Without learning, loss and accuracy of an epoch are those of its data."""
    network.optimizer.learning_rate = 0.0
    history = fit(network, data, validation_data=data)
    layers = keras_layers(ARCHITECTURE)
    layers.set_weights(
        [
            flat[start:stop].reshape(shape)
            for (start, stop), shape in zip(
                pairwise(np.cumsum([0, *map(np.prod, ARCHITECTURE.shapes.values())])),
                ARCHITECTURE.shapes.values(),
                strict=True,
            )
        ]
    )
    p = layers(data.sequences.values).numpy()[:, 0]
    y, w = data.targets[:, 0], data.weights
    loss = np.average(-np.where(y, np.log(p), np.log1p(-p)), weights=w)
    accuracy = np.average((p > 0.5) == y, weights=w)
    for prefix in ("", "val_"):
        assert_allclose(history[f"{prefix}loss"], [loss], rtol=1e-5)
        assert_allclose(history[f"{prefix}accuracy"], [accuracy], rtol=1e-5)


@pytest.mark.parametrize(
    ("bound", "value"),
    [("CHUNK_BYTES", 8 * 5 * 3 * 4), ("CALL_OPERATIONS", 8 * 5 * 260)],
)
def test_chunks_change_nothing(network, data, flat, monkeypatch, bound, value):
    """An epoch in many graph calls, bounded in memory or time, gives the same."""
    fit(network, data, shuffle=True)
    whole = network.parameters
    network.assign(flat, ARCHITECTURE, np.random.default_rng(2))
    monkeypatch.setattr(batching, "STEP_OPERATIONS", 0)
    monkeypatch.setattr(batching, bound, value)
    calls = []
    callback = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: calls.append((batch, logs["loss"]))
    )
    fit(network, data, shuffle=True, callbacks=[callback])
    assert_allclose(network.parameters, whole, atol=1e-7)
    assert [batch for batch, _ in calls] == [0, 1, 2]


def test_a_call_is_bounded_by_what_its_batches_cost():
    """Rows, timesteps and parameters count; one long sequence makes one batch long."""
    lengths = np.full(64, 10)
    lengths[5] = 10_000
    sequences = SequenceBatch(np.empty((64, 10_000, 1), np.float32), lengths, True)
    batches = [np.arange(start, start + 4) for start in range(0, 64, 4)]
    n_parameters = batching.CALL_OPERATIONS // (4 * 10_000)
    calls = list(chunks_of(batches, sequences, n_parameters))
    assert [len(chunk) for chunk in calls] == [2, 14]
    assert_array_equal(np.concatenate([np.stack(chunk) for chunk in calls]), batches)
    assert len(list(chunks_of(batches, sequences, 100))) == 1
    assert len(list(chunks_of(batches, sequences, 2**40))) == 16


def test_callbacks_see_epochs(network, data):
    """Epoch hooks come in order, with logs; a callback can stop training."""
    events = []

    class Recorder(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            events.append("train")

        def on_epoch_begin(self, epoch, logs=None):
            events.append(("begin", epoch))

        def on_epoch_end(self, epoch, logs=None):
            events.append(("end", epoch, sorted(logs)))
            self.model.stop_training = epoch == 4

        def on_train_end(self, logs=None):
            events.append("trained")

    fit(network, data, epochs=9, initial_epoch=3, callbacks=[Recorder()])
    assert events == [
        "train",
        ("begin", 3),
        ("end", 3, ["accuracy", "loss"]),
        ("begin", 4),
        ("end", 4, ["accuracy", "loss"]),
        "trained",
    ]


def test_divergence_is_an_error(network, data):
    """Training that leaves no finite parameters says so, and names causes."""
    network.optimizer.learning_rate = np.inf
    with pytest.raises(ValueError, match=r"Training diverged: .* epoch 1\. The usual"):
        fit(network, data, epochs=3)


def test_best_weights_survive_divergence(network, data, flat):
    """Early stopping restores the last finite parameters."""
    best = keras.callbacks.EarlyStopping(
        "val_loss", patience=5, restore_best_weights=True
    )
    schedule = keras.callbacks.LearningRateScheduler(
        lambda epoch, rate: np.inf if epoch == 2 else 0.1
    )
    with pytest.warns(ConvergenceWarning, match=r"epoch 3\. The best parameters"):
        history = fit(
            network, data, epochs=9, callbacks=[best, schedule], validation_data=data
        )
    assert not np.isfinite(history["loss"][2:]).any()
    assert np.isfinite(network.parameters).all()


lengths_of_samples = st.lists(st.integers(1, 30), min_size=1, max_size=200)


@given(lengths_of_samples, st.integers(1, 12), st.integers(0, 3))
def test_batch_order_takes_every_sample_once(lengths, batch_size, seed):
    """All batches are full but one, whatever the lengths."""
    rng = np.random.default_rng(seed)
    batches = batch_order(np.array(lengths), batch_size, rng)
    assert sorted(np.concatenate(batches)) == list(range(len(lengths)))
    sizes = sorted(map(len, batches), reverse=True)
    assert all(size == batch_size for size in sizes[:-1])


def test_batch_order_keeps_rows_without_a_generator():
    """shuffle=False is the order given, whatever the lengths."""
    batches = batch_order(np.array([3, 1, 2]), 2, None)
    assert np.concatenate(batches).tolist() == [0, 1, 2]


def test_batches_hold_similar_lengths_and_change():
    """Little is padded, and each epoch groups the samples anew."""
    rng = np.random.default_rng(0)
    lengths = rng.integers(1, 101, 64 * BUCKET_BATCHES)
    first, second = (batch_order(lengths, 32, rng) for _ in range(2))
    padded = sum(len(rows) * lengths[rows].max() for rows in first)
    assert padded < 1.1 * lengths.sum()
    together = {frozenset(rows.tolist()) for rows in first}
    assert not together & {frozenset(rows.tolist()) for rows in second}
    longest = [int(lengths[rows].max()) for rows in first]
    assert longest != sorted(longest)
