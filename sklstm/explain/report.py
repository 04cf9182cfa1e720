"""What is said of the steps of a pipeline: a text table, or one of HTML."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape

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
