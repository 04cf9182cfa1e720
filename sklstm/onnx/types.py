"""Types of tensors: what comes into an operator, what goes out."""

from __future__ import annotations

from typing import Any

import numpy as np
from onnx import TensorProto
from skl2onnx.common.data_types import (  # type: ignore[import-untyped]
    DoubleTensorType,
    FloatTensorType,
)

from sklstm.sequences.checks import n_step_features


def input_shape(operator: Any) -> list[int | None]:
    """Shape of the input, None for an axis of any size; columns are counted."""
    shapes = [variable.type.shape for variable in operator.inputs]
    if len(shapes) == 1:
        return list(shapes[0])
    return [shapes[0][0], sum(shape[1] for shape in shapes)]


def float_type(operator: Any) -> Any:
    """The type of floats computed from the input, for skl2onnx; double stays double."""
    double = isinstance(operator.inputs[0].type, DoubleTensorType)
    return DoubleTensorType if double else FloatTensorType


def proto_type(tensor_type: Any) -> int:
    return TensorProto.DOUBLE if tensor_type is DoubleTensorType else TensorProto.FLOAT


def numpy_type(tensor_type: Any) -> Any:
    return np.float64 if tensor_type is DoubleTensorType else np.float32


def sequence_shape(n_features: int, *, channels_first: bool) -> list[int | None]:
    """Three axes, two of them of any size."""
    if channels_first:
        return [None, n_features, None]
    return [None, None, n_features]


def check_input(operator: Any, *, channels_first: bool = False) -> None:
    """Refuse an input type that `predict` would refuse.

    Parameters
    ----------
    operator : skl2onnx.common._topology.Operator
    channels_first : bool, default=False
        Whether the features of an input of three axes come before its timesteps.

    Raises
    ------
    ValueError
        If the input has other axes or features than in `fit`.
    """
    estimator, shape = operator.raw_operator, input_shape(operator)
    n_features = n_step_features(estimator)
    axes = sequence_shape(n_features, channels_first=channels_first)
    if len(shape) not in (2, 3):
        raise ValueError(
            f"{type(estimator).__name__} takes an input of 2 or 3 axes, but the type "
            f"of its ONNX input has shape {shape}. Give it shape [None, n_columns] or "
            f"{axes}."
        )
    came = 1 if len(shape) == 2 else shape[1 if channels_first else 2]
    if came not in (n_features, None):
        raise ValueError(
            f"{type(estimator).__name__} was fitted with {n_features} features per "
            f"timestep, but the type of its ONNX input has shape {shape}: {came} per "
            f"timestep. Give it shape {axes}."
        )
