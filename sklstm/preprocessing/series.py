"""Series among the rows of a table: how they are told apart, and what they must be."""

from __future__ import annotations

import datetime
from numbers import Number
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklstm.base.messages import shown
from sklstm.base.parameters import warn_caller
from sklstm.preprocessing.times import AWARE, DATES, DURATIONS, NUMBERS, Times
from sklstm.sequences.columns import holds_dates
from sklstm.sequences.windows import SeriesOrder

TEXT = "text"


def series_order(labels: NDArray[Any] | None, n_rows: int) -> SeriesOrder:
    """How so many rows are sorted by series; all are of one if there are no labels."""
    one = np.zeros(n_rows, dtype=np.intp)
    return SeriesOrder.of(one if labels is None else _codes_of(labels))


def check_times(
    times: Times,
    rows: NDArray[np.intp],
    codes: NDArray[np.intp],
    labels: NDArray[Any] | None,
) -> None:
    """Require that times rise from row to row of each series.

    Parameters
    ----------
    times : Times
    rows : ndarray of shape (n_rows,)
        Rows in the order in which they are read, series by series.
    codes : ndarray of shape (n_rows,)
        The series of each row.
    labels : ndarray of shape (n_rows,) or None

    Raises
    ------
    ValueError
        If they do not; the message says where.
    """
    before, after = rows[:-1], rows[1:]
    same = codes[before] == codes[after]
    ticks = times.ticks
    wrong = np.flatnonzero(same & (ticks[after] <= ticks[before]))
    if not len(wrong):
        return
    k = wrong[np.argmin(after[wrong])]
    earlier, later = before[k], after[k]
    of = "" if labels is None else f" of group {shown_label(labels[later])}"
    where = f"({len(wrong)} such rows)"
    if ticks[earlier] == ticks[later]:
        raise ValueError(
            f"Row {later} of X{of} has the same time as row {earlier}: "
            f"{times.shown(later)} {where}. A series has one row for each time: merge "
            "or drop duplicates, or tell the series apart with groups=."
        )
    raise ValueError(
        f"The times of X{of} are not sorted: row {later} has {times.shown(later)}, "
        f"after {times.shown(earlier)} in row {earlier} {where}. Sort X, and y alike, "
        "by time."
    )


def check_index(
    X: Any, order: SeriesOrder, labels: NDArray[Any] | None, name: str
) -> None:
    """Require that the index of a data frame, if it has dates, does not go back.

    The same date may come twice in a row: nobody asked for times.

    Raises
    ------
    ValueError
        If a row comes before one that is earlier in the same series.
    """
    times = index_times(X, name)
    if times is None:
        return
    before, after = order.rows[:-1], order.rows[1:]
    same = order.codes[before] == order.codes[after]
    wrong = np.flatnonzero(same & (times.ticks[after] < times.ticks[before]))
    if not len(wrong):
        return
    k = wrong[np.argmin(after[wrong])]
    of = "" if labels is None else f" of group {shown_label(labels[after[k]])}"
    levels = ""
    if X.index.nlevels > 1:
        levels = f", after reset_index() has made columns of {list(X.index.names)}"
    raise ValueError(
        f"The index of X{of} goes back in time: row {after[k]} has "
        f"{times.shown(after[k])}, after {times.shown(before[k])} in row {before[k]} "
        f"({len(wrong)} such rows). {name} takes rows in the order of time: sort them "
        f"with sort_index(), and y alike, or tell series apart with groups={levels}. "
        "If the index does not say when a row was observed, take it away: "
        "X.reset_index(drop=True)."
    )


def index_times(X: Any, name: str) -> Times | None:
    """The times in the index of a data frame or Series of pandas.

    None if it has none, or does not say which of several levels orders the rows.
    """
    index: Any = getattr(X, "index", None)
    if not hasattr(index, "nlevels"):
        return None
    levels = [index.get_level_values(k) for k in range(index.nlevels)]
    dated = [level for level in levels if _is_dated(level)]
    if len(dated) != 1 or dated[0].hasnans:
        return None
    try:
        return Times.read(dated[0], name, "index")
    except ValueError:  # objects, not all of them dates
        return None


def _is_dated(level: Any) -> bool:
    first = np.asarray(level[:1])
    return level.dtype.kind in "OMm" and (
        holds_dates(first) or hasattr(level.dtype, "freq")
    )


# Gaps are few among so many steps; in what has more, they are the rule.
_LEAST_STEPS, _STEPS_PER_GAP = 20, 20


def warn_of_gaps(times: Times, order: SeriesOrder, name: str) -> None:
    """Warn where few rows are missing among rows that are evenly spaced.

    Business days, opening hours, months and irregular times are as they should be.
    """
    before, after = order.rows[:-1], order.rows[1:]
    same = order.codes[before] == order.codes[after]
    before, after = before[same], after[same]
    if len(before) < _LEAST_STEPS or times.ticks.dtype == object:
        return
    steps = times.ticks[after] - times.ticks[before]
    sizes, counts = np.unique(steps, return_counts=True)
    usual = sizes[counts.argmax()]
    gaps = np.flatnonzero(steps != usual)
    few = 0 < len(gaps) * _STEPS_PER_GAP <= len(steps)
    if not few or usual <= 0 or (steps % usual).any():
        return
    if times.kind in (DATES, AWARE) and not _runs_on(times, usual, steps[gaps]):
        return
    k = gaps[0]
    row = after[k]
    seconds = "" if times.kind == NUMBERS else " s"
    ahead = times.since(before[k : k + 1], after[k : k + 1])[0]
    step = times.since(*(rows[steps == usual][:1] for rows in (before, after)))[0]
    warn_caller(
        f"Rows are missing: most rows follow {step:g}{seconds} after the one before, "
        f"but row {row} ({times.shown(row)}) follows {ahead:g}{seconds} after row "
        f"{before[k]} ({len(gaps)} such gaps). For {name} they are one timestep apart. "
        "Fill the gaps in, for example with asfreq and interpolate, or tell what is "
        "before and after them apart with groups=.",
        UserWarning,
    )


def _runs_on(times: Times, usual: int, gaps: NDArray[Any]) -> bool:
    """Whether dates go on round the clock and all week, but for gaps."""
    second = times.in_a_second
    day = 86_400 * second
    if times.kind == DATES and usual <= 3600 * second:
        # A local clock that is put forward, or back, is no gap.
        if (np.abs(gaps - usual) == 3600 * second).all():
            return False
    if usual > day:
        return True
    days, within = np.divmod(times.ticks, day)
    all_day = day % usual == 0 and len(np.unique(within)) >= day // usual
    all_week = len(np.unique(days % 7)) == 7 or gaps.max() < day
    return bool(all_day and all_week)


def shown_label(label: Any) -> str:
    """A label as a message shows it, without its NumPy type."""
    if isinstance(label, np.generic) and label.dtype.kind not in "Mm":
        label = label.item()
    return shown(label) if isinstance(label, (str, bytes)) else str(label)


def check_longest(order: SeriesOrder, n_needed: int, need: str, repair: str) -> None:
    """Require a series that is long enough for one window."""
    longest = int(order.sizes.max())
    if longest >= n_needed:
        return
    samples = "1 sample" if longest == 1 else f"{longest} samples"
    series = "X has" if len(order.sizes) == 1 else "the longest series in X has"
    choose = f"Choose {repair}, or give" if longest else "Give"
    raise ValueError(f"{need}, but {series} {samples}. {choose} a longer series.")


def _codes_of(labels: NDArray[Any]) -> NDArray[np.intp]:
    """Labels as numbers 0, 1, ....

    Raises
    ------
    TypeError
        If labels are objects that cannot be hashed.
    """
    if labels.dtype != object:
        return np.unique(labels, return_inverse=True)[1]
    seen: dict[Any, int] = {}
    codes = (seen.setdefault(label, len(seen)) for label in labels)
    return np.fromiter(codes, np.intp, len(labels))


def as_labels(labels: Any) -> NDArray[Any]:
    """Labels as an array in which different labels stay different.

    NumPy makes text of the numbers in a list beside text, and floats of large integers.
    Integers as objects, as in a table made of a list, are integers again.
    """
    if hasattr(labels, "dtype") or not isinstance(labels, (list, tuple)):
        array = np.asarray(labels)
        if array.dtype == object and {*map(type, array.flat)} == {int}:
            integers = np.asarray(array.tolist())
            return integers if integers.dtype.kind in "iu" else array
        return array
    array = np.asarray(labels)
    types = {*map(type, labels)}
    exact = array.dtype.kind in "iu" or not any(issubclass(t, int) for t in types)
    if exact and (len(types) == 1 or array.dtype.kind in "iufO"):
        return array
    return np.asarray(labels, dtype=object)


def check_distinct(labels: NDArray[Any], source: str) -> None:
    """Refuse labels that may be one series or two.

    Raises
    ------
    ValueError
        If a number and a text read the same, or integers may have been rounded.
    """
    if labels.dtype.kind == "f":
        largest = 2.0 ** (np.finfo(labels.dtype).nmant + 1)
        rounded = np.flatnonzero(np.abs(labels) >= largest)
        if len(rounded):
            raise ValueError(
                f"{source} has {labels[rounded[0]]} in row {rounded[0]}, of type "
                f"{labels.dtype}, which does not hold every integer from "
                f"{largest:.0f} on: two series may have become one. Give labels as "
                "integers or as text."
            )
    if labels.dtype != object or not label_kinds(labels) >= {NUMBERS, TEXT}:
        return
    distinct = {*labels.tolist()}
    text = {label for label in distinct if isinstance(label, str)}
    for label in distinct - text:
        if str(label) in text:
            raise ValueError(
                f"{source} has both {shown(str(label))}, a text, and {label}, a "
                "number. Give labels of one type, so that it is clear whether they are "
                "one series."
            )


def joined_labels(
    earlier: NDArray[Any], labels: NDArray[Any], name: str
) -> NDArray[Any]:
    """The labels of other rows, and these behind them, equal where they are the same.

    Parameters
    ----------
    earlier, labels : ndarray of shape (n_earlier,), ndarray of shape (n_rows,)
        Of the rows seen in `fit`, and of those that may follow them.
    name : str
        Of who has seen them, for messages.

    Raises
    ------
    ValueError
        If they are of another type, so that none of them can be the same.
    """
    known, found = label_kinds(earlier), label_kinds(labels)
    if known and not found <= known:
        raise ValueError(
            f"The groups of X are {' and '.join(sorted(found))}, but {name} was fitted "
            f"with {' and '.join(sorted(known))}: no row of X would follow those of "
            "fit. Give labels of the type that they had in fit."
        )
    if len(known) == 1 and known <= {DATES, AWARE, DURATIONS}:
        one, other = (Times.read(part, name) for part in (earlier, labels))
        return other.behind(one).ticks
    if earlier.dtype == labels.dtype or earlier.dtype.kind == labels.dtype.kind == "U":
        return np.concatenate([earlier, labels])
    if earlier.dtype.kind == labels.dtype.kind == "f":
        _refuse_precision(earlier, labels, name)
    # As one type, integers would become floats, and numbers text.
    return np.concatenate([earlier.astype(object), labels.astype(object)])


def label_kinds(labels: NDArray[Any]) -> set[str]:
    """What labels are, in words: labels of different kinds are never the same."""
    if labels.dtype.kind in "biuf":
        return {NUMBERS}
    if labels.dtype.kind in "UT":
        return {TEXT}
    if labels.dtype.kind in "Mm":
        return {DATES if labels.dtype.kind == "M" else DURATIONS}
    return {*map(_kind_of, labels.tolist())}


def _kind_of(label: Any) -> str:
    if isinstance(label, str):
        return TEXT
    if isinstance(label, (datetime.timedelta, np.timedelta64)):
        return DURATIONS
    if isinstance(label, (datetime.date, np.datetime64)):
        return AWARE if getattr(label, "tzinfo", None) is not None else DATES
    if isinstance(label, Number):
        return NUMBERS
    if isinstance(label, tuple):
        return f"({', '.join(map(_kind_of, label))})"
    # A day and a month of pandas may begin at the same time, but are not the same.
    return f"{type(label).__name__} {getattr(label, 'freqstr', '')}".strip()


def _refuse_precision(earlier: NDArray[Any], labels: NDArray[Any], name: str) -> None:
    if all((part == np.trunc(part)).all() for part in (earlier, labels)):
        return
    raise ValueError(
        f"The groups of X are fractions of type {labels.dtype}, but {name} was fitted "
        f"with {earlier.dtype}, in which the same fraction is another number. Give "
        "labels as integers or as text."
    )
