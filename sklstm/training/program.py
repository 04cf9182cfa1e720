"""An epoch as one graph call: traced once for a network, whatever the sizes."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import cache
from typing import Any, NamedTuple, Protocol

import tensorflow as tf

from sklstm.training.losses import count_correct, loss_per_row
from sklstm.training.schedules import has_schedule


class Rows(NamedTuple):
    """What is cut into batches in the graph; tensors."""

    values: Any  # (n_rows, n_timesteps, n_features), valid steps in front
    lengths: Any  # (n_rows,)
    targets: Any  # (n_rows, n_columns), or (n_rows, n_timesteps, n_columns)
    weights: Any  # (n_rows,), or (n_rows, n_timesteps), zero at padding
    bounds: Any  # (n_batches + 1,), where each batch starts and ends
    learning_rates: Any  # (n_batches,)


class MiniBatch(NamedTuple):
    """A slice of them, time-major; tensors."""

    steps: Any  # (n_timesteps, n_rows, n_features), as long as its longest sequence
    lengths: Any  # (n_rows,)
    targets: Any  # (n_outputs_wanted, n_columns): a row for a sequence or a timestep
    weights: Any  # (n_outputs_wanted,)
    learning_rate: Any  # ()
    masks: Any | None  # (n_rows, n_dropped), zero where dropout drops; None: evaluation


class Rates(NamedTuple):
    """What any network is told for a fit; numbers, or tensors of shape ()."""

    dropout: Any = 0.0
    recurrent_dropout: Any = 0.0
    clipnorm: Any = float("inf")


class Trainable(Protocol):
    """What a program needs of a network, which is one of Keras, too."""

    every_step: bool
    activation: str
    loss_name: str
    loan: Any
    traces: int
    optimizer: Any
    trainable_variables: list[Any]

    def unpacked(self, sizes: Any) -> Any:
        """Sizes by name, in the graph."""

    def dropout_masks(
        self, rows: Rows, rates: Rates, sizes: Any, seed: tf.Tensor
    ) -> tf.Tensor:
        """What dropout multiplies with."""

    def logits(self, batch: MiniBatch, sizes: Any) -> tf.Tensor:
        """Outputs before the activation."""

    def tracing(self) -> AbstractContextManager[None]:
        """Trace a graph of this network inside."""


def _signature(network: Trainable) -> tuple[Any, ...]:
    floats, ints = tf.float32, tf.int32
    places = [None, None] if network.every_step else [None]
    rows = Rows(
        values=tf.TensorSpec([None, None, None], floats),
        lengths=tf.TensorSpec([None], ints),
        targets=tf.TensorSpec([*places, None], floats),
        weights=tf.TensorSpec(places, floats),
        bounds=tf.TensorSpec([None], ints),
        learning_rates=tf.TensorSpec([None], floats),
    )
    # What a network takes has the same shapes for every fit it serves.
    own = tf.nest.map_structure(tf.TensorSpec.from_tensor, network.loan.inputs)
    return rows, tf.TensorSpec([2], ints), *own


def training_program(network: Trainable) -> Any:
    """A graph that takes an optimizer step on each batch.

    Parameters
    ----------
    network : Trainable

    Returns
    -------
    callable of (Rows, seed, rates and sizes as in the network's loan)
        Gives summed loss, summed weight of rows predicted right, summed weight.
    """

    def run(rows: Rows, seed: tf.Tensor, rates: tf.Tensor, sizes: Any) -> Any:
        network.traces += 1
        rates, sizes = Rates(*tf.unstack(rates)), network.unpacked(sizes)
        variables = [variable.value for variable in network.trainable_variables]
        masks = network.dropout_masks(rows, rates, sizes, seed)

        def step(batch: MiniBatch) -> Any:
            logits = network.logits(batch, sizes)
            losses = loss_per_row(network.loss_name, batch.targets, logits)
            weight = tf.reduce_sum(batch.weights)
            # The loss of a batch is the mean weighted by `weights`.
            gradients = tf.gradients(losses, variables, batch.weights / weight)
            # An infinite clipnorm scales by one, also where the gradient is zero.
            scale = tf.minimum(1.0, rates.clipnorm / tf.linalg.global_norm(gradients))
            if not has_schedule(network.optimizer):
                network.optimizer.learning_rate.assign(batch.learning_rate)
            _apply(network, [gradient * scale for gradient in gradients])
            return _totals(network, batch, logits, losses, weight)

        return _over_batches(step, rows, masks)

    return _traced_once(network, run)


def evaluation_program(network: Trainable) -> Any:
    """The same sums as of :func:`training_program`, without dropout or learning."""

    def run(rows: Rows, seed: tf.Tensor, rates: tf.Tensor, sizes: Any) -> Any:
        sizes = network.unpacked(sizes)

        def step(batch: MiniBatch) -> Any:
            logits = network.logits(batch, sizes)
            losses = loss_per_row(network.loss_name, batch.targets, logits)
            weight = tf.reduce_sum(batch.weights)
            return _totals(network, batch, logits, losses, weight)

        return _over_batches(step, rows, None)

    return _traced_once(network, run)


def _traced_once(network: Trainable, run: Callable[..., Any]) -> Any:
    """A graph made at the first call.

    Calling a tf.function would do as well, but it warns of retracing when some
    networks have been traced one after another, though each only once.
    """

    @cache
    def graph() -> Any:
        with network.tracing():
            function = tf.function(run, _signature(network), autograph=False)
            return function.get_concrete_function()

    return lambda *arguments: graph()(*arguments)


def _apply(network: Trainable, gradients: list[Any]) -> None:
    """A step of the optimizer.

    Within a replica, Keras sums gradients over all replicas (here: one) by what has a
    custom gradient, of which TensorFlow would keep the graph for the rest of the
    process. Where replicas are merged it has nothing to sum.
    """

    def apply(strategy: Any) -> None:
        network.optimizer.apply(gradients, network.trainable_variables)

    tf.distribute.get_replica_context().merge_call(apply)


def _totals(
    network: Trainable,
    batch: MiniBatch,
    logits: tf.Tensor,
    losses: tf.Tensor,
    weight: tf.Tensor,
) -> Any:
    correct = count_correct(network.activation, batch.targets, logits, batch.weights)
    return tf.stack([tf.reduce_sum(losses * batch.weights), correct, weight])


def _over_batches(
    step: Callable[[MiniBatch], Any], rows: Rows, masks: Any | None
) -> Any:
    """Sum of `step` over the batches."""
    steps = tf.transpose(rows.values, [1, 0, 2])
    every_step = rows.weights.shape.rank == 2
    if every_step:
        rows = rows._replace(
            targets=tf.transpose(rows.targets, [1, 0, 2]),
            weights=tf.transpose(rows.weights),
        )

    def body(k: tf.Tensor, totals: tf.Tensor) -> Any:
        # Not by [start:stop], which is several times as many ops. What is int32 would
        # go to a GPU and back if it were gathered.
        start, stop = tf.unstack(tf.slice(rows.bounds, tf.stack([k]), [2]))
        taken = tf.range(start, stop)
        lengths = tf.slice(rows.lengths, tf.stack([start]), tf.stack([stop - start]))
        longest = tf.reduce_max(lengths)

        def places(of_rows: Any) -> Any:
            if not every_step:
                return tf.gather(of_rows, taken)
            # Timestep after timestep, as the logits come.
            shape = tf.concat([[-1], tf.shape(of_rows)[2:]], axis=0)
            return tf.reshape(of_rows[:longest, start:stop], shape)

        batch = MiniBatch(
            steps=steps[:longest, start:stop],
            lengths=lengths,
            targets=places(rows.targets),
            weights=places(rows.weights),
            learning_rate=tf.gather(rows.learning_rates, k),
            masks=None if masks is None else tf.gather(masks, taken),
        )
        return k + 1, totals + step(batch)

    n_batches = tf.size(rows.bounds) - 1
    return tf.while_loop(
        lambda k, _: k < n_batches, body, (0, tf.zeros(3)), parallel_iterations=1
    )[1]
