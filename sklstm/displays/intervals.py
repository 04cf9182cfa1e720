"""Predicted quantiles and what came true: IntervalDisplay."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator

from sklstm.base.parameters import StrOptions, validate_parameter_constraints
from sklstm.displays.style import (
    axes_or_new,
    check_matplotlib,
    colour,
    count_from_whole_numbers,
    refuse_none,
)
from sklstm.metrics import predicted_quantiles, true_and_quantiles
from sklstm.sequences.ragged import arrays_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# More of them are drawn as a line.
MOST_MARKERS = 100

UNKNOWN = (
    "Give what came true, in the shape of what predict gives. Of a forecast of what is "
    "still to come give NaN, numpy.full_like(estimator.predict(X), numpy.nan): then "
    "the quantiles are drawn alone."
)


class IntervalDisplay:
    """Predicted quantiles beside what came true.

    A fan has a band from the lowest to the highest quantile, a darker one inside it
    from the second to the last but one, and so on, and a line for the one in the
    middle. The coverage is, for every quantile, the share of what came true that is not
    above it: of a model that is right as large as its level.

    Use :meth:`from_estimator` or :meth:`from_predictions` to make one.

    Parameters
    ----------
    y_true : ndarray, or ndarray of ndarray
        What came true, in the shape of `y_quantiles` without its last axis; NaN where
        that is not known.
    y_quantiles : ndarray of shape (n_samples, n_quantiles), (n_samples, n_targets, \
n_quantiles), (n_samples, n_timesteps[, n_targets], n_quantiles), or ndarray of ndarray
        As `predict_quantiles` gives them, NaN at padded timesteps.
    quantiles : ndarray of shape (n_quantiles,)
        Their levels.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The Axes of the picture.
    figure_ : matplotlib Figure
        The figure of the Axes.
    coverage_ : ndarray of shape (n_quantiles,)
        Share of all that is known of `y_true` that is not above each quantile.
    bands_ : list of matplotlib FillBetweenPolyCollection
        Of a fan: its bands, the widest first.
    middle_ : matplotlib Line2D or None
        Of a fan: the quantile in the middle, if their number is odd.
    true_ : matplotlib Line2D
        Of a fan: what came true.
    observed_ : matplotlib Line2D
        Of the coverage: the share for every level.

    Examples
    --------
    >>> import numpy as np
    >>> from sklstm.displays import IntervalDisplay
    >>> display = IntervalDisplay.from_predictions(
    ...     [1.0, 2.5], np.array([[0.5, 1.0, 2.0], [1.0, 2.0, 3.0]]), [0.1, 0.5, 0.9]
    ... )
    >>> display.coverage_
    array([0. , 0.5, 1. ])
    """

    ax_: Axes
    figure_: Figure
    coverage_: NDArray[np.float64]
    bands_: list[Any]
    middle_: Any
    true_: Any
    observed_: Any

    def __init__(
        self, *, y_true: object, y_quantiles: object, quantiles: NDArray[np.float64]
    ) -> None:
        self.y_true = y_true
        self.y_quantiles = y_quantiles
        self.quantiles = quantiles

    @classmethod
    def from_estimator(
        cls,
        estimator: BaseEstimator,
        X: object,
        y: object,
        *,
        kind: str = "fan",
        sample: int | None = None,
        target: int | None = None,
        ax: Axes | None = None,
    ) -> Self:
        """Predict the quantiles and draw them.

        Parameters
        ----------
        estimator : estimator
            A regressor fitted with ``loss="quantile"``, or a pipeline or search of one.
        X : as its `predict` takes it
        y : array-like, or list of arrays
            What came true, as in `fit`.
        kind, sample, target, ax
            As in :meth:`plot`.

        Returns
        -------
        IntervalDisplay

        Raises
        ------
        ValueError
            If the estimator predicts no quantiles, or as in :meth:`from_predictions`.
        ImportError
            If matplotlib is not installed.
        """
        check_matplotlib(f"{cls.__name__}.from_estimator")
        caller = f"{cls.__name__}.from_estimator"
        refuse_none(caller, "Give the sequences, as for predict.", X=X)
        refuse_none(caller, UNKNOWN, y=y)
        levels, predicted = predicted_quantiles(estimator, X)
        return cls.from_predictions(
            y, predicted, levels, kind=kind, sample=sample, target=target, ax=ax
        )

    @classmethod
    def from_predictions(
        cls,
        y_true: object,
        y_quantiles: object,
        quantiles: ArrayLike,
        *,
        kind: str = "fan",
        sample: int | None = None,
        target: int | None = None,
        ax: Axes | None = None,
    ) -> Self:
        """Draw quantiles that were predicted.

        Parameters
        ----------
        y_true : array-like, or list of arrays
            What came true: in the shape of `y_quantiles` without its last axis, or for
            every sequence an array of its valid timesteps. NaN is not known, as of a
            forecast of what is still to come.
        y_quantiles : array-like, or list of arrays
            With a last axis of quantiles, as `predict_quantiles` gives them.
        quantiles : array-like of shape (n_quantiles,)
            Their levels, `quantiles_` of the estimator.
        kind, sample, target, ax
            As in :meth:`plot`.

        Returns
        -------
        IntervalDisplay

        Raises
        ------
        ValueError
            If the shapes do not agree, or as in :meth:`plot`.
        ImportError
            If matplotlib is not installed.
        """
        check_matplotlib(f"{cls.__name__}.from_predictions")
        refuse_none(f"{cls.__name__}.from_predictions", UNKNOWN, y_true=y_true)
        y_true = arrays_of(y_true, "y_true", cls.__name__)
        y_quantiles = arrays_of(y_quantiles, "y_quantiles", cls.__name__)
        levels = np.asarray(quantiles, float)
        if not isinstance(y_quantiles, list):
            y_quantiles = y_quantiles.astype(np.float64, copy=False)
            if isinstance(y_true, list):
                y_quantiles = [of_one[~_padded(of_one)] for of_one in y_quantiles]
        n_quantiles = np.shape(y_quantiles[0])[-1]
        if levels.shape != (n_quantiles,):
            raise ValueError(
                f"quantiles has shape {levels.shape}, but y_quantiles has "
                f"{n_quantiles} of them along its last axis. Give the level of each."
            )
        display = cls(y_true=y_true, y_quantiles=y_quantiles, quantiles=levels)
        return display.plot(ax, kind=kind, sample=sample, target=target)

    def plot(
        self,
        ax: Axes | None = None,
        *,
        kind: str = "fan",
        sample: int | None = None,
        target: int | None = None,
    ) -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw. None makes a figure.
        kind : {"fan", "coverage"}, default="fan"
            A fan of intervals, or the share below every quantile against its level.
        sample : int, default=None
            Which sample the fan is of, over its timesteps or its targets, such as the
            steps of a horizon. None is the first, if a sample has several numbers.
        target : int, default=None
            Which target the fan is of: over all samples, or over the timesteps of
            `sample`. None is the first, if a timestep has several.

        Returns
        -------
        IntervalDisplay
            Itself.

        Raises
        ------
        ValueError
            If the shapes do not agree, or there is nothing to choose a `sample` or
            `target` from.
        ImportError
            If matplotlib is not installed.
        """
        check_matplotlib(f"{type(self).__name__}.plot")
        validate_parameter_constraints(
            {"kind": [StrOptions({"fan", "coverage"})]},
            {"kind": kind},
            caller_name=f"{type(self).__name__}.plot",
        )
        true, rows, _ = true_and_quantiles(self.y_true, self.y_quantiles)
        known = ~np.isnan(true)
        n_below = (true[known, None] <= rows[known]).sum(axis=0)
        self.coverage_ = n_below / max(known.sum(), 1)
        if kind == "coverage":
            self.ax_ = axes_or_new(ax, (4.8, 4.6))
            self._draw_coverage(self.ax_)
        else:
            true, rows, name = self._chosen(sample, target)
            self.ax_ = axes_or_new(ax, (9, 3.6))
            self._draw_fan(self.ax_, true, rows)
            self.ax_.set_xlabel(name)
        self.figure_ = self.ax_.figure  # type: ignore[assignment]
        return self

    def _chosen(
        self, sample: int | None, target: int | None
    ) -> tuple[NDArray[Any], NDArray[Any], str]:
        """What is drawn: true numbers, their quantiles, and what they follow."""
        name = type(self).__name__
        y_true = arrays_of(self.y_true, "y_true", name)
        quantiles = arrays_of(self.y_quantiles, "y_quantiles", name)
        n_axes = 1 + np.ndim(quantiles[0])
        if n_axes == 2 and (sample, target) != (None, None):
            raise ValueError(
                f"sample={sample} and target={target} came, but a sample has one "
                "number: all samples are drawn. Choose neither."
            )
        if isinstance(quantiles, np.ndarray) and n_axes == 3 and target is not None:
            if sample is not None:
                raise ValueError(
                    f"sample={sample} and target={target} together are one number. "
                    "Choose one of them."
                )
            of_target = _at(quantiles.swapaxes(0, 1), target, "target")
            return _at(np.asarray(y_true).T, target, "target"), of_target, "sample"
        if n_axes == 2:
            return np.reshape(y_true, len(quantiles)), np.asarray(quantiles), "sample"
        of_sample = _at(quantiles, sample or 0, "sample")
        true = np.asarray(_at(y_true, sample or 0, "sample"), float)
        if n_axes == 4:
            of_sample = _at(of_sample.swapaxes(0, 1), target or 0, "target")
            true = _at(true.T, target or 0, "target")
        elif target is not None:
            raise ValueError(f"target={target} came, but a timestep has one number.")
        return true, of_sample, "step"

    def _draw_fan(self, ax: Axes, true: NDArray[Any], rows: NDArray[Any]) -> None:
        levels, places = self.quantiles, np.arange(len(rows))
        true = np.where(_padded(rows), np.nan, true)
        n_bands = len(levels) // 2
        self.bands_ = [
            ax.fill_between(
                places,
                rows[:, k],
                rows[:, -1 - k],
                color=colour(0),
                alpha=0.2 + 0.25 * k / n_bands,
                linewidth=0,
                label=f"{100 * (levels[-1 - k] - levels[k]):.3g} %",
            )
            for k in range(n_bands)
        ]
        self.middle_ = None
        if len(levels) % 2:
            label = "median" if levels[n_bands] == 0.5 else f"{levels[n_bands]:g}"
            (self.middle_,) = ax.plot(
                places, rows[:, n_bands], color=colour(0), label=label
            )
        style: dict[str, Any] = {"linestyle": "", "marker": "o", "markersize": 4}
        if len(places) > MOST_MARKERS:
            style = {"linewidth": 0.8}
        (self.true_,) = ax.plot(places, true, color="0.1", label="true", **style)
        count_from_whole_numbers(ax)
        ax.set_ylabel("target")
        ax.grid(alpha=0.3)
        ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=6, frameon=False)

    def _draw_coverage(self, ax: Axes) -> None:
        ax.plot([0, 1], [0, 1], color="0.6", linestyle=":", label="as asked for")
        (self.observed_,) = ax.plot(
            self.quantiles,
            self.coverage_,
            color=colour(0),
            marker="o",
            label="observed",
        )
        ax.set(
            xlabel="quantile",
            ylabel="share not above it",
            xlim=(0, 1),
            ylim=(0, 1),
            aspect="equal",
        )
        ax.grid(alpha=0.3)
        ax.legend(loc="upper left")


def _padded(quantiles: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which rows are NaN."""
    return np.asarray(np.isnan(quantiles.reshape(len(quantiles), -1)).any(axis=1))


def _at(values: Any, place: int, name: str) -> Any:
    if not -len(values) <= place < len(values):
        raise ValueError(
            f"{name}={place} is not there: there are {len(values)}. Choose a number "
            f"from 0 to {len(values) - 1}."
        )
    return values[place]
