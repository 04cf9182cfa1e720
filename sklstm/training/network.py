"""The network that is trained: one for every size."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from sklstm.network.architecture import Architecture
from sklstm.training.dropout import drawn_masks
from sklstm.training.embedding import embedded
from sklstm.training.epochs import COST_BYTES, EpochNetwork
from sklstm.training.kernel import WIDE, lstm, reverse_steps
from sklstm.training.pooling import Pools
from sklstm.training.program import MiniBatch, Rates, Rows

# A merged state is a * forward + b * backward + m * forward * backward, followed by
# backward where the mode concatenates: no branch in the graph for a mode.
_MERGE_COEFFICIENTS = {
    "concat": (1.0, 0.0, 0.0),
    "sum": (1.0, 1.0, 0.0),
    "ave": (0.5, 0.5, 0.0),
    "mul": (0.0, 0.0, 1.0),
}

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

    def build(self, optimizer: Any) -> AnySizeNetwork:
        return AnySizeNetwork(self, optimizer)


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


class AnySizeNetwork(EpochNetwork):
    """One network for every number of units, features, outputs and every merge mode.

    All parameters are slices of one flat variable of some capacity, `capacity_for`;
    sizes and merge mode are inputs of the traced epoch. Entries not in use have zero
    gradient, so they stay zero under every optimizer that works element by element.
    """

    def __init__(self, structure: AnySizeStructure, optimizer: Any) -> None:
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
        # The variable and two moments, beside what TensorFlow takes for any network.
        self.cost = 1 + 12 * structure.capacity // COST_BYTES
        self.built = True
        self.ready(optimizer)

    def write(
        self,
        flat: NDArray[np.float32],
        architecture: Architecture,
        rng: np.random.Generator,
    ) -> tuple[Any, Any]:
        padded = np.zeros(self.flat.shape, np.float32)
        padded[: len(flat)] = flat
        self.flat.value.assign(padded)
        parts = _part_sizes(architecture)
        units, merged = architecture.units, architecture.widths[1:]
        n_directions = len(self.directions)
        sizes = [
            *[*parts, len(padded) - sum(parts)],
            *np.repeat(architecture.widths[:-1], n_directions),
            *np.repeat(units, n_directions),
            *[embedding.dim for embedding in architecture.embeddings],
            *[n for u in units for n in (-1, 4 * u)],
            *[n for pair in zip(units, merged, strict=True) for n in pair],
            *architecture.head,
        ]
        return (
            tf.constant(sizes, tf.int32),
            tf.constant(_MERGE_COEFFICIENTS[architecture.merge_mode], tf.float32),
        )

    def unpacked(self, sizes: tuple[Any, Any]) -> Sizes:
        integers, merge = sizes  # in the order of `write`
        n_lstms = self.n_layers * len(self.directions)
        n_parts = self.n_embeddings + 2 * n_lstms + 3
        by_layer = [2 * self.n_layers] * 2
        parts, inputs, units, dims, kernels, widths, head = tf.split(
            integers, [n_parts, n_lstms, n_lstms, self.n_embeddings, *by_layer, 2]
        )
        return Sizes(
            parts=parts,
            inputs=inputs,
            units=units,
            dims=tf.unstack(dims),
            kernels=tf.split(kernels, self.n_layers),
            widths=[tf.unstack(width) for width in tf.split(widths, self.n_layers)],
            head=head,
            merge=tf.unstack(merge),
        )

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
        slots = [slot.copy() for slot in self._fresh_optimizer]
        for slot, value in zip(slots, state or [], strict=state is not None):
            slot[tuple(map(slice, value.shape))] = value
        for variable, slot in zip(self.optimizer.variables, slots, strict=True):
            variable.value.assign(slot)

    def dropout_masks(self, rows: Rows, rates: Rates, sizes: Sizes, seed: Any) -> Any:
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

    def _masks(self, masks: Any, sizes: Sizes) -> tuple[list[Any], list[Any]]:
        """Those of inputs and of states, one for every LSTM."""
        if masks is None:
            return [], []
        n_lstms = self.n_layers * len(self.directions)
        widths = [sizes.inputs, *[sizes.units] * self.drops_states]
        by_lstm = tf.split(
            masks, tf.concat(widths, axis=0), axis=1, num=n_lstms * len(widths)
        )
        return by_lstm[:n_lstms], by_lstm[n_lstms:]

    def _pooled(self, states: list[Any], lengths: Any, merge: Any) -> Any:
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

    def _as_given(self, states: list[Any], lengths: Any) -> list[Any]:
        """States of every direction in the order of the timesteps."""
        return [
            reverse_steps(state, lengths) if direction == "backward" else state
            for direction, state in zip(self.directions, states, strict=True)
        ]


def _part_sizes(architecture: Architecture) -> list[int]:
    """Entries of the flat vector by table, weight matrix (both kernels) and bias."""
    sizes = [math.prod(shape) for shape in architecture.shapes.values()]
    n_embeddings = len(architecture.embeddings)
    tables, (*lstms, kernel, bias) = sizes[:n_embeddings], sizes[n_embeddings:]
    merged: list[int] = []
    for k in range(0, len(lstms), 3):
        merged += [lstms[k] + lstms[k + 1], lstms[k + 2]]
    return [*tables, *merged, kernel, bias]


def _merge(states: list[Any], coefficients: Any, units: Any, width: Any) -> Any:
    """Both directions' states as one, `width` wide."""
    if len(states) == 1:
        return states[0]
    a, b, m = coefficients

    @tf.custom_gradient
    def merge(forward: Any, backward: Any) -> Any:
        merged = a * forward + b * backward + m * (forward * backward)
        merged = tf.concat([merged, backward], axis=-1)[..., :width]

        def gradient(upstream: Any) -> tuple[Any, Any]:
            # The derivative by hand: traced, scalars times arrays become many ops.
            missing = 2 * units - width
            paddings = [[0, 0]] * (upstream.shape.rank - 1) + [[0, missing]]
            first, second = tf.split(tf.pad(upstream, paddings), 2, axis=-1)
            return (
                first * (a + m * backward),
                first * (b + m * forward) + second,
            )

        return merged, gradient

    return merge(*states)


def capacity_for(n_parameters: int) -> int:
    """The least power of four, from `SMALL` on, that holds so many parameters.

    Above `LARGE` an eighth of a power of two is the step: the optimizer goes through
    all of the capacity at every step, and would take longer than the network.
    """
    if n_parameters > LARGE:
        step = 2 ** ((n_parameters - 1).bit_length() - 4)
        return -(-n_parameters // step) * step
    return max(SMALL, int(4 ** math.ceil(math.log(n_parameters, 4) - 1e-9)))
