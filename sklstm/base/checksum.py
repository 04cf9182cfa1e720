"""Checksums of what is saved: arrays, plain types, and objects of others."""

from __future__ import annotations

import zlib
from types import BuiltinFunctionType, FunctionType
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

_PLAIN = (bool, int, float, complex, str, bytes, type(None))


def checksum_of(value: Any) -> int:
    """The checksum of a value, inside objects too."""
    checksum = ObjectChecksum()
    checksum.add(value)
    return checksum.value


class Checksum:
    """A running checksum of arrays, plain types and containers of them.

    It is the same on every machine, for every version of NumPy, and for equal values
    of another type, such as ``numpy.str_`` for ``str``: not every format keeps those.
    Of an object it takes the name of the type; it may print its address.
    """

    def __init__(self) -> None:
        self.value = 0
        #: Is given what is an object, if set.
        self.objects: ObjectChecksum | None = None

    def add(self, value: Any) -> None:
        if isinstance(value, np.ndarray) and value.dtype.kind in "biufcSUmM":
            value = value.astype(value.dtype.newbyteorder("<"), copy=False)
            self.add([value.dtype.str, *value.shape])
            self._add_bytes(value.tobytes())
            return
        if isinstance(value, np.ndarray):
            value = value.tolist()
        if isinstance(value, np.generic):
            value = value.item()
        if isinstance(value, dict):
            value = list(value.items())
        if isinstance(value, (list, tuple)):
            for item in value:
                self.add(item)
            self._add_bytes(repr(len(value)).encode())
        elif isinstance(value, _PLAIN):
            self._add_bytes(repr(value).encode())
        else:
            self._add_object(value)

    def _add_bytes(self, content: bytes) -> None:
        self.value = zlib.crc32(content, self.value)

    def _add_object(self, value: Any) -> None:
        self._add_bytes(repr(type(value).__qualname__).encode())
        if self.objects is not None:
            self.objects.add(value)


class ObjectChecksum(Checksum):
    """A checksum that looks into objects, as far as it is known how they are saved."""

    def __init__(self) -> None:
        super().__init__()
        self.packages: set[str] = set()
        self._around: list[Any] = []

    def _add_object(self, value: Any) -> None:
        super()._add_object(value)
        if hasattr(type(value), "_learnt"):  # has checksums of its own
            return
        self.packages.add(type(value).__module__.partition(".")[0])
        if any(value is outer for outer in self._around):
            return
        self._around.append(value)
        self.add(_contents(value))
        self._around.pop()


def _contents(value: Any) -> Any:
    """What is saved of an object, in a fixed order; None where that is not known."""
    if isinstance(value, (type, FunctionType, BuiltinFunctionType)):
        return value.__qualname__
    if isinstance(value, (set, frozenset)):
        return sorted(map(checksum_of, value))
    if type(value).__module__.startswith("sklearn."):
        try:
            state = value.__getstate__()
        except TypeError:  # compiled, and saved in a way of its own
            return None
    elif _is_saved_by_attributes(type(value)):
        state = getattr(value, "__dict__", None)
    else:
        return None
    return sorted(state.items()) if isinstance(state, dict) else state


def _is_saved_by_attributes(cls: type) -> bool:
    """Whether objects are saved and loaded attribute by attribute, by no own method."""
    own = any(
        getattr(cls, name) is not getattr(object, name)
        for name in ("__reduce_ex__", "__reduce__")
    )
    return (
        not own
        and cls.__getstate__ in (object.__getstate__, BaseEstimator.__getstate__)
        and getattr(cls, "__setstate__", None) in (None, BaseEstimator.__setstate__)
    )
