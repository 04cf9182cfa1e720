"""Which rows of a target belong where: one per sequence, or one per timestep."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from numbers import Real
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse
from sklearn.exceptions import DataConversionWarning

from sklstm.base.parameters import warn_caller
from sklstm.sequences.batch import SequenceBatch
from sklstm.sequences.containers import is_missing
from sklstm.sequences.ragged import arrays_of, is_ragged
from sklstm.targets.checks import check_lengths_match, check_sample_weight
from sklstm.targets.training_set import Labelled

TARGET_AXES = "(n_samples, n_timesteps)"


def read_timesteps(
    values: Any, sequences: SequenceBatch, *, name: str, estimator_name: str
) -> NDArray[Any]:
    """What was given for every timestep, at the valid ones.

    Parameters
    ----------
    values : array-like of shape (n_samples, n_timesteps) or (n_samples, n_timesteps, \
n_columns), or list of arrays
        An array has the timesteps of X; what it holds at padded ones is not looked at.
        A list has an array for every sequence, as long as its valid timesteps.
    sequences : SequenceBatch
    name : str
        Of the argument, for messages.
    estimator_name : str

    Returns
    -------
    ndarray of shape (n_valid_timesteps,) or (n_valid_timesteps, n_columns)

    Raises
    ------
    ValueError
        If the values do not match the sequences.
    """
    if issparse(values):
        raise ValueError(
            f"{name} is sparse (shape {values.shape}), but {estimator_name} takes "
            f"dense values. Use {name}.toarray()."
        )
    array = arrays_of(values, name, estimator_name)
    if isinstance(array, list):
        rows = _without_last_axis(array, name)
        if {len(row) for row in rows} != {sequences.values.shape[1]}:
            return _from_list(rows, sequences, name)
        array = np.stack(rows)
    if array.ndim not in (2, 3) or len(array) != len(sequences) or not array.size:
        _refuse_shape(array, sequences, name, estimator_name)
    if array.ndim == 3 and array.shape[2] == 1:
        warn_caller(
            f"{name} has shape {array.shape}; its last axis is dropped. Give it shape "
            f"{array.shape[:2]}, {TARGET_AXES}.",
            DataConversionWarning,
        )
        array = array[:, :, 0]
    n_timesteps = array.shape[1]
    if n_timesteps == sequences.values.shape[1]:
        if sequences.lengths.min() < n_timesteps:
            return array[sequences.valid()]
    elif not (sequences.lengths == n_timesteps).all():
        _refuse_shape(array, sequences, name, estimator_name)
    return array.reshape(-1, *array.shape[2:])


def _without_last_axis(rows: list[NDArray[Any]], name: str) -> list[NDArray[Any]]:
    """Arrays of shape (n_timesteps_i,), if they all have a last axis of one."""
    if not rows or any(row.ndim != 2 or row.shape[1] != 1 for row in rows):
        return rows
    warn_caller(
        f"{name} is a list of arrays of shape (n_timesteps_i, 1), the first "
        f"{rows[0].shape}; their last axis is dropped. Give each of them shape "
        "(n_timesteps_i,).",
        DataConversionWarning,
    )
    return [row[:, 0] for row in rows]


def _from_list(
    rows: list[NDArray[Any]], sequences: SequenceBatch, name: str
) -> NDArray[Any]:
    if len(rows) != len(sequences):
        raise ValueError(
            "Found input variables with inconsistent numbers of samples: X has "
            f"{len(sequences)} sequences, {name} has {len(rows)}. Give {name} one "
            "array for every sequence."
        )
    for k, (row, length) in enumerate(zip(rows, sequences.lengths, strict=True)):
        if row.shape[:1] != (length,):
            raise ValueError(
                f"Sequence {k} of X has {length} timesteps, but {name}[{k}] has shape "
                f"{row.shape}. Every timestep needs one row of {name}, and padding "
                "none."
            )
        if row.shape[1:] != rows[0].shape[1:]:
            raise ValueError(
                f"{name}[{k}] has shape {row.shape}, but {name}[0] has shape "
                f"{rows[0].shape}: all but the number of timesteps must be the same."
            )
    kinds = {row.dtype.kind in "US" for row in rows}
    # Joined, numbers would become text without a word.
    return np.concatenate(rows if len(kinds) == 1 else [r.astype(object) for r in rows])


def _refuse_shape(
    array: NDArray[Any], sequences: SequenceBatch, name: str, estimator_name: str
) -> NoReturn:
    n_samples, n_timesteps = sequences.values.shape[:2]
    n_samples = len(sequences)
    message = (
        f"{name} has shape {array.shape}, but {estimator_name} takes one row for every "
        f"timestep of X: an array {TARGET_AXES}, here {(n_samples, n_timesteps)}, or a "
        "list with an array for every sequence."
    )
    if array.ndim == 1 and len(array) == n_samples:
        per_sequence = estimator_name.replace("Timestep", "")
        message += f" For one target per sequence use {per_sequence}."
    elif array.ndim == 1 and (n_samples, n_timesteps) == (1, len(array)):
        message += f" X is one sample: make it {name}[None]."
    elif name == "sample_weight" and array.shape == (n_samples, 1):
        message += f" For one weight per sequence use {name}[:, 0]."
    raise ValueError(message)


def read_timestep_weight(
    sample_weight: object, sequences: SequenceBatch, *, estimator_name: str
) -> NDArray[np.float64] | None:
    """A weight for every valid timestep, from one per sequence or one per timestep.

    Raises
    ------
    ValueError
        If they do not match the sequences, or are negative, not finite or all zero.
    """
    weights = arrays_of(sample_weight, "sample_weight", estimator_name)
    if isinstance(weights, list) or weights.ndim > 1:
        by_step = read_timesteps(
            weights,
            sequences,
            name="sample_weight",
            estimator_name=estimator_name,
        )
        if by_step.ndim > 1:
            raise ValueError(
                f"sample_weight has {by_step.shape[1]} numbers for every timestep, but "
                f"{estimator_name} takes one weight: an array {TARGET_AXES}, or one of "
                "shape (n_samples,) for whole sequences. The targets of a timestep "
                "share its weight: give the mean over the last axis, or fit one "
                "estimator for each target."
            )
        n_steps = int(sequences.lengths.sum())
        return check_sample_weight(by_step, n_steps, estimator_name, "timesteps")
    by_sequence = check_sample_weight(sample_weight, len(sequences), estimator_name)
    return None if by_sequence is None else np.repeat(by_sequence, sequences.lengths)


def refuse_missing(
    y: NDArray[Any], used: NDArray[np.bool_], sequences: SequenceBatch
) -> None:
    """Require a target at every timestep that has a weight.

    Raises
    ------
    ValueError
        If one is NaN or None. The message says where.
    """
    missing = used & is_missing(y.reshape(len(y), -1)).any(axis=1)
    if not missing.any():
        return
    row = int(np.flatnonzero(missing)[0])
    ends = sequences.lengths.cumsum()
    sample = int(np.searchsorted(ends, row, side="right"))
    step = row - int(ends[sample] - sequences.lengths[sample])
    raise ValueError(
        f"Input y contains NaN: {int(missing.sum())} timesteps of X have data but no "
        f"target, the first is sample {sample}, valid timestep {step}. Give them a "
        "target, or weight zero in a sample_weight of shape "
        f"{TARGET_AXES}; at padded timesteps y may hold anything."
    )


def without_objects(rows: NDArray[Any]) -> NDArray[Any]:
    """Rows of y in a type of their own, if they are numbers, or booleans, as objects.

    They are if others were missing, at padding or where a weight is zero.
    """
    if rows.dtype != object:
        return rows
    kinds = {*map(type, rows.flat)}
    booleans = [issubclass(kind, (bool, np.bool_)) for kind in kinds]
    if any(booleans) and not all(booleans):
        return rows
    if not all(issubclass(kind, (Real, np.bool_)) for kind in kinds):
        return rows
    return np.asarray(rows.tolist())


def place_timesteps(
    rows: NDArray[Any], sequences: SequenceBatch, *, like: object
) -> NDArray[Any]:
    """Put the rows of all valid timesteps where the timesteps were.

    Parameters
    ----------
    rows : ndarray of shape (n_valid_timesteps,) or (n_valid_timesteps, n_columns)
    sequences : SequenceBatch
    like : array-like or list of sequences
        What the sequences were read from.

    Returns
    -------
    ndarray of shape (n_samples, n_timesteps) or (n_samples, n_timesteps, n_columns), \
or (n_samples,)
        The last, an object array of arrays, if `like` is a list. At padded timesteps
        NaN: integers become floats, text and booleans objects.
    """
    if is_ragged(like):
        by_sequence = np.split(rows, sequences.lengths.cumsum()[:-1])
        return np.fromiter(by_sequence, dtype=object, count=len(by_sequence))
    return sequences.place(rows)


class Layout(ABC):
    """Where the rows of a target belong."""

    #: Whether the network has an output at every timestep, or one per sequence.
    every_step: bool

    @abstractmethod
    def read(
        self,
        sequences: SequenceBatch,
        y: object,
        sample_weight: object,
        check: Callable[[Any], NDArray[Any]],
        name: str,
    ) -> Labelled:
        """y and its weights checked, without what weighs nothing.

        Parameters
        ----------
        sequences : SequenceBatch
        y, sample_weight : as given
        check : callable
            Validates the rows of y by themselves.
        name : str
            Of the estimator, for messages.

        Raises
        ------
        ValueError
            If they do not match the sequences, or a target is missing.
        """

    @abstractmethod
    def place(
        self, rows: NDArray[Any], sequences: SequenceBatch, *, like: object
    ) -> Any:
        """Rows of predictions in the places that y has beside an X `like` this."""


class _PerSequence(Layout):
    """A row for every sequence."""

    every_step = False

    def read(
        self,
        sequences: SequenceBatch,
        y: object,
        sample_weight: object,
        check: Callable[[Any], NDArray[Any]],
        name: str,
    ) -> Labelled:
        """Samples of weight zero are left out."""
        y = check(y)
        check_lengths_match(sequences, y)
        weights = check_sample_weight(sample_weight, len(sequences), name)
        if weights is not None and not weights.all():
            used = np.flatnonzero(weights)
            sequences, y, weights = sequences.at(used), y[used], weights[used]
        return Labelled(sequences, y, weights)

    def place(
        self, rows: NDArray[Any], sequences: SequenceBatch, *, like: object
    ) -> Any:
        return rows


class _PerTimestep(Layout):
    """A row for every timestep that is not padding."""

    every_step = True

    def read(
        self,
        sequences: SequenceBatch,
        y: object,
        sample_weight: object,
        check: Callable[[Any], NDArray[Any]],
        name: str,
    ) -> Labelled:
        """Timesteps of weight zero have no target, but are read."""
        if y is None:
            raise ValueError(
                f"{name} requires y to be passed, but the target y is None. Give one "
                "target for every timestep."
            )
        y = read_timesteps(y, sequences, name="y", estimator_name=name)
        weights = read_timestep_weight(sample_weight, sequences, estimator_name=name)
        used = np.ones(len(y), dtype=bool) if weights is None else weights > 0
        refuse_missing(y, used, sequences)
        steps = np.arange(sequences.longest) < sequences.lengths[:, None]
        steps[steps] = used
        if weights is not None:
            y, weights = y[used], weights[used]
        return Labelled(sequences, check(without_objects(y)), weights, steps)

    def place(
        self, rows: NDArray[Any], sequences: SequenceBatch, *, like: object
    ) -> Any:
        return place_timesteps(rows, sequences, like=like)


PER_SEQUENCE = _PerSequence()
PER_TIMESTEP = _PerTimestep()
