"""A whole ONNX model: what skl2onnx is told of every class, conversion and check."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import skl2onnx  # type: ignore[import-untyped]
from skl2onnx import update_registered_converter
from skl2onnx.common.data_types import (  # type: ignore[import-untyped]
    DoubleTensorType,
    FloatTensorType,
)
from sklearn.base import BaseEstimator
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import (
    MinMaxScaler,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
)
from sklearn.utils.validation import check_is_fitted

from sklstm.base.messages import shown
from sklstm.base.parameters import warn_caller
from sklstm.estimators import (
    BiLSTMClassifier,
    BiLSTMRegressor,
    BiLSTMTimestepClassifier,
    BiLSTMTimestepRegressor,
    WindowedEnsemble,
)
from sklstm.estimators.base import BaseBiLSTM
from sklstm.estimators.base_classifier import BaseClassifier
from sklstm.estimators.base_regressor import BaseRegressor
from sklstm.estimators.sequence import PerSequence
from sklstm.onnx import estimators, transformers
from sklstm.onnx.graph import sequence_shape
from sklstm.onnx.network import STATES
from sklstm.onnx.transformers import by_position
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
from sklstm.sequences.checks import fitted_on_table
from sklstm.targets import Quantiles

if TYPE_CHECKING:
    from skl2onnx.common._container import (  # type: ignore[import-untyped]
        ModelComponentContainer,
    )
    from skl2onnx.common._topology import (  # type: ignore[import-untyped]
        Operator,
        Scope,
    )

OLDEST_OPSET = 13

OUTPUTS = ("label", "probabilities", "variable", "quantiles", STATES)

# Steps of float32 that are longer than this share of a standard deviation lose digits.
COARSE = 1e-3

TENSOR_TYPES = {
    np.dtype(np.float32): FloatTensorType,
    np.dtype(np.float64): DoubleTensorType,
}


def convert(
    estimator: BaseEstimator,
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
    _check_name(input_name)
    steps = list(_steps(estimator))
    _check_last(steps[-1])
    _check_inner(steps[:-1])
    if dtype == np.float32:
        _check_codes(steps[-1])
        _warn_of_levels(steps)
    given = TENSOR_TYPES[dtype](_input_shape(steps[0]))
    exported = [by_position(step) for step in steps]
    model = skl2onnx.to_onnx(
        exported[0] if len(exported) == 1 else make_pipeline(*exported),
        initial_types=[(input_name, given)],
        target_opset=target_opset,
    )
    if states:
        _put_out_states(model.graph, steps[-1])
    _leave_out_unread(model.graph)
    onnx.checker.check_model(model, full_check=True)
    return model


def _steps(estimator: BaseEstimator) -> Iterator[Any]:
    """The steps of a pipeline of pipelines, without those that do nothing."""
    if not isinstance(estimator, Pipeline):
        yield estimator
        return
    for _, step in estimator.steps:
        if step not in (None, "passthrough"):
            yield from _steps(step)


def _input_shape(first: object) -> list[int | None]:
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


def _check_name(input_name: Any) -> None:
    """Refuse what skl2onnx would replace by another name without a word."""
    is_name = isinstance(input_name, str)
    if not is_name or not re.fullmatch("[A-Za-z_][A-Za-z0-9_]*", input_name):
        raise ValueError(
            f"input_name={shown(input_name)} is no name that ONNX allows: letters, "
            "digits and underscores, and no digit in front. Choose another, such as "
            '"X".'
        )
    if input_name in OUTPUTS:
        raise ValueError(
            f"input_name={shown(input_name)} is what an output of the model is called. "
            'Choose another, such as "X".'
        )


def _check_codes(last: object) -> None:
    """Refuse codes that float32 takes for others."""
    for known in last.network_.codes if isinstance(last, BaseBiLSTM) else ():
        rounded = known[known.astype(np.float32).astype(known.dtype) != known]
        if len(rounded):
            raise ValueError(
                f"The code {rounded[0]} of a categorical feature is no number of "
                "float32, the type of the model's input. Use to_onnx(..., "
                "dtype=numpy.float64)."
            )


def _warn_of_levels(steps: list[Any]) -> None:
    """Say where float32 loses what tells samples apart."""
    found = [fitted for step in steps for fitted in _levels(step)]
    for what, level, spread in found:
        size = np.spacing(np.abs(level).astype(np.float32)).astype(np.float64)
        coarse = np.flatnonzero((spread > 0) & (size > COARSE * spread))
        if len(coarse):
            k = coarse[0]
            warn_caller(
                f"float32 has numbers around {level[k]:.6g} in steps of {size[k]:.3g}, "
                f"but {what} {k} spreads by {spread[k]:.3g}: the ONNX model will lose "
                "digits that predict keeps. Use to_onnx(..., dtype=numpy.float64).",
                UserWarning,
            )
            return


def _levels(model: BaseEstimator) -> Iterator[tuple[str, Any, Any]]:
    """Where the columns lie that a step has seen, and how far they spread."""
    if isinstance(model, Pipeline):
        inner = [step for _, step in model.steps]
    elif isinstance(model, FeatureUnion):
        inner = [step for _, step in model.transformer_list]
    elif isinstance(model, ColumnTransformer):
        inner = [step for _, step, _ in model.transformers_]
    else:
        inner = [model.scaler_] if isinstance(model, SequenceScaler) else []
    for step in inner:
        yield from _levels(step)
    if not hasattr(model, "n_features_in_"):
        return  # it was given no columns
    what = f"what {type(model).__name__} was fitted on, column"
    if isinstance(model, StandardScaler) and model.var_ is not None:
        yield what, model.mean_, np.sqrt(model.var_)
    elif isinstance(model, RobustScaler) and model.with_centering:
        if model.with_scaling:
            yield what, model.center_, model.scale_
    elif isinstance(model, MinMaxScaler):
        yield what, model.data_max_, model.data_range_
    elif isinstance(model, QuantileTransformer):
        yield what, model.quantiles_[-1], np.ptp(model.quantiles_, axis=0)
    elif isinstance(model, PCA):
        spread = np.sqrt(model.explained_variance_ @ model.components_**2)
        yield what, model.mean_, spread
    elif isinstance(model, BaseRegressor):
        codec = model.codec_
        codec = codec.numbers if isinstance(codec, Quantiles) else codec
        yield "target", codec.mean, codec.scale


def _check_last(last: object) -> None:
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


def _put_out_states(graph: onnx.GraphProto, last: object) -> None:
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
