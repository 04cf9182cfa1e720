"""On a GPU training runs on Keras' layers, which use cuDNN; the result is the same."""

import os
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from numpy.testing import assert_allclose

from sklstm import BiLSTMClassifier, BiLSTMRegressor, BiLSTMTimestepClassifier
from sklstm.training import runtime
from sklstm.training.layers_network import LayersNetwork
from sklstm.training.lending import POOL

rng = np.random.default_rng(0)
X = rng.normal(size=(40, 6, 2)).astype(np.float32)
X[::3, 4:] = np.nan
X[1::3, :2] = np.nan
PARAMS = {"epochs": 3, "batch_size": 8, "random_state": 0}
CASES = [
    (BiLSTMClassifier(4, **PARAMS), np.arange(40) % 3),
    (BiLSTMClassifier((3, 2), direction="backward", **PARAMS), np.arange(40) % 2),
    (BiLSTMRegressor(4, merge_mode="mul", clipnorm=0.5, **PARAMS), X[:, 2, 0]),
    (BiLSTMTimestepClassifier(4, **PARAMS), (X[:, :, 0] > 0).astype(int)),
]
IDS = ["classes", "stacked backward", "numbers", "timesteps"]


# The first case is one of test_pooling.py, too.
@pytest.mark.parametrize(("estimator", "y"), CASES[1:], ids=IDS[1:])
def test_layers_train_to_the_same_weights(estimator, y, monkeypatch):
    """Where there is a GPU: padding anywhere, unequal lengths, clipped gradients."""
    monkeypatch.setattr(runtime, "has_gpu", lambda: False)
    fused = estimator.fit(X, y).weights_
    monkeypatch.setattr(runtime, "has_gpu", lambda: True)
    on_layers = estimator.fit(X, y).weights_
    assert isinstance(POOL.networks()[-1], LayersNetwork)
    for name, weights in fused.items():
        assert_allclose(on_layers[name], weights, atol=1e-4, err_msg=name)


ON_CPU = """
import sys
import joblib
X, y, estimator = joblib.load(sys.argv[1])
joblib.dump((estimator.fit(X, y).weights_, estimator.score(X, y)), sys.argv[2])
"""


@pytest.mark.skipif(not tf.config.list_physical_devices("GPU"), reason="no GPU here")
@pytest.mark.parametrize(("estimator", "y"), CASES, ids=IDS)
def test_gpu_agrees_with_cpu(estimator, y, tmp_path):
    """Weights and scores, the processor's from a process that sees no GPU."""
    import joblib

    joblib.dump((X, y, estimator), tmp_path / "task")
    subprocess.run(
        [sys.executable, "-c", ON_CPU, tmp_path / "task", tmp_path / "result"],
        env=os.environ | {"CUDA_VISIBLE_DEVICES": ""},
        check=True,
    )
    weights, score = joblib.load(tmp_path / "result")
    estimator.fit(X, y)
    for name, expected in weights.items():
        assert_allclose(estimator.weights_[name], expected, atol=1e-3, err_msg=name)
    assert abs(estimator.score(X, y) - score) < 0.05
