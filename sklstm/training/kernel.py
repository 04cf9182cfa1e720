"""TensorFlow's fused CPU kernel for an LSTM, with the gradient that belongs to it."""

from __future__ import annotations

from typing import Any

import tensorflow as tf


def lstm(steps: Any, weights: Any, bias: Any, units: Any) -> Any:
    """Hidden states of one LSTM that starts from zero.

    Parameters
    ----------
    steps : tensor of shape (n_timesteps, n_rows, n_inputs)
        Time-major.
    weights : tensor of shape (n_inputs + units, 4 * units)
        Kernel above recurrent kernel, gates in Keras' order i, f, c, o.
    bias : tensor of shape (4 * units,)
    units : scalar tensor

    Returns
    -------
    tensor of shape (n_timesteps, n_rows, units)

    Notes
    -----
    TensorFlow's registered gradient of BlockLSTMV2 is wrong: it calls the kernel for
    another order of gates. The states agree with Keras, the gradients do not. Hence
    `tf.custom_gradient` with BlockLSTMGradV2.
    """
    zero_state = tf.zeros(tf.stack([tf.shape(steps)[1], units]))
    return _lstm(steps, weights, bias, zero_state, tf.zeros(units[None]))


@tf.custom_gradient
def _lstm(
    steps: Any, weights: Any, bias: Any, zero_state: Any, no_peephole: Any
) -> Any:
    shared = {
        "seq_len_max": tf.shape(steps, out_type=tf.int64)[0],
        "x": steps,
        "cs_prev": zero_state,
        "h_prev": zero_state,
        "w": weights,
        "wci": no_peephole,
        "wcf": no_peephole,
        "wco": no_peephole,
        "b": bias,
        "use_peephole": False,
    }
    out = tf.raw_ops.BlockLSTMV2(**shared, cell_clip=0.0)

    def gradient(states_gradient: Any) -> tuple[Any, ...]:
        gradients = tf.raw_ops.BlockLSTMGradV2(
            **shared,
            i=out.i,
            cs=out.cs,
            f=out.f,
            o=out.o,
            ci=out.ci,
            co=out.co,
            h=out.h,
            cs_grad=tf.zeros_like(out.cs),
            h_grad=states_gradient,
        )
        return gradients.x_grad, gradients.w_grad, gradients.b_grad, None, None

    return out.h, gradient


def reverse_steps(steps: Any, lengths: Any) -> Any:
    """Every sequence back to front, its padding left behind; time-major."""
    return tf.reverse_sequence(steps, lengths, seq_axis=0, batch_axis=1)
