"""The network of standard Keras layers that a scikeras user writes."""

from __future__ import annotations

import keras
import numpy as np


def network(
    n_timesteps: int,
    n_features: int,
    units: int,
    n_outputs: int = 1,
    merge_mode: str = "concat",
    masked: bool = False,
) -> keras.Model:
    """Compiled with Adam; one sigmoid output, or a softmax over several classes."""
    lstm = keras.layers.LSTM(units)
    model = keras.Sequential([keras.Input((n_timesteps, n_features))])
    if masked:
        model.add(keras.layers.Masking())
    model.add(keras.layers.Bidirectional(lstm, merge_mode=merge_mode))
    if n_outputs == 1:
        model.add(keras.layers.Dense(1, activation="sigmoid"))
        loss = "binary_crossentropy"
    else:
        model.add(keras.layers.Dense(n_outputs, activation="softmax"))
        loss = "sparse_categorical_crossentropy"
    model.compile(keras.optimizers.Adam(1e-3), loss)
    return model


def random_weights(n_features: int, units: int) -> list[np.ndarray]:
    """Weights of such a network with one output, in Keras' order."""
    keras.utils.set_random_seed(0)
    weights = network(1, n_features, units).get_weights()
    rng = np.random.default_rng(0)
    return [w + rng.normal(scale=0.1, size=w.shape).astype("f4") for w in weights]
