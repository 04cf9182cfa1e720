"""Which timesteps and features matter: TimestepImportanceDisplay."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from sklstm.base.messages import shown
from sklstm.displays.style import (
    COLOURS,
    PADDING_STYLE,
    axes_or_new,
    check_matplotlib,
    colour,
    count_from_whole_numbers,
    refuse_none,
)
from sklstm.inspection import occlusion_importance
from sklstm.inspection.inputs import reader_input

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


class TimestepImportanceDisplay:
    """Importances of timesteps and features: bars, a map, or a sequence on colours.

    Use :meth:`from_estimator` for what one prediction rests on, :meth:`from_importance`
    for what :func:`sklstm.inspection.timestep_importance` gives.

    Parameters
    ----------
    importances : ndarray of shape (n_timesteps,), (n_features,) or (n_timesteps, \
n_features)
        NaN at padded timesteps.
    std : ndarray of the same shape or None, default=None
        Standard deviations; drawn at bars.
    by : {"timestep", "feature", "both"}, default="timestep"
        What the importances are of.
    sequence : ndarray of shape (n_timesteps, n_features) or None, default=None
        The sequence whose timesteps they are of.
    label : str, default="importance"
        What is measured.
    feature_names : list of str or None, default=None
        None numbers the features.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The Axes of the picture.
    figure_ : matplotlib Figure
        The figure of the Axes.
    bars_ : matplotlib BarContainer or None
        A bar for every timestep, or every feature.
    cells_ : matplotlib QuadMesh or None
        The colours of timesteps, or of features at timesteps: red is positive, blue
        negative.
    lines_ : list of matplotlib Line2D
        The features of the sequence.
    padding_ : list of matplotlib Patch
        The stretches without importance.

    Examples
    --------
    >>> import numpy as np
    >>> from sklstm.displays import TimestepImportanceDisplay
    >>> display = TimestepImportanceDisplay(importances=np.array([0.0, 0.3, 0.1]))
    >>> display.plot().ax_.get_xlabel()
    'timestep'
    """

    ax_: Axes
    figure_: Figure
    bars_: Any
    cells_: Any
    lines_: list[Any]
    padding_: list[Any]

    def __init__(
        self,
        *,
        importances: NDArray[np.float64],
        std: NDArray[np.float64] | None = None,
        by: Literal["timestep", "feature", "both"] = "timestep",
        sequence: NDArray[np.float64] | None = None,
        label: str = "importance",
        feature_names: list[str] | None = None,
    ) -> None:
        self.importances = importances
        self.std = std
        self.by = by
        self.sequence = sequence
        self.label = label
        self.feature_names = feature_names

    @classmethod
    def from_estimator(
        cls,
        estimator: BaseEstimator,
        X: object,
        *,
        sample: int = 0,
        target: object = None,
        span: int = 1,
        feature_names: list[str] | None = None,
        ax: Axes | None = None,
    ) -> Self:
        """Draw one sequence, and what each of its timesteps adds to the prediction.

        Parameters
        ----------
        estimator : fitted estimator, or pipeline or search of one
            With one prediction per sequence.
        X : what the estimator takes
        sample : int, default=0
            Which of the sequences to draw.
        target, span
            As in :func:`sklstm.inspection.occlusion_importance`.
        feature_names : list of str, default=None
            None numbers the features.
        ax : matplotlib Axes, default=None
            Where to draw. None makes a figure.

        Returns
        -------
        TimestepImportanceDisplay

        Raises
        ------
        ValueError
            If there is no such sequence, and as `occlusion_importance` does.
        ImportError
            If matplotlib is not installed.
        """
        check_matplotlib(f"{cls.__name__}.from_estimator")
        refuse_none(f"{cls.__name__}.from_estimator", "Give the sequences.", X=X)
        given = reader_input(estimator, X, f"{cls.__name__}.from_estimator")
        n_samples = len(given.batch)
        if not -n_samples <= sample < n_samples:
            raise ValueError(
                f"sample={sample} is not in X, which has {n_samples} sequences. Choose "
                f"a number from 0 to {n_samples - 1}."
            )
        one = given.batch.at(np.array([sample % n_samples])).all_values()
        importances = occlusion_importance(
            given.estimator, one, target=target, span=span
        )
        return cls(
            importances=importances[0],
            sequence=one[0],
            label="prediction lost without it",
            feature_names=feature_names,
        ).plot(ax)

    @classmethod
    def from_importance(
        cls,
        result: Any,
        *,
        feature_names: list[str] | None = None,
        ax: Axes | None = None,
    ) -> Self:
        """Draw what matters to a score.

        Parameters
        ----------
        result : Bunch
            What :func:`sklstm.inspection.timestep_importance` gives.
        feature_names : list of str, default=None
            None numbers the features.
        ax : matplotlib Axes, default=None
            Where to draw. None makes a figure.

        Returns
        -------
        TimestepImportanceDisplay

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        check_matplotlib(f"{cls.__name__}.from_importance")
        return cls(
            importances=result.importances_mean,
            std=result.importances_std,
            by=result.by,
            label="score lost when permuted",
            feature_names=feature_names,
        ).plot(ax)

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw. None makes a figure.

        Returns
        -------
        TimestepImportanceDisplay
            Itself.

        Raises
        ------
        ValueError
            If the shapes do not agree.
        ImportError
            If matplotlib is not installed.
        """
        check_matplotlib(f"{type(self).__name__}.plot")
        self._check_shapes()
        n_bins, height = len(self.importances), 3.6
        if self.by == "both":
            height = 1.5 + 0.4 * self.importances.shape[1]
        width = float(np.clip(2.5 + 0.25 * n_bins, 6, 14))
        self.ax_ = ax = axes_or_new(ax, (width, float(np.clip(height, 2, 8))))
        self.figure_ = ax.figure  # type: ignore[assignment]
        self.bars_, self.cells_, self.lines_, self.padding_ = None, None, [], []
        if self.by == "both":
            self._draw_map(ax)
        elif self.sequence is not None:
            self._draw_sequence(ax, self.sequence)
        else:
            self._draw_bars(ax)
        ax.set_xlim(-0.5, n_bins - 0.5)
        if self.by == "feature":
            ax.set_xticks(range(n_bins), self._names(n_bins))
            ax.set_xlabel("feature")
        else:
            count_from_whole_numbers(ax)
            ax.set_xlabel("timestep")
        return self

    def _check_shapes(self) -> None:
        shape, n_axes = np.shape(self.importances), 2 if self.by == "both" else 1
        if len(shape) != n_axes:
            raise ValueError(
                f"importances has shape {shape}, but by={shown(self.by)} takes "
                f"{n_axes} "
                'axes. Give by="both" for (n_timesteps, n_features), otherwise one '
                "number for each timestep or feature."
            )
        if self.sequence is not None and len(self.sequence) != shape[0]:
            raise ValueError(
                f"sequence has {len(self.sequence)} timesteps, importances has "
                f"{shape[0]}. Give each timestep one importance."
            )

    def _names(self, n_features: int) -> list[str]:
        if self.feature_names is None:
            return [str(k) for k in range(n_features)]
        names = [str(name) for name in self.feature_names]
        if len(names) != n_features:
            raise ValueError(
                f"feature_names has {len(names)} names for {n_features} features. Give "
                "each feature one, in the order of the last axis."
            )
        return names

    def _draw_bars(self, ax: Axes) -> None:
        self.bars_ = ax.bar(
            np.arange(len(self.importances)),
            self.importances,
            yerr=self.std,
            width=0.9,
            color=colour(0),
            ecolor="0.3",
        )
        ax.axhline(0, color="0.3", linewidth=0.8)
        ax.set_ylabel(self.label)
        self._draw_padding(ax, np.isnan(self.importances))

    def _draw_map(self, ax: Axes) -> None:
        n_features = self.importances.shape[1]
        rows = np.arange(n_features + 1) - 0.5
        self.cells_ = self._draw_cells(ax, self.importances.T, rows)
        ax.set_yticks(range(n_features), self._names(n_features))
        ax.set_ylim(n_features - 0.5, -0.5)
        ax.set_ylabel("feature")
        self._draw_padding(ax, np.asarray(np.isnan(self.importances).all(axis=1)))

    def _draw_sequence(self, ax: Axes, sequence: NDArray[np.float64]) -> None:
        """The features as lines, on the colours of the importances."""
        n_features = sequence.shape[1]
        names = self._names(n_features)
        for k, name in enumerate(names):
            self.lines_ += ax.plot(
                sequence[:, k], color=colour(k), label=name, marker=".", linewidth=1.2
            )
        low, high = ax.get_ylim()
        rows = np.array([low, high])
        self.cells_ = self._draw_cells(ax, np.asarray(self.importances)[None], rows)
        ax.set_ylim(low, high)
        ax.set_ylabel("value")
        self._draw_padding(ax, np.asarray(np.isnan(sequence).all(axis=1)))
        if n_features <= len(COLOURS) and (n_features > 1 or self.feature_names):
            ax.legend(
                loc="lower center", bbox_to_anchor=(0.5, 1), ncols=4, frameon=False
            )

    def _draw_cells(
        self, ax: Axes, importances: NDArray[np.float64], rows: NDArray[np.float64]
    ) -> Any:
        """Colours between `rows`, white at zero."""
        largest = float(np.nanmax(np.abs(importances), initial=0)) or 1.0
        cells = ax.pcolormesh(
            np.arange(importances.shape[1] + 1) - 0.5,
            rows,
            np.ma.masked_invalid(importances),
            cmap="RdBu_r",
            vmin=-largest,
            vmax=largest,
            alpha=None if self.sequence is None else 0.6,
            zorder=0.5,
        )
        ax.figure.colorbar(cells, ax=ax, pad=0.01).set_label(self.label)
        return cells

    def _draw_padding(self, ax: Axes, padded: NDArray[np.bool_]) -> None:
        """Hatch the padded stretches."""
        ends = np.diff(padded, prepend=False, append=False)
        self.padding_ = [
            ax.axvspan(begin - 0.5, end - 0.5, zorder=1.5, **PADDING_STYLE)
            for begin, end in np.flatnonzero(ends).reshape(-1, 2)
        ]
