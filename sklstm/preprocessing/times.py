"""When rows were observed: numbers, dates or durations, told apart and kept exactly."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from decimal import Decimal
from numbers import Integral, Real
from typing import Any, ClassVar, NoReturn

import numpy as np
from numpy.typing import NDArray

from sklstm.base.schema import Declared, Kind, instance_of, one_of
from sklstm.sequences.containers import is_missing

NUMBERS, DATES = "numbers", "dates"
AWARE, DURATIONS = "dates with a time zone", "durations"
KINDS = (NUMBERS, DATES, AWARE, DURATIONS)

# From coarse to fine, each a thousandth of the one before.
_UNITS = ("s", "ms", "us", "ns", "ps", "fs", "as")
_SECONDS = {"W": 604_800, "D": 86_400, "h": 3_600, "m": 60}
_PERIODS = {"Milli": "ms", "Micro": "us", "Nano": "ns"}
_EPOCH = datetime.datetime(1970, 1, 1)
_AWARE_EPOCH = _EPOCH.replace(tzinfo=datetime.UTC)
_MICROSECOND = datetime.timedelta(microseconds=1)
_INT64 = np.iinfo(np.int64)
# Every integer up to here is a float64.
_EXACT = 2**53


@dataclass(frozen=True, eq=False)
class Times(Declared):
    """The times of the rows of a table.

    Nothing is rounded and nothing wraps: what was earlier is less.

    Parameters
    ----------
    ticks : ndarray of shape (n_rows,)
        Numbers as they came, floats as float64. Of dates how many units lie between
        1970 (UTC if they have a time zone) and them, of durations how many they are:
        integers of 64 bits, or Python's as objects where these are not enough.
    kind : str
        One of `KINDS`.
    unit : str
        "s", "ms", "us", "ns", ...; "s" for numbers, too, where it says nothing.
    """

    ticks: NDArray[Any]
    kind: str
    unit: str = "s"

    @classmethod
    def read(cls, column: Any, name: str, what: str = "time column") -> Times:
        """The times in a column of any library.

        Parameters
        ----------
        column : array-like of shape (n_rows,)
        name : str
            Of who reads, for messages.
        what : str, default="time column"
            What is read, for messages.

        Raises
        ------
        ValueError
            If a time is missing or infinite, is neither number nor date, or the times
            are of several kinds.
        """
        dtype: Any = getattr(column, "dtype", None)
        aware = _has_zone(column)
        if getattr(dtype, "tz", None) is not None:  # pandas, which gives objects
            column = np.asarray(column, dtype=f"datetime64[{dtype.unit}]")
        # Of a list NumPy would make floats of large integers.
        is_list = isinstance(column, (list, tuple))
        times = np.asarray(column, dtype=object if is_list else None)
        if times.ndim == 2 and times.shape[1] == 1:
            times = times[:, 0]
        _refuse_missing(times)
        if hasattr(dtype, "freq") and hasattr(column, "array"):
            return _of_periods(column.array, dtype.freq)
        if times.dtype == object:
            return _of_objects(times, name, what)
        if times.dtype.kind in "Mm" and np.datetime_data(times.dtype)[0] != "generic":
            return _of_datetimes(times, aware)
        if times.dtype.kind not in "fiu":
            _refuse(f"{times.dtype}", name, what)
        if times.dtype.kind == "f":
            return cls(times.astype(np.float64), NUMBERS)
        return cls(_narrowed(times), NUMBERS)

    def __len__(self) -> int:
        return len(self.ticks)

    def at(self, rows: NDArray[Any]) -> Times:
        """The times of some rows."""
        return Times(self.ticks[rows], self.kind, self.unit)

    def behind(self, earlier: Times) -> Times:
        """Other times of the same kind, and these behind them."""
        unit = max(earlier.unit, self.unit, key=_UNITS.index)
        first, second = earlier._in(unit), self._in(unit)
        if first.dtype != second.dtype and not _both_exact_as_floats(first, second):
            first, second = first.astype(object), second.astype(object)
        return Times(np.concatenate([first, second]), self.kind, unit)

    def since(self, before: NDArray[Any], after: NDArray[Any]) -> NDArray[np.float64]:
        """From rows to rows that are not earlier: in seconds, unless they are numbers.

        Parameters
        ----------
        before, after : ndarray of shape (n_pairs,)
            Row numbers.
        """
        first, last = self.ticks[before], self.ticks[after]
        if first.dtype.kind == "i":
            # The difference may need all 64 bits.
            first, last = first.view(np.uint64), last.view(np.uint64)
        difference: NDArray[np.float64] = (last - first).astype(np.float64)
        return difference / self.in_a_second

    @property
    def in_a_second(self) -> int:
        """Ticks in a second, if these are not numbers."""
        return int(1000 ** _UNITS.index(self.unit))

    def shown(self, row: int) -> str:
        """The time of a row, for a message."""
        tick = self.ticks[row]
        if self.kind == NUMBERS:
            return str(tick)
        if not _INT64.min < tick <= _INT64.max:
            return f"{tick} {self.unit}"
        letter = "m" if self.kind == DURATIONS else "M"
        time = np.asarray(int(tick), dtype=f"{letter}8[{self.unit}]")
        return str(time) + "+00:00" * (self.kind == AWARE)

    _saved: ClassVar[dict[str, Kind]] = {
        "ticks": instance_of(np.ndarray),
        "kind": one_of(*KINDS),
        "unit": one_of(*_UNITS),
    }

    def _in(self, unit: str) -> NDArray[Any]:
        steps = _UNITS.index(unit) - _UNITS.index(self.unit)
        return _scaled(self.ticks, 1000**steps) if steps else self.ticks


def _has_zone(column: Any) -> bool:
    """Whether the type of a column, of pandas, polars or pyarrow, has a time zone."""
    types = (getattr(column, "dtype", None), getattr(column, "type", None))
    zones = (getattr(kind, key, None) for kind in types for key in ("tz", "time_zone"))
    return any(zone is not None for zone in zones)


def _refuse_missing(times: NDArray[Any]) -> None:
    missing = np.flatnonzero(is_missing(times))
    if len(missing):
        raise ValueError(
            f"Row {missing[0]} of X has no time ({len(missing)} of {len(times)} rows). "
            "Drop these rows from X and y, or fill in their times."
        )
    if times.dtype.kind == "f" and np.isinf(times).any():
        row = int(np.argmax(np.isinf(times)))
        raise ValueError(
            f"Row {row} of X has time {times[row]} ({np.isinf(times).sum()} of "
            f"{len(times)} rows are infinite). Drop these rows from X and y, or fill "
            "in their times."
        )


def _refuse(found: str, name: str, what: str) -> NoReturn:
    raise ValueError(
        f"{name} takes numbers or dates for times, but the {what} has {found}. "
        "Convert it first, for example with pandas.to_datetime."
    )


def _of_datetimes(times: NDArray[Any], aware: bool) -> Times:
    kind = DURATIONS if times.dtype.kind == "m" else AWARE if aware else DATES
    if np.datetime_data(times.dtype)[0] in "YM":
        times = times.astype(f"{times.dtype.kind}8[D]")
    unit, step = np.datetime_data(times.dtype)
    ticks = _scaled(times.astype(np.int64), step * _SECONDS.get(unit, 1))
    return Times(ticks, kind, "s" if unit in _SECONDS else unit)


def _of_periods(periods: Any, freq: Any) -> Times:
    """When pandas' periods begin."""
    unit = _PERIODS.get(type(freq).__name__, "s")
    begins = periods.asfreq(unit, how="start").asi8
    return Times(np.asarray(begins, dtype=np.int64), DATES, unit)


def _of_objects(times: NDArray[Any], name: str, what: str) -> Times:
    """Objects of one kind."""
    kinds = [_kind_of(time) for time in times]
    for row, kind in enumerate(kinds):
        if kind is None:
            _refuse(f"{type(times[row]).__name__} in row {row}", name, what)
        if kind != kinds[0]:
            raise ValueError(
                f"The {what} has {kinds[0]} in row 0 ({times[0]}), but {kind} in row "
                f"{row} ({times[row]}). Give times of one kind: which comes first "
                "cannot be told."
            )
    kind = kinds[0] or NUMBERS
    if kind == NUMBERS:
        if all(isinstance(time, Integral) for time in times):
            return Times(_integers(list(map(int, times))), NUMBERS)
        floats = times.astype(np.float64)
        _refuse_missing(floats)
        return Times(floats, NUMBERS)
    counted = [_count(time) for time in times]
    unit = max((unit for _, unit in counted), key=_UNITS.index)
    finest = _UNITS.index(unit)
    ticks = [tick * 1000 ** (finest - _UNITS.index(unit)) for tick, unit in counted]
    return Times(_integers(ticks), kind, unit)


def _kind_of(time: Any) -> str | None:
    """Which of the kinds one object is of, None if of no kind."""
    if isinstance(time, (datetime.timedelta, np.timedelta64)):
        return DURATIONS
    if isinstance(time, (datetime.date, np.datetime64)) or hasattr(time, "asfreq"):
        return AWARE if getattr(time, "tzinfo", None) is not None else DATES
    is_number = isinstance(time, (Real, Decimal)) and not isinstance(time, bool)
    return NUMBERS if is_number else None


def _count(time: Any) -> tuple[int, str]:
    """How many units a date is away from 1970, or a duration has; and the unit."""
    if hasattr(time, "asfreq"):  # a period of pandas
        unit = _PERIODS.get(type(time.freq).__name__, "s")
        return int(time.asfreq(unit, how="start").ordinal), unit
    for convert in ("to_datetime64", "to_timedelta64"):  # pandas, finer than Python
        time = getattr(time, convert, lambda time=time: time)()
    if isinstance(time, (np.datetime64, np.timedelta64)):
        read = _of_datetimes(np.asarray(time)[None], aware=False)
        return int(read.ticks[0]), read.unit
    if not isinstance(time, (datetime.datetime, datetime.timedelta)):
        time = datetime.datetime(time.year, time.month, time.day)
    if isinstance(time, datetime.datetime):
        time = time - (_EPOCH if time.tzinfo is None else _AWARE_EPOCH)
    return time // _MICROSECOND, "us"


def _integers(values: list[int]) -> NDArray[Any]:
    """Python's integers in 64 bits if they fit, as objects if not."""
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return _narrowed(array)


def _narrowed(integers: NDArray[Any]) -> NDArray[Any]:
    """As int64 if they fit, else as uint64 if they fit, else as they are."""
    if not len(integers) or integers.dtype.kind == "i":
        return integers.astype(np.int64)
    least, most = integers.min(), integers.max()
    if _INT64.min <= least and most <= _INT64.max:
        return integers.astype(np.int64)
    if least >= 0 and most <= np.iinfo(np.uint64).max:
        return integers.astype(np.uint64)
    return integers


def _scaled(ticks: NDArray[Any], factor: int) -> NDArray[Any]:
    """Integers times a factor, as objects where 64 bits are not enough."""
    if factor == 1 or not len(ticks):
        return ticks
    limit = int(_INT64.max) // factor
    if ticks.dtype == object or not -limit <= ticks.min() <= ticks.max() <= limit:
        return _integers([tick * factor for tick in ticks.tolist()])
    return ticks * factor


def _both_exact_as_floats(first: NDArray[Any], second: NDArray[Any]) -> bool:
    """Whether integers beside floats lose nothing as floats."""
    if {first.dtype.kind, second.dtype.kind} != {"i", "f"}:
        return False
    integers = first if first.dtype.kind == "i" else second
    return not len(integers) or bool(
        -_EXACT <= integers.min() <= integers.max() <= _EXACT
    )
