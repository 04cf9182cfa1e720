"""What dropout multiplies with, in the graph."""

from __future__ import annotations

from typing import Any

import tensorflow as tf


def drawn_masks(n_rows: Any, sizes: Any, rate: Any, seed: tuple[Any, int]) -> Any:
    """Zero where something is dropped; what is kept is scaled up.

    Parameters
    ----------
    n_rows : scalar tensor
    sizes : tensor of shape (n_lstms,), int32
        How many entries of a row each LSTM may drop.
    rate : scalar tensor
    seed : tuple of a tensor of shape (2,), int32, and an int
        Of the graph call, and of what is dropped.

    Returns
    -------
    tensor of shape (n_rows, sum of sizes)
        Those of all LSTMs side by side, each drawn by itself.
    """
    of_call, of_kind = seed
    # The numbers of tf.random.stateless_uniform, which is four times as many ops.
    drawn = [
        tf.raw_ops.StatelessRandomUniform(
            shape=tf.stack([n_rows, size]), seed=of_call + tf.constant([of_kind, k])
        )
        for k, size in enumerate(tf.unstack(sizes))
    ]
    return tf.cast(tf.concat(drawn, axis=1) >= rate, tf.float32) / (1 - rate)
