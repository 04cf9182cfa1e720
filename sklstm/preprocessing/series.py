"""Series among the rows of a table: how they are told apart, and what they must be."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklstm.sequences.windows import SeriesOrder


def series_order(labels: NDArray[Any] | None, n_rows: int) -> SeriesOrder:
    """How so many rows are sorted by series; all are of one if there are no labels."""
    one = np.zeros(n_rows, dtype=np.intp)
    return SeriesOrder.of(one if labels is None else _codes_of(labels))


def check_times(
    times: NDArray[Any],
    order: SeriesOrder,
    labels: NDArray[Any] | None,
    dates: bool,
) -> None:
    """Require that times rise from row to row of each series.

    Raises
    ------
    ValueError
        If they do not; the message says where.
    """
    before, after = order.rows[:-1], order.rows[1:]
    same = order.codes[before] == order.codes[after]
    wrong = np.flatnonzero(same & (times[after] <= times[before]))
    if not len(wrong):
        return
    k = wrong[np.argmin(after[wrong])]
    earlier, later = before[k], after[k]

    def shown(row: Any) -> Any:
        return np.datetime64(int(times[row]), "ns") if dates else times[row]

    of = (
        "" if labels is None else f" of group {labels[later : later + 1].tolist()[0]!r}"
    )
    where = f"({len(wrong)} such rows)"
    if times[earlier] == times[later]:
        raise ValueError(
            f"Row {later} of X{of} has the same time as row {earlier}: {shown(later)} "
            f"{where}. A series has one row for each time: merge or drop duplicates, "
            "or tell the series apart with groups=."
        )
    raise ValueError(
        f"The times of X{of} are not sorted: row {later} has {shown(later)}, after "
        f"{shown(earlier)} in row {earlier} {where}. Sort X, and y alike, by time."
    )


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
