"""What skl2onnx is told: for every class its converter and the types of its outputs."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from skl2onnx import (  # type: ignore[import-untyped]
    update_registered_converter,
)
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
from sklstm.onnx import estimators, transformers
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
        transformers.Columns,
        "SklstmColumns",
        transformers.columns_types,
        transformers.convert_columns,
    )


def _register(
    model: type, set_types: Callable[[Any], None], convert: Callable[..., None]
) -> None:
    def set_types_if_fitted(operator: Operator) -> None:
        check_is_fitted(operator.raw_operator)
        set_types(operator)

    is_classifier = issubclass(model, BaseClassifier)
    parser = estimators.parse_classifier if is_classifier else None
    if issubclass(model, BaseRegressor):
        parser = estimators.parse_regressor
    update_registered_converter(
        model,
        f"Sklstm{model.__name__}",
        set_types_if_fitted,
        convert,
        parser=parser,
        # skl2onnx sets it for every classifier that ends a pipeline.
        options={"zipmap": [True, False, "columns"]} if is_classifier else None,
    )


def _refusal(message: str) -> Callable[[Any], None]:
    def refuse(operator: Operator) -> None:
        raise ValueError(message)

    return refuse


def _never_called(
    scope: Scope, operator: Operator, container: ModelComponentContainer
) -> None:
    """In the place of a converter: the types of the outputs are asked for first."""
