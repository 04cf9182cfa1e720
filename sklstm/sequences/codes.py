"""Features that are codes of categories: which they are, what they may hold.

A code is an integer of at least 0; any negative number is a missing one. So is NaN
beside other numbers, which becomes -1 where X is read: padding remains what is all NaN.
Pure NumPy.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from sklstm.base.messages import listed, shown
from sklstm.base.parameters import warn_caller
from sklstm.sequences.batch import SequenceBatch
from sklstm.sequences.lazy_arrays import SequenceArray
from sklstm.sequences.windows import DistinctRows

# Above it float64 does not hold every integer.
#: The known codes of every feature that is one, sorted: arrays of shape (n_codes,).
Codes = tuple[NDArray[np.int64], ...]

LARGEST_CODE = 2**53

# An entry of a dtype's metadata, which says that integers are codes: they are read as
# ever, but an estimator that would take them for quantities can say so. It outlives
# indexing, copies, joblib and other processes.
_MARK = {"sklstm": "codes"}


def marked_as_codes(dtype: Any) -> np.dtype[Any]:
    """The same dtype, equal to it, of values that are codes."""
    return np.dtype(dtype, metadata=_MARK)


def is_marked_as_codes(values: object) -> bool:
    """Whether an array has such a dtype."""
    metadata = getattr(getattr(values, "dtype", None), "metadata", None)
    return metadata is not None and metadata.items() >= _MARK.items()


def read_codes(values: SequenceArray, columns: NDArray[np.intp]) -> Any:
    """Check the codes of an array of three axes; missing ones become -1.

    Parameters
    ----------
    values : array-like of shape (n_samples, n_timesteps, n_features)
    columns : ndarray of int
        The features that are codes.

    Returns
    -------
    array-like of the same shape and dtype

    Raises
    ------
    ValueError
        If a code is no integer, or too large. The message says where.
    """
    if not len(columns) or values.dtype.kind in "iub":
        return values
    rows = DistinctRows(values)
    wrong = np.zeros(len(rows), dtype=bool)
    any_missing = False
    for part, steps in rows.parts():
        codes = steps[..., columns]
        not_whole = ~_is_whole(codes)
        if not_whole.any():
            missing = np.isnan(codes) & ~np.isnan(steps).all(axis=-1, keepdims=True)
            any_missing |= bool(missing.any())
            offending = not_whole & ~np.isnan(codes)
            wrong[part] = offending.reshape(len(offending), -1).any(axis=1)
    if wrong.any() and (samples := rows.samples_with(wrong)).any():
        _refuse_codes(values, int(np.argmax(samples)), columns)
    if not any_missing:
        return values
    return rows.changed(lambda steps: _fill_missing(steps, columns), values.dtype)


def _is_whole(codes: NDArray[Any]) -> NDArray[np.bool_]:
    whole: NDArray[np.bool_] = np.floor(codes) == codes
    return whole & (np.abs(codes) <= LARGEST_CODE)


def _fill_missing(steps: NDArray[Any], columns: NDArray[np.intp]) -> NDArray[Any]:
    """-1 for codes that are NaN, where not all features are."""
    padding = np.isnan(steps).all(axis=-1)
    codes = steps[..., columns]
    filled = steps.copy()
    filled[..., columns] = np.where(np.isnan(codes) & ~padding[..., None], -1, codes)
    return filled


def _refuse_codes(
    values: SequenceArray, sample: int, columns: NDArray[np.intp]
) -> NoReturn:
    codes = np.asarray(values[sample])[:, columns]
    step, place = (int(k) for k in np.argwhere(~_is_whole(codes) & ~np.isnan(codes))[0])
    raise ValueError(
        f"Feature {columns[place]} of X is in categorical_features, but holds "
        f"{codes[step, place]} (sample {sample}, timestep {step}). A category is an "
        "integer of at least 0 and at most 2**53; NaN and negative numbers are "
        "missing. Encode it first, for example with "
        "sklearn.preprocessing.OrdinalEncoder, or leave the feature out of "
        "categorical_features."
    )


def learn_codes(batch: SequenceBatch, columns: NDArray[np.intp]) -> Codes:
    """The codes that there are of every feature that is one, sorted.

    Parameters
    ----------
    batch : SequenceBatch
        Of values that `read_codes` gave.
    columns : ndarray of int

    Returns
    -------
    tuple of ndarray of shape (n_codes,), int64
    """
    if not len(columns):
        return ()
    found: list[set[int]] = [set() for _ in columns]
    for _, steps in DistinctRows(batch.values, batch.rows).parts():
        for column, codes in zip(columns, found, strict=True):
            values = np.unique(steps[..., column])
            codes.update(values[values >= 0].astype(np.int64).tolist())
    return tuple(np.array(sorted(codes), dtype=np.int64) for codes in found)


def with_places(
    batch: SequenceBatch,
    columns: NDArray[np.intp],
    codes: Codes,
) -> SequenceBatch:
    """The batch as the network reads it: numbers first, then places of codes.

    Parameters
    ----------
    batch : SequenceBatch
        Of values that `read_codes` gave.
    columns : ndarray of int
        The features that are codes.
    codes : tuple of ndarray of shape (n_codes,), int64
        What `learn_codes` gave for each of them.

    Returns
    -------
    SequenceBatch
        Its last features are the places of the codes, counted from 1; 0 is for codes
        that are missing or unknown. float32.
    """

    def place(steps: NDArray[Any]) -> NDArray[Any]:
        numbers = np.delete(steps, columns, axis=-1).astype(np.float32)
        places = [
            _places(known, steps[..., column])
            for known, column in zip(codes, columns, strict=True)
        ]
        return np.concatenate([numbers, np.stack(places, axis=-1)], axis=-1)

    changed = DistinctRows(batch.values).changed(place, np.float32)
    return replace(batch, values=changed)


def _places(known: NDArray[np.int64], values: NDArray[Any]) -> NDArray[np.float32]:
    """1 + the index of each value among the known codes, 0 if it is none of them."""
    nearest = np.searchsorted(known, values)
    found = np.append(known, 0)[nearest] == values
    places = np.where(found & (nearest < len(known)), nearest + 1, 0)
    return np.where(values != values, np.nan, places).astype(np.float32)


def learn_categories(estimator: BaseEstimator, values: SequenceArray) -> None:
    """Set `is_categorical_`, if the estimator has `categorical_features`.

    Parameters
    ----------
    estimator : estimator instance
        Whose `feature_names_in_`, if it has any, are those of X.
    values : array-like of shape (n_samples, n_timesteps, n_features)
        X with three axes.

    Raises
    ------
    ValueError
        If `categorical_features` does not go with X.
    """
    if not hasattr(estimator, "categorical_features"):
        return
    estimator.is_categorical_ = categorical_mask(estimator, values.shape[2])
    if estimator.categorical_features is None and is_marked_as_codes(values):
        _warn_of_codes(type(estimator).__name__)


def _warn_of_codes(name: str) -> None:
    warn_caller(
        f"X holds codes of tokens, as SequenceTokenizer gives them, but {name} takes "
        "them for quantities, so that token 7 would be more than token 3. Set "
        "categorical_features=[0] to have a vector learnt for each; "
        "categorical_features=[] takes them as numbers without this warning."
    )


def categorical_mask(
    estimator: BaseEstimator, n_features: int
) -> NDArray[np.bool_] | None:
    """Which features `categorical_features` says are codes; None if there are none."""
    given = estimator.categorical_features
    if given is None or len(given) == 0:
        return None
    array = np.asarray(given)
    if array.ndim == 1 and array.dtype.kind == "b":
        return _read_mask(array, n_features)
    if array.ndim == 1 and array.dtype.kind in "iu":
        return _read_numbers(array, n_features)
    if array.ndim == 1 and all(isinstance(name, str) for name in array.tolist()):
        return _read_names(array.tolist(), estimator)
    raise ValueError(
        "categorical_features must be a list of feature numbers or of feature names, "
        f"or a boolean mask of the {n_features} features of a timestep. Got "
        f"{shown(given)} instead."
    )


def _read_mask(mask: NDArray[np.bool_], n_features: int) -> NDArray[np.bool_] | None:
    if len(mask) != n_features:
        raise ValueError(
            f"categorical_features is a mask of {len(mask)} features, but X has "
            f"{n_features} per timestep. Give one boolean for each."
        )
    return mask if mask.any() else None


def _read_numbers(numbers: NDArray[Any], n_features: int) -> NDArray[np.bool_]:
    wrong = numbers[(numbers < 0) | (numbers >= n_features)]
    if len(wrong):
        hint = ""
        if n_features == 1:
            hint = (
                " The columns of a table are timesteps of one feature; several "
                "features need three axes."
            )
        raise ValueError(
            f"categorical_features has {wrong[0]}, but X has {n_features} features per "
            f"timestep: give numbers from 0 to {n_features - 1}.{hint}"
        )
    return np.isin(np.arange(n_features), numbers)


def _read_names(names: list[str], estimator: BaseEstimator) -> NDArray[np.bool_]:
    known = list(getattr(estimator, "feature_names_in_", ()))
    if not known or estimator._fitted_on_table:
        what = "is a table, whose columns are timesteps of one feature"
        if not known:
            what = "has no feature names, or not all are strings"
        raise ValueError(
            f"categorical_features names features, but X {what}. Give "
            f"{type(estimator).__name__} their numbers, or a boolean mask; names go "
            "with a data frame whose cells are sequences, or a list of data frames."
        )
    missing = [name for name in names if name not in known]
    if missing:
        raise ValueError(
            f"categorical_features has {shown(missing[0])}, but the features of X are "
            f"{listed(known)}."
        )
    return np.array([name in names for name in known])
