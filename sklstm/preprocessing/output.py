"""Transformers whose output is no table: what set_output means for them."""

from __future__ import annotations

from typing import Any, Self


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
