"""Converters of the transformers: ours, which keep their rows apart, and columns.

skl2onnx looks for names among the inputs of a model, which is one tensor here; behind
another step it does not know the columns, and it leaves all of them in their order
where a step is given all of them in another. So a ColumnTransformer is made of ours.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from onnx import TensorProto
from skl2onnx import get_model_alias  # type: ignore[import-untyped]
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline

from sklstm.onnx.graph import (
    Graph,
    check_input,
    float_type,
    input_shape,
    numpy_type,
    proto_type,
)
from sklstm.preprocessing.framer import count_frames
from sklstm.sequences.checks import n_step_features

if TYPE_CHECKING:
    from skl2onnx.common._container import (  # type: ignore[import-untyped]
        ModelComponentContainer,
    )
    from skl2onnx.common._topology import (  # type: ignore[import-untyped]
        Operator,
        Scope,
    )

# -- SequenceReshaper ------------------------------------------------------------------


def reshaper_types(operator: Operator) -> None:
    """Type of the sequences.

    Raises
    ------
    ValueError
        If the input is no table of the columns seen in `fit`.
    """
    reshaper, shape = operator.raw_operator, input_shape(operator)
    n_columns = reshaper.n_features_in_
    if len(shape) != 2 or shape[1] not in (n_columns, None):
        raise ValueError(
            f"SequenceReshaper was fitted on a table of {n_columns} columns, but the "
            f"type of its ONNX input has shape {shape}. Give it shape "
            f"[None, {n_columns}]."
        )
    axes = [shape[0], reshaper.n_timesteps_out_, reshaper.n_features_out_]
    operator.outputs[0].set_type(float_type(operator)(axes))


def convert_reshaper(
    scope: Scope, operator: Operator, container: ModelComponentContainer
) -> None:
    """Columns as timesteps, see `columns_to_steps` of the reshaper."""
    graph, reshaper = Graph(scope, container), operator.raw_operator
    number = numpy_type(float_type(operator))
    is_static = reshaper.is_static_
    n_columns = int((~is_static).sum())
    n_features = reshaper.n_features_out_ - int(is_static.sum())
    n_filled = -(-n_columns // n_features)
    n_lacking = n_filled * n_features - n_columns
    columns = graph.floats(operator)
    table = columns
    if is_static.any():
        table = graph.node("Gather", columns, np.flatnonzero(~is_static), axis=1)
    if n_lacking:
        table = _append_nan(graph, table, [n_lacking], number)
    steps = _by_layout(graph, table, n_filled, n_features, reshaper.layout)
    if n_lacking:
        no_column = np.arange(n_filled * n_features) >= n_columns
        shape = (n_filled, n_features)
        if reshaper.layout == "feature":
            no_column = no_column.reshape(shape[::-1]).T
        zeros = graph.node("Where", no_column.reshape(shape), number(0), steps)
        steps = graph.where(graph.valid_steps(steps), zeros, steps)
    n_behind = reshaper.n_timesteps_out_ - n_filled
    if n_behind:
        steps = _append_nan(graph, steps, [n_behind, n_features], number)
    if reshaper.time is not None:
        shape = (reshaper.n_timesteps_out_, n_features)
        steps = _elapsed(graph, steps, reshaper.time, shape, number)
    if is_static.any():
        static = graph.node("Gather", columns, np.flatnonzero(is_static), axis=1)
        steps = _join_static(graph, steps, static, number)
    graph.node("Identity", steps, output=operator.outputs[0].full_name)


def _join_static(
    graph: Graph, steps: str, static: str, number: type[np.floating[Any]]
) -> str:
    """Static values behind the features of every timestep that is data."""
    static = graph.node("Unsqueeze", static, [1])
    repeated = graph.where(graph.valid_steps(steps), static, number(np.nan))
    return graph.node("Concat", steps, repeated, axis=2)


def _by_layout(
    graph: Graph, table: str, n_timesteps: int, n_features: int, layout: str
) -> str:
    if layout == "timestep":
        return graph.node("Reshape", table, [-1, n_timesteps, n_features])
    steps = graph.node("Reshape", table, [-1, n_features, n_timesteps])
    return graph.node("Transpose", steps, perm=[0, 2, 1])


def _append_nan(
    graph: Graph, values: str, shape: list[int], number: type[np.floating[Any]]
) -> str:
    """NaN behind the second axis."""
    n_samples = graph.node("Reshape", graph.size(values, 0), [1])
    nan = graph.node(
        "Expand", number(np.nan), graph.node("Concat", n_samples, shape, axis=0)
    )
    return graph.node("Concat", values, nan, axis=1)


def _elapsed(
    graph: Graph,
    steps: str,
    time: int,
    shape: tuple[int, int],
    number: type[np.floating[Any]],
) -> str:
    """One feature becomes the difference to the previous valid timestep."""
    valid = graph.valid_steps(steps)
    times = graph.squeezed(graph.node("Gather", steps, [time], axis=2), valid)
    n_timesteps, n_features = shape
    step = np.arange(n_timesteps)
    before = graph.node("Gather", times, np.maximum(step - 1, 0), axis=1)
    follows = (step > 0)[:, None]
    elapsed = graph.node("Where", follows, graph.node("Sub", times, before), number(0))
    elapsed = graph.unsqueezed(elapsed, valid)
    is_time = np.arange(n_features) == time
    changed = graph.node("Where", is_time, elapsed, steps)
    return graph.where(valid, changed, steps)


# -- SequencePadder --------------------------------------------------------------------


def padder_types(operator: Operator) -> None:
    """Type of the padded sequences.

    Raises
    ------
    ValueError
        If longer sequences are to be refused, which a graph cannot do.
    """
    padder = operator.raw_operator
    check_input(operator, channels_first=padder.layout == "channels_first")
    if padder.truncating == "raise":
        raise ValueError(
            'SequencePadder with truncating="raise" cannot be exported to ONNX: a '
            "graph cannot refuse a longer sequence. Set truncating to "
            '"pre" or "post" for the export.'
        )
    n_samples, n_features = input_shape(operator)[0], n_step_features(padder)
    axes = [n_samples, padder.n_timesteps_out_, n_features]
    operator.outputs[0].set_type(float_type(operator)(axes))


def convert_padder(
    scope: Scope, operator: Operator, container: ModelComponentContainer
) -> None:
    """Every sequence at one length, see `fit_length`."""
    graph, padder = Graph(scope, container), operator.raw_operator
    number, n_timesteps = numpy_type(float_type(operator)), padder.n_timesteps_out_
    steps = graph.sequences(operator)
    if padder.layout == "channels_first" and len(input_shape(operator)) == 3:
        steps = graph.node("Transpose", steps, perm=[0, 2, 1])
    valid = graph.valid_steps(steps)
    lengths = graph.node("Unsqueeze", graph.lengths(valid), [1])
    n_kept = graph.node("Min", lengths, n_timesteps)
    # The number of the kept timestep that comes to each place, below 0 if none does.
    rank: Any = np.arange(n_timesteps)[None]
    if padder.padding == "pre":
        rank = graph.node("Sub", rank, graph.node("Sub", n_timesteps, n_kept))
    is_filled = graph.node(
        "And", graph.node("Less", rank, n_kept), graph.node("Greater", rank, -1)
    )
    source = rank
    if padder.truncating == "pre":
        source = graph.node("Add", rank, graph.node("Sub", lengths, n_kept))
    source = graph.node("Where", is_filled, source, 0)
    chosen = graph.gathered(graph.squeezed(steps, valid), source)
    graph.where(is_filled, chosen, number(np.nan), output=operator.outputs[0].full_name)


# -- SequenceScaler --------------------------------------------------------------------


def scaler_types(operator: Operator) -> None:
    """Type of the scaled sequences; a table stays a table."""
    check_input(operator)
    scaler, shape = operator.raw_operator, input_shape(operator)
    axes = shape if _returns_table(operator) else [*shape[:2], scaler.n_features_out_]
    operator.outputs[0].set_type(float_type(operator)(axes))


def convert_scaler(
    scope: Scope, operator: Operator, container: ModelComponentContainer
) -> None:
    """The scaler's own converter on a row for every timestep."""
    graph, scaler = Graph(scope, container), operator.raw_operator
    numbers = float_type(operator)
    steps = graph.sequences(operator)
    valid = graph.valid_steps(steps)
    n_features = n_step_features(scaler)
    rows = scope.declare_local_variable("rows", numbers([None, n_features]))
    graph.node(
        "Reshape",
        graph.where(valid, steps, numpy_type(numbers)(0)),
        [-1, n_features],
        output=rows.full_name,
    )
    model = scaler.scaler_
    model = by_position(model)
    if isinstance(model, FeatureUnion):
        # skl2onnx takes it apart where it finds it in a pipeline, only there.
        model = make_pipeline(model)
    inner = scope.declare_local_operator(get_model_alias(type(model)), model)
    inner.inputs.append(rows)
    scaled = scope.declare_local_variable("scaled", numbers())
    inner.outputs.append(scaled)
    shape = graph.node(
        "Concat", graph.node("Shape", valid), [scaler.n_features_out_], axis=0
    )
    # Some converters of skl2onnx give float32 whatever they are given.
    floats = graph.cast(scaled.full_name, proto_type(numbers))
    scaled_steps = graph.node("Reshape", floats, shape)
    output = operator.outputs[0].full_name
    missing = numpy_type(numbers)(np.nan)
    if _returns_table(operator):
        table = graph.where(valid, scaled_steps, missing)
        graph.node("Squeeze", table, [2], output=output)
    else:
        graph.where(valid, scaled_steps, missing, output=output)


def _returns_table(operator: Operator) -> bool:
    one_feature = operator.raw_operator.n_features_out_ == 1
    return len(input_shape(operator)) == 2 and one_feature


# -- SequenceImputer -------------------------------------------------------------------


def imputer_types(operator: Operator) -> None:
    """Type of the sequences that lack nothing."""
    check_input(operator)
    shape, n_features = input_shape(operator), operator.raw_operator.n_features_out_
    operator.outputs[0].set_type(float_type(operator)([*shape[:2], n_features]))


def convert_imputer(
    scope: Scope, operator: Operator, container: ModelComponentContainer
) -> None:
    """Values from the timesteps around, see `fill`; then the indicators."""
    graph, imputer = Graph(scope, container), operator.raw_operator
    number = numpy_type(float_type(operator))
    steps = graph.sequences(operator)
    valid, missing = graph.valid_steps(steps), graph.node("IsNaN", steps)
    filled = _filled(graph, steps, valid, imputer.strategy, number)
    start = imputer.statistics_.astype(number)
    filled = graph.node("Where", graph.node("IsNaN", filled), start, filled)
    flagged = imputer.indicator_features_
    if len(flagged):
        flags = graph.node("Gather", missing, flagged, axis=2)
        flags = graph.cast(flags, proto_type(float_type(operator)))
        filled = graph.node("Concat", filled, flags, axis=2)
    output = operator.outputs[0].full_name
    graph.where(valid, filled, number(np.nan), output=output)


def _filled(
    graph: Graph, steps: str, valid: str, strategy: str, number: type[np.floating[Any]]
) -> str:
    if strategy == "bfill":
        return graph.carried_back(steps, number)
    before = graph.carried(steps, number)
    if strategy == "ffill":
        return before
    to = TensorProto.DOUBLE if number is np.float64 else TensorProto.FLOAT
    ranks = graph.node("CumSum", graph.cast(valid, to), 1)
    ranks = graph.node("Unsqueeze", ranks, [2])
    missing = graph.node("IsNaN", steps)
    known_at = graph.node("Where", missing, number(np.nan), ranks)
    after = graph.carried_back(steps, number)
    first = graph.carried(known_at, number)
    span = graph.node("Sub", graph.carried_back(known_at, number), first)
    between = graph.node("Not", graph.node("IsNaN", span))
    inside = graph.node("And", missing, between)
    span = graph.node("Where", inside, span, number(1))
    share = graph.node("Div", graph.node("Sub", ranks, first), span)
    rise = graph.node("Mul", share, graph.node("Sub", after, before))
    return graph.node("Where", inside, graph.node("Add", before, rise), before)


# -- SequenceFramer --------------------------------------------------------------------


def framer_types(operator: Operator) -> None:
    """Type of the frames; their number follows from that of the timesteps."""
    check_input(operator)
    framer = operator.raw_operator
    n_samples, n_timesteps = input_shape(operator)[:2]
    n_frames = None
    if n_timesteps is not None:
        n_frames = int(count_frames(n_timesteps, framer._length, framer.hop_length))
    axes = [n_samples, n_frames, framer.n_features_out_]
    operator.outputs[0].set_type(float_type(operator)(axes))


def convert_framer(
    scope: Scope, operator: Operator, container: ModelComponentContainer
) -> None:
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


def differencer_types(operator: Operator) -> None:
    """Type of the differences, with as many timesteps as there were."""
    check_input(operator)
    axes = [*input_shape(operator)[:2], operator.raw_operator.n_features_out_]
    operator.outputs[0].set_type(float_type(operator)(axes))


def convert_differencer(
    scope: Scope, operator: Operator, container: ModelComponentContainer
) -> None:
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


# -- ColumnTransformer -----------------------------------------------------------------


class Columns(TransformerMixin, BaseEstimator):
    """Takes columns by their positions."""

    def __init__(self, positions: list[int]) -> None:
        self.positions = positions


def columns_types(operator: Operator) -> None:
    """Type of the columns."""
    n_samples, n_columns = operator.inputs[0].type.shape[:1], operator.raw_operator
    shape = [*(n_samples or [None]), len(n_columns.positions)]
    operator.outputs[0].set_type(float_type(operator)(shape))


def convert_columns(
    scope: Scope, operator: Operator, container: ModelComponentContainer
) -> None:
    """One node."""
    graph, positions = Graph(scope, container), operator.raw_operator.positions
    table, output = graph.floats(operator), operator.outputs[0].full_name
    graph.node("Gather", table, positions, axis=1, output=output)


def by_position(model: BaseEstimator) -> Any:
    """A fitted step whose columns are taken by position, at any depth.

    Raises
    ------
    ValueError
        If it encodes text, which is no column of a tensor of numbers.
    """
    _refuse_text(model)
    if isinstance(model, Pipeline):
        return Pipeline([(name, by_position(step)) for name, step in model.steps])
    if isinstance(model, FeatureUnion):
        parts = [(name, by_position(step)) for name, step in model.transformer_list]
        return FeatureUnion(parts, transformer_weights=model.transformer_weights)
    if not isinstance(model, ColumnTransformer):
        return model
    parts = []
    for name, step, columns in model.transformers_:
        positions = _positions(columns, model)
        if (isinstance(step, str) and step == "drop") or not positions:
            continue
        chosen = Columns(positions)
        passed = isinstance(step, str)
        steps = chosen if passed else make_pipeline(chosen, by_position(step))
        parts.append((name, steps))
    return FeatureUnion(parts, transformer_weights=model.transformer_weights)


def _positions(columns: Any, model: ColumnTransformer) -> list[int]:
    """What a fitted ColumnTransformer calls columns: names, numbers, masks, slices."""
    places = list(range(model.n_features_in_))
    names = list(getattr(model, "feature_names_in_", ()))
    if isinstance(columns, slice):
        if all(end is None or not isinstance(end, str) for end in _ends(columns)):
            return places[columns]
        first, last = (None if e is None else names.index(e) for e in _ends(columns))
        # Of names, the last is among them.
        return places[first : None if last is None else last + 1 : columns.step]
    columns = np.atleast_1d(np.asarray(columns, dtype=object)).tolist()
    if columns and isinstance(columns[0], (bool, np.bool_)):
        return np.flatnonzero(columns).tolist()
    return [names.index(c) if isinstance(c, str) else places[c] for c in columns]


def _ends(columns: slice) -> tuple[Any, Any]:
    return columns.start, columns.stop


def _refuse_text(model: BaseEstimator) -> None:
    categories = getattr(model, "categories_", ())
    if any(isinstance(value, str) for part in categories for value in part):
        raise ValueError(
            f"{type(model).__name__} was fitted on text, but the input of the model is "
            "one tensor of numbers. After `import sklstm.onnx`, "
            "skl2onnx.to_onnx(pipeline, X[:1]) with a data frame X makes an input of "
            "every column; or encode text in front of the pipeline."
        )
