"""What counts as a missing value, in labels, times and targets of any type."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def is_missing(values: NDArray[Any]) -> NDArray[np.bool_]:
    """Where values are None, NaN, NaT or pandas' NA."""
    if values.dtype == object:
        found = np.fromiter(map(is_missing_value, values.flat), bool, values.size)
        return found.reshape(values.shape)
    missing: NDArray[np.bool_] = np.zeros(values.shape, dtype=bool)
    if values.dtype.kind in "fcMm":
        np.not_equal(values, values, out=missing)
    return missing


def is_missing_value(value: Any) -> bool:
    """Whether it is None, NaN, NaT or pandas' NA; no container is."""
    if value is None:
        return True
    if isinstance(value, np.ndarray):
        return False
    same = value == value
    if isinstance(same, (bool, np.bool_)):
        return not same
    return same is value  # pandas' NA, of which every comparison is NA
