"""Losses and accuracy from logits, per row, mostly by Keras' own functions."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

_FROM_LOGITS = {
    "binary_crossentropy": keras.losses.binary_crossentropy,
    "binary_focal_crossentropy": keras.losses.binary_focal_crossentropy,
}
_LINEAR = {
    "mean_squared_error": keras.losses.mean_squared_error,
    "mean_absolute_error": keras.losses.mean_absolute_error,
    "huber": keras.losses.huber,
    "log_cosh": keras.losses.log_cosh,
}


def known_to_keras(name: str) -> Any:
    """The loss by its name, or the function if Keras has none of this name."""
    return _pinball if name == "quantile" else name


def loss_per_row(name: str, targets: tf.Tensor, logits: tf.Tensor) -> Any:
    """The loss of every row, shape (n_rows,), averaged over its outputs."""
    if name in _LINEAR:
        return _LINEAR[name](targets, logits)
    if name == "quantile":
        return _pinball(targets, logits)
    if name in _FROM_LOGITS:
        return _FROM_LOGITS[name](targets, logits, from_logits=True)
    labels = tf.cast(targets[:, 0], tf.int32)
    if name == "categorical_crossentropy":
        return tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
    one_hot = tf.one_hot(labels, tf.shape(logits)[1])
    return keras.losses.categorical_focal_crossentropy(
        one_hot, logits, from_logits=True
    )


def _pinball(targets: tf.Tensor, logits: tf.Tensor) -> Any:
    """The loss whose least expectation is at a quantile [1]_, of every output its own.

    Parameters
    ----------
    targets : tensor of shape (n_rows, 2 * n_outputs)
        What is true for every output, and behind it the level of every output.
    logits : tensor of shape (n_rows, n_outputs)

    References
    ----------
    .. [1] Koenker & Bassett (1978), Regression quantiles. :doi:`10.2307/1913643`
    """
    true, levels = tf.split(targets, 2, axis=1)
    above = true - logits
    return tf.reduce_mean(tf.maximum(levels * above, (levels - 1) * above), axis=1)


def count_correct(
    activation: str, targets: tf.Tensor, logits: tf.Tensor, weights: tf.Tensor
) -> Any:
    """Summed weight of the rows whose predicted labels are all right."""
    if activation == "linear":
        return tf.constant(0.0)
    if activation == "softmax":
        predicted = tf.argmax(logits, axis=1, output_type=tf.int32)
        correct = tf.equal(predicted, tf.cast(targets[:, 0], tf.int32))
    else:
        correct = tf.reduce_all(tf.equal(logits > 0, targets > 0.5), axis=1)
    return tf.reduce_sum(tf.cast(correct, tf.float32) * weights)
