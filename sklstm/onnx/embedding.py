"""Embedded features in a graph: codes are looked up, vectors gathered."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto

from sklstm.network import Network
from sklstm.onnx.graph import Graph


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
