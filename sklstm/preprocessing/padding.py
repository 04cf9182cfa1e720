"""Sequences of unequal length, or a long table of them, as one array: pad_sequences."""

from __future__ import annotations

from numbers import Integral
from typing import Any, Literal, overload

import numpy as np
from numpy.typing import NDArray

from sklstm.messages import shown
from sklstm.parameters import in_our_words, validate_parameter_constraints, warn_caller
from sklstm.preprocessing.padder import SequencePadder
from sklstm.preprocessing.static import check_static, join_static
from sklstm.preprocessing.tables import sequences_of_table
from sklstm.sequences.columns import column_names


@overload
def pad_sequences(
    sequences: Any,
    n_timesteps: int | None = None,
    *,
    groups: None = None,
    time: None = None,
    elapsed: bool = False,
    static: Any = None,
    padding: Literal["pre", "post"] = "post",
    truncating: Literal["pre", "post", "raise"] = "post",
    layout: Literal["channels_last", "channels_first"] = "channels_last",
) -> NDArray[Any]: ...


@overload
def pad_sequences(
    sequences: Any,
    n_timesteps: int | None = None,
    *,
    groups: Any,
    time: str | int | None = None,
    elapsed: bool = False,
    static: Any = None,
    padding: Literal["pre", "post"] = "post",
    truncating: Literal["pre", "post", "raise"] = "post",
    layout: Literal["channels_last", "channels_first"] = "channels_last",
) -> tuple[NDArray[Any], NDArray[Any]]: ...


@in_our_words
def pad_sequences(
    sequences: Any,
    n_timesteps: int | None = None,
    *,
    groups: Any = None,
    time: str | int | None = None,
    elapsed: bool = False,
    static: Any = None,
    padding: Literal["pre", "post"] = "post",
    truncating: Literal["pre", "post", "raise"] = "post",
    layout: Literal["channels_last", "channels_first"] = "channels_last",
    id: str | int | None = None,
) -> NDArray[Any] | tuple[NDArray[Any], NDArray[Any]]:
    """Stack sequences of unequal length into one array, padding with NaN.

    Parameters
    ----------
    sequences : list of array-like, 2D or 3D array-like, or a long table
        Sequences of shape (n_timesteps_i,) or (n_timesteps_i, n_features), in a list,
        an object array or a Series; or a data frame whose columns are features and
        whose cells are sequences. A table is `n_columns` timesteps of one feature,
        or, with `groups`, a row for every timestep of every sequence. A timestep whose
        features are all NaN is padding and is taken out first.
    n_timesteps : int, default=None
        Length of every sequence in the result. None means that of the longest.
    groups : str, int, callable or array-like of shape (n_rows,), default=None
        What tells the sequences of a long table apart: name or index of a column, a
        function of the table, or the labels themselves. All columns but this and `time`
        are features. A number is an index, even if the columns have numbers for names.
    time : str or int, default=None
        Name or index of the column of a long table by which a sequence is sorted:
        numbers or dates. None keeps the order of the rows.
    elapsed : bool, default=False
        Whether a feature takes the place of `time`: the difference to the previous
        timestep of the sequence, in seconds for dates, 0 in its first.
    static : array-like of shape (n_samples, n_static) or list, default=None
        What does not change over time: one row for every sequence or, with `groups`,
        the names or indices of columns of the long table. It stands behind the features
        of every timestep that is data.
    padding : {"pre", "post"}, default="post"
        Whether NaN goes in front of or behind a shorter sequence.
    truncating : {"pre", "post", "raise"}, default="post"
        Whether a longer sequence loses its first timesteps, loses its last, or is
        refused.
    layout : {"channels_last", "channels_first"}, default="channels_last"
        Whether the axes of arrays are timesteps, then features, or features, then
        timesteps, as in aeon and sktime. Not for long tables.
    id : str or int, default=None
        Deprecated name of `groups`.

    Returns
    -------
    X : ndarray of shape (n_samples, n_timesteps, n_features)
        float32 if the sequences are, else float64. Never a view of the sequences.
    ids : ndarray of shape (n_samples,)
        Only with `groups`: whose sequence each sample of X is, in sorted order, so that
        ``y = labels.loc[ids]`` is in step with X.

    Raises
    ------
    ValueError
        If a sequence is empty, has other features than the first or infinite values,
        or is longer than `n_timesteps` with `truncating="raise"`; if `static` has no
        row for every sequence. In a long table, if there is no such column, a group or
        time is missing, a time occurs twice in one sequence, a static column changes
        within a group, or `layout` is given.
    TypeError
        If a sequence is not numeric.

    See Also
    --------
    SequencePadder : The same as a transformer, which remembers the length.

    Examples
    --------
    >>> from sklstm import pad_sequences
    >>> pad_sequences([[1, 2, 3], [4]]).shape
    (2, 3, 1)
    >>> pad_sequences([[1, 2, 3], [4]], 2, truncating="pre")[0].ravel()
    array([2., 3.])

    Of patients 7 and 5, in two columns beside a time and a heart rate:

    >>> table = [[7, 0.0, 61], [5, 2.0, 83], [5, 1.0, 80]]
    >>> X, ids = pad_sequences(table, groups=0, time=1)
    >>> ids, X[0].ravel()
    (array([5, 7]), array([80., 83.]))

    Age beside a patient's heart rates:

    >>> pad_sequences([[80, 83], [61]], static=[[34], [52]])[0]
    array([[80., 34.],
           [83., 34.]])
    """
    parameters: dict[str, Any] = {
        "n_timesteps": n_timesteps,
        "padding": padding,
        "truncating": truncating,
        "layout": layout,
    }
    validate_parameter_constraints(
        _PAD_SEQUENCES_CONSTRAINTS,
        {**parameters, "elapsed": elapsed, "static": static},
        caller_name="pad_sequences",
    )
    padder = SequencePadder(**parameters)
    if id is not None:
        groups, time = _groups_of_id(id, groups, time, sequences)
    if elapsed and (groups is None or time is None):
        raise ValueError(
            "elapsed=True needs groups and time: name the columns of a long table that "
            "tell its sequences apart and when a row was observed."
        )
    if groups is None:
        if time is not None:
            raise ValueError(
                f"time={shown(time)} was given without groups. Name the column that "
                "tells the sequences of a long table apart; one sequence alone is "
                "table[None]."
            )
        steps = np.asarray(padder.fit_transform(sequences))
        if static is None:  # a transformer's view of what needed no padding is copied
            return steps if steps.flags.writeable else steps.copy()
        return join_static(steps, check_static(static, len(steps)))
    if layout == "channels_first":
        raise ValueError(
            'layout="channels_first" was given with groups, but the rows of a long '
            "table are timesteps and its columns features, whatever their order. Leave "
            "it out."
        )
    by_group, labels, of_groups = sequences_of_table(
        sequences, groups, time, elapsed=elapsed, static=static
    )
    return join_static(padder.fit_transform(by_group), of_groups), labels


def _groups_of_id(id: Any, groups: Any, time: Any, table: Any) -> tuple[Any, Any]:
    """Groups and time where the deprecated `id` is given, beside which a number could
    be a name.
    """
    if groups is not None:
        raise ValueError(
            f"groups={shown(groups)} and id={shown(id)} say the same: leave out id, "
            "which is the former name."
        )
    names = column_names(table) or []
    groups, time = (
        names.index(key) if isinstance(key, Integral) and key in names else key
        for key in (id, time)
    )
    warn_caller(
        f"id of pad_sequences is called groups: write groups={shown(groups)}. It will "
        "be an error from version 0.3 on.",
        FutureWarning,
    )
    return groups, time


_PAD_SEQUENCES_CONSTRAINTS: dict[str, list[Any]] = {
    **SequencePadder._parameter_constraints,
    "elapsed": ["boolean"],
    "static": ["array-like", None],
}
