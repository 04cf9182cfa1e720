"""A target at every timestep, true and predicted: TimestepDisplay."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from sklstm.base.messages import shown
from sklstm.base.sklearn_compat import safe_indexing
from sklstm.displays.style import (
    PADDING_STYLE,
    Display,
    check_matplotlib,
    colour,
    count_from_whole_numbers,
    refuse_none,
)
from sklstm.sequences.containers import is_missing, plain

if TYPE_CHECKING:
    from matplotlib.axes import Axes


TRUTH = (
    "Give X as for predict, and y with what is true at each timestep: the picture "
    "compares it with what is predicted."
)

# In points. Where timesteps are narrower, markers would run into each other: lines.
NARROWEST_MARKED = 8.0

# The part of the map's blues on which black marks are still seen.
LIGHT = np.linspace(0, 0.7, 256)


class TimestepDisplay(Display):
    """True and predicted labels or values along one sequence.

    Labels stand on a map of the probability of each class, values are lines. Padded
    timesteps are hatched.

    Use :meth:`from_estimator` or :meth:`from_predictions` to make one.

    Parameters
    ----------
    y_true : ndarray of shape (n_timesteps,) or (n_timesteps, n_targets)
        What is true at each timestep; not looked at where it is padded.
    y_pred : ndarray of the same shape
        What is predicted, NaN at padded timesteps.
    classes : ndarray of shape (n_classes,) or None, default=None
        The class labels; None if `y_true` holds values.
    y_proba : ndarray of shape (n_timesteps, n_classes) or None, default=None
        The probability of each class.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The Axes of the picture.
    figure_ : matplotlib Figure
        The figure of the Axes.
    true_ : list of matplotlib Line2D
        The true labels in one line, or the true values of each target.
    predicted_ : list of matplotlib Line2D
        The predicted ones.
    wrong_ : matplotlib Line2D or None
        The predicted labels that are not the true ones. None for values.
    probabilities_ : matplotlib QuadMesh or None
        The map of the probabilities, if there are any.
    padding_ : list of matplotlib Patch
        The stretches of padded timesteps.

    Examples
    --------
    >>> import numpy as np
    >>> from sklstm.displays import TimestepDisplay
    >>> display = TimestepDisplay.from_predictions(
    ...     np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1]), classes=np.array([0, 1])
    ... )
    >>> display.ax_.get_xlabel()
    'timestep'
    """

    true_: list[Any]
    predicted_: list[Any]
    wrong_: Any
    probabilities_: Any
    padding_: list[Any]

    def __init__(
        self,
        *,
        y_true: NDArray[Any],
        y_pred: NDArray[Any],
        classes: NDArray[Any] | None = None,
        y_proba: NDArray[Any] | None = None,
    ) -> None:
        self.y_true = y_true
        self.y_pred = y_pred
        self.classes = classes
        self.y_proba = y_proba

    @classmethod
    def from_estimator(
        cls,
        estimator: BaseEstimator,
        X: Any,
        y: object,
        *,
        sample: int = 0,
        ax: Axes | None = None,
    ) -> Self:
        """Predict one sequence and draw it.

        Parameters
        ----------
        estimator : estimator
            Fitted, with a target at every timestep; or a pipeline or search of one.
        X : 2D or 3D array-like, or a list of sequences of unequal length
            Sequences, as for `predict`.
        y : array-like of shape (n_samples, n_timesteps[, n_targets]), or a list
            What is true at each timestep.
        sample : int, default=0
            Which of the sequences to draw.
        ax : matplotlib Axes, default=None
            Where to draw. None makes a figure.

        Returns
        -------
        TimestepDisplay

        Raises
        ------
        ValueError
            If there is no such sequence, or `y` does not have a target for each of its
            timesteps.
        ImportError
            If matplotlib is not installed.
        """
        check_matplotlib(f"{cls.__name__}.from_estimator")
        refuse_none(f"{cls.__name__}.from_estimator", TRUTH, X=X, y=y)
        n_samples = X.shape[0] if hasattr(X, "shape") else len(X)
        if not -n_samples <= sample < n_samples:
            raise ValueError(
                f"sample={sample} is not in X, which has {n_samples} sequences. Choose "
                f"a number from 0 to {n_samples - 1}."
            )
        one = safe_indexing(X, [sample % n_samples])
        y_proba = None
        if hasattr(estimator, "predict_proba"):
            y_proba = estimator.predict_proba(one)[0]
        y = plain(y, "y", cls.__name__)
        truth = y if isinstance(y, (list, tuple)) else np.asarray(y)
        return cls.from_predictions(
            truth[sample],
            estimator.predict(one)[0],
            classes=getattr(estimator, "classes_", None),
            y_proba=y_proba,
            ax=ax,
        )

    @classmethod
    def from_predictions(
        cls,
        y_true: object,
        y_pred: object,
        *,
        classes: object = None,
        y_proba: object = None,
        ax: Axes | None = None,
    ) -> Self:
        """Draw what was predicted for one sequence.

        Parameters
        ----------
        y_true : array-like of shape (n_timesteps,) or (n_timesteps, n_targets)
            What is true at each timestep.
        y_pred : array-like of the same shape
            What is predicted, NaN at padded timesteps.
        classes : array-like of shape (n_classes,), default=None
            The class labels. None if `y_true` holds values.
        y_proba : array-like of shape (n_timesteps, n_classes), default=None
            The probability of each class.
        ax : matplotlib Axes, default=None
            Where to draw. None makes a figure.

        Returns
        -------
        TimestepDisplay

        Raises
        ------
        ValueError
            If the shapes do not agree, or a label is not in `classes`.
        ImportError
            If matplotlib is not installed.
        """
        check_matplotlib(f"{cls.__name__}.from_predictions")
        read = Predictions.read(y_true, y_pred, classes, y_proba)
        return cls(**vars(read)).plot(ax)

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw. None makes a figure.

        Returns
        -------
        TimestepDisplay
            Itself.

        Raises
        ------
        ValueError
            If a label is not in `classes`.
        ImportError
            If matplotlib is not installed.
        """
        of = Predictions(self.y_true, self.y_pred, self.classes, self.y_proba)
        codes = None if self.classes is None else of.codes()
        height = 3.6 if self.classes is None else 1.8 + 0.4 * len(self.classes)
        n_timesteps = len(self.y_pred)
        width = float(np.clip(2.5 + 0.25 * n_timesteps, 6, 14))
        ax = self._take(ax, (width, height))
        if codes is None:
            self._draw_values(ax, *of.numbers())
        else:
            self._draw_labels(ax, *codes)
        self._draw_padding(ax, of.padded_stretches())
        ax.set_xlim(-0.5, n_timesteps - 0.5)
        count_from_whole_numbers(ax)
        ax.set_xlabel("timestep")
        ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=4, frameon=False)
        return self

    def _draw_labels(
        self, ax: Axes, true: NDArray[np.float64], predicted: NDArray[np.float64]
    ) -> None:
        """Labels as marks, or lines if there are many, on a map of probabilities."""
        assert self.classes is not None
        self.probabilities_ = None if self.y_proba is None else self._draw_map(ax)
        differ = np.where(true == predicted, np.nan, predicted)
        width = self._step_width(ax)
        size = float(np.clip(0.75 * width, 4, 12))
        edge: dict[str, Any] = {"markeredgecolor": "black", "markeredgewidth": 0.5}
        ring: dict[str, Any] = {
            "linestyle": "",
            "marker": "o",
            "markersize": size,
            "markeredgecolor": "black",
            "markerfacecolor": "none",
        }
        dot = {"linestyle": "", "marker": "o", "markersize": 0.5 * size, **edge}
        if width < NARROWEST_MARKED:
            ring = {"color": "black", "linewidth": 3, "drawstyle": "steps-mid"}
            dot = {"linewidth": 1.2, "drawstyle": "steps-mid"}
        self.true_ = ax.plot(true, label="true", **ring)
        self.predicted_ = ax.plot(predicted, label="predicted", color=colour(4), **dot)
        cross = {"linestyle": "", "marker": "X", "markersize": 0.85 * size, **edge}
        (self.wrong_,) = ax.plot(
            differ, label="predicted, wrong", color=colour(1), **cross
        )
        n_classes = len(self.classes)
        ax.set_yticks(range(n_classes), [str(label) for label in self.classes])
        ax.set_ylim(-0.5, n_classes - 0.5)
        ax.set_ylabel("label")

    def _step_width(self, ax: Axes) -> float:
        """Of one timestep, in points."""
        return float(72 * ax.bbox.width / ax.figure.dpi / len(self.y_pred))

    def _draw_map(self, ax: Axes) -> Any:
        from matplotlib import colormaps
        from matplotlib.colors import ListedColormap

        proba = np.asarray(self.y_proba, dtype=float).T
        n_classes, n_timesteps = proba.shape
        cells = ax.pcolormesh(
            np.arange(n_timesteps + 1) - 0.5,
            np.arange(n_classes + 1) - 0.5,
            np.ma.masked_invalid(proba),
            cmap=ListedColormap(colormaps["Blues"](LIGHT)),
            vmin=0,
            vmax=1,
            edgecolors="white" if self._step_width(ax) >= NARROWEST_MARKED else "none",
            linewidth=0.5,
        )
        ax.figure.colorbar(cells, ax=ax, pad=0.01).set_label("probability")
        return cells

    def _draw_values(
        self, ax: Axes, true: NDArray[np.float64], predicted: NDArray[np.float64]
    ) -> None:
        """Values as lines; the true ones broad and pale below the predicted ones."""
        self.wrong_ = self.probabilities_ = None
        n_targets = predicted.shape[1]
        self.true_, self.predicted_ = [], []
        for k in range(n_targets):
            of_target = "" if n_targets == 1 else f" {k}"
            shade = "0.2" if n_targets == 1 else colour(k)
            self.true_ += ax.plot(
                true[:, k],
                color=shade,
                alpha=0.35,
                linewidth=4,
                label=f"true{of_target}",
            )
            self.predicted_ += ax.plot(
                predicted[:, k],
                color=colour(k),
                marker="." if self._step_width(ax) >= NARROWEST_MARKED else "",
                label=f"predicted{of_target}",
            )
        ax.set_ylabel("target")
        ax.grid(alpha=0.3)

    def _draw_padding(self, ax: Axes, stretches: NDArray[np.intp]) -> None:
        """Hatch the padded stretches."""
        self.padding_ = [
            ax.axvspan(begin - 0.5, end - 0.5, zorder=1.5, **PADDING_STYLE)
            for begin, end in stretches
        ]
        if self.padding_:
            self.padding_[0].set_label("padding")


@dataclass(frozen=True, eq=False)
class Predictions:
    """True and predicted labels or values at each timestep.

    Parameters
    ----------
    y_true : ndarray of shape (n_timesteps,) or (n_timesteps, n_targets)
    y_pred : ndarray of the same shape
        NaN at padded timesteps.
    classes : ndarray of shape (n_classes,) or None
        None if `y_true` holds values.
    y_proba : ndarray of shape (n_timesteps, n_classes) or None
    """

    y_true: NDArray[Any]
    y_pred: NDArray[Any]
    classes: NDArray[Any] | None
    y_proba: NDArray[Any] | None

    @classmethod
    def read(
        cls, y_true: object, y_pred: object, classes: object, y_proba: object
    ) -> Self:
        """Arrays whose shapes go together.

        Raises
        ------
        ValueError
            If they do not.
        """
        y_true, y_pred = (
            np.asarray(plain(y, name, "a display"))
            for name, y in (("y_true", y_true), ("y_pred", y_pred))
        )
        if y_true.shape != y_pred.shape or y_true.ndim not in (1, 2):
            raise ValueError(
                f"y_true has shape {y_true.shape}, y_pred {y_pred.shape}: both are of "
                "one sequence, (n_timesteps,) or (n_timesteps, n_targets). Give each "
                "timestep one target, padded ones included."
            )
        classes = None if classes is None else np.asarray(classes)
        if y_proba is not None:
            y_proba = np.asarray(y_proba)
            expected = (len(y_true), 0 if classes is None else len(classes))
            if y_proba.shape != expected:
                raise ValueError(
                    f"y_proba has shape {y_proba.shape}, but {expected[0]} timesteps "
                    f"and {expected[1]} classes need {expected}. Give the probability "
                    "of each class at each timestep, and the classes."
                )
        return cls(y_true, y_pred, classes, y_proba)

    @property
    def padded(self) -> NDArray[np.bool_]:
        """Which timesteps have no prediction, a number or a label."""
        missing = is_missing(np.asarray(self.y_pred))
        return np.asarray(missing.reshape(len(missing), -1).all(axis=1))

    def padded_stretches(self) -> NDArray[np.intp]:
        """First timestep of each padded stretch, and the one after its last."""
        # One False at either end, so that each stretch has a beginning and an end.
        padded = np.concatenate([[False], self.padded, [False]])
        return np.flatnonzero(padded[1:] != padded[:-1]).reshape(-1, 2)

    def numbers(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """True and predicted values, shape (n_timesteps, n_targets), NaN at padding."""
        padded = self.padded
        predicted = np.asarray(self.y_pred, dtype=float).reshape(len(padded), -1)
        true = np.asarray(self.y_true, dtype=float).reshape(predicted.shape).copy()
        true[padded] = np.nan
        return true, predicted

    def codes(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The places of true and predicted labels in `classes`, NaN at padding.

        Raises
        ------
        ValueError
            If a label is none of them.
        """
        return self._codes_of(self.y_true), self._codes_of(self.y_pred)

    def _codes_of(self, labels: NDArray[Any]) -> NDArray[np.float64]:
        padded, classes = self.padded, np.asarray(self.classes)
        # pandas' NA is equal to nothing, and not unequal either.
        labels = np.where(padded, classes[:1], np.asarray(labels))
        matches = labels[:, None] == classes[None]
        unknown = np.flatnonzero(~padded & ~matches.any(axis=1))
        if len(unknown):
            raise ValueError(
                f"The label {shown(labels[unknown[0]])} of timestep {unknown[0]} is "
                "not in "
                f"classes={shown(classes.tolist())}. Give labels that the estimator "
                "was fitted with."
            )
        return np.where(padded, np.nan, matches.argmax(axis=1))
