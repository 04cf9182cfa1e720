"""Names of the features of sequences: those of the columns of data frames."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from reprlib import Repr
from typing import Any

from sklearn.base import BaseEstimator
from sklearn.utils.validation import validate_data

from sklstm.sequences.columns import column_names, names_alone

# Columns named in a message; a frame can have thousands.
_SHOWN = Repr()
_SHOWN.maxlist = 8


def check_step_names(estimator: BaseEstimator, X: Any, *, reset: bool) -> None:
    """Set or compare `feature_names_in_`, as scikit-learn does it for a table.

    Parameters
    ----------
    estimator : estimator instance
        Fitted on a table it has the names of timesteps, with which nothing is compared.
    X : data frame whose cells are sequences, collection of sequences, or None
        Names have the features of a frame, or of a collection of nothing but frames. In
        others, frames must have the fitted names, too. None is X without names.
    reset : bool

    Raises
    ------
    ValueError
        If the names are not those of `fit`, or are not unique.
    TypeError
        If only some names are strings.
    """
    if not reset and estimator._fitted_on_table:
        return
    frame, names_all = _first_frame(X)
    if frame is not None:
        _refuse_duplicates(column_names(frame) or [])
        frame = names_alone(frame)
    checks = {"reset": reset, "skip_check_array": True, "ensure_2d": False}
    if frame is not None and not names_all and not reset:
        validate_data(estimator, frame, **checks)
    validate_data(estimator, frame if names_all else None, **checks)


def refuse_other_columns(sequences: Collection[Any], X: str = "X") -> None:
    """Require that all data frames of a collection have the columns of the first.

    Where no name is a string and all of them differ, as of columns that were cut out of
    a larger table by their numbers, they are no names of features.

    Parameters
    ----------
    sequences : collection of array-like
    X : str, default="X"
        What they are called.

    Raises
    ------
    ValueError
        If there are others, or they come in another order.
    """
    if not _has_frames(sequences):
        return
    first, expected = 0, None
    for k, sequence in enumerate(sequences):
        names = column_names(sequence)
        if names is None or names == expected:
            continue
        if expected is None:
            first, expected = k, names
        elif _has_strings(names + expected) or not set(names).isdisjoint(expected):
            raise ValueError(_different(names, expected, (k, first), X))


def all_strings(names: Iterable[Any]) -> bool:
    """Whether they are what scikit-learn remembers as names."""
    return all(isinstance(name, str) for name in names)


def _has_strings(names: Iterable[Any]) -> bool:
    return any(isinstance(name, str) for name in names)


def _different(
    names: list[Any], expected: list[Any], places: tuple[int, int], X: str
) -> str:
    message = (
        f"Sequence {places[0]} of {X} has the columns {_SHOWN.repr(names)}, but "
        f"sequence {places[1]} has {_SHOWN.repr(expected)}"
    )
    pairs = enumerate(zip(names, expected, strict=False))
    k = next((k for k, (name, other) in pairs if name != other), 0)
    if k >= _SHOWN.maxlist:
        message += (
            f" (column {k} is {_SHOWN.repr(names[k])} and {_SHOWN.repr(expected[k])})"
        )
    if set(names) == set(expected):
        return (
            f"{message}: features would change places. Give all frames their columns "
            "in one order, by frame[columns], or by frame.select(columns) of pyarrow."
        )
    return (
        f"{message}. Columns are features, and other names are other features: rename "
        "those that are the same, or give arrays, which have no names."
    )


def _first_frame(X: Any) -> tuple[Any, bool]:
    """The first data frame, or None, and whether all sequences are frames."""
    if X is None or hasattr(X, "columns"):
        return X, X is not None
    if not _has_frames(X):
        return None, False
    are_frames = [hasattr(sequence, "columns") for sequence in X]
    return list(X)[are_frames.index(True)], all(are_frames)


def _has_frames(sequences: Collection[Any]) -> bool:
    """Whether there are data frames among them: thousands are mostly of one type."""
    return any(hasattr(kind, "columns") for kind in set(map(type, sequences)))


def _refuse_duplicates(names: list[Any]) -> None:
    counts = Counter(names)
    name = max(names, key=counts.__getitem__, default=None)
    if counts[name] > 1:
        raise ValueError(
            f"X has {counts[name]} columns of the name {_SHOWN.repr(name)}, and "
            "features are told apart by names. Rename or drop one of them, or give "
            "arrays, which have no names."
        )
