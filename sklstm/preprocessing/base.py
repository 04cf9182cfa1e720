"""What the transformers share: a base, and the timesteps of sequences as a table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import check_array

from sklstm.base.parameters import check_parameters
from sklstm.base.persistence import SavedState, check_fitted
from sklstm.sequences.batch import SequenceBatch, as_floats
from sklstm.sequences.checks import AXES, check_sequences
from sklstm.sequences.lazy_arrays import ChangedSequences
from sklstm.sequences.windows import (
    Windows,
    count_windows,
    windows_of,
    windows_over,
)

# Rows are repeated up to this size for a transformer that takes no weights.
REPEATED_BYTES = 8 * 2**20


@dataclass(frozen=True, eq=False)
class StepTable:
    """The timesteps of a batch that are data, as the rows of a table.

    What works timestep by timestep commutes with cutting windows: a row of overlapping
    windows stands here once, and what is made of it is put under all of them.

    Parameters
    ----------
    batch : SequenceBatch
    rows : ndarray of shape (n_rows, n_features)
        Sample after sample. Of windows a copy of those rows of their table that are
        in one, in the order of the table.
    counts : ndarray of shape (n_rows,) or None
        How many timesteps each row is; None means one.
    windows : Windows or None
        Where the rows lie in windows.
    places : ndarray of bool of shape (n_rows_of_table,) or None
        Which rows of the table of `windows` these are.
    """

    batch: SequenceBatch
    rows: NDArray[Any]
    counts: NDArray[np.intp] | None = None
    windows: Windows | None = None
    places: NDArray[np.bool_] | None = None

    @classmethod
    def of(cls, batch: SequenceBatch) -> Self:
        windows = overlapping_windows(batch)
        if windows is None:
            return cls(batch, batch.steps())
        table, counts = windows.table, count_windows(windows)
        places = counts > 0
        if table.dtype.kind == "f":
            places &= ~np.isnan(table).all(axis=1)
        return cls(batch, table[places], counts[places], windows, places)

    @property
    def n_steps(self) -> int:
        """How many timesteps the rows are in all."""
        return len(self.rows) if self.counts is None else int(self.counts.sum())

    def repeated(self) -> NDArray[Any]:
        """Every row as often as it is a timestep, in `REPEATED_BYTES`.

        Beyond that all rows are repeated less, in the same proportions as far as whole
        numbers allow, and each stands there at least once.
        """
        if self.counts is None:
            return self.rows
        copies = self.counts
        most = max(len(self.rows), REPEATED_BYTES // self.rows[0].nbytes)
        if self.n_steps > most:
            share = most / self.n_steps
            copies = np.maximum(np.rint(copies * share).astype(np.intp), 1)
        return np.repeat(self.rows, copies, axis=0)

    def place(self, rows: NDArray[Any]) -> Any:
        """Put what belongs to the rows where these were.

        Parameters
        ----------
        rows : ndarray of shape (n_rows, n_columns)

        Returns
        -------
        array-like of shape (n_samples, n_timesteps, n_columns)
            NaN at padding. Of windows, the same windows over a table of these rows.
        """
        if self.windows is None:
            return self.batch.place(rows)
        return windows_over(self.table(rows), self.windows, self.batch.values)

    def table(self, rows: NDArray[Any]) -> NDArray[Any]:
        """The table of `windows` with what belongs to the rows."""
        assert self.places is not None
        if self.places.all():
            return np.ascontiguousarray(rows)
        # The other rows are padding, which only floats have, or in no window.
        missing = np.nan if rows.dtype.kind == "f" else 0
        table = np.full((len(self.places), rows.shape[1]), missing, dtype=rows.dtype)
        table[self.places] = rows
        return table


def overlapping_windows(batch: SequenceBatch) -> Windows | None:
    """The windows that a batch is, if it is some of a table."""
    return windows_of(batch.values) if batch.rows is None else None


def changed_sequences(
    batch: SequenceBatch,
    change: Callable[[SequenceBatch], NDArray[Any]],
    n_timesteps: int,
    n_features: int,
) -> Any:
    """Change each sequence by itself; windows not before they are read.

    Parameters
    ----------
    batch : SequenceBatch
    change : callable
        Of a batch of some of the sequences, to floats; what it does to a sequence does
        not depend on the others. To be pickled, a function of a module or a
        `functools.partial` of one.
    n_timesteps, n_features : int
        Of what it gives.

    Returns
    -------
    array-like of shape (n_samples, n_timesteps, n_features)
        An array, or of windows and of other arrays that are computed when they are
        read, one that is.
    """
    source, windows = batch.values, overlapping_windows(batch)
    if windows is not None:
        # Of a copy of the table, which nobody changes behind its back.
        steps = StepTable.of(batch)
        source = replace(windows, table=steps.table(as_floats(steps.rows)))
    elif not isinstance(source, ChangedSequences):
        return change(batch)
    return ChangedSequences(
        source, partial(_changed, change), source.dtype, (n_timesteps, n_features)
    )


def is_computed_lazily(batch: SequenceBatch) -> bool:
    """Whether what is made of a batch is computed when it is read."""
    is_lazy = isinstance(batch.values, ChangedSequences)
    return is_lazy or overlapping_windows(batch) is not None


def _changed(
    change: Callable[[SequenceBatch], NDArray[Any]], values: NDArray[Any]
) -> NDArray[Any]:
    return change(SequenceBatch.of(values))


class SequenceTransformer(SavedState, TransformerMixin, BaseEstimator):
    """Base of the transformers, which return three axes.

    `fit` and `transform` stand in the subclasses, with what they do; here is what they
    begin with. Two class attributes say what differs: `_current_params` are those that
    `transform` goes by as they are when it is called, not as they were in `fit`, and
    `_takes_missing` says whether NaN beside numbers is taken.
    """

    _current_params: ClassVar[tuple[str, ...]] = ()
    _takes_missing: ClassVar[bool] = False

    def _check_ready(self) -> None:
        """Require what `transform` and `inverse_transform` go by."""
        check_fitted(self)
        check_parameters(self, *self._current_params)

    def _read_sequences(self, X: Any, *, reset: bool) -> SequenceBatch:
        """X as a batch of sequences, with features as in `fit` unless `reset`."""
        return check_sequences(self, X, reset=reset, allow_missing=self._takes_missing)

    def _as_returned(self, X: Any) -> NDArray[Any]:
        """X of `inverse_transform` as an array of numbers."""
        array: NDArray[Any] = check_array(
            X,
            dtype="numeric",
            allow_nd=True,
            ensure_2d=False,
            ensure_all_finite=False,
            estimator=self,
            input_name="X",
        )
        return array

    def _check_sizes(self, X: Any) -> None:
        """Require of X of `inverse_transform` the sizes that `transform` returns."""
        sizes = (self.n_timesteps_out_, self.n_features_out_)
        if X.shape[1:] != sizes:
            raise other_axes(X, f": (n_samples, {sizes[0]}, {sizes[1]})")

    def set_output(self, *, transform: Any = None) -> Self:
        """Leave the output as it is: no data frame holds three axes.

        scikit-learn gives the method to what names its output columns; three axes have
        none. A pipeline asks it of all its steps, and those in front may return data
        frames.

        Parameters
        ----------
        transform : {"default", "pandas", "polars"} or None, default=None
            Ignored. Present so that a pipeline can set the output of its other steps.

        Returns
        -------
        estimator instance
            The instance itself.
        """
        return self

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True  # a timestep of NaN is padding
        tags.input_tags.three_d_array = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def other_axes(X: Any, which: str) -> ValueError:
    """The error that X of `inverse_transform` is not what `transform` returns."""
    return ValueError(
        f"X has shape {X.shape}, but inverse_transform expects the three axes "
        f"{AXES} that transform returns{which}."
    )


def without_writing(result: Any, given: Any) -> Any:
    """The result, read-only if it lies in the memory of what was given.

    Writing into a view would change the data of whoever called.

    Parameters
    ----------
    result : ndarray, or an array that is computed when it is read
    given : array-like or data frame
    """
    # Of pandas, and not of dask: its columns lie in the same memory.
    if hasattr(given, "iloc") and hasattr(given, "to_numpy"):
        given = given.iloc[:, :1].to_numpy() if given.ndim == 2 else given.to_numpy()
    arrays = isinstance(result, np.ndarray) and isinstance(given, np.ndarray)
    if arrays and np.may_share_memory(result, given):
        result = result.view()
        result.flags.writeable = False
    return result
