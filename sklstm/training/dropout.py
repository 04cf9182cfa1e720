"""What dropout multiplies with, in the graph."""

from __future__ import annotations

from typing import Any

import tensorflow as tf


def drawn_masks(n_rows: Any, sizes: Any, rate: Any, seed: Any) -> Any:
    """Zero where something is dropped; what is kept is scaled up.

    Parameters
    ----------
    n_rows : scalar tensor
    sizes : tensor of shape (n_lstms,), int32
        How many entries of a row each LSTM may drop.
    rate : scalar tensor
    seed : tensor of shape (2,), int32

    Returns
    -------
    tensor of shape (n_rows, sum of sizes)
        Those of all LSTMs side by side, each drawn by itself.
    """
    # The numbers of tf.random.stateless_uniform, which is four times as many ops.
    drawn = [
        tf.raw_ops.StatelessRandomUniform(
            shape=tf.stack([n_rows, size]), seed=seed + tf.constant([0, k])
        )
        for k, size in enumerate(tf.unstack(sizes))
    ]
    return tf.cast(tf.concat(drawn, axis=1) >= rate, tf.float32) / (1 - rate)
