"""What the parameters of all problems may be."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

from sklstm.parameters import Interval

_A_COUNT = [Interval(Integral, 1, None, closed="left")]

RANGES: dict[str, list[Any]] = {
    "n": [Interval(Integral, 2, None, closed="left")],
    "n_samples": _A_COUNT,
    "n_series": _A_COUNT,
    "n_timesteps": _A_COUNT,
    "n_rows": _A_COUNT,
    "min_timesteps": _A_COUNT,
    "max_timesteps": _A_COUNT,
    "lag": _A_COUNT,
    "lead": [Interval(Integral, 0, None, closed="left")],
    "noise": [Interval(Real, 0, None, closed="left")],
    "share": [Interval(Real, 0, 1, closed="neither")],
    "duration": _A_COUNT,
    "shift": [Interval(Real, None, None, closed="neither")],
    "random_state": ["random_state"],
}
