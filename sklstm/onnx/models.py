"""A whole ONNX model: its input, its conversion by skl2onnx, its check."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import onnx
import skl2onnx  # type: ignore[import-untyped]
from skl2onnx.common.data_types import (  # type: ignore[import-untyped]
    DoubleTensorType,
    FloatTensorType,
)
from sklearn.pipeline import Pipeline, make_pipeline

from sklstm.estimators import WindowedEnsemble
from sklstm.estimators.base import BaseBiLSTM
from sklstm.estimators.sequence import PerSequence
from sklstm.onnx.network import STATES
from sklstm.onnx.registration import REFUSED
from sklstm.onnx.types import sequence_shape
from sklstm.sequences.checks import fitted_on_table

OLDEST_OPSET = 13

TENSOR_TYPES = {
    np.dtype(np.float32): FloatTensorType,
    np.dtype(np.float64): DoubleTensorType,
}


def convert(
    estimator: Any,
    input_name: str,
    dtype: np.dtype[Any],
    target_opset: int,
    states: bool,
) -> onnx.ModelProto:
    """See :func:`sklstm.to_onnx`; the estimator is fitted."""
    if dtype not in TENSOR_TYPES:
        raise ValueError(f"dtype must be float32 or float64. Got {dtype} instead.")
    if target_opset < OLDEST_OPSET:
        raise ValueError(
            f"target_opset must be at least {OLDEST_OPSET}, the first that has all "
            f"operators of the network. Got {target_opset} instead."
        )
    steps = list(_steps(estimator))
    _check_last(steps[-1])
    _check_inner(steps[:-1])
    model = skl2onnx.to_onnx(
        steps[0] if len(steps) == 1 else make_pipeline(*steps),
        initial_types=[(input_name, TENSOR_TYPES[dtype](_input_shape(steps[0])))],
        target_opset=target_opset,
    )
    if states:
        _put_out_states(model.graph, steps[-1])
    _leave_out_unread(model.graph)
    onnx.checker.check_model(model, full_check=True)
    return model


def _steps(estimator: Any) -> Iterator[Any]:
    """The steps of a pipeline of pipelines, without those that do nothing."""
    if not isinstance(estimator, Pipeline):
        yield estimator
        return
    for _, step in estimator.steps:
        if step not in (None, "passthrough"):
            yield from _steps(step)


def _input_shape(first: Any) -> list[int | None]:
    """Shape of X by what the first step was fitted on; None for an axis of any size."""
    for model, message in REFUSED.items():
        if isinstance(first, model):
            raise ValueError(message)
    if not hasattr(first, "n_features_in_"):
        raise ValueError(
            f"{type(first).__name__} does not know how many columns X had in fit. Call "
            "skl2onnx.to_onnx with initial_types instead, after importing sklstm.onnx."
        )
    n_features = int(first.n_features_in_)
    # What is not of sklstm takes tables.
    if fitted_on_table(first):
        return [None, n_features]
    channels_first = getattr(first, "layout", None) == "channels_first"
    return sequence_shape(n_features, channels_first=channels_first)


def _check_last(last: Any) -> None:
    """Refuse what skl2onnx may get wrong, such as a tuned threshold, which it drops."""
    if isinstance(last, (BaseBiLSTM, WindowedEnsemble)) or hasattr(last, "transform"):
        return
    raise ValueError(
        f"{type(last).__name__} cannot be exported by sklstm.to_onnx, which takes "
        "estimators of sklstm, transformers, and pipelines and searches of these. Try "
        "skl2onnx.to_onnx after importing sklstm.onnx, and compare the predictions."
    )


def _check_inner(steps: list[Any]) -> None:
    """Refuse what skl2onnx takes for a classifier that hands on labels."""
    for step in steps:
        if isinstance(step, BaseBiLSTM):
            raise ValueError(
                f"A {type(step).__name__} that transforms for the steps behind it "
                "cannot be exported to ONNX together with them. Export it by itself "
                "with states=True, and what follows by skl2onnx.to_onnx."
            )


def _put_out_states(graph: onnx.GraphProto, last: Any) -> None:
    """Make what the dense layer reads an output, too."""
    if not isinstance(last, PerSequence):
        raise ValueError(
            f"states=True asks for what transform gives, but {type(last).__name__} has "
            "no states of a sequence. BiLSTMClassifier and BiLSTMRegressor have."
        )
    shape = [None, last.network_.architecture.head[0]]
    graph.output.append(
        onnx.helper.make_tensor_value_info(STATES, onnx.TensorProto.FLOAT, shape)
    )


def _leave_out_unread(graph: onnx.GraphProto) -> None:
    """An LSTM need not keep the states of all timesteps, or the last, if none is read.

    An output is left out by an empty name, which skl2onnx takes but once in a graph.
    """
    read = {name for node in graph.node for name in node.input}
    for node in graph.node:
        if node.op_type == "LSTM":
            kept = [name if name in read else "" for name in node.output]
            node.output[:] = kept if kept[-1] else kept[:-1]
