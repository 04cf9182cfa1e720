"""What is read out of the states over time, in the graph."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from sklstm.training.gradients import with_gradient


class Pools:
    """Makes one state of those of all timesteps of a sequence.

    Parameters
    ----------
    lengths : tensor of shape (n_rows,)
    n_timesteps : scalar tensor
    """

    def __init__(self, lengths: tf.Tensor, n_timesteps: tf.Tensor) -> None:
        self.last = tf.stack([lengths - 1, tf.range(tf.size(lengths))], axis=1)
        valid = tf.expand_dims(tf.range(n_timesteps), 1) < lengths
        n_valid = tf.cast(lengths, tf.float32)
        self.share = tf.expand_dims(tf.cast(valid, tf.float32) / n_valid, 2)
        # Less than any state, and no product or sum of it is infinite.
        self.below = tf.expand_dims(tf.where(valid, 0.0, -1e9), 2)

    def __call__(self, poolings: tuple[str, ...], states: tf.Tensor) -> Any:
        """By each pooling, shape (n_rows, n_poolings, width).

        Parameters
        ----------
        poolings : tuple of {"last", "mean", "max"}
        states : tensor of shape (n_timesteps, n_rows, width)
        """
        pooled: dict[str, Any] = {}
        # Hashable is what is the same in every graph.
        known: dict[str, Any] = {"poolings": poolings}
        if "last" in poolings:
            pooled["last"] = tf.gather_nd(states, self.last)
            known["last"] = self.last
        if "mean" in poolings:
            pooled["mean"] = tf.reduce_sum(states * self.share, axis=0)
            known["share"] = self.share
        if "max" in poolings:
            seen = states + self.below
            pooled["max"] = tf.reduce_max(seen, axis=0)
            known |= {"seen": seen, "greatest": pooled["max"]}
        stacked = tf.stack([pooled[name] for name in poolings], axis=1)
        return with_gradient(stacked, _gradient, states, **known)


def _gradient(
    upstream: tf.Tensor,
    states: tf.Tensor,
    *,
    poolings: tuple[str, ...],
    last: tf.Tensor = None,
    share: tf.Tensor = None,
    seen: tf.Tensor = None,
    greatest: tf.Tensor = None,
) -> tuple[Any]:
    """By hand: traced, it would go through all states once for every pooling.

    And several times for the maximum.
    """
    by_pooling = tf.unstack(upstream, len(poolings), axis=1)
    of = dict(zip(poolings, by_pooling, strict=True))
    total = 0.0
    if "mean" in of:
        total = share * of["mean"]
    if "max" in of:
        largest = tf.cast(tf.equal(seen, greatest), tf.float32)
        # As Keras has it, timesteps that are equally large share.
        total += largest * (of["max"] / tf.reduce_sum(largest, axis=0))
    if "last" not in of:
        return (total,)
    if len(of) == 1:
        return (tf.scatter_nd(last, of["last"], tf.shape(states)),)
    return (tf.tensor_scatter_nd_add(total, last, of["last"]),)
