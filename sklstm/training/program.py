"""An epoch as one graph call: traced once for a network, whatever the sizes."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import tensorflow as tf

from sklstm.training.losses import count_correct, loss_per_row


class Rows(NamedTuple):
    """What is cut into batches in the graph; tensors."""

    values: Any  # (n_rows, n_timesteps, n_features), valid steps in front
    lengths: Any  # (n_rows,)
    targets: Any  # (n_rows, n_columns), or (n_rows, n_timesteps, n_columns)
    weights: Any  # (n_rows,), or (n_rows, n_timesteps), zero at padding
    bounds: Any  # (n_batches + 1,), where each batch starts and ends


class Batch(NamedTuple):
    """One of them; tensors."""

    steps: Any  # (n_timesteps, n_rows, n_features), as long as its longest sequence
    lengths: Any  # (n_rows,)
    targets: Any  # (n_outputs_wanted, n_columns): a row for a sequence or a timestep
    weights: Any  # (n_outputs_wanted,)
    masks: Masks | None  # None: evaluation


class Masks(NamedTuple):
    """What dropout multiplies with, zero where it drops; a tensor for every LSTM."""

    inputs: list[Any]  # (n_rows, n_inputs)
    states: list[Any]  # (n_rows, units); empty without recurrent dropout


class Sizes(NamedTuple):
    """What could be a constant of the graph, and is an input of it; tensors."""

    parts: Any  # (n_parts,), entries of each part of the flat vector
    kernels: Any  # (n_layers, 2), shape of kernel over recurrent kernel
    widths: Any  # (n_layers, 2), units and width of the merged states
    head: Any  # (2,), shape of the dense kernel
    merge: Any  # (3,), coefficients of the merge mode
    dropout: Any  # ()
    recurrent_dropout: Any  # ()
    clipnorm: Any  # ()

    def unstacked(self) -> Sizes:
        """By layer, outside of the loop over batches."""
        return self._replace(
            kernels=tf.unstack(self.kernels),
            widths=[tf.unstack(width) for width in tf.unstack(self.widths)],
            merge=tf.unstack(self.merge),
        )


def _signature(n_parts: int, n_layers: int, every_step: bool) -> tuple[Any, ...]:
    floats, ints = tf.float32, tf.int32
    places = [None, None] if every_step else [None]
    return (
        Rows(
            values=tf.TensorSpec([None, None, None], floats),
            lengths=tf.TensorSpec([None], ints),
            targets=tf.TensorSpec([*places, None], floats),
            weights=tf.TensorSpec(places, floats),
            bounds=tf.TensorSpec([None], ints),
        ),
        tf.TensorSpec([2], ints),  # seed
        Sizes(
            parts=tf.TensorSpec([n_parts], ints),
            kernels=tf.TensorSpec([n_layers, 2], ints),
            widths=tf.TensorSpec([n_layers, 2], ints),
            head=tf.TensorSpec([2], ints),
            merge=tf.TensorSpec([3], floats),
            dropout=tf.TensorSpec([], floats),
            recurrent_dropout=tf.TensorSpec([], floats),
            clipnorm=tf.TensorSpec([], floats),
        ),
    )


def training_program(network: Any, n_parts: int, n_layers: int) -> Any:
    """A graph that takes an optimizer step on each batch.

    Parameters
    ----------
    network : EpochNetwork
    n_parts, n_layers : int
        Lengths of the vectors in `Sizes`.

    Returns
    -------
    callable of (Rows, seed, Sizes)
        Gives summed loss, summed weight of rows predicted right, summed weight.
    """

    def run(rows: Rows, seed: Any, sizes: Sizes) -> Any:
        network.traces += 1
        sizes = sizes.unstacked()
        variables = [variable.value for variable in network.trainable_variables]
        masks = network.dropout_masks(rows, sizes, seed)

        def step(batch: Batch) -> Any:
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch(variables)
                logits = network.logits(batch, sizes)
                losses = loss_per_row(network.loss_name, batch.targets, logits)
            weight = tf.reduce_sum(batch.weights)
            # The loss of a batch is the mean weighted by `weights`.
            gradients = tape.gradient(losses, variables, batch.weights / weight)
            # An infinite clipnorm scales by one, also where the gradient is zero.
            scale = tf.minimum(1.0, sizes.clipnorm / tf.linalg.global_norm(gradients))
            network.optimizer.apply(
                [gradient * scale for gradient in gradients],
                network.trainable_variables,
            )
            return _totals(network, batch, logits, losses, weight)

        return _over_batches(step, rows, masks)

    return _traced_once(network, run, n_parts, n_layers)


def evaluation_program(network: Any, n_parts: int, n_layers: int) -> Any:
    """The same sums as of :func:`training_program`, without dropout or learning."""

    def run(rows: Rows, seed: Any, sizes: Sizes) -> Any:
        sizes = sizes.unstacked()

        def step(batch: Batch) -> Any:
            logits = network.logits(batch, sizes)
            losses = loss_per_row(network.loss_name, batch.targets, logits)
            weight = tf.reduce_sum(batch.weights)
            return _totals(network, batch, logits, losses, weight)

        return _over_batches(step, rows, None)

    return _traced_once(network, run, n_parts, n_layers)


def _traced_once(
    network: Any, run: Callable[..., Any], n_parts: int, n_layers: int
) -> Any:
    """A graph made at the first call.

    Calling a tf.function would do as well, but it warns of retracing when some
    networks have been traced one after another, though each only once.
    """
    signature = _signature(n_parts, n_layers, network.every_step)

    @cache
    def graph() -> Any:
        with network.tracing():
            function = tf.function(run, signature, autograph=False)
            return function.get_concrete_function()

    return lambda *arguments: graph()(*arguments)


def _totals(network: Any, batch: Batch, logits: Any, losses: Any, weight: Any) -> Any:
    correct = count_correct(network.activation, batch.targets, logits, batch.weights)
    return tf.stack([tf.tensordot(losses, batch.weights, 1), correct, weight])


def _over_batches(step: Callable[[Batch], Any], rows: Rows, masks: Masks | None) -> Any:
    """Sum of `step` over the batches."""
    steps = tf.transpose(rows.values, [1, 0, 2])
    every_step = rows.weights.shape.rank == 2
    if every_step:
        rows = rows._replace(
            targets=tf.transpose(rows.targets, [1, 0, 2]),
            weights=tf.transpose(rows.weights),
        )

    def places(of_rows: Any, start: Any, stop: Any, longest: Any) -> Any:
        if not every_step:
            return of_rows[start:stop]
        # Timestep after timestep, as the logits come.
        of_steps = of_rows[:longest, start:stop]
        return tf.reshape(of_steps, tf.concat([[-1], tf.shape(of_rows)[2:]], axis=0))

    def body(k: Any, totals: Any) -> Any:
        start, stop = rows.bounds[k], rows.bounds[k + 1]
        lengths = rows.lengths[start:stop]
        longest = tf.reduce_max(lengths)
        batch = Batch(
            steps=steps[:longest, start:stop],
            lengths=lengths,
            targets=places(rows.targets, start, stop, longest),
            weights=places(rows.weights, start, stop, longest),
            masks=masks and tf.nest.map_structure(lambda m: m[start:stop], masks),
        )
        return k + 1, totals + step(batch)

    n_batches = tf.shape(rows.bounds)[0] - 1
    return tf.while_loop(
        lambda k, _: k < n_batches, body, (0, tf.zeros(3)), parallel_iterations=1
    )[1]
