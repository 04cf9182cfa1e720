"""Outputs of the estimators: their names, their types, and what computes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto
from skl2onnx import get_model_alias  # type: ignore[import-untyped]
from skl2onnx.common.data_types import (  # type: ignore[import-untyped]
    Int64TensorType,
    StringTensorType,
)
from sklearn.base import BaseEstimator

from sklstm.base.messages import shown
from sklstm.onnx.graph import (
    Graph,
    check_input,
    float_type,
    input_shape,
    numpy_type,
    proto_type,
)
from sklstm.onnx.network import GraphNetwork
from sklstm.targets import Indicators, Quantiles

if TYPE_CHECKING:
    from skl2onnx.common._container import (  # type: ignore[import-untyped]
        ModelComponentContainer,
    )
    from skl2onnx.common._topology import (  # type: ignore[import-untyped]
        Operator,
        Scope,
    )


def parse_classifier(
    scope: Scope, model: BaseEstimator, inputs: list[Any], custom_parsers: object = None
) -> Any:
    """A label and probabilities, which are one tensor whatever `zipmap` says."""
    return _declared(scope, model, inputs, label=Int64TensorType, probabilities=None)


def parse_regressor(
    scope: Scope, model: BaseEstimator, inputs: list[Any], custom_parsers: object = None
) -> Any:
    """The targets, and all quantiles of a network that has learnt them."""
    has_quantiles = isinstance(vars(model).get("codec_"), Quantiles)
    quantiles = {"quantiles": None} if has_quantiles else {}
    return _declared(scope, model, inputs, variable=None, **quantiles)


def _declared(
    scope: Scope, model: BaseEstimator, inputs: list[Any], **types: Any
) -> Any:
    """The outputs of a model by name; a type of None is that of the input's floats."""
    operator = scope.declare_local_operator(get_model_alias(type(model)), model)
    operator.inputs = inputs
    for name, tensor_type in types.items():
        tensor_type = tensor_type or float_type(operator)
        operator.outputs.append(scope.declare_local_variable(name, tensor_type()))
    return operator.outputs


def classifier_types(operator: Operator) -> None:
    """Types of label and probabilities."""
    check_input(operator)
    estimator = operator.raw_operator
    rows = _rows(operator)
    n_classes = len(estimator.classes_)
    is_text = _labels(estimator)[0].dtype.kind == "O"
    label_type = StringTensorType if is_text else Int64TensorType
    labels = [*rows, n_classes] if _is_multilabel(estimator) else rows
    label, probabilities = operator.outputs
    label.set_type(label_type(labels))
    probabilities.set_type(float_type(operator)([*rows, n_classes]))


def convert_classifier(
    scope: Scope, operator: Operator, container: ModelComponentContainer
) -> None:
    """Label and probabilities."""
    graph, estimator = Graph(scope, container), operator.raw_operator
    numbers = numpy_type(float_type(operator))
    steps = graph.sequences(operator)
    network = GraphNetwork(graph, estimator.network_, steps, numbers)
    label, probabilities = (variable.full_name for variable in operator.outputs)
    floats = proto_type(float_type(operator))
    kernel, bias = _dense(estimator)
    if len(estimator.classes_) > kernel.shape[1]:
        # One sigmoid of z for two classes is the softmax of -z / 2 and z / 2.
        kernel, bias = (np.hstack([-part, part]) / 2 for part in (kernel, bias))
    logits = network.logits(kernel, bias)
    multilabel = _is_multilabel(estimator)
    if multilabel:
        activated = graph.node("Sigmoid", logits)
    else:
        activated = graph.node("Softmax", logits, axis=-1)
    activated = network.masked(activated, np.float32(np.nan))
    graph.cast(activated, floats, output=probabilities)
    labels, padding = _labels(estimator)
    if multilabel:
        # A sigmoid exceeds one half where its logit is positive.
        positive = graph.node("Greater", logits, np.float32(0))
        chosen = graph.cast(positive, TensorProto.INT64)
    else:
        number = graph.node("ArgMax", logits, axis=-1, keepdims=0)
        # onnxruntime keeps the last axis where there are no rows.
        axes = graph.node("Slice", graph.node("Shape", logits), [0], [-1])
        number = graph.node("Reshape", number, axes)
        chosen = graph.node("Gather", labels, number)
    chosen = network.masked(chosen, padding, has_columns=multilabel)
    graph.node("Identity", chosen, output=label)


def _labels(estimator: BaseEstimator) -> tuple[NDArray[Any], NDArray[Any]]:
    """The classes as text or int64, and what stands at padded timesteps.

    Raises
    ------
    ValueError
        If the labels are neither text nor equal to numbers of int64.
    """
    classes = estimator.classes_
    if all(isinstance(label, str) for label in classes):
        return classes.astype(object), np.asarray("")
    # What NumPy makes of NaN: no class by accident.
    padding = np.iinfo(np.int64).min
    if classes.dtype.kind in "biuf":
        with np.errstate(invalid="ignore"):
            numbers = classes.astype(np.int64)
        if numbers.tolist() == classes.tolist() and padding not in numbers.tolist():
            return numbers, np.asarray(padding)
    raise ValueError(
        f"The labels {shown(classes.tolist())} (dtype {classes.dtype}) cannot be "
        "exported to ONNX, whose classifiers give text or whole numbers of int64. Fit "
        "with labels that are text, for example y.astype(str), or with their numbers, "
        "np.unique(y, return_inverse=True)[1]."
    )


def _is_multilabel(estimator: BaseEstimator) -> bool:
    return isinstance(estimator.codec_, Indicators)


def regressor_types(operator: Operator) -> None:
    """Types of the targets and their quantiles: the shapes of the predictions."""
    check_input(operator)
    estimator = operator.raw_operator
    shape = _rows(operator)
    if not _one_target(estimator):
        shape = [*shape, estimator.n_outputs_]
    targets, *quantiles = operator.outputs
    targets.set_type(float_type(operator)(shape))
    for output in quantiles:
        n_quantiles = len(estimator.quantiles_)
        output.set_type(float_type(operator)([*shape, n_quantiles]))


def convert_regressor(
    scope: Scope, operator: Operator, container: ModelComponentContainer
) -> None:
    """The targets in their original units, and their quantiles if they have any."""
    graph, estimator = Graph(scope, container), operator.raw_operator
    numbers, floats = numpy_type(float_type(operator)), proto_type(float_type(operator))
    steps = graph.sequences(operator)
    network = GraphNetwork(graph, estimator.network_, steps, numbers)
    # In their units they need the digits that predict has; rounded once, at the end.
    outputs = graph.cast(network.logits(*_dense(estimator)), TensorProto.DOUBLE)
    names = [variable.full_name for variable in operator.outputs]
    codec = estimator.codec_
    n_quantiles = 1
    if isinstance(codec, Quantiles):
        median, n_quantiles = codec.median_weights, len(codec.levels)
        codec = codec.numbers
        outputs = _sorted(graph, outputs, _rows(operator), n_quantiles)
    scale, mean = (np.repeat(part, n_quantiles) for part in (codec.scale, codec.mean))
    scaled = graph.node("Mul", outputs, scale.astype(np.float64))
    targets = graph.node("Add", scaled, mean.astype(np.float64))
    targets = graph.cast(network.masked(targets, np.float64(np.nan)), floats)
    if len(names) == 2:
        axes = [n_quantiles] if _one_target(estimator) else [-1, n_quantiles]
        shape = [0] * len(_rows(operator)) + axes  # 0: as it is
        graph.node("Reshape", targets, shape, output=names[1])
        by_target = np.kron(np.eye(estimator.n_outputs_), median[:, None])
        targets = graph.node("MatMul", targets, by_target.astype(numbers))
    if _one_target(estimator):
        graph.node("Gather", targets, 0, axis=-1, output=names[0])
    else:
        graph.node("Identity", targets, output=names[0])


def _sorted(graph: Graph, outputs: str, rows: list[Any], n_quantiles: int) -> str:
    """The outputs of every target in increasing order."""
    as_it_is = [0] * len(rows)
    by_target = graph.node("Reshape", outputs, [*as_it_is, -1, n_quantiles])
    in_order, _ = graph.outputs("TopK", by_target, [n_quantiles], largest=0)
    return graph.node("Reshape", in_order, [*as_it_is, -1])


def _one_target(estimator: BaseEstimator) -> bool:
    """Whether y had no axis of targets in `fit`."""
    codec = estimator.codec_
    numbers = codec.numbers if isinstance(codec, Quantiles) else codec
    return bool(numbers.n_axes == 1)


def _dense(estimator: BaseEstimator) -> tuple[NDArray[Any], NDArray[Any]]:
    return estimator.weights_["dense/kernel"], estimator.weights_["dense/bias"]


def _rows(operator: Operator) -> list[int | None]:
    """Axes of the output that are those of the input."""
    n_axes = 2 if operator.raw_operator.network_.architecture.every_step else 1
    return input_shape(operator)[:n_axes]
