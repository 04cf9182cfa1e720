"""The state of a fitted estimator as plain arrays and plain types."""

from __future__ import annotations

import zlib
from collections.abc import Collection
from typing import Any

import numpy as np

# Raised when older versions could not read what is written, or would misread it.
FORMAT = 1

# What `skops.io.load` has to be told to trust, beside what it trusts of NumPy and
# scikit-learn: the public classes, by the modules in which they are defined.
TRUSTED_TYPES = [
    "sklstm.estimators.classifier.BiLSTMClassifier",
    "sklstm.estimators.regressor.BiLSTMRegressor",
    "sklstm.estimators.timestep.BiLSTMTimestepClassifier",
    "sklstm.estimators.timestep.BiLSTMTimestepRegressor",
    "sklstm.estimators.windowed.WindowedEnsemble",
    "sklstm.preprocessing.padder.SequencePadder",
    "sklstm.preprocessing.reshaper.SequenceReshaper",
    "sklstm.preprocessing.scaler.SequenceScaler",
    "sklstm.preprocessing.windows.SlidingWindows",
]

_HEADER = "_saved_by_sklstm"

_PLAIN = (bool, int, float, complex, str, bytes, type(None))


def pack_state(
    state: dict[str, Any], *, parameters: Collection[str], keep_training_state: bool
) -> dict[str, Any]:
    """What is saved of an estimator's attributes.

    A header lists format, version, fitted attributes and their checksum.

    Parameters
    ----------
    state : dict
    parameters : collection of str
        Names of the attributes that are constructor parameters.
    keep_training_state : bool
        Whether to save what only serves further training.
    """
    saved = dict(state)
    if not keep_training_state:
        saved.pop("_training_state", None)
    if "_flat" in saved:
        from sklstm import __version__

        fitted = sorted(set(saved) - set(parameters))
        saved[_HEADER] = {
            "format": FORMAT,
            "version": __version__,
            "attributes": fitted,
            "checksum": _checksum(saved, fitted),
        }
    return saved


def unpack_state(saved: dict[str, Any], name: str) -> dict[str, Any]:
    """The attributes of an estimator from what was saved.

    Parameters
    ----------
    saved : dict
    name : str
        Of the estimator's class, for messages.

    Raises
    ------
    ValueError
        If the state was written in a newer format, lacks a part, or is not what was
        saved.
    """
    state = dict(saved)
    header = state.pop(_HEADER, None)
    if header is None:
        if "_flat" in state or "_architecture" in state or "n_epochs_" in state:
            raise _incomplete(name, f"it has no {_HEADER!r}")
        return state
    try:
        if header["format"] > FORMAT:
            raise ValueError(
                f"The saved {name} has format {header['format']}, this sklstm reads up "
                f"to {FORMAT}. Load it with sklstm {header['version']} or newer."
            )
        missing = [key for key in header["attributes"] if key not in state]
        if missing:
            raise _incomplete(name, f"it lacks {', '.join(map(repr, missing))}")
        intact = _checksum(state, header["attributes"]) == header["checksum"]
    except (KeyError, TypeError) as error:
        raise _incomplete(name, f"its header is damaged ({error!r})") from error
    if not intact:
        raise ValueError(
            f"The saved {name} is damaged: the checksum of its weights and other "
            "fitted attributes does not match. Copy the file again from the original, "
            "or save the model again."
        )
    return state | {key: _unmapped(state[key]) for key in header["attributes"]}


def _unmapped(value: Any) -> Any:
    """Arrays that joblib mapped into memory as plain views of the same memory.

    Copies and files of them would hold a type of their own, which skops does not trust.
    """
    if isinstance(value, np.memmap):
        return np.asarray(value)
    if isinstance(value, dict):
        return {key: _unmapped(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_unmapped(item) for item in value]
    return value


def _incomplete(name: str, why: str) -> ValueError:
    return ValueError(
        f"The saved {name} is incomplete: {why}. Copy the file again from the "
        "original, or save the model again."
    )


def _checksum(state: dict[str, Any], names: list[str]) -> int:
    checksum = 0
    for name in names:
        checksum = _add(name, checksum)
        checksum = _add(state[name], checksum)
    return checksum


def _add(value: Any, checksum: int) -> int:
    """A checksum with one more value: an array, a plain type or a container.

    It is the same on every machine, for every version of NumPy, and for equal values
    of another type, such as ``numpy.str_`` for ``str``: not every format keeps those.
    """
    if isinstance(value, np.ndarray) and value.dtype.kind in "biufcSUmM":
        value = value.astype(value.dtype.newbyteorder("<"), copy=False)
        checksum = _add([value.dtype.str, *value.shape], checksum)
        return zlib.crc32(value.tobytes(), checksum)
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, dict):
        value = list(value.items())
    if isinstance(value, (list, tuple)):
        for item in value:
            checksum = _add(item, checksum)
        return _add(len(value), checksum)
    if not isinstance(value, _PLAIN):
        # What a subclass or a user hung on the estimator; it may print its address.
        value = type(value).__qualname__
    return zlib.crc32(repr(value).encode(), checksum)
