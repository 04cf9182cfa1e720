"""Networks that are trained beside standard Keras layers: outputs and gradients."""

from dataclasses import replace

import keras
import numpy as np
import tensorflow as tf

from sklstm.training.any_size_network import AnySizeStructure
from sklstm.training.layers import keras_layers
from sklstm.training.program import MiniBatch, Rates, Rows

LOSS = {
    "sigmoid": "binary_crossentropy",
    "softmax": "categorical_crossentropy",
    "linear": "mean_squared_error",
}


def random_data(rng, architecture, n_rows=9, n_timesteps=3):
    lengths = rng.integers(1, n_timesteps + 1, n_rows)
    lengths[0] = n_timesteps
    values = rng.normal(size=(n_rows, n_timesteps, architecture.n_features))
    values[np.arange(n_timesteps) >= lengths[:, None]] = 0
    return values.astype(np.float32), lengths


def prepared(structure, architecture, flat, **settings):
    network = structure.build(keras.optimizers.SGD(0.1))
    network.assign(flat, architecture, np.random.default_rng(0), Rates(**settings))
    return network


def inputs_of(network):
    """What its graphs read, rates and sizes by name."""
    rates, sizes = network.loan.inputs
    return Rates(*tf.unstack(rates)), network.unpacked(sizes)


def any_size(architecture, flat, structure=None, **settings):
    structure = structure or AnySizeStructure.of(
        architecture, LOSS[architecture.activation]
    )
    return prepared(structure, architecture, flat, **settings)


def logits_and_gradient(network, values, lengths, loss, training=False, seed=(0, 0)):
    """Logits, and the gradient of a scalar of them, as one flat vector."""
    variables = [variable.value for variable in network.trainable_variables]

    @tf.function(autograph=False)
    def run(values, lengths):
        rates, sizes = inputs_of(network)
        rows = Rows(values, lengths, *[None] * 4)
        masks = network.dropout_masks(rows, rates, sizes, seed) if training else None
        steps = tf.transpose(values, [1, 0, 2])
        batch = MiniBatch(steps, lengths, None, None, None, masks)
        logits = network.logits(batch, sizes)
        return logits, *tf.gradients(loss(logits), variables)

    logits, *gradients = run(tf.constant(values), tf.constant(lengths, tf.int32))
    return logits.numpy(), np.concatenate([np.ravel(g) for g in gradients])


def keras_logits_and_gradient(architecture, flat, values, lengths, loss):
    layers = keras_layers(replace(architecture, activation="linear"), mask=True)
    arrays, start = [], 0
    for shape in architecture.shapes.values():
        size = int(np.prod(shape))
        arrays.append(flat[start : start + size].reshape(shape))
        start += size
    layers.set_weights(arrays)
    mask = np.arange(values.shape[1]) < lengths[:, None]
    with tf.GradientTape() as tape:
        logits = layers([values, mask])
        if architecture.every_step:  # as ours: timestep after timestep
            logits = tf.reshape(
                tf.transpose(logits, [1, 0, 2]), [-1, architecture.n_outputs]
            )
        scalar = loss(logits)
    gradients = tape.gradient(
        scalar, [variable.value for variable in layers.trainable_variables]
    )
    # The gradient of an embedding comes as slices of it.
    dense = [tf.convert_to_tensor(gradient) for gradient in gradients]
    return logits.numpy(), np.concatenate([np.ravel(g) for g in dense])
