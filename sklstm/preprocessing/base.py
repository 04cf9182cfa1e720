"""What the transformers share: their base, and no door to what they were given."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import check_array

from sklstm.base.parameters import check_parameters
from sklstm.base.persistence import SavedState, check_fitted
from sklstm.sequences.batch import SequenceBatch
from sklstm.sequences.checks import AXES, check_sequences


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
