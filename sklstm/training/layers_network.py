"""The network that is trained on a GPU: of Keras' own layers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from sklstm.network.architecture import Architecture, split_parameters
from sklstm.training.embedding import embedded
from sklstm.training.epochs import EpochNetwork
from sklstm.training.layers import keras_layers
from sklstm.training.program import MiniBatch, Rates, Rows

# What TensorFlow takes for each LSTM of Keras' in the two graphs of a network.
LAYER_BYTES = 18_000_000


@dataclass(frozen=True)
class LayersStructure:
    """A network of Keras' own layers is traced for one architecture and rate."""

    architecture: Architecture
    dropout: float
    loss: str

    def build(self, optimizer: keras.optimizers.Optimizer) -> LayersNetwork:
        return LayersNetwork(self, optimizer)


class LayersNetwork(EpochNetwork):
    """A network of Keras' own layers, which on a GPU use cuDNN."""

    def __init__(
        self, structure: LayersStructure, optimizer: keras.optimizers.Optimizer
    ) -> None:
        architecture = structure.architecture
        super().__init__(
            architecture.activation, structure.loss, architecture.every_step
        )
        n_lstms = len(architecture.units) * len(architecture.directions)
        self.n_bytes = n_lstms * LAYER_BYTES + 12 * architecture.n_parameters
        self.tables = [
            self.add_weight(shape=e.shape, name=f"embedding_{k}")
            for k, e in enumerate(architecture.embeddings, start=1)
        ]
        self.layers_network = keras_layers(
            replace(
                architecture,
                activation="linear",
                n_features=architecture.n_inputs,
                embeddings=(),
            ),
            dropout=structure.dropout,
            mask=True,
        )
        # Without dropout nothing is drawn, so samples come in the order that the fused
        # kernel would get them in.
        self._drop_seeds = (
            _seed_generators(self.layers_network) if structure.dropout else []
        )
        self.built = True
        self.ready(optimizer)

    def write(
        self,
        flat: NDArray[np.float32],
        architecture: Architecture,
        rng: np.random.Generator,
    ) -> Any:
        self.set_parameters(flat, architecture)
        for seed_generator in self._drop_seeds:
            seed = rng.integers(2**31, size=2).astype(np.uint32)
            seed_generator.state.assign(seed)
        return ()

    def set_parameters(
        self, flat: NDArray[np.float32], architecture: Architecture
    ) -> None:
        self.set_weights(list(split_parameters(flat, architecture).values()))

    @property
    def parameters(self) -> NDArray[np.float32]:
        return np.concatenate([weights.ravel() for weights in self.get_weights()])

    def dropout_masks(
        self, rows: Rows, rates: Rates, sizes: Any, seed: tf.Tensor
    ) -> Any:
        # The layers draw their own: of no width, but not None, which is evaluation.
        return tf.zeros(tf.stack([tf.shape(rows.values)[0], 0]))

    def logits(self, batch: MiniBatch, sizes: Any) -> Any:
        mask = tf.sequence_mask(batch.lengths, tf.shape(batch.steps)[0])
        steps = embedded(batch.steps, [table.value for table in self.tables])
        sequences = tf.transpose(steps, [1, 0, 2])
        logits = self.layers_network(
            [sequences, mask], training=batch.masks is not None
        )
        if self.every_step:
            logits = tf.transpose(logits, [1, 0, 2])
            logits = tf.reshape(logits, [-1, logits.shape[2]])
        return logits


def _seed_generators(network: Any) -> list[Any]:
    """The random generators of the layers' dropout."""
    return [
        layer.seed_generator
        for layer in network._flatten_layers()
        if getattr(layer, "seed_generator", None) is not None
    ]
