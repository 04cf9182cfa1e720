"""Labels of rows, which tell series apart: read, checked, and compared with others."""

from __future__ import annotations

import datetime
from numbers import Number
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklstm.base.messages import shown
from sklstm.base.sklearn_compat import safe_indexing
from sklstm.preprocessing.times import AWARE, DATES, DURATIONS, NUMBERS, Times
from sklstm.sequences.columns import column_names, is_key
from sklstm.sequences.containers import is_missing, plain, without_na


def read_labels(
    X: Any, groups: Any, column: int | None, name: str
) -> NDArray[Any] | None:
    """The series of each row: from a column, by a function of X, or as they come.

    None if all rows are of one.

    Raises
    ------
    ValueError
        If there is not one label for each row.
    """
    if groups is None:
        return None
    refuse_several_columns(groups, X)
    labels, source = groups, "groups"
    if is_key(groups):
        labels = safe_indexing(X, column, axis=1)
        source = f"the column groups={shown(groups)}"
    elif callable(groups):
        labels, source = groups(X), "groups(X)"
    labels = without_na(as_labels(plain(labels, "groups", name)))
    labels = _check_labels(labels, X.shape[0], source, name)
    check_distinct(labels, source)
    return labels


def refuse_several_columns(groups: Any, X: Any = None) -> None:
    """Refuse a list that names columns.

    Parameters
    ----------
    groups : object
    X : table, default=None
        Labels of its rows may come in a list, too; None if they may not.

    Raises
    ------
    ValueError
        If it is so.
    """
    if not isinstance(groups, (list, tuple)) or not all(map(is_key, groups)):
        return
    if X is not None:
        names = column_names(X) or []
        if len(groups) == X.shape[0] or not {*groups} <= {*names, *range(X.shape[1])}:
            return
    if len(groups) == 1:
        raise ValueError(
            f"groups={shown(groups)} is a list, but one column tells series apart. "
            f"Write groups={shown(groups[0])}."
        )
    raise ValueError(
        f"groups={shown(groups)} lists columns, but one column tells series apart. "
        "Make one of them, for example X['series'] = X['a'].astype(str) + '/' + "
        "X['b'].astype(str), drop those that it is made of, and set groups='series'."
    )


def _check_labels(
    labels: NDArray[Any], n_rows: int, source: str, name: str
) -> NDArray[Any]:
    """One hashable label for each row, none missing.

    Raises
    ------
    ValueError
        If it is not so.
    """
    if labels.shape == (n_rows, 1):
        labels = labels[:, 0]
    if labels.shape != (n_rows,):
        raise ValueError(
            f"{name} needs one group label for each of the {n_rows} rows of X, but "
            f"{source} has shape {labels.shape}. Give an array of shape ({n_rows},)."
        )
    missing = np.flatnonzero(is_missing(labels))
    if len(missing):
        raise ValueError(
            f"Row {missing[0]} of X has no group: {source} is missing there "
            f"({len(missing)} of {n_rows} rows). Drop these rows from X and y, or give "
            "them a group of their own."
        )
    return labels


TEXT = "text"


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


def shown_label(label: Any) -> str:
    """A label as a message shows it, without its NumPy type."""
    if isinstance(label, np.generic) and label.dtype.kind not in "Mm":
        label = label.item()
    return shown(label) if isinstance(label, (str, bytes)) else str(label)


def label_codes(labels: NDArray[Any]) -> NDArray[np.intp]:
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
