"""Learnt vectors in the place of codes: in a graph, and as standard Keras layers."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from sklstm.network.architecture import Architecture
from sklstm.training.gradients import with_gradient
from sklstm.training.settings import FLOATS


def embedded(steps: tf.Tensor, tables: list[Any]) -> Any:
    """Vectors in the place of the last features, which are places in their tables.

    Parameters
    ----------
    steps : tensor of shape (n_timesteps, n_rows, n_features)
    tables : list of tensors of shape (n_codes + 1, dim)

    Returns
    -------
    tensor of shape (n_timesteps, n_rows, n_numbers + sum of all dim)
    """
    if not tables:
        return steps
    numbers = steps[..., : -len(tables)]
    places = tf.cast(steps[..., -len(tables) :], tf.int32)
    vectors = [_rows_of(table, places[..., k]) for k, table in enumerate(tables)]
    return tf.concat([numbers, *vectors], axis=-1)


def _rows_of(table: tf.Tensor, places: tf.Tensor) -> Any:
    """Rows of a table; the gradient is dense, as the flat vector's has to be."""
    rows = tf.gather(table, places)
    return with_gradient(rows, _gradient_of_rows, table, places=places)


def _gradient_of_rows(
    upstream: tf.Tensor, table: tf.Tensor, *, places: tf.Tensor
) -> tuple[Any]:
    n_rows, dim = tf.unstack(tf.shape(table))
    by_row = tf.reshape(upstream, tf.stack([-1, dim]))
    places = tf.reshape(places, [-1])
    return (tf.math.unsorted_segment_sum(by_row, places, n_rows),)


def embedding_layers(
    steps: Any, architecture: Architecture, codes: tuple[Any, ...] | None
) -> Any:
    """Standard layers between the input and the first LSTM.

    Parameters
    ----------
    steps : keras.KerasTensor of shape (n_samples, n_timesteps, n_features)
    architecture : Architecture
    codes : tuple of ndarray or None
        The known codes of every embedded feature; None if the last features are their
        places already.
    """
    embeddings = architecture.embeddings
    if not embeddings:
        return steps
    n_numbers = architecture.n_features - len(embeddings)
    if codes is None:
        numbers = list(range(n_numbers))
        columns = list(range(n_numbers, architecture.n_features))
    else:
        columns = [e.feature for e in embeddings]
        numbers = [k for k in range(architecture.n_features) if k not in columns]
    parts = [keras.ops.take(steps, numbers, axis=2)] if numbers else []
    for k, (column, embedding) in enumerate(zip(columns, embeddings, strict=True), 1):
        places = keras.ops.cast(steps[:, :, column], "int64")
        if codes is not None and not len(codes[k - 1]):
            places = keras.ops.zeros_like(places)
        elif codes is not None:
            lookup = keras.layers.IntegerLookup(
                vocabulary=codes[k - 1].tolist(), name=f"codes_{k}"
            )
            lookup.dtype_policy = FLOATS  # by name it would be that of its integers
            places = lookup(places)
        initial = keras.initializers.RandomUniform(-0.05, 0.05, seed=k)
        layer = keras.layers.Embedding(
            *embedding.shape,
            embeddings_initializer=initial,
            dtype=FLOATS,
            name=f"embedding_{k}",
        )
        parts.append(layer(places))
    return (
        parts[0] if len(parts) == 1 else keras.layers.Concatenate(dtype=FLOATS)(parts)
    )
