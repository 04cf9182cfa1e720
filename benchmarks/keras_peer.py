"""The network of standard Keras layers that a scikeras user writes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np


def network(
    n_timesteps: int,
    n_features: int,
    units: int,
    n_outputs: int = 1,
    merge_mode: str = "concat",
    masked: bool = False,
    *,
    pooling: Sequence[str] = ("last",),
    vectors: tuple[int, int] | None = None,
    quantiles: Sequence[float] = (),
    learning_rate: Any = 1e-3,
) -> keras.Model:
    """Compiled with Adam; one sigmoid output, or a softmax over several classes.

    With other poolings than of the last states, which are of concatenated ones, no
    timestep is masked. `vectors`: rows and columns of the table of vectors of a second
    input, codes of shape (n_rows, n_timesteps). With `quantiles` an output for each.
    """
    inputs = [keras.Input((n_timesteps, n_features))]
    steps = keras.layers.Masking()(inputs[0]) if masked else inputs[0]
    if vectors:
        inputs.append(keras.Input((n_timesteps,), dtype="int32"))
        embedded = keras.layers.Embedding(*vectors)(inputs[1])
        steps = keras.layers.Concatenate()([steps, embedded])
    if tuple(pooling) == ("last",):
        lstm = keras.layers.LSTM(units)
        states = keras.layers.Bidirectional(lstm, merge_mode=merge_mode)(steps)
    else:
        states = _pooled(steps, units, pooling)
    if quantiles:
        outputs = keras.layers.Dense(len(quantiles))(states)
        loss = pinball(quantiles)
    elif n_outputs == 1:
        outputs = keras.layers.Dense(1, activation="sigmoid")(states)
        loss = "binary_crossentropy"
    else:
        outputs = keras.layers.Dense(n_outputs, activation="softmax")(states)
        loss = "sparse_categorical_crossentropy"
    model = keras.Model(inputs if vectors else inputs[0], outputs)
    model.compile(keras.optimizers.Adam(learning_rate), loss)
    return model


def _pooled(steps: Any, units: int, pooling: Sequence[str]) -> Any:
    lstm = keras.layers.LSTM(units, return_sequences=True, return_state=True)
    states, forward, _, backward, _ = keras.layers.Bidirectional(lstm)(steps)
    read = {
        "last": lambda: keras.layers.Concatenate()([forward, backward]),
        "mean": lambda: keras.layers.GlobalAveragePooling1D()(states),
        "max": lambda: keras.layers.GlobalMaxPooling1D()(states),
    }
    return keras.layers.Concatenate()([read[name]() for name in pooling])


def pinball(quantiles: Sequence[float]) -> Callable[[Any, Any], Any]:
    """The loss of quantiles of one target, an output each."""
    levels = np.array(quantiles, np.float32)

    def loss(y_true: Any, y_pred: Any) -> Any:
        above = keras.ops.reshape(y_true, (-1, 1)) - y_pred
        return keras.ops.maximum(levels * above, (levels - 1) * above)

    return loss


def random_weights(n_features: int, units: int) -> list[np.ndarray]:
    """Weights of such a network with one output, in Keras' order."""
    keras.utils.set_random_seed(0)
    weights = network(1, n_features, units).get_weights()
    rng = np.random.default_rng(0)
    return [w + rng.normal(scale=0.1, size=w.shape).astype("f4") for w in weights]
