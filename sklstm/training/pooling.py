"""What is read out of the states over time, in the graph."""

from __future__ import annotations

from typing import Any

import tensorflow as tf


class Pools:
    """Makes one state of those of all timesteps of a sequence.

    Parameters
    ----------
    lengths : tensor of shape (n_rows,)
    n_timesteps : scalar tensor
    """

    def __init__(self, lengths: Any, n_timesteps: Any) -> None:
        n_rows = tf.shape(lengths)[0]
        self.last = tf.stack([lengths - 1, tf.range(n_rows)], axis=1)
        step = tf.range(n_timesteps)[:, None]
        self.valid = (step < lengths)[:, :, None]
        share = tf.cast(step < lengths, tf.float32) / tf.cast(lengths, tf.float32)
        self.share = share[:, :, None]

    def __call__(self, name: str, states: Any) -> Any:
        """Shape (n_rows, width), of states of shape (n_timesteps, n_rows, width)."""
        if name == "last":
            return tf.gather_nd(states, self.last)
        if name == "mean":
            return tf.reduce_sum(states * self.share, axis=0)
        return tf.reduce_max(tf.where(self.valid, states, tf.float32.min), axis=0)
