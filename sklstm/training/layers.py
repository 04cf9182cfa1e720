"""A network of standard Keras layers for an architecture."""

from __future__ import annotations

from typing import Any

import keras

from sklstm.network.architecture import Architecture
from sklstm.training.embedding import embedding_layers
from sklstm.training.settings import FLOATS


def keras_layers(
    architecture: Architecture,
    *,
    dropout: float = 0.0,
    mask: bool = False,
    codes: tuple[Any, ...] | None = None,
) -> Any:
    """Build it; its weights lie in the order of `Architecture.shapes`.

    Every random generator gets a seed: Keras would draw one from Python's `random`,
    which is the user's. Every layer is told its floats: Keras would take those of the
    process.

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
    inputs = [
        keras.Input((None, architecture.n_features), dtype=FLOATS, name="sequences")
    ]
    valid = None
    if mask:
        valid = keras.Input((None,), dtype="bool", name="mask")
        inputs.append(valid)
    steps = embedding_layers(inputs[0], architecture, codes)
    pools = not architecture.every_step and architecture.pooling != ("last",)
    for k in range(1, len(architecture.units) + 1):
        at_end = k == len(architecture.units) and not architecture.every_step
        steps = _lstm(architecture, k, dropout, pools and at_end)(steps, mask=valid)
        if pools and at_end:
            steps = _pooled(architecture, steps, valid)
        elif architecture.direction == "backward" and not at_end:
            # Keras gives the states in the order of processing: last timestep first.
            steps = keras.ops.flip(steps, axis=1)
    dense = keras.layers.Dense(
        architecture.n_outputs,
        activation=architecture.activation,
        kernel_initializer=keras.initializers.GlorotUniform(seed=0),
        dtype=FLOATS,
        name="dense",
    )
    network = keras.Model(inputs if mask else inputs[0], dense(steps))
    network.dtype_policy = FLOATS
    return network


def _lstm(architecture: Architecture, k: int, dropout: float, pooled: bool) -> Any:
    """The k-th layer; if its states are pooled, not merged and with the last ones."""
    at_end = k == len(architecture.units) and not architecture.every_step
    lstm = keras.layers.LSTM(
        architecture.units[k - 1],
        return_sequences=pooled or not at_end,
        return_state=pooled,
        go_backwards=architecture.direction == "backward",
        dropout=dropout,
        kernel_initializer=keras.initializers.GlorotUniform(seed=0),
        recurrent_initializer=keras.initializers.Orthogonal(seed=0),
        seed=k,
        dtype=FLOATS,
        name=f"lstm_{k}",
    )
    if architecture.direction != "bidirectional":
        return lstm
    merge_mode = None if pooled else architecture.merge_mode
    return keras.layers.Bidirectional(
        lstm, merge_mode=merge_mode, dtype=FLOATS, name=f"lstm_{k}"
    )


_MERGE_LAYERS = {
    "concat": keras.layers.Concatenate,
    "sum": keras.layers.Add,
    "mul": keras.layers.Multiply,
    "ave": keras.layers.Average,
}


def _pooled(architecture: Architecture, outputs: list[Any], valid: Any) -> Any:
    """What the dense layer reads, of all states and the last ones of each direction."""
    if architecture.direction == "bidirectional":
        merge = _MERGE_LAYERS[architecture.merge_mode]
        forward, backward, last_forward, _, last_backward, _ = outputs
        steps = merge(dtype=FLOATS, name="merged_states")([forward, backward])
        last = merge(dtype=FLOATS, name="last_states")([last_forward, last_backward])
    else:
        # Padding may stand where it likes: order does not matter any more.
        steps, last, _ = outputs
        if architecture.direction == "backward" and valid is not None:
            valid = keras.ops.flip(valid, axis=1)
    pooled = []
    for name in architecture.pooling:
        if name == "last":
            pooled.append(last)
        elif name == "mean":
            mean = keras.layers.GlobalAveragePooling1D(
                dtype=FLOATS, name="mean_of_states"
            )
            pooled.append(mean(steps, mask=valid))
        else:
            seen = steps
            if valid is not None:
                seen = keras.ops.where(valid[:, :, None], steps, -float("inf"))
            largest = keras.layers.GlobalMaxPooling1D(
                dtype=FLOATS, name="max_of_states"
            )
            pooled.append(largest(seen))
    if len(pooled) == 1:
        return pooled[0]
    return keras.layers.Concatenate(dtype=FLOATS, name="pooled_states")(pooled)
