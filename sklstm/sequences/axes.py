"""Axes in another order than ours: as aeon and sktime have them, or as they look."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklstm.base.messages import shown
from sklstm.sequences.columns import all_strings
from sklstm.sequences.ragged import is_ragged, shape_of

IN_FRONT = 'SequencePadder(layout="channels_first") in front'


def channels_last(X: Any) -> Any:
    """Sequences whose features come before their timesteps, in our order.

    Parameters
    ----------
    X : array of shape (n_samples, n_features, n_timesteps), or a collection of
        sequences of shape (n_features, n_timesteps_i). What has no such axes, as a
        table, sequences of one feature or a data frame of sequences, stays as it is.

    Returns
    -------
    array of shape (n_samples, n_timesteps, n_features), or list of sequences
        Views where NumPy can make them.

    Raises
    ------
    ValueError
        If the features of a sequence differ in length.
    """
    if hasattr(X, "columns"):
        return X
    if is_ragged(X):
        return [_transposed(sequence, k) for k, sequence in enumerate(X)]
    if len(getattr(X, "shape", ())) == 3:
        return (X if isinstance(X, np.ndarray) else np.asarray(X)).swapaxes(1, 2)
    return X


def _transposed(sequence: Any, k: int) -> Any:
    if len(shape_of(sequence)) != 2:
        return sequence
    if hasattr(sequence, "iloc") and all_strings(sequence.index):
        return sequence.T  # with the names of its features
    try:
        return np.asarray(sequence).swapaxes(0, 1)
    except ValueError as error:
        lengths = ", ".join(str(len(feature)) for feature in sequence)
        raise ValueError(
            f"Sequence {k} of X is ragged itself: its features have {lengths} "
            'timesteps. With layout="channels_first" every sequence must be an array '
            "of shape (n_features, n_timesteps_i)."
        ) from error


def hint_on(X: object, first_step: object) -> str:
    """What to do if X looks like something else than it is read as; may be empty."""
    if getattr(first_step, "layout", None) == "channels_first":
        return ""
    return time_in_index_hint(X) if hasattr(X, "columns") else swapped_hint(X)


def swapped_hint(X: Any) -> str:
    """What to do if the last two axes of X look swapped; empty if they do not.

    They do if there are at least twice as many features as timesteps: a guess, which
    is right for series and wrong for tokens that are embedded.
    """
    if is_ragged(X):
        shapes = {shape_of(sequence) for sequence in X}
    else:
        shapes = {tuple(getattr(X, "shape", ()))[1:]}
    shape = shapes.pop() if len(shapes) == 1 else ()
    if len(shape) != 2 or shape[1] < 2 * max(shape[0], 1):
        return ""
    n_timesteps, n_features = shape
    steps = "1 timestep" if n_timesteps == 1 else f"{n_timesteps} timesteps"
    return (
        f"X is read as {steps} of {n_features} features. If the {n_features} are the "
        "timesteps, its axes are swapped, as aeon and sktime have them: put "
        f"{IN_FRONT}."
    )


def padded_along_features(sample: NDArray[Any]) -> bool:
    """Whether NaN beside numbers would be padding if the axes were swapped.

    Parameters
    ----------
    sample : ndarray of shape (n_timesteps, n_features)
    """
    n_timesteps, n_features = sample.shape
    missing = np.isnan(sample)
    whole = missing.all(axis=0)
    begins = np.count_nonzero(np.diff(whole.astype(np.int8)))
    in_one_piece = bool(begins == 1 and (whole == missing.any(axis=0)).all())
    return in_one_piece and n_features > n_timesteps > 1


def time_in_index_hint(X: object) -> str:
    """What to do if the rows of a data frame have several index levels, as in sktime.

    They are timesteps then rather than samples; empty if they have not.
    """
    names = list(getattr(getattr(X, "index", None), "names", ()))
    if len(names) < 2:
        return ""
    # reset_index names them like this.
    names = [f"level_{k}" if name is None else name for k, name in enumerate(names)]
    keys = f"groups={shown(names[-2])}, time={shown(names[-1])}"
    return (
        f"The index of the rows of X has {len(names)} levels. If the last is the time, "
        "a row is a timestep, not a sample: make a sequence of each series with X, ids "
        f"= pad_sequences(X.reset_index(), {keys}), or a window of each row with "
        f"SlidingWindows(groups={shown(names[-2])}, time={shown(names[-1])}) on "
        "X.reset_index()."
    )
