"""Values in messages: of users and of files, as `repr` shows them, never endless."""

from __future__ import annotations

import reprlib
from typing import Any

from numpy.typing import NDArray

_LONGEST = 200
_LONGEST_MESSAGE = 1000
_MOST = 8


def shown(value: Any) -> str:
    """A value for a message: its `repr` on one line, shortened.

    Line feeds and escapes of a text stay visible, and one of megabytes is not copied.
    Of containers and arrays the first items are shown.
    """
    try:
        text = _SHORT.repr(value)
    except Exception:  # whatever an object does to show itself, the message matters
        text = f"<{type(value).__name__} object>"
    return " ".join(text.split())


def said(error: BaseException) -> str:
    """What an error says, without the values of megabytes that it may quote."""
    text, half = str(error), _LONGEST_MESSAGE // 2
    if len(text) > _LONGEST_MESSAGE:
        text = f"{text[:half]} ... {text[-half:]}"
    return "".join(
        character
        if character.isprintable() or character == "\n"
        else ascii(character)[1:-1]
        for character in text
    )


def listed(names: list[Any]) -> str:
    """The first names of columns, for a message; a table can have thousands."""
    named = ", ".join(
        shown(name if isinstance(name, int) else str(name)) for name in names[:_MOST]
    )
    return named if len(names) <= _MOST else f"{named}, ..."


def labels_shown(labels: NDArray[Any]) -> str:
    """The first of some labels, as NumPy writes an array."""
    named = " ".join(shown(label) for label in labels[: _MOST + 2].tolist())
    return f"[{named}]" if len(labels) <= _MOST + 2 else f"[{named} ...]"


def unquoted(name: Any) -> str:
    """A name without quotes, if it looks like one."""
    text = str(name)
    return text if len(text) <= 60 and text.isprintable() else shown(name)


class _Short(reprlib.Repr):
    """Of Python's own, with the types of NumPy."""

    def __init__(self) -> None:
        super().__init__()
        self.maxstring = self.maxother = _LONGEST
        self.maxlist = self.maxtuple = self.maxarray = self.maxdict = 10

    def repr_str_(self, x: str, level: int) -> str:
        return self.repr_str(str(x), level)

    def repr_bytes(self, x: bytes, level: int) -> str:
        half = self.maxstring // 2
        return repr(x if len(x) <= self.maxstring else x[:half] + b"..." + x[-half:])

    def repr_ndarray(self, x: NDArray[Any], level: int) -> str:
        first = x.ravel()[: self.maxarray].tolist()
        if x.ndim == 1 and x.size <= self.maxarray:
            return f"array({self.repr_list(first, level)})"
        return f"array of shape {x.shape}, beginning {self.repr_list(first, level)}"


_SHORT = _Short()
