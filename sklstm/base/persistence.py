"""The state of what is fitted: plain arrays and types, examined when it is loaded."""

from __future__ import annotations

import sys
import zlib
from collections.abc import Iterator
from types import BuiltinFunctionType, FunctionType
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from sklstm.base import documentation
from sklstm.base.messages import listed, shown, unquoted
from sklstm.base.parameters import parameter_names, unchanged_on_error
from sklstm.base.schema import ANYTHING, Kind, contradictions_of

# Raised when older versions could not read what is written, or would misread it.
FORMAT = 1

# What `skops.io.load` has to be told to trust, beside what it trusts of NumPy and
# scikit-learn: the public classes, by the modules in which they are defined.
TRUSTED_TYPES = [
    "sklstm.estimators.sequence.BiLSTMClassifier",
    "sklstm.estimators.sequence.BiLSTMRegressor",
    "sklstm.estimators.timestep.BiLSTMTimestepClassifier",
    "sklstm.estimators.timestep.BiLSTMTimestepRegressor",
    "sklstm.estimators.windowed_ensemble.WindowedEnsemble",
    "sklstm.metrics.PinballScorer",
    "sklstm.metrics.TimestepScorer",
    "sklstm.preprocessing.differencer.SequenceDifferencer",
    "sklstm.preprocessing.framer.SequenceFramer",
    "sklstm.preprocessing.imputer.SequenceImputer",
    "sklstm.preprocessing.padder.SequencePadder",
    "sklstm.preprocessing.reshaper.SequenceReshaper",
    "sklstm.preprocessing.scaler.SequenceScaler",
    "sklstm.preprocessing.tokenizer.SequenceTokenizer",
    "sklstm.preprocessing.sliding_windows.SlidingWindows",
]

# Beside the attributes in a state.
_HEADER = "_saved_by_sklstm"
_CHECKSUM = "_checksum_of_sklstm"

_DAMAGED = (AttributeError, TypeError, ValueError, LookupError, ArithmeticError)


class SavedState:
    """Mixin of everything that is fitted: how it is saved, loaded and copied."""

    _saved: ClassVar[dict[str, Kind]]

    #: Whose documentation scikit-learn's diagrams link to.
    _doc_link_module = "sklstm"

    #: The attribute without which nothing can be predicted or transformed.
    _learnt: ClassVar[str]

    #: Parameters from which what is fitted follows: it goes by what they were in `fit`.
    _shaping: ClassVar[tuple[str, ...]] = ()

    _shaped_by: dict[str, Any]

    def _keep_parameters(self) -> None:
        """Keep, in `fit`, what the shaping parameters are."""
        self._shaped_by = {name: getattr(self, name) for name in self._shaping}

    @property
    def _doc_link_template(self) -> str:
        """The address of a page of the API reference; an empty one is left out."""
        where = documentation.address()
        return where and where + "/api/generated/sklstm.{estimator_name}.html"

    # -- what a subclass may define -------------------------------------------------

    def _contradictions(self) -> Iterator[str]:
        """What attributes say against each other, beyond what is declared."""
        yield from ()

    def _not_saved(self) -> set[str]:
        """Attributes that are left out: they follow from others, or nobody asks."""
        return set()

    def _derive(self) -> None:
        """Set what follows from attributes that have been loaded."""

    # -- Python's protocol ----------------------------------------------------------

    def __copy__(self) -> Self:
        # Not by way of the saved state: scikit-learn's callbacks copy an estimator
        # while it is being fitted.
        copied = type(self).__new__(type(self))
        copied.__dict__.update(self.__dict__)
        return copied

    def __getstate__(self) -> dict[str, Any]:
        # Now is the time to say so: in the file it could not be mended.
        _refuse_contradictions(self, "fitted")
        state: dict[str, Any] = super().__getstate__()  # type: ignore[assignment]
        left_out = self._not_saved()
        packed = {
            name: self._saved.get(name, ANYTHING).pack(value)
            for name, value in state.items()
            if name not in left_out
        }
        return _sealed(packed, parameter_names(type(self)))

    def __setstate__(self, state: dict[str, Any]) -> None:
        name = type(self).__name__
        unsealed = _unsealed(state, type(self))
        with unchanged_on_error(self):
            try:
                attributes = {
                    key: self._saved.get(key, ANYTHING).unpack(value)
                    for key, value in unsealed.items()
                }
            except _DAMAGED as error:
                raise _incomplete(name, shown(error)) from error
            super().__setstate__(attributes)  # type: ignore[misc]
            _refuse_contradictions(self, "saved")
            if _is_fitted(self):
                self._derive()
            elif "n_features_in_" in vars(self):
                raise _incomplete(name, f"it lacks {self._learnt!r}")


def _is_fitted(estimator: Any) -> bool:
    return type(estimator)._learnt in vars(estimator)


def check_fitted(estimator: Any) -> None:
    """scikit-learn's `check_is_fitted`, which collects all tags before it looks.

    Raises
    ------
    sklearn.exceptions.NotFittedError
    """
    if not _is_fitted(estimator):
        check_is_fitted(estimator)


def _refuse_contradictions(estimator: Any, how: str) -> None:
    try:
        why = next(_all_contradictions(estimator), None)
    except _DAMAGED as error:
        why = f"examining it ends in {shown(error)}"
    if why is None:
        return
    if how == "saved":
        advice = (
            "sklstm did not save it like this: get the file from where it was made, or "
            "fit and save again."
        )
    else:
        advice = (
            "Nothing could load it again: put back what was changed, or call fit again."
        )
    name = type(estimator).__name__
    raise ValueError(f"The {how} {name} contradicts itself: {why}. {advice}")


def _all_contradictions(estimator: Any) -> Iterator[str]:
    attributes = vars(estimator).keys() - set(parameter_names(type(estimator)))
    for base in type(estimator).__mro__:
        if base.__module__.partition(".")[0] in ("sklstm", "sklearn"):
            for name in attributes & vars(base).keys():
                yield f"it has an attribute {shown(name)}, which belongs to the class"
    if not _is_fitted(estimator):
        return
    shaped_by, shaping = vars(estimator).get("_shaped_by", {}), estimator._shaping
    if not isinstance(shaped_by, dict) or shaped_by.keys() != set(shaping):
        yield f"_shaped_by={shown(shaped_by)} does not hold {list(shaping)} of fit"
    yield from contradictions_of(estimator)


def _incomplete(name: str, why: str) -> ValueError:
    return ValueError(
        f"The saved {name} is incomplete: {why}. Copy the file again from the "
        "original, or save the model again."
    )


# -- the header --------------------------------------------------------------------


def _sealed(state: dict[str, Any], parameters: list[str]) -> dict[str, Any]:
    """A state with a header that lists what it holds, and with its checksums."""
    from sklstm import __version__

    header = {
        "format": FORMAT,
        "version": __version__,
        "attributes": sorted(set(state) - set(parameters)),
        "parameters": sorted(set(state) & set(parameters)),
    }
    checksums, packages = _checksums(state, header)
    header["packages"] = packages
    return state | {_HEADER: header, _CHECKSUM: checksums}


def _unsealed(saved: dict[str, Any], cls: type[Any]) -> dict[str, Any]:
    """The state without header and checksums, which are compared.

    Raises
    ------
    ValueError
        If it was written in a newer format, lacks a part, or is not what was saved.
    """
    name = cls.__name__
    state = dict(saved)
    if missing := [key for key in (_HEADER, _CHECKSUM) if key not in state]:
        raise _incomplete(name, f"it has no {missing[0]!r}")
    header, checksums = state.pop(_HEADER), state.pop(_CHECKSUM)
    try:
        if header["format"] > FORMAT:
            raise ValueError(
                f"The saved {name} has format {shown(header['format'])}, this sklstm "
                f"reads up to {FORMAT}. Load it with sklstm "
                f"{unquoted(header['version'])} or newer."
            )
        names = [*header["attributes"], *header["parameters"]]
        names += [key for key in parameter_names(cls) if key not in names]
        if missing := [key for key in names if key not in state]:
            raise _incomplete(name, f"it lacks {listed(missing)}")
        damage = _damage(state, header, checksums)
    except (KeyError, TypeError) as error:
        raise _incomplete(name, f"its header is damaged ({shown(error)})") from error
    if damage:
        raise ValueError(
            f"The saved {name} is damaged: the checksum of {damage} does not match. "
            "Copy the file again from the original, or save the model again."
        )
    return state | {key: _unmapped(state[key]) for key in header["attributes"]}


def _damage(
    state: dict[str, Any], header: dict[str, Any], expected: dict[str, int]
) -> str | None:
    """What is not as it was saved, in words; None if all is."""
    found, _ = _checksums(state, header)
    if found["own"] != expected["own"]:
        return "its weights, other fitted attributes and parameters"
    # Another version of a package may load its objects otherwise; scikit-learn warns.
    packages = header["packages"]
    same = packages == {name: _version(name) for name in packages}
    if same and found["others"] != expected["others"]:
        return f"what it holds of {', '.join(map(unquoted, sorted(packages)))}"
    return None


def _checksums(
    state: dict[str, Any], header: dict[str, Any]
) -> tuple[dict[str, int], dict[str, str | None]]:
    """Checksums of a state, and the versions of packages whose objects it holds.

    "own" is of the header, of parameters and of attributes; "others" of what is inside
    the objects among the attributes. Parameters that are objects predict nothing.
    """
    own, others = Checksum(), ObjectChecksum()
    own.add([header[key] for key in ("format", "version", "attributes", "parameters")])
    own.add([state[name] for name in header["parameters"]])
    own.objects = others
    own.add([state[name] for name in header["attributes"]])
    packages = {name: _version(name) for name in sorted(others.packages)}
    return {"own": own.value, "others": others.value}, packages


def _version(package: str) -> str | None:
    version = getattr(sys.modules.get(package), "__version__", None)
    return version if isinstance(version, str) else None


def _unmapped(value: Any) -> Any:
    """Arrays that joblib mapped into memory as plain views of the same memory.

    Copies and files of them would hold a type of their own, which skops does not trust.
    """
    if isinstance(value, np.memmap):
        return np.asarray(value)
    if isinstance(value, dict):
        return {key: _unmapped(item) for key, item in value.items()}
    if type(value) in (list, tuple):
        return type(value)(map(_unmapped, value))
    return value


# -- checksums ---------------------------------------------------------------------

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
