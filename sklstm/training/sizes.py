"""What an architecture tells a graph that was traced for any size."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from sklstm.network.architecture import Architecture

# A merged state is a * forward + b * backward + m * forward * backward, followed by
# backward where the mode concatenates: no branch in the graph for a mode.
_MERGE_COEFFICIENTS = {
    "concat": (1.0, 0.0, 0.0),
    "sum": (1.0, 1.0, 0.0),
    "ave": (0.5, 0.5, 0.0),
    "mul": (0.0, 0.0, 1.0),
}


class Sizes(NamedTuple):
    """What could be a constant of the graph, and comes with its inputs; tensors."""

    parts: Any  # (n_parts,), entries of each part of the flat vector
    inputs: Any  # (n_lstms,), features that enter each LSTM
    units: Any  # (n_lstms,), by layer in `widths`
    dims: list[Any]  # by embedded feature: entries of its vectors
    kernels: list[Any]  # by layer (2,): shape of kernel over recurrent kernel
    widths: list[Any]  # by layer: units and width of the merged states
    head: Any  # (2,), shape of the dense kernel
    merge: list[Any]  # three coefficients of the merge mode


def packed(architecture: Architecture, capacity: int) -> tuple[Any, Any]:
    """Two tensors for all of them, integers and merge coefficients.

    Each tensor that a graph takes costs time at every call.

    Parameters
    ----------
    architecture : Architecture
    capacity : int
        Entries of the flat vector, more than the architecture needs.
    """
    parts = _part_sizes(architecture)
    units, merged = architecture.units, architecture.widths[1:]
    n_directions = len(architecture.directions)
    integers = [
        *[*parts, capacity - sum(parts)],
        *np.repeat(architecture.widths[:-1], n_directions),
        *np.repeat(units, n_directions),
        *[embedding.dim for embedding in architecture.embeddings],
        *[n for u in units for n in (-1, 4 * u)],
        *[n for pair in zip(units, merged, strict=True) for n in pair],
        *architecture.head,
    ]
    return (
        tf.constant(integers, tf.int32),
        tf.constant(_MERGE_COEFFICIENTS[architecture.merge_mode], tf.float32),
    )


def unpacked(
    sizes: tuple[Any, Any], n_layers: int, n_directions: int, n_embeddings: int
) -> Sizes:
    """By name, in the graph; of an architecture with so many of each."""
    integers, merge = sizes
    n_lstms = n_layers * n_directions
    n_parts = n_embeddings + 2 * n_lstms + 3
    # In the order of `packed`.
    parts, inputs, units, dims, kernels, widths, head = tf.split(
        integers,
        [n_parts, n_lstms, n_lstms, n_embeddings, 2 * n_layers, 2 * n_layers, 2],
    )
    return Sizes(
        parts=parts,
        inputs=inputs,
        units=units,
        dims=tf.unstack(dims),
        kernels=tf.split(kernels, n_layers),
        widths=[tf.unstack(width) for width in tf.split(widths, n_layers)],
        head=head,
        merge=tf.unstack(merge),
    )


def _part_sizes(architecture: Architecture) -> list[int]:
    """Entries of the flat vector by table, weight matrix (both kernels) and bias."""
    sizes = [math.prod(shape) for shape in architecture.shapes.values()]
    n_embeddings = len(architecture.embeddings)
    tables, (*lstms, kernel, bias) = sizes[:n_embeddings], sizes[n_embeddings:]
    merged: list[int] = []
    for k in range(0, len(lstms), 3):
        merged += [lstms[k] + lstms[k + 1], lstms[k + 2]]
    return [*tables, *merged, kernel, bias]
