"""Differences along time: SequenceDifferencer."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from numbers import Integral
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sklstm.base.messages import shown
from sklstm.base.parameters import Interval, _fit_context, unchanged_on_error
from sklstm.base.schema import OF_SEQUENCES, Kind, count
from sklstm.preprocessing.base import SequenceTransformer, changed_sequences
from sklstm.sequences.batch import SequenceBatch, as_floats
from sklstm.sequences.checks import n_step_features
from sklstm.sequences.lazy_arrays import ChangedSequences
from sklstm.sequences.windows import windows_of


class SequenceDifferencer(SequenceTransformer):
    """Give every timestep its change since the timestep before, as features.

    Parameters
    ----------
    order : int, default=1
        Highest order of the differences: 1 is the change of the values, 2 the change
        of that change as well, and so on. All orders up to it become features.
    keep_values : bool, default=True
        Whether the values stay, in front of their differences. False gives the
        differences alone: the level of a sequence is lost, and with it where it
        started.

    Attributes
    ----------
    n_features_out_ : int
        Features of what `transform` returns: `order` times those of X, and those of X
        if they are kept.
    n_features_in_ : int
        Features of each timestep; the number of columns if X was a table.
    n_timesteps_in_ : int
        Timesteps of X in `fit`, its padding included.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns seen in `fit`, if X was a data frame, or a list of data
        frames, whose column names are all strings.

    See Also
    --------
    SequenceFramer : Consecutive timesteps as the features of one.
    SequenceScaler : Goes behind it where differences are much smaller than values.

    Notes
    -----
    The features are in blocks: all values, all first differences, all second.

    Timesteps stay where they are, and so does padding. A difference is one between
    timesteps of the same sequence that are data; padding between them is passed over.
    A difference of order k takes k timesteps before it: in the first k timesteps of
    a sequence it is 0.

    Of windows that overlap the result is computed when it is read, a few megabytes at a
    time: an object that reads like an array, of which ``np.asarray`` makes one.

    float32 and float64 are kept, integers become float64.

    Examples
    --------
    >>> from sklstm import SequenceDifferencer
    >>> X = [[1.0, 4.0, 9.0, 16.0], [5.0, 3.0]]
    >>> X_trans = SequenceDifferencer(order=2).fit_transform(X)
    >>> X_trans.shape
    (2, 4, 3)
    >>> X_trans[0]
    array([[ 1.,  0.,  0.],
           [ 4.,  3.,  0.],
           [ 9.,  5.,  2.],
           [16.,  7.,  2.]])
    >>> SequenceDifferencer(keep_values=False).fit_transform(X)[1].ravel()
    array([ 0., -2., nan, nan])
    """

    _learnt: ClassVar[str] = "n_features_out_"

    _shaping: ClassVar[tuple[str, ...]] = ("order", "keep_values")

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "order": [Interval(Integral, 1, None, closed="left")],
        "keep_values": ["boolean"],
    }

    def __init__(self, order: int = 1, *, keep_values: bool = True) -> None:
        self.order = order
        self.keep_values = keep_values

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: ArrayLike, y: ArrayLike | None = None) -> Self:
        """Learn the number of features.

        Parameters
        ----------
        X : 2D or 3D array-like, or a list of sequences of unequal length
            A table is `n_columns` timesteps of one feature. The sequences of a list
            have shape (n_timesteps_i,) or (n_timesteps_i, n_features).
        y : Ignored
            Present for API consistency.

        Returns
        -------
        SequenceDifferencer
            The fitted instance.

        Raises
        ------
        ValueError
            If X has missing or infinite values, or a sequence without timesteps.
        """
        with unchanged_on_error(self):
            self._keep_parameters()
            self._read_sequences(X, reset=True)
            self.n_features_out_ = self._n_blocks() * n_step_features(self)
        return self

    def transform(self, X: ArrayLike) -> Any:
        """Take differences along every sequence.

        Parameters
        ----------
        X : 2D or 3D array-like, or a list of sequences of unequal length
            Sequences with the features seen in `fit`, of any number of timesteps.

        Returns
        -------
        array-like of shape (n_samples, n_timesteps, n_features_out_)
            The values, if they are kept, and their differences; NaN at padding. The
            shorter sequences of a list are padded behind.

        Raises
        ------
        ValueError
            If X has other features than in `fit`, missing or infinite values, a
            sequence without timesteps, or float32 values whose differences float32
            cannot hold.
        """
        self._check_ready()
        batch = self._read_sequences(X, reset=False)
        change = partial(
            with_differences, order=self._order, keep_values=self._keeps_values
        )
        n_features = self._n_blocks() * batch.n_features
        changed = changed_sequences(batch, change, batch.values.shape[1], n_features)
        if isinstance(changed, ChangedSequences) and _may_overflow(
            changed, self._order
        ):
            changed.compute()  # what fails does so here
        return changed

    # The number of features goes by what these parameters were in `fit`.
    @property
    def _order(self) -> int:
        return int(self._shaped_by["order"])

    @property
    def _keeps_values(self) -> bool:
        return bool(self._shaped_by["keep_values"])

    def _n_blocks(self) -> int:
        return self._order + self._keeps_values

    _saved: ClassVar[dict[str, Kind]] = {
        **OF_SEQUENCES,
        "n_features_out_": count("features"),
    }

    def _contradictions(self) -> Iterator[str]:
        n_features = self._n_blocks() * n_step_features(self)
        if self.n_features_out_ != n_features or self._order < 1:
            yield (
                f"n_features_out_={shown(self.n_features_out_)}, but "
                f"order={self._order} "
                f"with keep_values={self._keeps_values} makes {n_features} features"
            )


def with_differences(
    batch: SequenceBatch, *, order: int, keep_values: bool
) -> NDArray[Any]:
    """Values and their differences, as SequenceDifferencer describes them.

    Parameters
    ----------
    batch : SequenceBatch
    order : int
    keep_values : bool

    Returns
    -------
    ndarray of shape (n_samples, n_timesteps, n_columns)

    Raises
    ------
    ValueError
        If a difference is too large for the dtype of the values.
    """
    values, ranks = as_floats(batch.steps()), batch.ranks()
    blocks = [values]
    for k in range(1, order + 1):
        blocks.append(_differences(blocks[-1], ranks >= k))
    steps = np.concatenate(blocks[not keep_values :], axis=1)
    if not np.isfinite(steps).all():
        raise ValueError(
            f"X holds values whose differences are too large for {values.dtype}. "
            "Scale the features first, for example with SequenceScaler()."
        )
    return batch.place(steps)


def _may_overflow(changed: ChangedSequences, order: int) -> bool:
    """Whether differences that are not computed yet could be too large."""
    windows = windows_of(changed.source)
    if windows is None:
        return True
    largest = np.nanmax(np.abs(windows.table)).astype(np.float64)
    with np.errstate(over="ignore"):
        bound = np.ldexp(largest, order)  # each order at most doubles it
    return not bound < np.finfo(changed.dtype).max


def _differences(steps: NDArray[Any], follows: NDArray[np.bool_]) -> NDArray[Any]:
    """Every row less the one before; 0 where it does not follow that one.

    Parameters
    ----------
    steps : ndarray of shape (n_steps, n_features)
    follows : ndarray of shape (n_steps,), bool
    """
    differences = np.zeros_like(steps)
    with np.errstate(over="ignore", invalid="ignore"):
        np.subtract(steps[1:], steps[:-1], out=differences[1:], where=follows[1:, None])
    return differences
