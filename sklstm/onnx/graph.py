"""Nodes of an ONNX graph, and the operations on sequences that sklstm is made of.

Everything is standard ONNX from opset 13 on. Names stand for tensors: sequences of
shape ``(n_samples, n_timesteps, n_features)``, booleans ``valid`` of shape
``(n_samples, n_timesteps)``, lengths of shape ``(n_samples,)``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from onnx import TensorProto, numpy_helper
from skl2onnx.common.data_types import (  # type: ignore[import-untyped]
    DoubleTensorType,
    FloatTensorType,
)

from sklstm.sequences.checks import n_step_features

if TYPE_CHECKING:
    from skl2onnx.common._container import (  # type: ignore[import-untyped]
        ModelComponentContainer,
    )
    from skl2onnx.common._topology import (  # type: ignore[import-untyped]
        Operator,
        Scope,
    )


def input_shape(operator: Operator) -> list[int | None]:
    """Shape of the input, None for an axis of any size; columns are counted."""
    shapes = [variable.type.shape for variable in operator.inputs]
    if len(shapes) == 1:
        return list(shapes[0])
    return [shapes[0][0], sum(shape[1] for shape in shapes)]


def float_type(operator: Operator) -> Any:
    """The type of floats computed from the input, for skl2onnx; double stays double."""
    double = isinstance(operator.inputs[0].type, DoubleTensorType)
    return DoubleTensorType if double else FloatTensorType


def proto_type(tensor_type: object) -> int:
    return TensorProto.DOUBLE if tensor_type is DoubleTensorType else TensorProto.FLOAT


def numpy_type(tensor_type: object) -> type[np.floating[Any]]:
    return np.float64 if tensor_type is DoubleTensorType else np.float32


def sequence_shape(n_features: int, *, channels_first: bool) -> list[int | None]:
    """Three axes, two of them of any size."""
    if channels_first:
        return [None, n_features, None]
    return [None, None, n_features]


def check_input(operator: Operator, *, channels_first: bool = False) -> None:
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


class Graph:
    """Adds nodes to the graph that skl2onnx is building.

    Parameters
    ----------
    scope : skl2onnx.common._topology.Scope
    container : skl2onnx.common._container.ModelComponentContainer
    """

    def __init__(self, scope: Scope, container: ModelComponentContainer) -> None:
        self.scope = scope
        self.container = container

    def node(
        self, op_type: str, *inputs: Any, output: str | None = None, **attributes: Any
    ) -> str:
        """Add a node and read its first output.

        Parameters
        ----------
        op_type : str
            Standard ONNX operator.
        *inputs : str or array-like
            Names of tensors; anything else is a constant.
        output : str, default=None
            Name of the output; None makes one up.
        **attributes
            Of the operator.

        Returns
        -------
        str
            The name of the output.
        """
        output = output or self.scope.get_unique_variable_name(op_type.lower())
        self._add(op_type, inputs, [output], attributes)
        return output

    def outputs(
        self, op_type: str, *inputs: Any, n: int = 2, **attributes: Any
    ) -> list[str]:
        """Add a node and read its first `n` outputs."""
        name = op_type.lower()
        outputs = [self.scope.get_unique_variable_name(name) for _ in range(n)]
        self._add(op_type, inputs, outputs, attributes)
        return outputs

    def _add(
        self,
        op_type: str,
        inputs: tuple[Any, ...],
        outputs: list[str],
        attributes: dict[str, Any],
    ) -> None:
        self.container.add_node(
            op_type,
            [x if isinstance(x, str) else self.constant(x) for x in inputs],
            outputs,
            name=self.scope.get_unique_operator_name(op_type),
            **attributes,
        )

    def constant(self, value: Any) -> str:
        """A constant tensor; integers are int64, text is text, all else as it is."""
        name: str = self.scope.get_unique_variable_name("constant")
        array = np.asarray(value)
        if array.dtype.kind in "OU":
            encoded = [str(text).encode() for text in array.ravel()]
            self.container.add_initializer(
                name, TensorProto.STRING, list(array.shape), encoded
            )
        else:
            proto = numpy_helper.from_array(array.copy(order="C"), name)
            self.container.add_initializer(name, None, None, proto)
        return name

    # -- sequences ------------------------------------------------------------------

    def valid_steps(self, steps: str) -> str:
        """Which timesteps are data; the others, all NaN, are padding."""
        number = self.node("Not", self.node("IsNaN", steps))
        n_numbers = self.node(
            "ReduceSum", self.cast(number, TensorProto.INT64), [2], keepdims=0
        )
        return self.node("Greater", n_numbers, 0)

    def lengths(self, valid: str) -> str:
        """Valid timesteps per sample, int64."""
        return self.node(
            "ReduceSum", self.cast(valid, TensorProto.INT64), [1], keepdims=0
        )

    def squeezed(self, steps: str, valid: str) -> str:
        """The valid timesteps in front; what stands behind them is of no use."""
        n_timesteps = self.size(valid, 1)
        position = self.node("Range", 0, n_timesteps, 1)
        # No two keys are alike, so that the sort need not be stable.
        behind = self.node("Add", position, n_timesteps)
        keys = self.node("Where", valid, position, behind)
        _, source = self.outputs(
            "TopK", keys, self.node("Reshape", n_timesteps, [1]), largest=0
        )
        return self.gathered(steps, source)

    def unsqueezed(self, steps: str, valid: str) -> str:
        """The inverse of `squeezed`; what stands at padded timesteps is of no use."""
        rank = self.node("CumSum", self.cast(valid, TensorProto.INT64), 1)
        source = self.node("Max", self.node("Sub", rank, 1), 0)
        return self.gathered(steps, source)

    def carried(self, steps: str, number: type[np.floating[Any]]) -> str:
        """The last value that was known at each timestep; NaN in front of the first.

        `number` is the type of the values. Features are carried each by itself.
        """
        by_feature = self.node("Transpose", steps, perm=[0, 2, 1])
        shape = self.node("Shape", by_feature)
        n_timesteps = self.node("Reshape", self.size(steps, 1), [1])
        rows = self.node(
            "Reshape", by_feature, self.node("Concat", [-1], n_timesteps, [1], axis=0)
        )
        known = self.node("Squeeze", self.node("Not", self.node("IsNaN", rows)), [2])
        values = self.unsqueezed(self.squeezed(rows, known), known)
        n_known = self.node("CumSum", self.cast(known, TensorProto.INT64), 1)
        values = self.where(self.node("Greater", n_known, 0), values, number(np.nan))
        values = self.node("Reshape", values, shape)
        return self.node("Transpose", values, perm=[0, 2, 1])

    def carried_back(self, steps: str, number: type[np.floating[Any]]) -> str:
        """The next value that was known at each timestep; NaN behind the last."""
        return self.reversed(self.carried(self.reversed(steps), number))

    def reversed(self, steps: str) -> str:
        """The timesteps from the last to the first."""
        return self.node("Slice", steps, [-1], [np.iinfo(np.int64).min], [1], [-1])

    def gathered(self, steps: str, source: str) -> str:
        """For every sample the timesteps of these numbers."""
        places = self.node("Unsqueeze", source, [2])
        return self.node("GatherND", steps, places, batch_dims=1)

    def where(self, valid: str, steps: str, otherwise: Any, **output: str) -> str:
        """All features of the valid timesteps, something else at the others."""
        return self.node(
            "Where", self.node("Unsqueeze", valid, [2]), steps, otherwise, **output
        )

    # -- empty inputs ---------------------------------------------------------------

    def filled_up(self, steps: str, number: type[np.floating[Any]]) -> str:
        """With one sample of one timestep of padding where there is none.

        onnxruntime ends the process where an LSTM is given no rows. `number` is the
        type of the values.
        """
        shape = self.node("Shape", steps)
        lacking = self.cast(self.node("Equal", shape, 0), TensorProto.INT64)
        behind = self.node("Concat", [0, 0, 0], lacking, axis=0)
        return self.node("Pad", steps, behind, number(np.nan))

    def cut_back(self, tensor: str, steps: str, n_axes: int, **output: str) -> str:
        """What was filled up is taken away, along the first axes."""
        axes = np.arange(n_axes)
        sizes = self.node("Gather", self.node("Shape", steps), axes)
        return self.node("Slice", tensor, np.zeros_like(axes), sizes, axes, **output)

    # -- shapes and types -----------------------------------------------------------

    def size(self, tensor: str, axis: int) -> str:
        return self.node("Gather", self.node("Shape", tensor), axis)

    def cast(self, tensor: str, to: int, **output: str) -> str:
        return self.node("Cast", tensor, to=to, **output)

    # -- inputs of an operator ------------------------------------------------------

    def floats(self, operator: Operator) -> str:
        """The input as one tensor of floats; skl2onnx gives a data frame by columns."""
        to = proto_type(float_type(operator))
        columns = [self.cast(column.full_name, to) for column in operator.inputs]
        if len(columns) == 1:
            return columns[0]
        return self.node("Concat", *columns, axis=1)

    def sequences(self, operator: Operator) -> str:
        """The input with three axes: the columns of a table are timesteps."""
        steps = self.floats(operator)
        if len(input_shape(operator)) == 3:
            return steps
        return self.node("Unsqueeze", steps, [2])
