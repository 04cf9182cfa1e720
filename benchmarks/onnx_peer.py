"""The same network as an ONNX graph around ONNX' own LSTM operator."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper


def session(
    weights: Sequence[np.ndarray], n_threads: int
) -> onnxruntime.InferenceSession:
    """Takes x of shape (n_rows, n_timesteps, n_features), gives (n_rows, 1).

    Parameters
    ----------
    weights : sequence of ndarray
        Keras' order: kernel, recurrent kernel and bias of each direction, then the
        dense layer's kernel and bias.
    n_threads : int
        Threads within an operator.
    """
    n_features, units = weights[0].shape[0], weights[1].shape[0]
    directions = weights[:3], weights[3:6]
    constants = {
        "W": np.stack([_iofc(kernel, units) for kernel, _, _ in directions]),
        "R": np.stack([_iofc(recurrent, units) for _, recurrent, _ in directions]),
        "B": np.stack(
            [
                np.concatenate([_iofc(bias, units), np.zeros(4 * units, "f4")])
                for _, _, bias in directions
            ]
        ),
        "merged": np.array([0, 2 * units], np.int64),
        "kernel": weights[6],
        "bias": weights[7],
    }
    nodes = [
        helper.make_node("Transpose", ["x"], ["steps"], perm=[1, 0, 2]),
        helper.make_node(
            "LSTM",
            ["steps", "W", "R", "B"],
            ["", "last"],
            hidden_size=units,
            direction="bidirectional",
        ),
        helper.make_node("Transpose", ["last"], ["rows"], perm=[1, 0, 2]),
        helper.make_node("Reshape", ["rows", "merged"], ["state"]),
        helper.make_node("Gemm", ["state", "kernel", "bias"], ["logits"]),
        helper.make_node("Sigmoid", ["logits"], ["probability"]),
    ]
    shapes = {"x": ["n", "t", n_features], "probability": ["n", 1]}
    x, probability = (
        helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        for name, shape in shapes.items()
    )
    graph = helper.make_graph(
        nodes,
        "bilstm",
        [x],
        [probability],
        [numpy_helper.from_array(a, name) for name, a in constants.items()],
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10
    )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = n_threads
    return onnxruntime.InferenceSession(model.SerializeToString(), options)


def _iofc(weights: np.ndarray, units: int) -> np.ndarray:
    """Keras' gates i, f, c, o along the last axis to ONNX' i, o, f, c, transposed."""
    i, f, c, o = np.split(weights, 4, axis=-1)
    return np.ascontiguousarray(np.concatenate([i, o, f, c], axis=-1).T)
