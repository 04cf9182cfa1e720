"""What transformers give back: no tables, and no door to what they were given."""

from __future__ import annotations

from typing import Any, Self

import numpy as np


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


class ThreeAxesOutputMixin:
    """`set_output` for a transformer that returns three axes.

    scikit-learn gives it to what names its output columns; three axes have none. A
    pipeline asks it of all its steps, and those in front may return data frames.
    """

    def set_output(self, *, transform: Any = None) -> Self:
        """Leave the output as it is: no data frame holds three axes.

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
