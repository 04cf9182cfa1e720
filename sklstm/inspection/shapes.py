"""The shape of whatever goes from step to step: in words, with padding and memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse

from sklstm.sequences.batch import chunks, valid_steps
from sklstm.sequences.ragged import is_ragged, pad_ragged

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
