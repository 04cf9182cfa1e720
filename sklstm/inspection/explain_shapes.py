"""The way of X through the steps of a pipeline: explain_shapes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse
from sklearn.base import BaseEstimator, clone, is_classifier, is_regressor
from sklearn.exceptions import NotFittedError
from sklearn.utils import get_tags
from sklearn.utils.validation import (
    check_array,
    check_consistent_length,
    check_is_fitted,
)

from sklstm.base.messages import shown
from sklstm.preprocessing.base import SequenceTransformer
from sklstm.sequences.axes import hint_on
from sklstm.sequences.batch import chunks, valid_steps
from sklstm.sequences.checks import check_sequences
from sklstm.sequences.containers import plain
from sklstm.sequences.ragged import is_ragged, pad_ragged
from sklstm.targets.checks import check_lengths_match


def explain_shapes(
    pipeline_or_steps: object, X: object, y: object = None
) -> ShapeReport:
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
            message = _message_of(error) + _hint(step, before)
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


def _holds_pipeline(given: object) -> bool:
    """Whether it is a search over a pipeline."""
    return hasattr(given, "cv") and _is_pipeline(getattr(given, "estimator", None))


def _is_pipeline(given: object) -> bool:
    # Imported here: it takes half of scikit-learn with it.
    from sklearn.pipeline import Pipeline

    return isinstance(given, Pipeline)


def _is_fitted(step: object) -> bool:
    try:
        check_is_fitted(step)
    except (NotFittedError, TypeError):
        return False
    return True


def _predicts(step: object) -> bool:
    return not hasattr(step, "transform") or is_classifier(step) or is_regressor(step)


def _transform(step: Any, X: Any, y: Any) -> Any:
    if _is_fitted(step):
        return step.transform(X)
    step = clone(step)
    if hasattr(step, "fit_transform"):
        return step.fit_transform(X, y)
    return step.fit(X, y).transform(X)


def _check_input(estimator: BaseEstimator, X: object, y: Any) -> bool:
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


def _check_samples(before: object, after: object) -> None:
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


def _hint(step: object, came: Measured) -> str:
    """What to do if a transformer of tables was given sequences."""
    if came.padding is None or _predicts(step) or not _reads_tables_alone(step):
        return ""
    name = type(step).__name__
    return (
        f" {name} takes a table. Put it in front of what makes the sequences, or have "
        f"SequenceScaler({name}()) apply it to every timestep."
    )


def _reads_tables_alone(transformer: object) -> bool:
    """Whether it is one of scikit-learn's kind; ours say themselves what to do."""
    if isinstance(transformer, SequenceTransformer):
        return False
    tags = get_tags(transformer) if isinstance(transformer, BaseEstimator) else None
    return tags is not None and not (
        tags.no_validation or tags.input_tags.three_d_array
    )


AXIS_NAMES = {
    1: ("samples",),
    2: ("samples", "columns"),
    3: ("samples", "timesteps", "features"),
}


@dataclass(frozen=True)
class Measured:
    """Shape in words, share of padding and bytes of what goes from step to step."""

    shape: str
    padding: float | None = None
    memory: int | None = None


def measure(X: Any) -> Measured:
    if is_ragged(X):
        return _measure_ragged(X)
    try:
        shape = tuple(X.shape) if hasattr(X, "shape") else np.shape(X)
    except ValueError:
        return Measured(f"a {type(X).__name__}")
    names = AXIS_NAMES.get(len(shape))
    if names is None:
        words = f"{len(shape)} axes, {shape}"
    else:
        words = " x ".join(map(_counted, shape, names))
    lengths = _lengths_of(X) if len(shape) == 3 else None
    padding = None if lengths is None else 1 - lengths.mean() / shape[1]
    return Measured(words, padding, _bytes_of(X))


def _measure_ragged(X: Any) -> Measured:
    """Sequences of unequal length; padding is what making them an array takes."""
    try:
        values = pad_ragged(X)
    except (TypeError, ValueError):  # the first step will say why
        return Measured(f"a {type(X).__name__} of {len(X)}")
    lengths = valid_steps(values).sum(axis=1)
    shortest, longest = int(lengths.min()), values.shape[1]
    steps = _counted(longest, "timesteps")
    if shortest < longest:
        steps = f"{shortest} to {steps}"
    n_samples, _, n_features = values.shape
    words = (_counted(n_samples, "samples"), steps, _counted(n_features, "features"))
    filled = float(lengths.mean() / longest)
    return Measured(" x ".join(words), 1 - filled, round(values.nbytes * filled))


def _lengths_of(X: Any) -> NDArray[np.intp] | None:
    """Valid timesteps of each sample, read in parts; None if X holds no numbers."""
    n_samples, n_timesteps, n_features = X.shape
    if not n_samples * n_timesteps or X.dtype.kind not in "fiub":
        return None
    lengths = np.full(n_samples, n_timesteps, dtype=np.intp)
    if X.dtype.kind == "f":
        for rows in chunks(n_samples, n_timesteps * n_features * X.dtype.itemsize):
            lengths[rows] = valid_steps(np.asarray(X[rows])).sum(axis=1)
    return lengths


def _counted(size: int, name: str) -> str:
    return f"{size} {name if size != 1 else name[:-1]}"


def _bytes_of(X: Any) -> int | None:
    """Bytes that X lies on: windows that overlap count once."""
    if isinstance(X, np.ndarray):
        if not X.size:
            return 0
        reach = zip(X.shape, X.strides, strict=True)
        spanned = sum((n - 1) * abs(stride) for n, stride in reach) + X.itemsize
        return int(min(X.nbytes, spanned))
    if issparse(X):
        return int(X.data.nbytes)
    if hasattr(X, "memory_usage"):
        return int(X.memory_usage(index=False, deep=True).sum())
    if hasattr(X, "estimated_size"):
        return int(X.estimated_size())
    if hasattr(X, "nbytes"):
        return int(X.nbytes)
    return None


def shares_memory(before: object, after: object) -> bool:
    arrays = isinstance(before, np.ndarray) and isinstance(after, np.ndarray)
    return arrays and bool(np.may_share_memory(before, after))


def n_samples(X: object) -> int:
    shape = getattr(X, "shape", None)
    if shape:
        return int(shape[0])
    return len(X) if hasattr(X, "__len__") else 0


def columns_as_timesteps(X: Any) -> str:
    return _counted(np.shape(X)[1], "timesteps")


def measure_target(X: object, y: Any) -> Measured:
    """One prediction per sample, of the shape of y."""
    samples = _counted(n_samples(X), "samples")
    shape = () if y is None else np.shape(y)[1:]
    return Measured(" x ".join([samples, *map(_counted, shape, ["targets"])]))


HEADER = ("step", "shape in", "shape out", "padding", "memory")

UNITS = ("B", "kB", "MB", "GB", "TB")


@dataclass(frozen=True)
class StepShapes:
    """What one step does to the shape of X.

    Parameters
    ----------
    name : str
        Of the step; "X" for the row of X itself.
    shape_in, shape_out : str
        With the axes named; empty if there is none.
    padding : float or None
        Share of the timesteps of the output that are padding; None unless it has
        timesteps.
    memory : int or None
        Bytes of the output. A view counts those it spans, not what a copy would take.
    is_view : bool
        Whether the output shares the memory of the input.
    error : str or None
        Why the step failed.
    """

    name: str
    shape_in: str = ""
    shape_out: str = ""
    padding: float | None = None
    memory: int | None = None
    is_view: bool = False
    error: str | None = None


@dataclass(frozen=True)
class ShapeReport:
    """The rows of :func:`explain_shapes`; a text table, and HTML in a notebook.

    Parameters
    ----------
    steps : tuple of StepShapes
        X itself, then every step up to the last or the one that failed.
    failed : str or None
        Name of the step that failed.
    error : Exception or None
        What it raised.
    hint : str
        What to do if X looks like something else than it is read as; a guess.
    """

    steps: tuple[StepShapes, ...]
    failed: str | None = None
    error: Exception | None = field(default=None, repr=False)
    hint: str = ""

    def __str__(self) -> str:
        rows = [HEADER, *(_cells(step) for step in self.steps)]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = [
            "  ".join(
                cell.rjust(width) if k >= 3 else cell.ljust(width)
                for k, (cell, width) in enumerate(zip(row, widths, strict=True))
            ).rstrip()
            for row in rows
        ]
        lines += [f"{step.name} failed: {step.error}" for step in self._failures()]
        lines += [f"Hint: {self.hint}"] * bool(self.hint)
        return "\n".join(lines)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{escape(name)}</th>" for name in HEADER)
        body = "".join(
            "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>"
            for row in map(_cells, self.steps)
        )
        failures = "".join(
            f"<p><strong>{escape(step.name)} failed:</strong> "
            f"{escape(str(step.error))}</p>"
            for step in self._failures()
        )
        if self.hint:
            failures += f"<p><strong>Hint:</strong> {escape(self.hint)}</p>"
        return (
            f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
            f"{failures}"
        )

    def _failures(self) -> Iterator[StepShapes]:
        return (step for step in self.steps if step.error is not None)


def _cells(step: StepShapes) -> tuple[str, ...]:
    """A row of the table as text."""
    memory = "" if step.memory is None else _in_bytes(step.memory)
    return (
        step.name,
        step.shape_in,
        step.shape_out if step.error is None else "failed",
        "" if step.padding is None else f"{step.padding:.1%}",
        f"{memory}, view" if step.is_view else memory,
    )


def _in_bytes(n_bytes: int) -> str:
    size, unit = float(n_bytes), 0
    while size >= 1000 and unit < len(UNITS) - 1:
        size, unit = size / 1000, unit + 1
    return f"{size:.3g} {UNITS[unit]}"
