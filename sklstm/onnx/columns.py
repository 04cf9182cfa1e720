"""Chosen columns of a table, and a ColumnTransformer made of them.

skl2onnx looks for names among the inputs of a model, which is one tensor here; behind
another step it does not know the columns, and it leaves all of them in their order
where a step is given all of them in another.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline

from sklstm.onnx.graph import Graph, float_type

if TYPE_CHECKING:
    from skl2onnx.common._container import (  # type: ignore[import-untyped]
        ModelComponentContainer,
    )
    from skl2onnx.common._topology import (  # type: ignore[import-untyped]
        Operator,
        Scope,
    )


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
