"""A network in a graph, around ONNX' own LSTM operator."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto

from sklstm.network import Network
from sklstm.onnx.graph import Graph

# The tensor that the dense layer reads; there is one network in a model.
STATES = "states"


class GraphNetwork:
    """A network in a graph.

    Parameters
    ----------
    graph : Graph
    network : Network
    given : str
        Name of its sequences.
    number : type
        Of their values.
    """

    def __init__(
        self, graph: Graph, network: Network, given: str, number: type[np.floating[Any]]
    ) -> None:
        self.graph = graph
        self.architecture = network.architecture
        self.weights = network.weights
        self.given = given
        steps = graph.filled_up(given, number)
        self.steps = graph.cast(steps, TensorProto.FLOAT)
        self.valid = graph.valid_steps(self.steps)
        if self.architecture.embeddings:
            self.steps = embedded(graph, network, steps)
        self.lengths = graph.cast(graph.lengths(self.valid), TensorProto.INT32)

    def logits(self, kernel: NDArray[Any], bias: NDArray[Any]) -> str:
        """What the dense layer gives, for every sample or at every timestep."""
        state = self.graph.node("MatMul", self.state(), kernel)
        return self.graph.node("Add", state, bias)

    def masked(self, outputs: str, padding: object, *, has_columns: bool = True) -> str:
        """Outputs with something else at padded timesteps, if there are timesteps."""
        if not self.architecture.every_step:
            return outputs
        valid = self.graph.cut_back(self.valid, self.given, 2)
        if has_columns:
            return self.graph.where(valid, outputs, padding)
        return self.graph.node("Where", valid, outputs, padding)

    def state(self) -> str:
        """What the dense layer reads: at all timesteps, where they were, or pooled."""
        graph = self.graph
        in_front = graph.squeezed(
            graph.where(self.valid, self.steps, np.float32(0)), self.valid
        )
        steps = graph.node("Transpose", in_front, perm=[1, 0, 2])
        n_layers = len(self.architecture.units)
        for k in range(1, n_layers):
            states, _ = self._layer(k, steps)
            steps = self._merge(states, axis=1)
        states, last = self._layer(n_layers, steps)
        if not self.architecture.every_step:
            return self._pooled(states, last)
        in_front = graph.node("Transpose", self._merge(states, axis=1), perm=[1, 0, 2])
        return graph.cut_back(graph.unsqueezed(in_front, self.valid), self.given, 2)

    def _layer(self, k: int, steps: str) -> list[str]:
        """States of a layer, and the last ones.

        Shapes (n_timesteps, n_directions, n_samples, units) and (n_directions,
        n_samples, units).
        """
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
        direction = self.architecture.direction
        return self.graph.outputs(
            "LSTM",
            steps,
            _iofc(weights["kernel"]).swapaxes(1, 2),
            _iofc(weights["recurrent_kernel"]).swapaxes(1, 2),
            # ONNX adds two biases, of the input and of the state.
            np.concatenate([bias, np.zeros_like(bias)], axis=1),
            self.lengths,
            hidden_size=self.architecture.units[k - 1],
            direction="reverse" if direction == "backward" else direction,
        )

    def _pooled(self, states: str, last: str) -> str:
        """States pooled over the timesteps that are data, side by side."""
        poolings = self.architecture.pooling
        if poolings == ("last",):
            merged = self._merge(last, axis=0)
            return self.graph.cut_back(merged, self.given, 1, output=STATES)
        steps = self._merge(states, axis=1)
        position = self.graph.node("Range", 0, self.graph.size(steps, 0), 1)
        lengths = self.graph.cast(self.lengths, TensorProto.INT64)
        in_front = self.graph.node(
            "Less", self.graph.node("Unsqueeze", position, [1]), lengths
        )
        pooled = [
            self._merge(last, axis=0)
            if name == "last"
            else self._mean(steps, in_front)
            if name == "mean"
            else self._max(steps, in_front)
            for name in poolings
        ]
        side_by_side = self.graph.node("Concat", *pooled, axis=-1)
        return self.graph.cut_back(side_by_side, self.given, 1, output=STATES)

    def _mean(self, steps: str, in_front: str) -> str:
        node = self.graph.node
        seen = self.graph.where(in_front, steps, np.float32(0))
        n_steps = self.graph.cast(self.lengths, TensorProto.FLOAT)
        total = node("ReduceSum", seen, [0], keepdims=0)
        return node("Div", total, node("Unsqueeze", n_steps, [1]))

    def _max(self, steps: str, in_front: str) -> str:
        seen = self.graph.where(in_front, steps, np.float32(-np.inf))
        # Not ReduceMax: newer operator sets want its axes as an input.
        largest, _ = self.graph.outputs("TopK", seen, [1], axis=0)
        return self.graph.node("Squeeze", largest, [0])

    def _merge(self, by_direction: str, *, axis: int) -> str:
        """States of all directions, which lie along an axis, as one."""
        node, mode = self.graph.node, self.architecture.merge_mode
        if len(self.architecture.directions) == 1:
            return node("Gather", by_direction, 0, axis=axis)
        states = [node("Gather", by_direction, place, axis=axis) for place in (0, 1)]
        if mode == "concat":
            return node("Concat", *states, axis=-1)
        if mode == "mul":
            return node("Mul", *states)
        if mode == "sum":
            return node("Add", *states)
        return node("Mul", node("Add", *states), np.float32(0.5))


def _iofc(weights: NDArray[Any]) -> NDArray[Any]:
    """Gates i, f, c, o along the last axis in ONNX' order i, o, f, c."""
    i, f, c, o = np.split(weights, 4, axis=-1)
    return np.concatenate([i, o, f, c], axis=-1)


def embedded(graph: Graph, network: Network, steps: str) -> str:
    """Numbers, and vectors in the place of codes, as float32.

    Parameters
    ----------
    graph : Graph
    network : Network
    steps : str
        Name of the sequences, of shape (n_samples, n_timesteps, n_features).
    """
    architecture = network.architecture
    numbers = np.setdiff1d(np.arange(architecture.n_features), architecture.categorical)
    parts = []
    if len(numbers):
        taken = graph.node("Gather", steps, numbers, axis=2)
        parts.append(graph.cast(taken, TensorProto.FLOAT))
    for k, (embedding, known) in enumerate(
        zip(architecture.embeddings, network.codes, strict=True), start=1
    ):
        codes = graph.node("Gather", steps, embedding.feature, axis=2)
        codes = graph.cast(codes, TensorProto.DOUBLE)
        table = network.weights[f"embedding_{k}/embeddings"]
        parts.append(graph.node("Gather", table, _places(graph, codes, known)))
    return parts[0] if len(parts) == 1 else graph.node("Concat", *parts, axis=2)


def _places(graph: Graph, codes: str, known: NDArray[np.int64]) -> str:
    """1 + the index of each code among the known ones, 0 if it is none of them.

    A binary search, four nodes for every bit of the index: standard ONNX has no
    operator that looks values up.
    """
    node = graph.node
    n_bits = len(known).bit_length()
    in_order = np.full(2**n_bits, np.inf)
    in_order[: len(known)] = known
    index = node("Where", node("IsNaN", codes), np.int64(0), np.int64(0))
    for bit in reversed(range(n_bits)):
        further = node("Add", index, np.int64(2**bit))
        has_passed = node("LessOrEqual", node("Gather", in_order, further), codes)
        index = node("Where", has_passed, further, index)
    found = node("Equal", node("Gather", in_order, index), codes)
    return node("Where", found, node("Add", index, np.int64(1)), np.int64(0))
