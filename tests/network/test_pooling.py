"""Pooling as a parameter of the estimators that have one answer per sequence."""

import joblib
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import NearestCentroid
from sklearn.pipeline import make_pipeline

from sklstm import BiLSTMClassifier, BiLSTMRegressor
from sklstm.training import runtime
from sklstm.training.any_size_network import AnySizeNetwork

rng = np.random.default_rng(0)
X = rng.normal(size=(30, 7, 2)).astype(np.float32)
X[::3, 5:] = np.nan
X[1::3, :2] = np.nan
y = np.arange(30) % 3
PARAMS = {"epochs": 2, "batch_size": 8, "random_state": 0}


@pytest.mark.parametrize(
    ("pooling", "merge_mode"),
    [(("max", "last"), "mul"), (["last", "mean", "max"], "concat")],
)
def test_on_layers_of_keras(pooling, merge_mode, monkeypatch):
    """As on a GPU: the same weights, and the network given predicts the same."""
    classifier = BiLSTMClassifier(3, pooling=pooling, merge_mode=merge_mode, **PARAMS)
    monkeypatch.setattr(runtime, "has_gpu", lambda: False)
    fused = clone(classifier).fit(X, y)
    monkeypatch.setattr(runtime, "has_gpu", lambda: True)
    on_layers = classifier.fit(X, y)
    assert_allclose(on_layers.network_.flat, fused.network_.flat, atol=1e-4)
    valid = ~np.isnan(X).all(axis=2)
    of_keras = fused.to_keras(mask=True)([np.nan_to_num(X), valid])
    assert_allclose(of_keras, fused.predict_proba(X), atol=1e-6)


def test_one_network_serves_sizes_and_merge_modes_that_pool_alike(pool):
    """Of concat one trace; of those that merge first another."""
    pooling = ("last", "mean", "max")
    grid = {"units": [2, 3], "merge_mode": ["concat", "sum", "mul", "ave"]}
    search = GridSearchCV(BiLSTMClassifier(pooling=pooling, **PARAMS), grid, cv=2)
    search.fit(X, y)
    traces = [network.traces for network in pool.networks()]
    assert all(isinstance(network, AnySizeNetwork) for network in pool.networks())
    assert traces == [1] * len(traces)
    assert len(traces) <= 3  # units=3 and three poolings may need a larger one


def test_a_signal_anywhere_is_learnt():
    """The maximum sees what the last states have to carry over a long way."""
    rng = np.random.default_rng(1)
    X = rng.normal(size=(120, 60, 1))
    y = np.arange(120) % 2
    X[y == 1, rng.integers(10, 50, 60)] += 6
    classifier = BiLSTMClassifier(8, pooling="max", epochs=30, random_state=0)
    assert classifier.fit(X[:80], y[:80]).score(X[80:], y[80:]) > 0.95


def test_padding_is_not_pooled():
    """More padding changes nothing, wherever it stands."""
    regressor = BiLSTMRegressor(3, pooling=("mean", "max"), **PARAMS).fit(X, X[:, 2, 0])
    more = np.full((30, 20, 2), np.nan, np.float32)
    more[:, 3:10] = X
    assert_allclose(regressor.predict(more), regressor.predict(X), atol=1e-6)


def test_saved(tmp_path):
    """A copy and a file predict the same; training goes on."""
    classifier = BiLSTMClassifier(3, pooling=("max", "last"), **PARAMS).fit(X, y)
    joblib.dump(classifier, tmp_path / "model")
    loaded = joblib.load(tmp_path / "model")
    assert_array_equal(loaded.predict_proba(X), classifier.predict_proba(X))
    assert loaded.pooling == ("max", "last")
    loaded.partial_fit(X, y)


@pytest.mark.parametrize("merge_mode", ["concat", "ave"])
@pytest.mark.parametrize("pooling", ["last", ("max", "mean")])
def test_transform_gives_what_the_dense_layer_reads(pooling, merge_mode):
    """Kernel and bias make the targets of it."""
    regressor = BiLSTMRegressor(
        (2, 3), pooling=pooling, merge_mode=merge_mode, normalize_y=False, **PARAMS
    ).fit(X, np.nan_to_num(X[:, 2]))
    states = regressor.transform(X)
    dense = regressor.weights_["dense/kernel"], regressor.weights_["dense/bias"]
    assert_allclose(states @ dense[0] + dense[1], regressor.predict(X), atol=1e-6)
    names = regressor.get_feature_names_out()
    assert len(names) == states.shape[1]
    assert names[0] == "bilstmregressor0"


def test_states_are_features_of_the_next_step():
    """A pipeline fits a network, and a forest on its states."""
    labels = np.where(np.nansum(X, axis=(1, 2)) > 0, "up", "down")
    network = BiLSTMClassifier(4, pooling="max", epochs=30, random_state=0)
    pipe = make_pipeline(network, NearestCentroid()).fit(X, labels)
    assert pipe.score(X, labels) > 0.9
    assert pipe[:-1].transform(X).shape == (30, 8)
