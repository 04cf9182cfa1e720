"""What saved attributes may be: one declaration for each, in `_saved` of its class.

Saving, loading and the search for contradictions follow from it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from numbers import Integral
from operator import attrgetter
from typing import Any, ClassVar, Protocol

import numpy as np

from sklstm.base.messages import shown


class Kind:
    """What an attribute may be: any value, saved as it is, if no subclass differs."""

    def contradictions(self, name: str, value: Any, owner: object) -> Iterator[str]:
        """What is wrong with the value of an attribute, in sentences that name it."""
        yield from ()

    def pack(self, value: Any) -> Any:
        """The value as arrays and plain types."""
        return value

    def unpack(self, packed: Any) -> Any:
        """The inverse of `pack`."""
        return packed


class Declared(Protocol):
    """A class that declares what is saved of it."""

    _saved: ClassVar[dict[str, Kind]]

    def _contradictions(self) -> Iterator[str]:
        """What attributes say against each other, beyond what is declared.

        Only the first of all contradictions is asked for, so each may rely on those
        before it, and all of them on the declarations. Parameters have no part in it:
        users may set them after `fit`. A size that is fitted follows from what `fit`
        saw, or from what a parameter was then.
        """
        yield from ()


def contradictions_of(owner: Declared, where: str = "") -> Iterator[str]:
    """What attributes say against their declarations, and then against each other."""
    for name, kind in owner._saved.items():
        if hasattr(owner, name):
            yield from kind.contradictions(where + name, getattr(owner, name), owner)
        elif not isinstance(kind, Maybe):
            yield f"it lacks {where + name!r}"
    yield from owner._contradictions()


ANYTHING = Kind()


class Check(Kind):
    """A value that fulfils a condition.

    Parameters
    ----------
    holds : callable
        Of the value.
    otherwise : str
        What is said behind a value of which it does not hold.
    """

    def __init__(self, holds: Callable[[Any], bool], otherwise: str) -> None:
        self.holds = holds
        self.otherwise = otherwise

    def contradictions(self, name: str, value: Any, owner: object) -> Iterator[str]:
        if not self.holds(value):
            yield f"{name}={shown(value)} {self.otherwise}"


def is_count(value: Any) -> bool:
    """Whether it is an integer of at least one."""
    is_int = isinstance(value, Integral) and not isinstance(value, bool)
    return is_int and int(value) >= 1


def count(of_what: str) -> Check:
    """An integer of at least one."""
    return Check(is_count, f"is no number of {of_what}")


def size(of_what: str) -> Check:
    """The same of Python's own ints, which do not overflow in a product."""
    return Check(
        lambda value: type(value) is int and value >= 1, f"is no number of {of_what}"
    )


def one_of(*values: Any) -> Check:
    """One of some values."""
    return Check(
        lambda value: value in values, f"is none of {', '.join(map(repr, values))}"
    )


def instance_of(kind: type) -> Check:
    """An instance of a class."""
    return Check(lambda value: isinstance(value, kind), f"is no {kind.__name__}")


FLAG = Check(lambda value: isinstance(value, bool), "is neither True nor False")


class Maybe(Kind):
    """An attribute that may be None, or not there."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind

    def contradictions(self, name: str, value: Any, owner: object) -> Iterator[str]:
        if value is not None:
            yield from self.kind.contradictions(name, value, owner)

    def pack(self, value: Any) -> Any:
        return None if value is None else self.kind.pack(value)

    def unpack(self, packed: Any) -> Any:
        return None if packed is None else self.kind.unpack(packed)


class Array(Kind):
    """An array of numbers, without NaN and infinity.

    Parameters
    ----------
    dtype : type
    *shape : int, str or callable
        A size, the attribute of the owner that is one, or a function of the owner.
    positive : bool, default=False
        Whether every number has to be greater than 0.
    """

    def __init__(
        self,
        dtype: type[Any],
        *shape: int | str | Callable[[Any], int],
        positive: bool = False,
    ) -> None:
        self.dtype = dtype
        self.shape = shape
        self.positive = positive

    def contradictions(self, name: str, value: Any, owner: object) -> Iterator[str]:
        sizes = [_size_in(axis, owner) for axis in self.shape]
        shape = tuple(n for _, n in sizes)
        fits = (
            isinstance(value, np.ndarray)
            and value.dtype == self.dtype
            and value.shape == shape
            and bool(np.isfinite(value).all())
        )
        if not fits:
            words = ", ".join(f"{axis}={n}" if axis else str(n) for axis, n in sizes)
            dtype = np.dtype(self.dtype)
            kind = f"{'finite ' * (dtype.kind == 'f')}{dtype.name} array"
            yield f"{name}={shown(value)} is no {kind} of shape ({words})"
        if self.positive and not (value > 0).all():
            yield f"{name}={shown(value)} is not positive"


def _size_in(axis: int | str | Callable[[Any], int], owner: object) -> tuple[str, int]:
    """Where the size of an axis comes from, in a word, and the size."""
    if isinstance(axis, int):
        return "", axis
    if isinstance(axis, str):
        return axis, attrgetter(axis)(owner)
    return axis.__name__.removeprefix("n_"), axis(owner)


class Names(Kind):
    """An array of strings, as many as an attribute of the owner says.

    Parameters
    ----------
    length : str
        The attribute, such as "n_features_in_".
    """

    def __init__(self, length: str) -> None:
        self.length = length

    def contradictions(self, name: str, value: Any, owner: object) -> Iterator[str]:
        n_names = getattr(owner, self.length)
        are_names = (
            isinstance(value, np.ndarray)
            and value.shape == (n_names,)
            and all(isinstance(item, str) for item in value)
        )
        if not are_names:
            what = self.length.split("_")[1]
            yield f"{name}={shown(value)} are no names of {n_names} {what}"


class Part(Kind):
    """An object with declarations of its own, which is saved as a dict.

    Parameters
    ----------
    *classes : type
        Of which it may be.
    """

    def __init__(self, *classes: type[Declared]) -> None:
        self.classes = {cls.__name__: cls for cls in classes}

    def contradictions(self, name: str, value: Any, owner: object) -> Iterator[str]:
        if type(value) not in self.classes.values():
            yield f"{name}={shown(value)} is no {' or '.join(self.classes)}"
        yield from contradictions_of(value, f"{name}.")

    def pack(self, value: Any) -> dict[str, Any]:
        packed = {k: kind.pack(getattr(value, k)) for k, kind in value._saved.items()}
        return {"class": type(value).__name__, **packed}

    def unpack(self, packed: dict[str, Any]) -> Any:
        values = dict(packed)
        cls = self.classes[values.pop("class")]
        return cls(
            **{k: cls._saved.get(k, ANYTHING).unpack(v) for k, v in values.items()}
        )


class Each(Kind):
    """A tuple of values of one kind."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind

    def contradictions(self, name: str, value: Any, owner: object) -> Iterator[str]:
        if not isinstance(value, tuple):
            yield f"{name}={shown(value)} is no tuple"
        for k, item in enumerate(value):
            yield from self.kind.contradictions(f"{name}[{k}]", item, owner)

    def pack(self, value: Any) -> tuple[Any, ...]:
        return tuple(map(self.kind.pack, value))

    def unpack(self, packed: Any) -> tuple[Any, ...]:
        return tuple(map(self.kind.unpack, packed))


#: What reading a table in `fit` sets.
OF_TABLE: dict[str, Kind] = {
    "n_features_in_": count("features"),
    "feature_names_in_": Maybe(Names("n_features_in_")),
}

#: What reading sequences in `fit` sets.
OF_SEQUENCES: dict[str, Kind] = {
    **OF_TABLE,
    "n_timesteps_in_": count("timesteps"),
    "_fitted_on_table": FLAG,
}
