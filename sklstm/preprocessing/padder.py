"""Sequences of unequal length to one length and back: SequencePadder."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from numbers import Integral
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sklstm.base.messages import said, shown
from sklstm.base.parameters import (
    Interval,
    StrOptions,
    _fit_context,
    in_our_words,
    unchanged_on_error,
)
from sklstm.base.schema import OF_SEQUENCES, Kind, count
from sklstm.preprocessing.base import (
    SequenceTransformer,
    changed_sequences,
    is_computed_lazily,
    other_axes,
    without_writing,
)
from sklstm.sequences.axes import channels_last
from sklstm.sequences.batch import SequenceBatch, fit_length, split_sequences
from sklstm.sequences.checks import as_three_axes, plain_input
from sklstm.sequences.ragged import is_ragged, pad_ragged


@in_our_words
class SequencePadder(SequenceTransformer):
    """Bring sequences of unequal length to one length, padding with NaN.

    A timestep whose features are all NaN is padding. Padding that X already has, in
    front, behind or in a gap, is taken out before the new padding is put in.

    Parameters
    ----------
    n_timesteps : int, default=None
        Length of every sequence in the result. None means that of the longest
        sequence seen in `fit`, not counting its padding.
    padding : {"pre", "post"}, default="post"
        Whether NaN goes in front of or behind a shorter sequence.
    truncating : {"pre", "post", "raise"}, default="post"
        What happens to a longer sequence.

        - "pre": its first timesteps are dropped, the last are kept.
        - "post": its last timesteps are dropped, the first are kept.
        - "raise": it is refused, in `transform` and, if `n_timesteps` is given, in
          `fit`.
    layout : {"channels_last", "channels_first"}, default="channels_last"
        In which order the axes of X come, where it has three or is a collection of
        sequences of two.

        - "channels_last": timesteps, then features, as everywhere in sklstm.
        - "channels_first": features, then timesteps: (n_samples, n_features,
          n_timesteps) or sequences (n_features, n_timesteps_i), as in aeon and sktime.
          The result of `transform` is in the order of sklstm, that of
          `inverse_transform` in the order of X.

    Attributes
    ----------
    n_timesteps_out_ : int
        Timesteps of what `transform` returns.
    n_features_in_ : int
        Features of each timestep; the number of columns if X was a table.
    n_timesteps_in_ : int
        Timesteps of X in `fit`, its padding included.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns seen in `fit`, if X was a data frame, or a list of data
        frames, whose column names are all strings.

    See Also
    --------
    SequenceReshaper : Reshape a table to sequences.
    pad_sequences : The same as a plain function.

    Notes
    -----
    NaN beside numbers is a missing value and stays where it is, for
    :class:`SequenceImputer`.

    float32 and float64 are kept, integers become float64. An array whose sequences
    have the right length already is not copied: the result is a read-only view of it.

    Windows that overlap and are padded or truncated are computed when they are read:
    the result is an object that reads like an array, of which ``np.asarray`` makes one.

    Examples
    --------
    >>> from sklstm import SequencePadder
    >>> X = [[1.0, 2.0, 3.0], [4.0], [5.0, 6.0]]
    >>> padder = SequencePadder().fit(X)
    >>> X_trans = padder.transform(X)
    >>> X_trans.shape
    (3, 3, 1)
    >>> X_trans[1].ravel()
    array([ 4., nan, nan])
    >>> [len(sequence) for sequence in padder.inverse_transform(X_trans)]
    [3, 1, 2]
    """

    _learnt: ClassVar[str] = "n_timesteps_out_"

    _shaping: ClassVar[tuple[str, ...]] = ("n_timesteps",)

    _current_params: ClassVar[tuple[str, ...]] = ("padding", "truncating", "layout")
    _takes_missing: ClassVar[bool] = True

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "n_timesteps": [Interval(Integral, 1, None, closed="left"), None],
        "padding": [StrOptions({"pre", "post"})],
        "truncating": [StrOptions({"pre", "post", "raise"})],
        "layout": [StrOptions({"channels_last", "channels_first"})],
    }

    def __init__(
        self,
        n_timesteps: int | None = None,
        *,
        padding: Literal["pre", "post"] = "post",
        truncating: Literal["pre", "post", "raise"] = "post",
        layout: Literal["channels_last", "channels_first"] = "channels_last",
    ) -> None:
        self.n_timesteps = n_timesteps
        self.padding = padding
        self.truncating = truncating
        self.layout = layout

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: ArrayLike, y: ArrayLike | None = None) -> Self:
        """Learn the length of the longest sequence.

        Parameters
        ----------
        X : 2D or 3D array-like, or a list of sequences of unequal length
            A table is `n_columns` timesteps of one feature. The sequences of a list,
            an object array or a Series have shape (n_timesteps_i,) or
            (n_timesteps_i, n_features); in a data frame whose cells are sequences,
            the columns are features.
        y : Ignored
            Present for API consistency.

        Returns
        -------
        SequencePadder
            The fitted instance.

        Raises
        ------
        ValueError
            If X has infinite values, a sequence without timesteps, or with
            `truncating="raise"` one longer than `n_timesteps`.
        """
        with unchanged_on_error(self):
            self._keep_parameters()
            batch = self._read_sequences(X, reset=True)
            if self.n_timesteps is None:
                self.n_timesteps_out_ = batch.longest
            else:
                self.n_timesteps_out_ = self.n_timesteps
            self._refuse_longer(batch)
        return self

    def transform(self, X: ArrayLike) -> Any:
        """Pad or truncate every sequence to `n_timesteps_out_`.

        Parameters
        ----------
        X : 2D or 3D array-like, or a list of sequences of unequal length
            Sequences with the features seen in `fit`; see there.

        Returns
        -------
        array-like of shape (n_samples, n_timesteps_out_, n_features)
            The sequences, NaN where they are padded.

        Raises
        ------
        ValueError
            If X has other features than in `fit`, infinite values, a sequence without
            timesteps, or with `truncating="raise"` one longer than `n_timesteps_out_`.
        """
        self._check_ready()
        batch = self._read_sequences(X, reset=False)
        self._refuse_longer(batch)
        n_timesteps = self.n_timesteps_out_
        fits = batch.values.shape[1] == n_timesteps == batch.lengths.min()
        if fits and is_computed_lazily(batch) and batch.values.dtype.kind == "f":
            return batch.values
        change = partial(
            fit_length,
            n_timesteps=n_timesteps,
            padding=self.padding,
            truncating=self.truncating,
        )
        padded = changed_sequences(batch, change, n_timesteps, batch.n_features)
        return without_writing(padded, X)

    def inverse_transform(self, X: Any) -> list[NDArray[Any]]:
        """Take the padding out. Timesteps that were truncated do not come back.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_timesteps, n_features)
            Sequences padded with NaN.

        Returns
        -------
        list of ndarray of shape (n_timesteps_i, n_features)
            One array per sample; (n_features, n_timesteps_i) if that is the layout.

        Raises
        ------
        ValueError
            If X does not have three axes, or other features than in `fit`.
        """
        self._check_ready()
        X = plain_input(X, type(self).__name__)
        X = pad_ragged(X) if is_ragged(X) else np.asarray(X)
        if X.ndim != 3:
            raise other_axes(X, "")
        X = as_three_axes(self, X, reset=False, named=False)
        sequences = split_sequences(X)
        if self.layout == "channels_first":
            return [sequence.T for sequence in sequences]
        return sequences

    def _read_sequences(self, X: Any, *, reset: bool) -> SequenceBatch:
        """X as a batch, its axes in our order."""
        if self.layout == "channels_last":
            return super()._read_sequences(X, reset=reset)
        X = plain_input(X, type(self).__name__)
        in_our_order = channels_last(X)
        try:
            return super()._read_sequences(in_our_order, reset=reset)
        except ValueError as error:
            if in_our_order is X:
                raise
            raise ValueError(
                f'{said(error)} With layout="channels_first" the last two axes of X '
                "were swapped before."
            ) from error

    def _refuse_longer(self, batch: SequenceBatch) -> None:
        n_timesteps = self.n_timesteps_out_
        if self.truncating != "raise" or batch.longest <= n_timesteps:
            return
        longer = np.flatnonzero(batch.lengths > n_timesteps)
        raise ValueError(
            f"Sequence {longer[0]} of X has {batch.lengths[longer[0]]} timesteps, more "
            f"than n_timesteps={n_timesteps} ({len(longer)} such sequences of "
            f"{len(batch)}; the longest has {batch.longest}). Choose a larger "
            'n_timesteps, or truncating="pre" or "post" to cut them.'
        )

    _saved: ClassVar[dict[str, Kind]] = {
        **OF_SEQUENCES,
        "n_timesteps_out_": count("timesteps"),
    }

    def _contradictions(self) -> Iterator[str]:
        n_timesteps, asked = self.n_timesteps_out_, self._shaped_by["n_timesteps"]
        if n_timesteps > self.n_timesteps_in_ and n_timesteps != asked:
            yield (
                f"n_timesteps_out_={shown(n_timesteps)} follows neither from "
                "n_timesteps="
                f"{shown(asked)} nor from the {self.n_timesteps_in_} timesteps of X"
            )
