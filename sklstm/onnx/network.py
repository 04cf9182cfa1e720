"""A network in a graph, around ONNX' own LSTM operator."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto

from sklstm.network import Network
from sklstm.onnx.embedding import embedded
from sklstm.onnx.graph import Graph

# ONNX' names of the directions.
DIRECTIONS = {
    "bidirectional": "bidirectional",
    "forward": "forward",
    "backward": "reverse",
}


class GraphNetwork:
    """A network in a graph.

    Parameters
    ----------
    graph : Graph
    network : Network
    steps : str
        Name of its sequences.
    """

    def __init__(self, graph: Graph, network: Network, steps: str) -> None:
        self.graph = graph
        self.architecture = network.architecture
        self.weights = network.weights
        self.steps = graph.cast(steps, TensorProto.FLOAT)
        self.valid = graph.valid_steps(self.steps)
        if self.architecture.embeddings:
            self.steps = embedded(graph, network, steps)
        self.lengths = graph.cast(graph.lengths(self.valid), TensorProto.INT32)

    def logits(self, kernel: NDArray[Any], bias: NDArray[Any]) -> str:
        """What the dense layer gives, for every sample or at every timestep."""
        state = self.graph.node("MatMul", self.state(), kernel)
        return self.graph.node("Add", state, bias)

    def masked(self, outputs: str, padding: Any, *, has_columns: bool = True) -> str:
        """Outputs with something else at padded timesteps, if there are timesteps."""
        if not self.architecture.every_step:
            return outputs
        if has_columns:
            return self.graph.where(self.valid, outputs, padding)
        return self.graph.node("Where", self.valid, outputs, padding)

    def state(self) -> str:
        """The merged states: of all timesteps, where they were, or the last ones."""
        graph, every_step = self.graph, self.architecture.every_step
        in_front = graph.squeezed(
            graph.where(self.valid, self.steps, np.float32(0)), self.valid
        )
        steps = graph.node("Transpose", in_front, perm=[1, 0, 2])
        n_layers = len(self.architecture.units)
        for k in range(1, n_layers):
            steps = self._layer(k, steps, every_step=True)
        state = self._layer(n_layers, steps, every_step=every_step)
        if not every_step:
            return state
        in_front = graph.node("Transpose", state, perm=[1, 0, 2])
        return graph.unsqueezed(in_front, self.valid)

    def _layer(self, k: int, steps: str, *, every_step: bool) -> str:
        """Merged states of a layer, (n_timesteps, n_samples, width) or the last."""
        weights = {
            part: np.stack(
                [
                    self.weights[f"lstm_{k}/{direction}/{part}"]
                    for direction in self.architecture.directions
                ]
            )
            for part in ("kernel", "recurrent_kernel", "bias")
        }
        bias = _iofc(weights["bias"])
        states = self.graph.node(
            "LSTM",
            steps,
            _iofc(weights["kernel"]).swapaxes(1, 2),
            _iofc(weights["recurrent_kernel"]).swapaxes(1, 2),
            # ONNX adds two biases, of the input and of the state.
            np.concatenate([bias, np.zeros_like(bias)], axis=1),
            self.lengths,
            n_unread=0 if every_step else 1,
            hidden_size=self.architecture.units[k - 1],
            direction=DIRECTIONS[self.architecture.direction],
        )
        # Y is (n_timesteps, n_directions, n_samples, units), Y_h (n_directions, ...).
        axis = 1 if every_step else 0
        return self._merge(
            [
                self.graph.node("Gather", states, place, axis=axis)
                for place in range(len(self.architecture.directions))
            ]
        )

    def _merge(self, states: list[str]) -> str:
        if len(states) == 1:
            return states[0]
        node, mode = self.graph.node, self.architecture.merge_mode
        if mode == "concat":
            return node("Concat", *states, axis=-1)
        if mode == "mul":
            return node("Mul", *states)
        total = node("Add", *states)
        return total if mode == "sum" else node("Mul", total, np.float32(0.5))


def _iofc(weights: NDArray[Any]) -> NDArray[Any]:
    """Gates i, f, c, o along the last axis in ONNX' order i, o, f, c."""
    i, f, c, o = np.split(weights, 4, axis=-1)
    return np.concatenate([i, o, f, c], axis=-1)
