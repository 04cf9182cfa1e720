"""Consecutive timesteps as the features of one: SequenceFramer."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from numbers import Integral
from typing import Any, ClassVar, Self

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike, NDArray

from sklstm.base.messages import shown
from sklstm.base.parameters import (
    Interval,
    _fit_context,
    unchanged_on_error,
)
from sklstm.base.schema import OF_SEQUENCES, Kind, count
from sklstm.preprocessing.base import (
    SequenceTransformer,
    changed_sequences,
    is_computed_lazily,
)
from sklstm.sequences.batch import SequenceBatch, as_floats, chunks
from sklstm.sequences.checks import n_step_features


class SequenceFramer(SequenceTransformer):
    """Cut sequences into frames: some consecutive timesteps become one.

    A long, densely sampled sequence becomes a shorter one of wider timesteps, which an
    LSTM reads in fewer steps. No timestep of the sequence is lost.

    Parameters
    ----------
    frame_length : int, default=8
        Timesteps in a frame.
    hop_length : int, default=4
        Timesteps from the begin of a frame to the begin of the next; at most
        `frame_length`, so that every timestep is in a frame. Frames overlap if it is
        smaller.

    Attributes
    ----------
    n_features_out_ : int
        Features of a frame, `frame_length` times those of a timestep.
    n_features_in_ : int
        Features of each timestep; the number of columns if X was a table.
    n_timesteps_in_ : int
        Timesteps of X in `fit`, its padding included.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns seen in `fit`, if X was a data frame, or a list of data
        frames, whose column names are all strings.

    See Also
    --------
    SequenceDifferencer : Differences along time, beside the values.
    SlidingWindows : Makes a sample of every row of a table, not of every sequence.

    Notes
    -----
    The features of a frame are in the order of time: all features of its first
    timestep, then all of its second, so ``X_trans[i, k].reshape(frame_length, -1)`` is
    the slice that starts at timestep ``k * hop_length``.

    Where the hops do not come out even, the last frame starts earlier, so that it ends
    with the sequence: it overlaps the frame before it by more, and all its values are
    of the sequence. A sequence that is shorter than one frame makes a frame in which
    its last timestep is repeated.

    Frames are of the timesteps that are data. Padding, wherever it stands, is taken
    out first; the frames of a shorter sequence stand in front and NaN behind. The
    number of frames follows from the timesteps of X, padding included.

    float32 and float64 are kept, integers become float64. Where no sequence is padded
    and hops come out even, the result is a read-only view of X: overlapping frames
    take no memory. Other frames of windows that overlap are cut when they are read:
    the result is an object that reads like an array, of which ``np.asarray`` makes one.

    The number of timesteps changes, so what belongs to a timestep (targets, weights,
    times) has to be framed as well.

    Examples
    --------
    >>> from sklstm import SequenceFramer
    >>> X = [[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0], [8.0, 9.0, 10.0, 11.0], [12.0]]
    >>> X_trans = SequenceFramer(frame_length=4, hop_length=2).fit_transform(X)
    >>> X_trans.shape
    (3, 3, 4)
    >>> X_trans[0]
    array([[1., 2., 3., 4.],
           [3., 4., 5., 6.],
           [4., 5., 6., 7.]])
    >>> X_trans[2]
    array([[12., 12., 12., 12.],
           [nan, nan, nan, nan],
           [nan, nan, nan, nan]])
    """

    _learnt: ClassVar[str] = "n_features_out_"

    _shaping: ClassVar[tuple[str, ...]] = ("frame_length",)

    _current_params: ClassVar[tuple[str, ...]] = ("hop_length",)

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "frame_length": [Interval(Integral, 1, None, closed="left")],
        "hop_length": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(self, frame_length: int = 8, *, hop_length: int = 4) -> None:
        self.frame_length = frame_length
        self.hop_length = hop_length

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
        SequenceFramer
            The fitted instance.

        Raises
        ------
        ValueError
            If `hop_length` is greater than `frame_length`, X has missing or infinite
            values, or a sequence without timesteps.
        """
        with unchanged_on_error(self):
            self._keep_parameters()
            self._refuse_gaps("or frame_length of at least {}")
            self._read_sequences(X, reset=True)
            self.n_features_out_ = self._length * n_step_features(self)
        return self

    def transform(self, X: ArrayLike) -> Any:
        """Cut every sequence into frames.

        Parameters
        ----------
        X : 2D or 3D array-like, or a list of sequences of unequal length
            Sequences with the features seen in `fit`, of any number of timesteps.

        Returns
        -------
        array-like of shape (n_samples, n_frames, n_features_out_)
            The frames of every sequence, NaN behind those of a shorter one. A
            read-only view of X where possible.

        Raises
        ------
        ValueError
            If X has other features than in `fit`, missing or infinite values, or a
            sequence without timesteps, or `hop_length` was set to more than the
            `frame_length` of `fit`.
        """
        self._check_ready()
        self._refuse_gaps("or set frame_length and call fit again")
        batch = self._read_sequences(X, reset=False)
        frame_length, hop_length = self._length, int(self.hop_length)
        view = frames_in(batch, frame_length, hop_length)
        if view is not None:
            return view
        change = partial(frames_of, frame_length=frame_length, hop_length=hop_length)
        n_frames = int(count_frames(batch.values.shape[1], frame_length, hop_length))
        n_features = frame_length * batch.n_features
        return changed_sequences(batch, change, n_frames, n_features)

    @property
    def _length(self) -> int:
        """Timesteps of a frame: the number of features goes by that of `fit`."""
        return int(self._shaped_by["frame_length"])

    def _refuse_gaps(self, otherwise: str) -> None:
        if self.hop_length > self._length:
            raise ValueError(
                f"hop_length={self.hop_length} is greater than frame_length="
                f"{self._length}: timesteps between two frames would be in none. "
                f"Choose hop_length of at most {self._length}, "
                f"{otherwise.format(self.hop_length)}."
            )

    _saved: ClassVar[dict[str, Kind]] = {
        **OF_SEQUENCES,
        "n_features_out_": count("features"),
    }

    def _contradictions(self) -> Iterator[str]:
        n_features = self._length * n_step_features(self)
        if self.n_features_out_ != n_features:
            yield (
                f"n_features_out_={shown(self.n_features_out_)}, but frames of "
                f"{self._length} timesteps have {n_features} features"
            )


def count_frames(lengths: Any, frame_length: int, hop_length: int) -> Any:
    """How many frames sequences of these lengths make.

    Parameters
    ----------
    lengths : int or ndarray of int
        At least 1.
    frame_length, hop_length : int

    Returns
    -------
    int or ndarray of int
    """
    behind_the_first = np.maximum(lengths - frame_length, 0)
    return -(-behind_the_first // hop_length) + 1


def frames_in(
    batch: SequenceBatch, frame_length: int, hop_length: int
) -> NDArray[Any] | None:
    """The frames of all sequences where they lie in an array.

    Parameters
    ----------
    batch : SequenceBatch
    frame_length, hop_length : int

    Returns
    -------
    ndarray of shape (n_samples, n_frames, frame_length * n_features) or None
        A view where NumPy can make one; None if the frames do not lie there, or if
        they are of windows and would be copied.
    """
    values = batch.values
    n_behind = values.shape[1] - frame_length
    is_full = batch.lengths.min() == values.shape[1]
    comes_out_even = n_behind >= 0 and n_behind % hop_length == 0
    if not (is_full and comes_out_even and isinstance(values, np.ndarray)):
        return None
    _, between_steps, between_features = values.strides
    in_one_piece = between_steps == values.shape[2] * between_features
    is_view = in_one_piece and values.dtype.kind == "f"
    if not is_view and is_computed_lazily(batch):
        return None
    values = as_floats(values)
    view = sliding_window_view(values, frame_length, axis=1)[:, ::hop_length]
    in_time = view.swapaxes(2, 3)
    frames: NDArray[Any] = in_time.reshape(*in_time.shape[:2], -1)
    return frames


def frames_of(batch: SequenceBatch, frame_length: int, hop_length: int) -> NDArray[Any]:
    """The frames of all sequences, as the Notes of SequenceFramer say.

    Parameters
    ----------
    batch : SequenceBatch
    frame_length, hop_length : int

    Returns
    -------
    ndarray of shape (n_samples, n_frames, frame_length * n_features)
    """
    n_timesteps = batch.values.shape[1]
    steps, lengths = as_floats(batch.steps()), batch.lengths
    begins = lengths.cumsum() - lengths
    n_frames = count_frames(n_timesteps, frame_length, hop_length)
    n_features = frame_length * batch.n_features
    frames = np.empty((len(batch), n_frames, n_features), dtype=steps.dtype)
    n_bytes = frames[0].nbytes + n_frames * frame_length * 8  # of values, of places
    for rows in chunks(len(batch), n_bytes):
        places = frame_places(lengths[rows], n_frames, frame_length, hop_length)
        chosen = steps[begins[rows, None, None] + places]
        frames[rows] = chosen.reshape(*chosen.shape[:2], -1)
    filled = count_frames(lengths, frame_length, hop_length)
    frames[np.arange(n_frames) >= filled[:, None]] = np.nan
    return frames


def frame_places(
    lengths: NDArray[np.intp], n_frames: int, frame_length: int, hop_length: int
) -> NDArray[np.intp]:
    """Which timestep of its sequence stands at each place of each frame.

    Parameters
    ----------
    lengths : ndarray of shape (n_samples,)
    n_frames, frame_length, hop_length : int

    Returns
    -------
    ndarray of shape (n_samples, n_frames, frame_length)
        Frames that a sequence does not have repeat its last.
    """
    last_begin = np.maximum(lengths - frame_length, 0)
    begins = np.minimum(np.arange(n_frames) * hop_length, last_begin[:, None])
    places = begins[:, :, None] + np.arange(frame_length)
    return np.minimum(places, lengths[:, None, None] - 1)
