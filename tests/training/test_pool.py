"""Networks are borrowed: what needs a new trace, and what comes back."""

import gc
import itertools
import logging
import threading
from contextlib import ExitStack, suppress

import keras
import numpy as np
import pytest
import tensorflow as tf
from sklearn.base import clone
from tensorflow.python.framework.func_graph import FuncGraph
from tensorflow.python.framework.ops import gradient_registry

from sklstm import BiLSTMClassifier, BiLSTMRegressor
from sklstm.network import Architecture
from sklstm.network.architecture import MERGE_MODES
from sklstm.training import program, scikeras_wrapper
from sklstm.training.any_size_network import AnySizeStructure
from sklstm.training.layers_network import LayersStructure
from sklstm.training.lending import NetworkPool
from sklstm.training.optimizers import read_optimizer

ADAM, _ = read_optimizer("adam", None)


class Structure:
    """Stands in for a structure; counts what it builds."""

    def __init__(self):
        self.built = []

    def build(self, optimizer):
        methods = {"is_as_built": lambda self: True, "forget": lambda self: None}
        network = type("Network", (), {"n_bytes": 1, **methods})()
        self.built.append(network)
        return network


def sequences(n_samples=20, n_timesteps=4, n_features=2, seed=0):
    return np.random.default_rng(seed).normal(size=(n_samples, n_timesteps, n_features))


def test_one_trace_for_every_size(pool):
    """Sizes, merge mode, rates, rows and timesteps are inputs of one trace."""
    labels = np.arange(40) % 3
    variations = [
        {"units": 3},
        {"units": 4, "merge_mode": "sum"},
        {"merge_mode": "mul", "learning_rate": 0.1},
        {"merge_mode": "ave", "dropout": 0.3, "clipnorm": 1.0},
        {"batch_size": 7, "epochs": 2, "random_state": 1},
        {"class_weight": "balanced", "shuffle": False},
    ]
    for k, variation in enumerate(variations):
        X = sequences(20 + k, 3 + k, 1 + k % 2)
        settings = {"units": 3, "epochs": 1, "pooling": "last", **variation}
        BiLSTMClassifier(**settings).fit(X, labels[: len(X)])
    # Four classes instead of three, too.
    BiLSTMClassifier(units=3, epochs=1, pooling="last").fit(
        sequences(), np.arange(20) % 4
    )
    (network,) = pool.networks()
    assert network.traces == 1


def structures(**variations):
    """What a search with the default poolings traces."""
    default = {"units": 16, "merge_mode": "concat", "n_features": 3}
    found = set()
    for values in itertools.product(*variations.values()):
        sizes = default | dict(zip(variations, values, strict=True))
        architecture = Architecture(
            sizes["n_features"],
            (sizes["units"],),
            "bidirectional",
            sizes["merge_mode"],
            1,
            "sigmoid",
            pooling=BiLSTMClassifier().pooling,
        )
        found.add(AnySizeStructure.of(architecture, LOSS))
    return found


def test_traces_of_a_search_with_the_default_poolings():
    """One trace for concat and one for all others; a few for large networks.

    The capacity comes in powers of four from 4,096 parameters on, and matrices of
    65,536 entries have a gradient of their own.
    """
    small = {"units": range(2, 17), "n_features": range(1, 5)}
    assert len(structures(**small)) == 1
    assert len(structures(**small, merge_mode=MERGE_MODES)) == 2
    assert len(structures(units=range(17, 60))) == 3
    assert len(structures(units=range(32, 201))) == 6


def test_two_traces_for_four_merge_modes(pool):
    """As the structures say, also in fits with the default poolings."""
    for merge_mode in MERGE_MODES:
        classifier = BiLSTMClassifier(units=2, epochs=1, merge_mode=merge_mode)
        classifier.fit(sequences(), np.arange(20) % 2)
    assert [network.traces for network in pool.networks()] == [1, 1]


def test_one_trace_for_all_quantiles(pool):
    """Levels, their number and that of targets are data, not constants of a graph."""
    for quantiles, n_targets in [((0.5,), 1), ((0.1, 0.9), 1), ((0.1, 0.5, 0.9), 2)]:
        y = sequences()[:, :n_targets, 0].squeeze()
        params = {"units": 3, "epochs": 1, "loss": "quantile", "pooling": "last"}
        BiLSTMRegressor(quantiles=quantiles, **params).fit(sequences(), y)
    (network,) = pool.networks()
    assert network.traces == 1


@pytest.fixture
def said_by_tensorflow():
    """What comes to TensorFlow's logger."""
    records = []
    handler = logging.Handler()
    handler.emit = records.append
    tf.get_logger().addHandler(handler)
    yield records
    tf.get_logger().removeHandler(handler)


def test_structure_needs_a_network_of_its_own(pool, said_by_tensorflow):
    """Another head, direction, depth, loss or optimizer is another network.

    TensorFlow does not take them for one network that is traced again and again.
    """
    X, y = sequences(), np.arange(20) % 2
    BiLSTMClassifier(units=2, epochs=1).fit(X, y)
    BiLSTMClassifier(units=2, epochs=1, direction="forward").fit(X, y)
    BiLSTMClassifier(units=(2, 2), epochs=1).fit(X, y)
    BiLSTMClassifier(units=2, epochs=1, optimizer="sgd").fit(X, y)
    BiLSTMRegressor(units=2, epochs=1).fit(X, y)
    BiLSTMRegressor(units=2, epochs=1, loss="huber").fit(X, y)
    assert [network.traces for network in pool.networks()] == [1] * 6
    assert [record.getMessage() for record in said_by_tensorflow] == []


def test_a_borrowed_network_gives_what_a_fresh_one_gives(pool):
    """Nothing of the fits before is left, for optimizers with various slots."""
    X, y = sequences(), np.arange(20) % 2
    for optimizer in ("adam", "nadam", "adagrad"):
        estimator = BiLSTMClassifier(
            units=3, epochs=2, optimizer=optimizer, random_state=0
        )
        fresh = estimator.fit(X, y).weights_
        BiLSTMClassifier(units=4, epochs=2, optimizer=optimizer).fit(X[::-1], y)
        again = estimator.fit(X, y).weights_
        assert all(np.array_equal(fresh[name], again[name]) for name in fresh)
    assert len(pool) == 3


def test_costly_networks_leave_sooner():
    """What is kept is bounded by what networks cost, not by their number."""
    pool, cheap, costly = NetworkPool(max_bytes=10), Structure(), Structure()
    with ExitStack() as borrowed:
        for _ in range(10):
            borrowed.enter_context(pool.borrow(cheap, ADAM))
    with pool.borrow(costly, ADAM) as network:
        network.n_bytes = 8
    assert len(pool) == 3
    assert pool.networks()[-1] is network


def test_two_threads_get_two_networks():
    """A network in use is not lent again."""
    pool, structure = NetworkPool(), Structure()
    barrier = threading.Barrier(2)

    def use():
        with pool.borrow(structure, ADAM):
            barrier.wait(timeout=60)

    threads = [threading.Thread(target=use) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(structure.built) == len(pool) == 2
    with pool.borrow(structure, ADAM):
        assert len(structure.built) == 2


def test_the_pool_is_bounded():
    """The network that was idle longest is dropped."""
    pool, structures = NetworkPool(max_bytes=2), [Structure() for _ in range(3)]
    for structure in structures:
        with pool.borrow(structure, ADAM):
            pass
    assert pool.networks() == [structures[1].built[0], structures[2].built[0]]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_a_failing_fit_returns_a_clean_network(pool, error):
    """It holds neither data nor callbacks, and serves the next fit."""

    class Fails(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            raise error("in the middle")

    X, y = sequences(), np.arange(20) % 2
    estimator = BiLSTMClassifier(units=3, epochs=2, random_state=0)
    expected = estimator.fit(X, y).predict_proba(X)
    failing = BiLSTMClassifier(units=3, epochs=2, callbacks=[Fails()])
    with pytest.raises(error, match="in the middle"):
        failing.fit(X, y)
    assert not [name for name in vars(failing) if name.endswith("_")]
    (network,) = pool.networks()
    assert network.history is network.loan is None
    assert np.array_equal(estimator.fit(X, y).predict_proba(X), expected)


# -- what is dropped -------------------------------------------------------------------


def live_graphs():
    """All that TensorFlow traced and Python has not freed."""
    gc.collect()
    return sum(isinstance(thing, FuncGraph) for thing in gc.get_objects())


def custom_gradients():
    """What `tf.custom_gradient` registers for every trace, and never takes back."""
    return [name for name in gradient_registry.list() if name.startswith("Custom")]


@pytest.mark.parametrize("on_layers", [False, True])
@pytest.mark.parametrize(
    "params",
    [{"merge_mode": "sum", "categorical_features": [1]}, {"recurrent_dropout": 0.1}],
    ids=["fused", "by steps"],
)
def test_what_the_pool_drops_is_freed(pool, monkeypatch, params, on_layers):
    """Every kind of gradient of our own, and the optimizer, lets go of its graph."""
    monkeypatch.setattr(scikeras_wrapper, "trains_on_layers", lambda *_: on_layers)
    if on_layers and "recurrent_dropout" in params:
        pytest.skip("Keras' layers train without recurrent dropout.")
    X = np.abs(sequences()).round()
    graphs, registered = live_graphs(), custom_gradients()
    BiLSTMClassifier(2, epochs=1, early_stopping=True, patience=1, **params).fit(
        X, np.arange(20) % 2
    )
    assert live_graphs() > graphs
    pool.clear()
    assert live_graphs() <= graphs
    assert custom_gradients() == registered


def test_gradients_are_registered_once(pool):
    """Another network of the same kind adds nothing to TensorFlow's registry."""
    names = []
    for _ in range(2):
        classifier = BiLSTMClassifier(2, epochs=1, direction="forward")
        classifier.fit(sequences(), np.arange(20) % 2)
        pool.clear()
        names.append(sorted(gradient_registry.list()))
    assert names[0] == names[1]


# -- what does not come back ----------------------------------------------------------

ARCHITECTURE = Architecture(
    n_features=2,
    units=(2,),
    direction="bidirectional",
    merge_mode="concat",
    n_outputs=1,
    activation="sigmoid",
    every_step=False,
)
LOSS = "binary_crossentropy"
STRUCTURES = {
    "kernel": AnySizeStructure.of(ARCHITECTURE, LOSS),
    "layers": LayersStructure(ARCHITECTURE, 0.1, LOSS),
}


def sets(name, value):
    """A callback's way to change the optimizer."""
    return lambda network: setattr(network.optimizer, name, value)


def compiles(network):
    network.compile(optimizer=network.optimizer, loss="mse")


def swaps_the_optimizer(network):
    network.optimizer = keras.optimizers.Adam()


def excludes_from_weight_decay(network):
    network.optimizer.exclude_from_weight_decay(var_names=["bias"])


def brings_a_schedule(network):
    network.optimizer.learning_rate = keras.optimizers.schedules.CosineDecay(0.1, 9)


def counts_by_itself(network):
    """Keras refuses it, and has one more variable from then on."""
    with suppress(AttributeError):
        network.optimizer.iterations = keras.Variable(5)


def freezes(network):
    network.trainable = False


CHANGES = {
    "weight_decay": ("adamw", sets("weight_decay", 0.5)),
    "beta_1": ("adam", sets("beta_1", 0.5)),
    "rho": ("rmsprop", sets("rho", 0.5)),
    "epsilon": ("adam", sets("epsilon", 0.5)),
    "momentum": ("sgd", sets("momentum", 0.5)),
    "clipnorm": ("adam", sets("clipnorm", 0.5)),
    "clipvalue": ("adam", sets("clipvalue", 0.5)),
    "exclusion": ("adamw", excludes_from_weight_decay),
    "schedule": ("adam", brings_a_schedule),
    "optimizer": ("adam", swaps_the_optimizer),
    "compiled": ("adam", compiles),
    "count": ("adam", counts_by_itself),
    "frozen": ("adam", freezes),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("structure", STRUCTURES)
def test_a_network_that_a_callback_changed_is_dropped(structure, change):
    """Whatever of it a graph may have built in."""
    pool = NetworkPool()
    optimizer, changed_by = CHANGES[change]
    spec, _ = read_optimizer(optimizer, None)
    with pool.borrow(STRUCTURES[structure], spec) as network:
        changed_by(network)
    assert len(pool) == 0


@pytest.mark.parametrize("structure", STRUCTURES)
def test_the_learning_rate_costs_no_network(structure):
    """Callbacks such as ReduceLROnPlateau set it; every borrower sets it anew."""
    pool = NetworkPool()
    with pool.borrow(STRUCTURES[structure], ADAM) as network:
        network.optimizer.learning_rate = 0.5
    assert pool.networks() == [network]


def estimator_on(structure, monkeypatch):
    """An estimator that trains on such a network, and its data."""
    on_layers = structure == "layers"
    monkeypatch.setattr(scikeras_wrapper, "trains_on_layers", lambda *_: on_layers)
    rate = 0.1 if on_layers else 0.0
    estimator = BiLSTMClassifier(
        2,
        direction="forward",
        pooling="last",
        epochs=1,
        optimizer="adamw",
        dropout=rate,
        random_state=0,
    )
    return estimator, (sequences(), np.arange(20) % 2)


class Changes(keras.callbacks.Callback):
    """Before anything is traced."""

    def on_train_begin(self, logs=None):
        for name in ("weight_decay", "beta_1", "epsilon", "clipnorm", "clipvalue"):
            setattr(self.model.optimizer, name, 0.5)


class ChangesAndPutsBack(keras.callbacks.Callback):
    """So that only what was traced in between remembers it."""

    def on_train_begin(self, logs=None):
        self.before = self.model.optimizer.beta_1
        self.model.optimizer.beta_1 = 0.5

    def on_train_end(self, logs=None):
        self.model.optimizer.beta_1 = self.before


def same_weights(first, second):
    return all(
        np.array_equal(first.weights_[k], second.weights_[k]) for k in first.weights_
    )


@pytest.mark.parametrize("structure", STRUCTURES)
def test_control_c_while_a_network_is_traced(pool, monkeypatch, structure):
    """Keras' layers remember tensors of the graph that was not finished."""

    def control_c(*args):
        raise KeyboardInterrupt

    estimator, data = estimator_on(structure, monkeypatch)
    with monkeypatch.context() as patch:
        patch.setattr(program, "count_correct", control_c)
        with pytest.raises(KeyboardInterrupt):
            clone(estimator).fit(*data)
    assert len(pool) == 0
    after = clone(estimator).fit(*data)
    pool.clear()
    assert same_weights(after, clone(estimator).fit(*data))


def test_the_fit_after_a_callback_that_changed_the_optimizer(pool, monkeypatch):
    """It gives what it would have given without the one before."""
    estimator, data = estimator_on("kernel", monkeypatch)
    changed = clone(estimator).set_params(callbacks=Changes()).fit(*data)
    after = clone(estimator).fit(*data)
    pool.clear()
    assert same_weights(after, clone(estimator).fit(*data))
    assert not same_weights(after, changed)


def test_a_change_while_the_network_was_traced_counts(pool, monkeypatch):
    """The graph has it built in, though the network looks as it was built."""
    estimator, data = estimator_on("kernel", monkeypatch)
    clone(estimator).set_params(callbacks=ChangesAndPutsBack()).fit(*data)
    assert len(pool) == 0


def test_threads_give_the_same_bits_as_one_after_another():
    """Fits in several threads do not touch each other."""
    X, y = sequences(40), np.arange(40) % 2
    seeds = range(4)

    def fit(seed, results):
        estimator = BiLSTMClassifier(units=3, epochs=3, random_state=seed).fit(X, y)
        results[seed] = estimator.predict_proba(X)

    alone, together = {}, {}
    for seed in seeds:
        fit(seed, alone)
    threads = [threading.Thread(target=fit, args=(seed, together)) for seed in seeds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(np.array_equal(alone[seed], together[seed]) for seed in seeds)
