"""The state of a fitted estimator as plain arrays and plain types."""

from __future__ import annotations

import zlib
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklstm.parameters import Architecture

FORMAT = 1


def pack_state(state: dict[str, Any]) -> dict[str, Any]:
    """What is saved of an estimator's attributes.

    The architecture becomes a dict of plain types, the parameters get a checksum, and
    what only serves further training or is derived from the rest is left out.
    """
    saved = {
        name: value
        for name, value in state.items()
        if name not in ("_forward_pass", "_training_state")
    }
    if "_flat" in saved:
        saved["_architecture"] = asdict(saved["_architecture"])
        saved["_format"] = FORMAT
        saved["_checksum"] = _checksum(saved["_flat"])
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
        If the state was written by a newer sklstm, lacks a part, or if the parameters
        are not the ones that were saved.
    """
    state = dict(saved)
    if "_flat" not in state:
        return state
    try:
        written_as = state.pop("_format")
        checksum = state.pop("_checksum")
        architecture = dict(state["_architecture"])
        architecture["units"] = tuple(architecture["units"])
        state["_architecture"] = Architecture(**architecture)
    except (KeyError, TypeError) as error:
        raise ValueError(
            f"The saved {name} is incomplete or was written by another version of "
            f"sklstm ({error}). Load it with the version that saved it."
        ) from error
    if written_as > FORMAT:
        raise ValueError(
            f"The saved {name} has format {written_as}, this sklstm reads up to "
            f"{FORMAT}. Load it with a newer sklstm."
        )
    flat = np.asarray(state["_flat"])
    expected = state["_architecture"].n_parameters
    if flat.shape != (expected,) or _checksum(flat) != checksum:
        raise ValueError(
            f"The parameters of the saved {name} are damaged: their checksum does not "
            "match. Save the model again from the original."
        )
    flat.flags.writeable = False
    state["_flat"] = flat
    return state


def _checksum(flat: NDArray[np.float32]) -> int:
    return zlib.crc32(np.ascontiguousarray(flat).tobytes())
