"""A network of standard Keras layers for an architecture."""

from __future__ import annotations

from typing import Any

import keras

from sklstm.network.architecture import Architecture
from sklstm.training.embedding import embedding_layers


def keras_layers(
    architecture: Architecture,
    *,
    dropout: float = 0.0,
    mask: bool = False,
    codes: tuple[Any, ...] | None = None,
) -> Any:
    """Build it; its weights lie in the order of `Architecture.shapes`.

    Every random generator gets a seed: Keras would draw one from Python's `random`,
    which is the user's.

    Parameters
    ----------
    architecture : Architecture
    dropout : float, default=0
        As in `keras.layers.LSTM`.
    mask : bool, default=False
        Whether the network takes a second input, booleans of shape (n_samples,
        n_timesteps), that are False at padded timesteps.
    codes : tuple of ndarray, default=None
        The known codes of every embedded feature, if the network takes X itself; None
        if it takes numbers first and then the places of codes.

    Returns
    -------
    keras.Model
    """
    inputs = [keras.Input((None, architecture.n_features), name="sequences")]
    valid = None
    if mask:
        valid = keras.Input((None,), dtype="bool", name="mask")
        inputs.append(valid)
    steps = embedding_layers(inputs[0], architecture, codes)
    n_layers = len(architecture.units)
    initial = keras.initializers.GlorotUniform(seed=0)
    initial_recurrent = keras.initializers.Orthogonal(seed=0)
    for k, units in enumerate(architecture.units, start=1):
        every_step = k < n_layers or architecture.every_step
        lstm = keras.layers.LSTM(
            units,
            return_sequences=every_step,
            go_backwards=architecture.direction == "backward",
            dropout=dropout,
            kernel_initializer=initial,
            recurrent_initializer=initial_recurrent,
            seed=k,
            name=f"lstm_{k}",
        )
        if architecture.direction == "bidirectional":
            lstm = keras.layers.Bidirectional(
                lstm, merge_mode=architecture.merge_mode, name=f"lstm_{k}"
            )
        steps = lstm(steps, mask=valid)
        if architecture.direction == "backward" and every_step:
            # Keras gives the states in the order of processing: last timestep first.
            steps = keras.ops.flip(steps, axis=1)
    dense = keras.layers.Dense(
        architecture.n_outputs,
        activation=architecture.activation,
        kernel_initializer=initial,
        name="dense",
    )
    return keras.Model(inputs if mask else inputs[0], dense(steps))
