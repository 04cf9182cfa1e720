"""What skl2onnx is told: for every class its converter and the types of its outputs."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from skl2onnx import (  # type: ignore[import-untyped]
    get_model_alias,
    update_registered_converter,
)
from skl2onnx.common.data_types import Int64TensorType  # type: ignore[import-untyped]
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from sklstm.estimators import (
    BiLSTMClassifier,
    BiLSTMRegressor,
    BiLSTMTimestepClassifier,
    BiLSTMTimestepRegressor,
    WindowedEnsemble,
)
from sklstm.estimators.base_classifier import BaseClassifier
from sklstm.estimators.base_regressor import BaseRegressor
from sklstm.onnx import columns, estimators, transformers
from sklstm.onnx.graph import float_type
from sklstm.preprocessing import (
    SequenceDifferencer,
    SequenceFramer,
    SequenceImputer,
    SequencePadder,
    SequenceReshaper,
    SequenceScaler,
    SequenceTokenizer,
    SlidingWindows,
)
from sklstm.targets import Quantiles

if TYPE_CHECKING:
    from skl2onnx.common._container import (  # type: ignore[import-untyped]
        ModelComponentContainer,
    )
    from skl2onnx.common._topology import (  # type: ignore[import-untyped]
        Operator,
        Scope,
    )

# Of every class the function that sets the types of its outputs, and its converter.
CONVERTERS = {
    BiLSTMClassifier: (estimators.classifier_types, estimators.convert_classifier),
    BiLSTMTimestepClassifier: (
        estimators.classifier_types,
        estimators.convert_classifier,
    ),
    BiLSTMRegressor: (estimators.regressor_types, estimators.convert_regressor),
    BiLSTMTimestepRegressor: (estimators.regressor_types, estimators.convert_regressor),
    SequenceReshaper: (transformers.reshaper_types, transformers.convert_reshaper),
    SequencePadder: (transformers.padder_types, transformers.convert_padder),
    SequenceFramer: (transformers.framer_types, transformers.convert_framer),
    SequenceDifferencer: (
        transformers.differencer_types,
        transformers.convert_differencer,
    ),
    SequenceScaler: (transformers.scaler_types, transformers.convert_scaler),
    SequenceImputer: (transformers.imputer_types, transformers.convert_imputer),
}

REFUSED = {
    SlidingWindows: (
        "SlidingWindows cannot be exported to ONNX: a window reaches back over the "
        "rows before it, so predictions would depend on how many rows the graph is "
        "given at a time. Cut the windows outside and export the steps behind it: "
        "sklstm.to_onnx(pipeline[k:]), where k is the number of the next step, takes "
        "windows of shape (n_samples, n_timesteps, n_features)."
    ),
    SequenceTokenizer: (
        "SequenceTokenizer cannot be exported to ONNX, whose operators split no texts. "
        "Tokenize outside and export the steps behind it: "
        "sklstm.to_onnx(pipeline[k:]), where k is the number of the next step, takes "
        "codes of shape (n_samples, n_timesteps, 1), padded with NaN."
    ),
    WindowedEnsemble: (
        "WindowedEnsemble cannot be exported to ONNX: it cuts every sequence into "
        "windows of its own. Export its estimator_, which takes windows of shape "
        "(n_windows, n_timesteps, n_features), and average outside."
    ),
}


def register_converters() -> None:
    """Make skl2onnx know the estimators and transformers."""
    for model, (set_types, convert) in CONVERTERS.items():
        _register(model, set_types, convert)
    for model, message in REFUSED.items():
        _register(model, _refusal(message), _never_called)
    update_registered_converter(
        columns.Columns,
        "SklstmColumns",
        columns.columns_types,
        columns.convert_columns,
    )


def _register(
    model: type, set_types: Callable[[Any], None], convert: Callable[..., None]
) -> None:
    def set_types_if_fitted(operator: Operator) -> None:
        check_is_fitted(operator.raw_operator)
        set_types(operator)

    is_classifier = issubclass(model, BaseClassifier)
    parser = _parse_classifier if is_classifier else None
    if issubclass(model, BaseRegressor):
        parser = _parse_regressor
    update_registered_converter(
        model,
        f"Sklstm{model.__name__}",
        set_types_if_fitted,
        convert,
        parser=parser,
        # skl2onnx sets it for every classifier that ends a pipeline.
        options={"zipmap": [True, False, "columns"]} if is_classifier else None,
    )


def _parse_classifier(
    scope: Scope, model: BaseEstimator, inputs: list[Any], custom_parsers: object = None
) -> Any:
    """A label and probabilities, which are one tensor whatever `zipmap` says."""
    return _declared(scope, model, inputs, label=Int64TensorType, probabilities=None)


def _parse_regressor(
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


def _refusal(message: str) -> Callable[[Any], None]:
    def refuse(operator: Operator) -> None:
        raise ValueError(message)

    return refuse


def _never_called(
    scope: Scope, operator: Operator, container: ModelComponentContainer
) -> None:
    """In the place of a converter: the types of the outputs are asked for first."""
