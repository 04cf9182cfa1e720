"""TensorFlow's fused CPU kernel for an LSTM, with the gradient that belongs to it.

TensorFlow's registered gradient of BlockLSTMV2 is wrong: it calls the kernel for the
other order of gates. The states agree with Keras, the gradients do not. Hence the two
gradients here, both exact; which one is faster depends on the size.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf

from sklstm.training.gradients import with_gradient

# From so many entries of a kernel matrix on, BlockLSTMGradV2 loses: it adds to the
# gradient of the whole matrix at every timestep. Measured at 64 rows, 100 timesteps and
# 128 units, forward and backward pass: 55 ms, against 39 ms of `_gradient_by_steps`.
WIDE = 2**16


class States(NamedTuple):
    """What an LSTM leaves of every timestep, in the kernels' order; tensors.

    Each has shape (n_timesteps, n_rows, units).
    """

    i: Any
    cs: Any
    f: Any
    o: Any
    ci: Any
    co: Any
    h: Any


def lstm(
    steps: tf.Tensor,
    weights: tf.Tensor,
    bias: tf.Tensor,
    zero_state: tf.Tensor,
    *,
    kept: tf.Tensor = None,
    wide: bool = False,
) -> Any:
    """Hidden states of one LSTM that starts from zero.

    Parameters
    ----------
    steps : tensor of shape (n_timesteps, n_rows, n_inputs)
        Time-major.
    weights : tensor of shape (n_inputs + units, 4 * units)
        Kernel above recurrent kernel, gates in Keras' order i, f, c, o.
    bias : tensor of shape (4 * units,)
    zero_state : tensor of shape (n_rows, units)
        Zeros: what every sequence starts from.
    kept : tensor of shape (n_rows, units), default=None
        What the state of the timestep before is multiplied with on its way into the
        gates: recurrent dropout. The fused kernel cannot do it, so that the states are
        computed step by step.
    wide : bool, default=False
        Whether to use the gradient that is faster for weights of `WIDE` entries.

    Returns
    -------
    tensor of shape (n_timesteps, n_rows, units)
    """
    # Zeros; the kernels want its shape.
    no_peephole = tf.reduce_sum(zero_state, axis=0)
    inputs = _of_kernels(steps, weights, bias, no_peephole)
    known = {"no_peephole": no_peephole, "zero_state": zero_state}
    if kept is not None:
        states = _states_by_steps(inputs, zero_state, kept)
    else:
        n_timesteps, *_ = tf.unstack(tf.shape(steps, out_type=tf.int64))
        states = _states_fused(inputs, zero_state, n_timesteps)
    gradient: Callable[..., Any]
    if wide or kept is not None:
        gradient, known["kept"] = _gradient_by_steps, kept
    else:
        gradient, known["n_timesteps"] = _gradient_fused, n_timesteps
    known |= states._asdict()
    return with_gradient(states.h, gradient, steps, weights, bias, **known)


def _of_kernels(
    steps: tf.Tensor, weights: tf.Tensor, bias: tf.Tensor, no_peephole: tf.Tensor
) -> Any:
    """What all kernels take, by the names that they have for it."""
    return {
        "x": steps,
        "w": weights,
        "b": bias,
        "wci": no_peephole,
        "wcf": no_peephole,
        "wco": no_peephole,
        "use_peephole": False,
    }


def _states_fused(
    inputs: dict[str, Any], zero_state: tf.Tensor, n_timesteps: tf.Tensor
) -> States:
    """One kernel for all timesteps."""
    states = tf.raw_ops.BlockLSTMV2(
        **inputs,
        seq_len_max=n_timesteps,
        cs_prev=zero_state,
        h_prev=zero_state,
        cell_clip=0.0,
    )
    return States(*states)


def _states_by_steps(
    inputs: dict[str, Any], zero_state: tf.Tensor, kept: tf.Tensor
) -> States:
    """One kernel for each timestep; its gates are in the order i, c, f, o."""
    steps = inputs["x"]
    n_timesteps, *_ = tf.unstack(tf.shape(steps))
    swapped = {"w": _swap_c_f(inputs["w"]), "b": _swap_c_f(inputs["b"])}

    def forth(t: tf.Tensor, h: tf.Tensor, c: tf.Tensor, collected: list[Any]) -> Any:
        cell = tf.raw_ops.LSTMBlockCell(
            **inputs | swapped | {"x": steps[t]},
            cs_prev=c,
            h_prev=h * kept,
            forget_bias=0.0,
            cell_clip=0.0,
        )
        written = [
            array.write(t, value) for array, value in zip(collected, cell, strict=True)
        ]
        return t + 1, cell.h, cell.cs, written

    collected = [_array_of_steps(n_timesteps) for _ in States._fields]
    *_, collected = tf.while_loop(
        lambda t, *_: t < n_timesteps,
        forth,
        (0, zero_state, zero_state, collected),
        parallel_iterations=1,
    )
    return States(*(array.stack() for array in collected))


def _gradient_fused(
    upstream: tf.Tensor,
    steps: tf.Tensor,
    weights: tf.Tensor,
    bias: tf.Tensor,
    *,
    no_peephole: tf.Tensor,
    zero_state: tf.Tensor,
    n_timesteps: tf.Tensor,
    **states: Any,
) -> tuple[Any, Any, Any]:
    """One kernel for the whole way back."""
    gradients = tf.raw_ops.BlockLSTMGradV2(
        **_of_kernels(steps, weights, bias, no_peephole),
        **states,
        seq_len_max=n_timesteps,
        cs_prev=zero_state,
        h_prev=zero_state,
        h_grad=upstream,
        cs_grad=tf.zeros_like(states["cs"]),
    )
    return gradients.x_grad, gradients.w_grad, gradients.b_grad


def _gradient_by_steps(
    upstream: tf.Tensor,
    steps: tf.Tensor,
    weights: tf.Tensor,
    bias: tf.Tensor,
    *,
    no_peephole: tf.Tensor,
    zero_state: tf.Tensor,
    kept: tf.Tensor,
    h: tf.Tensor,
    **gates: Any,
) -> tuple[Any, Any, Any]:
    """Only the gates' gradients step by step, all matrix gradients in one product."""
    inputs = _of_kernels(steps, weights, bias, no_peephole)
    n_timesteps, n_rows, n_inputs = tf.unstack(tf.shape(steps))
    # LSTMBlockCellGrad has its gates in the order i, c, f, o.
    weights = _swap_c_f(weights)
    recurrent_kernel = tf.transpose(weights[n_inputs:])
    previous_c = tf.concat([zero_state[None], gates["cs"][:-1]], axis=0)
    previous_h = tf.concat([zero_state[None], h[:-1]], axis=0)
    if kept is not None:
        previous_h *= kept

    def back(t: tf.Tensor, dh: tf.Tensor, dc: tf.Tensor, dgates: tf.Tensor) -> Any:
        cell = tf.raw_ops.LSTMBlockCellGrad(
            **inputs | {"x": steps[t]},
            **{name: gate[t] for name, gate in gates.items()},
            cs_prev=previous_c[t],
            h_prev=zero_state,
            h_grad=upstream[t] + dh,
            cs_grad=dc,
        )
        before = tf.matmul(cell.dicfo, recurrent_kernel)
        return (
            t - 1,
            before if kept is None else before * kept,
            cell.cs_prev_grad,
            dgates.write(t, cell.dicfo),
        )

    collected = tf.while_loop(
        lambda t, *_: t >= 0,
        back,
        (n_timesteps - 1, zero_state, zero_state, _array_of_steps(n_timesteps)),
        parallel_iterations=1,
    )[-1]
    flat_rows = tf.stack([n_timesteps * n_rows, -1])
    gate_gradients = tf.reshape(collected.stack(), flat_rows)
    seen = tf.reshape(tf.concat([steps, previous_h], axis=2), flat_rows)
    of_steps = tf.matmul(gate_gradients, weights[:n_inputs], transpose_b=True)
    return (
        tf.reshape(of_steps, tf.shape(steps)),
        _swap_c_f(tf.matmul(seen, gate_gradients, transpose_a=True)),
        _swap_c_f(tf.reduce_sum(gate_gradients, axis=0)),
    )


def _array_of_steps(n_timesteps: tf.Tensor) -> Any:
    return tf.TensorArray(tf.float32, n_timesteps, element_shape=[None, None])


def _swap_c_f(gates: tf.Tensor) -> Any:
    """Between Keras' order i, f, c, o and i, c, f, o, along the last axis."""
    i, second, third, o = tf.split(gates, 4, axis=-1)
    return tf.concat([i, third, second, o], axis=-1)


def reverse_steps(steps: tf.Tensor, lengths: tf.Tensor) -> Any:
    """Every sequence back to front, its padding left behind; time-major."""
    return tf.reverse_sequence(steps, lengths, seq_axis=0, batch_axis=1)
