"""Converters of SequenceFramer and SequenceDifferencer."""

from __future__ import annotations

from typing import Any

import numpy as np

from sklstm.onnx.graph import Graph
from sklstm.onnx.types import check_input, float_type, input_shape, numpy_type
from sklstm.preprocessing.framer import count_frames

# -- SequenceFramer --------------------------------------------------------------------


def framer_types(operator: Any) -> None:
    """Type of the frames; their number follows from that of the timesteps."""
    check_input(operator)
    framer = operator.raw_operator
    n_samples, n_timesteps = input_shape(operator)[:2]
    n_frames = None
    if n_timesteps is not None:
        n_frames = int(count_frames(n_timesteps, framer._length, framer.hop_length))
    axes = [n_samples, n_frames, framer.n_features_out_]
    operator.outputs[0].set_type(float_type(operator)(axes))


def convert_framer(scope: Any, operator: Any, container: Any) -> None:
    """Frames of the valid timesteps, see `frames_of` and `frame_places`."""
    graph, framer = Graph(scope, container), operator.raw_operator
    frame_length, hop_length = framer._length, int(framer.hop_length)
    number = numpy_type(float_type(operator))
    given = graph.sequences(operator)
    steps = graph.filled_up(given, number)
    valid = graph.valid_steps(steps)
    lengths = graph.node("Unsqueeze", graph.lengths(valid), [1])
    last_begin = graph.node("Max", graph.node("Sub", lengths, frame_length), 0)
    n_timesteps = graph.size(valid, 1)
    n_behind = graph.node("Max", graph.node("Sub", n_timesteps, frame_length), 0)
    # A frame begins at every hop before `behind`; the last of them may be put back.
    behind = graph.node("Add", n_behind, hop_length)
    hops = graph.node("Unsqueeze", graph.node("Range", 0, behind, hop_length), [0])
    begins = graph.node("Unsqueeze", graph.node("Min", hops, last_begin), [2])
    last = graph.node("Unsqueeze", graph.node("Sub", lengths, 1), [2])
    places = graph.node("Min", graph.node("Add", begins, np.arange(frame_length)), last)
    source = graph.node("Reshape", places, [0, -1])
    chosen = graph.gathered(graph.squeezed(steps, valid), source)
    n_frames = graph.node("Reshape", graph.size(hops, 1), [1])
    shape = graph.node("Concat", [0], n_frames, [framer.n_features_out_], axis=0)
    frames = graph.node("Reshape", chosen, shape)
    filled = graph.node("Less", hops, graph.node("Add", last_begin, hop_length))
    frames = graph.where(filled, frames, number(np.nan))
    graph.cut_back(frames, given, 1, output=operator.outputs[0].full_name)


# -- SequenceDifferencer ---------------------------------------------------------------


def differencer_types(operator: Any) -> None:
    """Type of the differences, with as many timesteps as there were."""
    check_input(operator)
    axes = [*input_shape(operator)[:2], operator.raw_operator.n_features_out_]
    operator.outputs[0].set_type(float_type(operator)(axes))


def convert_differencer(scope: Any, operator: Any, container: Any) -> None:
    """Differences to the valid timestep before, order by order."""
    graph, differencer = Graph(scope, container), operator.raw_operator
    number = numpy_type(float_type(operator))
    steps = graph.sequences(operator)
    valid = graph.valid_steps(steps)
    step = graph.node("Range", 0, graph.size(valid, 1), 1)
    before = graph.node("Max", graph.node("Sub", step, 1), 0)
    rank = graph.node("Unsqueeze", step, [1])
    blocks = [graph.squeezed(steps, valid)]
    for order in range(1, differencer._order + 1):
        earlier = graph.node("Gather", blocks[-1], before, axis=1)
        difference = graph.node("Sub", blocks[-1], earlier)
        too_early = graph.node("Less", rank, order)
        blocks.append(graph.node("Where", too_early, number(0), difference))
    kept = blocks[not differencer._keeps_values :]
    features = graph.unsqueezed(graph.node("Concat", *kept, axis=2), valid)
    output = operator.outputs[0].full_name
    graph.where(valid, features, number(np.nan), output=output)
