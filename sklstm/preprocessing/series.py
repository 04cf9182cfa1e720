"""The order of rows by series and by time: checked, and what time passes between."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklstm.base.parameters import warn_caller
from sklstm.preprocessing.labels import label_codes, shown_label
from sklstm.preprocessing.times import AWARE, DATES, NUMBERS, Times
from sklstm.sequences.columns import holds_dates
from sklstm.sequences.windows import Windows, front_padded, span


@dataclass(frozen=True, eq=False)
class SeriesOrder:
    """Where the rows of a table go when it is sorted by series.

    Parameters
    ----------
    codes : ndarray of shape (n_rows,)
        The series of each row, counted from 0; every series has a row.
    rows : ndarray of shape (n_rows,)
        The rows, sorted by series and within a series as they came, or by time.
    places : ndarray of shape (n_rows,)
        The inverse: where each row stands after sorting.
    ranks : ndarray of shape (n_rows,)
        How many rows of its series come before each row.
    sizes : ndarray of shape (n_series,)
        Rows of each series.
    """

    codes: NDArray[np.intp]
    rows: NDArray[np.intp]
    places: NDArray[np.intp]
    ranks: NDArray[np.intp]
    sizes: NDArray[np.intp]

    @classmethod
    def of(
        cls, codes: NDArray[np.intp], ticks: NDArray[Any] | None = None
    ) -> SeriesOrder:
        """Sort rows of these series, by `ticks` if they are given."""
        if ticks is None:
            rows = np.argsort(codes, kind="stable")
        else:
            rows = np.lexsort((ticks, codes))
        places = np.empty_like(rows)
        places[rows] = np.arange(len(rows))
        sizes = np.bincount(codes)
        ranks = places - (np.cumsum(sizes) - sizes)[codes]
        return cls(codes, rows, places, ranks, sizes)

    @property
    def n_after(self) -> NDArray[np.intp]:
        """How many rows of its series come after each row."""
        return self.sizes[self.codes] - 1 - self.ranks

    def consecutive(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """All pairs of rows that follow each other in a series: before, and after."""
        before, after = self.rows[:-1], self.rows[1:]
        same = self.codes[before] == self.codes[after]
        return before[same], after[same]


def series_order(labels: NDArray[Any] | None, n_rows: int) -> SeriesOrder:
    """How so many rows are sorted by series; all are of one if there are no labels."""
    one = np.zeros(n_rows, dtype=np.intp)
    return SeriesOrder.of(one if labels is None else label_codes(labels))


def check_times(times: Times, order: SeriesOrder, labels: NDArray[Any] | None) -> None:
    """Require that times rise from row to row of each series.

    Parameters
    ----------
    times : Times
    order : SeriesOrder
    labels : ndarray of shape (n_rows,) or None

    Raises
    ------
    ValueError
        If they do not; the message says where.
    """
    before, after = order.consecutive()
    ticks = times.ticks
    wrong = np.flatnonzero(ticks[after] <= ticks[before])
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
    before, after = order.consecutive()
    wrong = np.flatnonzero(times.ticks[after] < times.ticks[before])
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
    before, after = order.consecutive()
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


def check_longest(order: SeriesOrder, n_needed: int, need: str, repair: str) -> None:
    """Require a series that is long enough for one window."""
    longest = int(order.sizes.max())
    if longest >= n_needed:
        return
    samples = "1 sample" if longest == 1 else f"{longest} samples"
    series = "X has" if len(order.sizes) == 1 else "the longest series in X has"
    choose = f"Choose {repair}, or give" if longest else "Give"
    raise ValueError(f"{need}, but {series} {samples}. {choose} a longer series.")


def windows_by_series(
    table: NDArray[Any],
    order: SeriesOrder,
    n_timesteps: int,
    sampling_rate: int,
    first_row: int = 0,
) -> Windows:
    """A window for every row from `first_row` on, within the series of the row."""
    n_rows = span(n_timesteps, sampling_rate)
    ends = order.places[first_row:] + n_rows
    n_steps = np.minimum(n_timesteps, order.ranks[first_row:] // sampling_rate + 1)
    by_series = front_padded(table[order.rows], n_rows)
    return Windows(by_series, ends, n_steps, n_timesteps, sampling_rate)


def elapsed_times(
    times: Times, order: SeriesOrder, valid: NDArray[np.bool_], sampling_rate: int = 1
) -> NDArray[np.float64]:
    """For rows of a table: since the step before, `sampling_rate` rows back.

    In seconds, unless times are numbers; 0 where there is no step before in the same
    series, NaN in rows that are not valid, which are passed over. Times must rise.

    Parameters
    ----------
    times : Times
    order : SeriesOrder
    valid : ndarray of shape (n_rows,), bool
    sampling_rate : int, default=1

    Returns
    -------
    ndarray of shape (n_rows,)
    """
    lane = order.ranks % sampling_rate
    rows = order.rows
    if sampling_rate > 1:
        rows = np.lexsort((order.ranks, lane, order.codes))
    rows = rows[valid[rows]]
    before, after = rows[:-1], rows[1:]
    follows = (order.codes[before] == order.codes[after]) & (
        lane[before] == lane[after]
    )
    before, after = before[follows], after[follows]
    elapsed = np.full(len(times), np.nan)
    elapsed[rows] = 0
    elapsed[after] = times.since(before, after)
    return elapsed


def rows_to_remember(
    order: SeriesOrder, valid: NDArray[np.bool_], n_rows: int, sampling_rate: int
) -> NDArray[np.bool_]:
    """The last `n_rows` rows of each series, and those that elapsed times go back to.

    The step before a row is `sampling_rate` rows back, or a multiple of that if these
    rows are not valid. So what is remembered begins at a valid row, however many come
    after it.

    Parameters
    ----------
    order : SeriesOrder
    valid : ndarray of shape (n_rows,), bool
    n_rows, sampling_rate : int

    Returns
    -------
    ndarray of shape (n_rows,), bool
    """
    n_after, lane = order.n_after, order.ranks % sampling_rate
    older = np.flatnonzero(valid & (n_after >= n_rows))
    older = older[np.lexsort((order.ranks[older], lane[older], order.codes[older]))]
    codes, lanes = order.codes[older], lane[older]
    is_last = np.ones(len(older), dtype=bool)
    is_last[:-1] = (np.diff(codes) != 0) | (np.diff(lanes) != 0)
    n_kept = np.full(len(order.sizes), n_rows)
    np.maximum.at(n_kept, codes[is_last], n_after[older[is_last]] + 1)
    remembered: NDArray[np.bool_] = n_after < n_kept[order.codes]
    return remembered
