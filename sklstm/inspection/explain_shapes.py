"""The way of X through the steps of a pipeline: explain_shapes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, clone, is_classifier, is_regressor
from sklearn.exceptions import NotFittedError
from sklearn.utils import get_tags
from sklearn.utils.validation import (
    check_array,
    check_consistent_length,
    check_is_fitted,
)

from sklstm.base.messages import shown
from sklstm.inspection.shapes import (
    ShapeReport,
    StepShapes,
    columns_as_timesteps,
    measure,
    measure_target,
    n_samples,
    shares_memory,
)
from sklstm.preprocessing.base import SequenceTransformer
from sklstm.sequences.axes import hint_on
from sklstm.sequences.checks import check_sequences
from sklstm.sequences.containers import plain
from sklstm.sequences.ragged import is_ragged
from sklstm.targets.checks import check_lengths_match


def explain_shapes(pipeline_or_steps: Any, X: Any, y: Any = None) -> ShapeReport:
    """Show what each step of a pipeline makes of the shape of X.

    The transformers run; fitted ones as they are, of others clones are fitted. The
    last step is not trained: only whether it can take its input is checked. Nothing
    that is given is changed.

    Parameters
    ----------
    pipeline_or_steps : Pipeline, estimator, or list of them or of (name, estimator)
        The steps, in order. A search over a pipeline, such as GridSearchCV, is its
        pipeline.
    X : table, array of three axes, or list of sequences
        What the first step is given.
    y : array-like, default=None
        Targets, if the number of samples is to be compared with theirs or the
        transformers need them.

    Returns
    -------
    ShapeReport
        One row for X and for each step: name, shape in, shape out with the axes
        named, share of the timesteps that are padding, memory. If a step fails, the
        rows end with it and its message follows. If the axes of X look swapped, a
        hint follows. Prints as a text table and shows as a table in a notebook;
        `failed`, `error` and `hint` tell programs.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklstm import BiLSTMClassifier, SequenceReshaper, explain_shapes
    >>> X = np.zeros((60, 12))
    >>> pipeline = make_pipeline(SequenceReshaper(n_timesteps=4), BiLSTMClassifier())
    >>> print(explain_shapes(pipeline, X).steps[1].shape_out)
    60 samples x 4 timesteps x 3 features
    """
    X, y = plain(X, "X", "explain_shapes"), plain(y, "y", "explain_shapes")
    steps = list(_named_steps(pipeline_or_steps))
    before, hint = measure(X), hint_on(X, steps[0][1])
    rows = [StepShapes("X", "", before.shape, before.padding, before.memory)]
    for k, (name, step) in enumerate(steps):
        is_view = False
        shape_in = before.shape
        try:
            if k == len(steps) - 1 and _predicts(step):
                if _check_input(step, X, y) and before.padding is None:
                    shape_in += f", read as {columns_as_timesteps(X)} x 1 feature"
                after = measure_target(X, y)
            else:
                output = _transform(step, X, y)
                _check_samples(X, output)
                after, is_view = measure(output), shares_memory(X, output)
                X = output
        except Exception as error:
            message = _message_of(error) + _hint(step, X)
            rows.append(StepShapes(name, shape_in, error=message))
            return ShapeReport(tuple(rows), name, error, hint)
        rows.append(
            StepShapes(
                name, shape_in, after.shape, after.padding, after.memory, is_view
            )
        )
        before = after
    return ShapeReport(tuple(rows), hint=hint)


def _named_steps(given: Any) -> Iterator[tuple[str, Any]]:
    """Name and estimator of every step that does something."""
    while not _is_pipeline(given) and _holds_pipeline(given):
        given = getattr(given, "best_estimator_", given.estimator)
    steps = getattr(given, "steps", given)
    if not isinstance(steps, (list, tuple)):
        steps = [] if steps is None else [steps]
    if not steps:
        raise ValueError(
            "explain_shapes got no steps. Give a pipeline, an estimator, or a list of "
            "transformers and an estimator."
        )
    for step in steps:
        is_pair = isinstance(step, tuple) and len(step) == 2
        name, estimator = step if is_pair else (type(step).__name__.lower(), step)
        if estimator is None or (
            isinstance(estimator, str) and estimator == "passthrough"
        ):
            continue
        if isinstance(estimator, type) or not hasattr(estimator, "fit"):
            raise TypeError(
                f"explain_shapes takes a pipeline, an estimator, or a list of them or "
                f"of (name, estimator) pairs. Got {shown(estimator)}, which has no fit "
                "method or is a class; give an instance."
            )
        if _is_pipeline(estimator):
            for inner_name, inner in _named_steps(estimator):
                yield f"{name}__{inner_name}", inner
        else:
            yield str(name), estimator


def _holds_pipeline(given: Any) -> bool:
    """Whether it is a search over a pipeline."""
    return hasattr(given, "cv") and _is_pipeline(getattr(given, "estimator", None))


def _is_pipeline(given: Any) -> bool:
    # Imported here: it takes half of scikit-learn with it.
    from sklearn.pipeline import Pipeline

    return isinstance(given, Pipeline)


def _is_fitted(step: Any) -> bool:
    try:
        check_is_fitted(step)
    except (NotFittedError, TypeError):
        return False
    return True


def _predicts(step: Any) -> bool:
    return not hasattr(step, "transform") or is_classifier(step) or is_regressor(step)


def _transform(step: Any, X: Any, y: Any) -> Any:
    if _is_fitted(step):
        return step.transform(X)
    step = clone(step)
    if hasattr(step, "fit_transform"):
        return step.fit_transform(X, y)
    return step.fit(X, y).transform(X)


def _check_input(estimator: Any, X: Any, y: Any) -> bool:
    """Raise what the estimator would say of X; say whether it reads sequences."""
    nested = [
        value
        for value in (estimator, *estimator.get_params().values())
        if isinstance(value, BaseEstimator)
    ]
    if any(_is_pipeline(inner) for inner in nested):
        return False  # only its own steps could tell
    readers = [e for e in nested if get_tags(e).input_tags.three_d_array]
    if readers:
        fitted = _is_fitted(estimator) and hasattr(estimator, "_fitted_on_table")
        reader = estimator if fitted else clone(readers[0])
        batch = check_sequences(reader, X, reset=not fitted)
        if y is not None:
            check_lengths_match(batch, y if hasattr(y, "shape") else np.asarray(y))
        return True
    tags = get_tags(estimator).input_tags
    check_array(
        X,
        accept_sparse=tags.sparse,
        dtype=None,
        ensure_all_finite="allow-nan" if tags.allow_nan else True,
        estimator=estimator,
        input_name="X",
    )
    if y is not None:
        check_consistent_length(X, y)
    return False


def _check_samples(before: Any, after: Any) -> None:
    if n_samples(before) != n_samples(after):
        raise ValueError(
            f"It returned {n_samples(after)} samples for {n_samples(before)}, so X "
            "and y would be out of step. A step of a pipeline must keep the samples; "
            "what changes their number goes in front of the pipeline."
        )


def _message_of(error: Exception) -> str:
    """The first paragraph, on one line."""
    message = str(error).strip().partition("\n\n")[0]
    return " ".join(message.split()) or type(error).__name__


def _hint(step: Any, X: Any) -> str:
    """What to do if a transformer of tables was given sequences."""
    is_table = len(getattr(X, "shape", (0, 0))) < 3 and not is_ragged(X)
    if is_table or _predicts(step) or not _reads_tables_alone(step):
        return ""
    name = type(step).__name__
    return (
        f" {name} takes a table. Put it in front of what makes the sequences, or have "
        f"SequenceScaler({name}()) apply it to every timestep."
    )


def _reads_tables_alone(transformer: Any) -> bool:
    """Whether it is one of scikit-learn's kind; ours say themselves what to do."""
    if isinstance(transformer, SequenceTransformer):
        return False
    tags = get_tags(transformer) if isinstance(transformer, BaseEstimator) else None
    return tags is not None and not (
        tags.no_validation or tags.input_tags.three_d_array
    )
