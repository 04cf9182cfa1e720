"""The network that is trained: one for many sizes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from sklstm.network.architecture import Architecture
from sklstm.training.embedding import embedded
from sklstm.training.epochs import EpochNetwork
from sklstm.training.gradients import with_gradient
from sklstm.training.lending import LOOP_BYTES, LSTM_BYTES, NETWORK_BYTES
from sklstm.training.pooling import Pools
from sklstm.training.program import MiniBatch, Rates, Rows
from sklstm.training.recurrence import WIDE, lstm, reverse_steps

# The least capacity: for fewer parameters the optimizer takes the same time.
SMALL = 2**12

# Up to this capacity sizes share networks generously.
LARGE = 2**18


@dataclass(frozen=True)
class AnySizeStructure:
    """What needs a new trace: all that is not an input of the traced epoch."""

    n_layers: int
    directions: tuple[str, ...]
    activation: str
    loss: str
    capacity: int
    wide: bool = False
    every_step: bool = False
    recurrent_dropout: bool = False
    pooling: tuple[str, ...] = ("last",)
    pools_by_direction: bool = True
    n_embeddings: int = 0

    @classmethod
    def of(
        cls, architecture: Architecture, loss: str, *, recurrent_dropout: bool = False
    ) -> AnySizeStructure:
        """The structure that an architecture and a loss need."""
        inputs = architecture.widths[:-1]
        return cls(
            n_layers=len(architecture.units),
            directions=architecture.directions,
            activation=architecture.activation,
            loss=loss,
            capacity=capacity_for(architecture.n_parameters),
            wide=any(
                (n_inputs + units) * 4 * units >= WIDE
                for n_inputs, units in zip(inputs, architecture.units, strict=True)
            ),
            every_step=architecture.every_step,
            recurrent_dropout=recurrent_dropout,
            pooling=architecture.pooling,
            pools_by_direction=architecture.pools_by_direction,
            n_embeddings=len(architecture.embeddings),
        )

    def build(self, optimizer: keras.optimizers.Optimizer) -> AnySizeNetwork:
        return AnySizeNetwork(self, optimizer)


class AnySizeNetwork(EpochNetwork):
    """One network for all sizes that fit into its capacity.

    Merge modes share it as far as they pool alike: `pools_by_direction`.

    All parameters are slices of one flat variable of some capacity, `capacity_for`;
    sizes and merge mode are inputs of the traced epoch. Entries not in use have zero
    gradient, so they stay zero under every optimizer that works element by element.
    """

    def __init__(
        self, structure: AnySizeStructure, optimizer: keras.optimizers.Optimizer
    ) -> None:
        super().__init__(structure.activation, structure.loss, structure.every_step)
        self.directions = structure.directions
        self.n_layers = structure.n_layers
        self.wide = structure.wide
        self.drops_states = structure.recurrent_dropout
        self.pooling = structure.pooling
        self.pools_by_direction = structure.pools_by_direction
        self.n_embeddings = structure.n_embeddings
        self.flat = self.add_weight(
            shape=(structure.capacity,), initializer="zeros", name="parameters"
        )
        n_lstms = self.n_layers * len(self.directions)
        loops = self.wide or self.drops_states
        # With the variable and two moments.
        self.n_bytes = (
            NETWORK_BYTES
            + n_lstms * (LSTM_BYTES + loops * LOOP_BYTES)
            + 12 * structure.capacity
        )
        self.built = True
        self.ready(optimizer)

    def write(
        self,
        flat: NDArray[np.float32],
        architecture: Architecture,
        rng: np.random.Generator,
    ) -> tuple[Any, Any]:
        self.set_parameters(flat, architecture)
        return packed(architecture, self.flat.shape[0])

    def set_parameters(
        self, flat: NDArray[np.float32], architecture: Architecture
    ) -> None:
        padded = np.zeros(self.flat.shape, np.float32)
        padded[: len(flat)] = flat
        self.flat.value.assign(padded)

    def unpacked(self, sizes: tuple[Any, Any]) -> Sizes:
        n_directions = len(self.directions)
        return unpacked(sizes, self.n_layers, n_directions, self.n_embeddings)

    @property
    def parameters(self) -> NDArray[np.float32]:
        flat: NDArray[np.float32] = self.flat.numpy()[: self.loan.n_parameters].copy()
        return flat

    @property
    def optimizer_state(self) -> list[NDArray[Any]]:
        """Of the parameters in use."""
        return [
            slot[: self.loan.n_parameters].copy()
            if slot.shape == self.flat.shape
            else slot
            for slot in self._read_optimizer()
        ]

    def set_optimizer_state(self, state: list[NDArray[Any]] | None) -> None:
        if state is not None:
            slots = [slot.copy() for slot in self._fresh_optimizer]
            for slot, value in zip(slots, state, strict=True):
                slot[tuple(map(slice, value.shape))] = value
            state = slots
        super().set_optimizer_state(state)

    def dropout_masks(
        self, rows: Rows, rates: Rates, sizes: Sizes, seed: tf.Tensor
    ) -> Any:
        n_rows, *_ = tf.unstack(tf.shape(rows.values))
        masks = [drawn_masks(n_rows, sizes.inputs, rates.dropout, seed)]
        if self.drops_states:
            rate = rates.recurrent_dropout
            of_states = seed + tf.constant([1, 0])
            masks.append(drawn_masks(n_rows, sizes.units, rate, of_states))
        return tf.concat(masks, axis=1)

    def logits(self, batch: MiniBatch, sizes: Sizes) -> Any:
        n_parts = sizes.parts.shape[0]
        *lstms, kernel, bias, _ = tf.split(self.flat.value, sizes.parts, num=n_parts)
        tables = [tf.reshape(lstms.pop(0), tf.stack([-1, dim])) for dim in sizes.dims]
        lengths, steps = batch.lengths, embedded(batch.steps, tables)
        input_masks, state_masks = map(iter, self._masks(batch.masks, sizes))
        for k, (units, width) in enumerate(sizes.widths):
            zero_state = tf.zeros(tf.stack([tf.size(lengths), units]))
            states = []
            for direction in self.directions:
                weights, gate_bias = lstms.pop(0), lstms.pop(0)
                mask, kept = next(input_masks, None), next(state_masks, None)
                inputs = steps if mask is None else steps * mask
                if direction == "backward":
                    inputs = reverse_steps(inputs, lengths)
                weights = tf.reshape(weights, sizes.kernels[k])
                state = lstm(
                    inputs, weights, gate_bias, zero_state, kept=kept, wide=self.wide
                )
                states.append(state)
            merge = partial(_merge, coefficients=sizes.merge, units=units, width=width)
            if k + 1 == self.n_layers and not self.every_step:
                steps = self._pooled(states, lengths, merge)
            else:
                steps = merge(self._as_given(states, lengths))
        n_inputs, _ = tf.unstack(sizes.head)
        steps = tf.reshape(steps, tf.stack([-1, n_inputs]))
        kernel = tf.reshape(kernel, sizes.head)
        return tf.nn.bias_add(tf.matmul(steps, kernel), bias)

    def _masks(self, masks: tf.Tensor, sizes: Sizes) -> tuple[list[Any], list[Any]]:
        """Those of inputs and of states, one for every LSTM."""
        if masks is None:
            return [], []
        n_lstms = self.n_layers * len(self.directions)
        widths = [sizes.inputs, *[sizes.units] * self.drops_states]
        by_lstm = tf.split(
            masks, tf.concat(widths, axis=0), axis=1, num=n_lstms * len(widths)
        )
        return by_lstm[:n_lstms], by_lstm[n_lstms:]

    def _pooled(self, states: list[Any], lengths: tf.Tensor, merge: Any) -> Any:
        """What the dense layer reads, of states in each direction's order.

        Shape (n_rows, n_poolings, width).
        """
        n_timesteps, *_ = tf.unstack(tf.shape(states[0]))
        pool = Pools(lengths, n_timesteps)
        if self.pools_by_direction:
            return merge([pool(self.pooling, state) for state in states])
        merged_first = tuple(name for name in self.pooling if name != "last")
        pooled = pool(merged_first, merge(self._as_given(states, lengths)))
        if "last" not in self.pooling:
            return pooled
        last = merge([pool(("last",), state) for state in states])
        place = self.pooling.index("last")
        return tf.concat([pooled[:, :place], last, pooled[:, place:]], axis=1)

    def _as_given(self, states: list[Any], lengths: tf.Tensor) -> list[Any]:
        """States of every direction in the order of the timesteps."""
        return [
            reverse_steps(state, lengths) if direction == "backward" else state
            for direction, state in zip(self.directions, states, strict=True)
        ]


def _merge(
    states: list[Any], coefficients: tf.Tensor, units: tf.Tensor, width: tf.Tensor
) -> Any:
    """Both directions' states as one, `width` wide."""
    if len(states) == 1:
        return states[0]
    forward, backward = states
    a, b, m = coefficients
    merged = a * forward + b * backward + m * (forward * backward)
    merged = tf.concat([merged, backward], axis=-1)[..., :width]
    known = {"a": a, "b": b, "m": m, "missing": 2 * units - width}
    return with_gradient(merged, _gradient_of_merge, forward, backward, **known)


def _gradient_of_merge(
    upstream: tf.Tensor,
    forward: tf.Tensor,
    backward: tf.Tensor,
    *,
    a: tf.Tensor,
    b: tf.Tensor,
    m: tf.Tensor,
    missing: tf.Tensor,
) -> tuple[Any, Any]:
    # The derivative by hand: traced, scalars times arrays become many ops.
    paddings = [[0, 0]] * (upstream.shape.rank - 1) + [[0, missing]]
    first, second = tf.split(tf.pad(upstream, paddings), 2, axis=-1)
    return first * (a + m * backward), first * (b + m * forward) + second


def capacity_for(n_parameters: int) -> int:
    """The least power of four, from `SMALL` on, that holds so many parameters.

    Above `LARGE` an eighth of a power of two is the step: the optimizer goes through
    all of the capacity at every step, and would take longer than the network.
    """
    if n_parameters > LARGE:
        step = 2 ** ((n_parameters - 1).bit_length() - 4)
        return -(-n_parameters // step) * step
    return max(SMALL, int(4 ** math.ceil(math.log(n_parameters, 4) - 1e-9)))


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


def drawn_masks(n_rows: tf.Tensor, sizes: Any, rate: tf.Tensor, seed: tf.Tensor) -> Any:
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
