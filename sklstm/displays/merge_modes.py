"""What a search says about merge modes: MergeModeDisplay."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, is_classifier

from sklstm.base.messages import shown, unquoted
from sklstm.base.parameters import warn_caller
from sklstm.displays.style import Display, check_matplotlib
from sklstm.network.architecture import MERGE_MODES

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class MergeModeDisplay(Display):
    """The scores of a search by merge mode and units, and their spread over folds.

    Use :meth:`from_estimator` to make one of a fitted search.

    Parameters
    ----------
    merge_modes : list of str
        The merge modes that were searched.
    units : list of int or tuple of int
        The units that were searched, a tuple for stacked layers.
    scores : ndarray of shape (n_merge_modes, n_units, n_splits)
        The score in every fold, NaN where nothing was tried.
    score_name : str, default="score"
        What the scores are.
    finalists : ndarray of shape (n_merge_modes, n_units), bool, default=None
        Which of them the ring chooses from, where not all were trained alike: those in
        the last round of a halving search. None means all.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The Axes of the picture.
    figure_ : matplotlib Figure
        The figure of the Axes.
    errorbars_ : list of matplotlib ErrorbarContainer
        For each of `units`, mean and standard deviation by merge mode.
    folds_ : list of matplotlib Line2D
        For each of `units`, the scores of the single folds.
    best_ : matplotlib Line2D
        The ring around the best mean.

    See Also
    --------
    HistoryDisplay : How the estimators learnt.

    Examples
    --------
    >>> import numpy as np
    >>> from sklstm.displays import MergeModeDisplay
    >>> scores = np.array([[[0.8, 0.9], [0.9, 1.0]], [[0.7, 0.9], [0.8, 0.8]]])
    >>> display = MergeModeDisplay(
    ...     merge_modes=["concat", "sum"], units=[8, 16], scores=scores
    ... ).plot()
    >>> display.ax_.get_xlabel()
    'merge mode'
    """

    errorbars_: list[Any]
    folds_: list[Any]
    best_: Any

    def __init__(
        self,
        *,
        merge_modes: Sequence[str],
        units: Sequence[Any],
        scores: NDArray[Any],
        score_name: str = "score",
        finalists: NDArray[np.bool_] | None = None,
    ) -> None:
        self.merge_modes = merge_modes
        self.units = units
        self.scores = scores
        self.score_name = score_name
        self.finalists = finalists

    @classmethod
    def from_estimator(
        cls,
        search: object,
        *,
        metric: str | None = None,
        negate_score: bool = False,
        score_name: str | None = None,
        ax: Axes | None = None,
        errorbar_kw: dict[str, Any] | None = None,
    ) -> Self:
        """Draw what a search found.

        Parameters
        ----------
        search : GridSearchCV, RandomizedSearchCV or alike
            Fitted, over `merge_mode` and possibly `units`, of an estimator or of one
            inside a pipeline or ensemble. Where candidates differ in other parameters,
            too, the one with the best mean score stands for its merge mode and units.
            Those that read in one direction have nothing to merge and are left out,
            with a warning. Of a halving search each is drawn as in the last round that
            it reached.
        metric : str, default=None
            Which of several scores to draw. None is the only one, or the one of
            `refit`.
        negate_score : bool, default=False
            Whether to change the sign, for scores such as "neg_log_loss".
        score_name : str, default=None
            What to call the score. None takes the name from the search.
        ax, errorbar_kw
            As in :meth:`plot`.

        Returns
        -------
        MergeModeDisplay

        Raises
        ------
        ValueError
            If the search is not fitted, did not search `merge_mode` of networks of two
            directions, has no such metric, or no fit of it succeeded.
        ImportError
            If matplotlib is not installed.
        """
        check_matplotlib(f"{cls.__name__}.from_estimator")
        metric = check_metric(search, metric)
        merge_modes, units, scores, finalists = scores_by_cell(search, metric)
        if score_name is None:
            score_name = name_of_score(search, metric, negate_score)
        display = cls(
            merge_modes=merge_modes,
            units=units,
            scores=-scores if negate_score else scores,
            score_name=score_name,
            finalists=finalists,
        )
        # The best candidate of the search has the lowest of negated scores.
        return display.plot(ax, lower_is_better=negate_score, errorbar_kw=errorbar_kw)

    def plot(
        self,
        ax: Axes | None = None,
        *,
        lower_is_better: bool = False,
        errorbar_kw: dict[str, Any] | None = None,
    ) -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw. None makes a figure.
        lower_is_better : bool, default=False
            Whether the ring marks the lowest mean instead of the highest.
        errorbar_kw : dict, default=None
            For matplotlib's `Axes.errorbar`.

        Returns
        -------
        MergeModeDisplay
            Itself.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        mean = self.scores.mean(axis=2)
        if np.isnan(mean).all():
            raise ValueError(
                "There is no score to draw: all fits of the search failed in some "
                "fold. Refit it with error_score='raise' to see why."
            )
        ax = self._take(ax, (6.4, 4.2))
        self._draw_units(ax, errorbar_kw or {})
        self._draw_best(ax, mean, lower_is_better)
        self._label(ax)
        return self

    def _draw_units(self, ax: Axes, errorbar_kw: dict[str, Any]) -> None:
        """Mean and deviation of each number of units, and the single folds."""
        from matplotlib import colormaps

        n_modes, n_units, n_splits = self.scores.shape
        # Units are ordered, so their colours are; the palest yellows are left out.
        colours = colormaps["viridis"](np.linspace(0, 0.8, n_units))
        self.errorbars_, self.folds_ = [], []
        for k, offset in enumerate(self._offsets()):
            x, scores = np.arange(n_modes) + offset, self.scores[:, k]
            style: dict[str, Any] = {"fmt": "o", "capsize": 4, "color": colours[k]}
            style |= {"label": _units_label(self.units[k]), **errorbar_kw}
            self.errorbars_.append(
                ax.errorbar(x, scores.mean(axis=1), scores.std(axis=1), **style)
            )
            self.folds_ += ax.plot(
                np.repeat(x, n_splits),
                scores.ravel(),
                ".",
                color=colours[k],
                alpha=0.4,
                zorder=1,
            )

    def _offsets(self) -> NDArray[np.float64]:
        """Where the units stand beside the place of their merge mode."""
        n_units = len(self.units)
        return (np.arange(n_units) - (n_units - 1) / 2) * 0.7 / max(n_units, 2)

    def _draw_best(self, ax: Axes, mean: NDArray[Any], lower_is_better: bool) -> None:
        """The ring around the best mean."""
        eligible = mean
        if self.finalists is not None and not np.isnan(mean[self.finalists]).all():
            eligible = np.where(self.finalists, mean, np.nan)
        at = (np.nanargmin if lower_is_better else np.nanargmax)(eligible)
        mode, best = np.unravel_index(at, mean.shape)
        (self.best_,) = ax.plot(
            mode + self._offsets()[best],
            mean[mode, best],
            "o",
            markersize=13,
            markerfacecolor="none",
            markeredgecolor="black",
            label="best",
        )

    def _label(self, ax: Axes) -> None:
        n_modes, n_units, n_splits = self.scores.shape
        ax.set_xticks(range(n_modes), self.merge_modes)
        ax.set_xlim(-0.5, n_modes - 0.5)
        ax.set(xlabel="merge mode")
        ax.set_ylabel(f"{self.score_name}\nmean ± std of {n_splits} folds")
        ax.grid(axis="y", alpha=0.3)
        ax.legend(
            handles=[*self.errorbars_, self.best_],
            title="units",
            loc="lower center",
            bbox_to_anchor=(0.5, 1.0),
            ncols=min(n_units + 1, 6),
            frameon=False,
        )


def _units_label(units: object) -> str:
    return ", ".join(map(str, as_layers(as_key(units))))


BOTH = "bidirectional"

# Names of a search's default score.
ACCURACY, R2 = "accuracy", "R²"


def check_metric(search: BaseEstimator, metric: str | None) -> str:
    """The name behind ``mean_test_`` in the results.

    Raises
    ------
    ValueError
        If the search is not fitted, or has no such metric.
    """
    if not hasattr(search, "cv_results_"):
        raise ValueError(
            f"{type(search).__name__} has no cv_results_. Give a GridSearchCV, a "
            "RandomizedSearchCV or alike, after its fit."
        )
    found = [
        key.removeprefix("mean_test_")
        for key in search.cv_results_
        if key.startswith("mean_test_")
    ]
    if metric is None and len(found) == 1:
        return found[0]
    if metric is None and isinstance(search.refit, str):
        return search.refit
    if metric not in found:
        raise ValueError(
            f"metric={shown(metric)} is not in the search, which has "
            f"{', '.join(map(unquoted, found))}. Choose one of them."
        )
    return str(metric)


def scores_by_cell(
    search: BaseEstimator, metric: str
) -> tuple[list[str], list[Any], NDArray[np.float64], NDArray[np.bool_]]:
    """What stands for each merge mode and number of units.

    Returns
    -------
    merge_modes : list of str
    units : list of int or tuple of int
    scores : ndarray of shape (n_merge_modes, n_units, n_splits)
        Of the best candidate in each fold, NaN where nothing was tried.
    finalists : ndarray of shape (n_merge_modes, n_units), bool
        What reached the last round of a halving search, otherwise all.

    Raises
    ------
    ValueError
        If it did not search one `merge_mode`, of networks of two directions.
    """
    candidates = search.cv_results_["params"]
    key = _merge_mode_key(search)
    units_key = f"{key.removesuffix('merge_mode')}units"
    default = search.estimator.get_params().get(units_key)
    cells = [
        (params[key] if merges else None, as_key(params.get(units_key, default)))
        for params, merges in zip(candidates, _which_merge(search, key), strict=True)
    ]
    merge_modes = [m for m in MERGE_MODES if any(mode == m for mode, _ in cells)]
    # Candidates of a grid without merge_mode are of networks that merge nothing.
    units = sorted({n for mode, n in cells if mode is not None}, key=as_layers)
    splits = [f"split{k}_test_{metric}" for k in range(search.n_splits_)]
    folds = np.column_stack([search.cv_results_[split] for split in splits])
    scores = np.full((len(merge_modes), len(units), len(splits)), np.nan)
    reached = np.zeros(scores.shape[:2], dtype=int)
    rounds = search.cv_results_.get("iter", np.zeros(len(cells), dtype=int))
    for (mode, n), of_candidate, round_ in zip(cells, folds, rounds, strict=True):
        if mode is None:
            continue
        place = merge_modes.index(mode), units.index(n)
        mean = scores[place].mean()
        better = np.isnan(mean) or of_candidate.mean() > mean
        if round_ > reached[place] or (round_ == reached[place] and better):
            scores[place], reached[place] = of_candidate, round_
    return merge_modes, units, scores, reached == reached.max()


def _merge_mode_key(search: BaseEstimator) -> str:
    """The name of the parameter in the search, such as ``bilstmclassifier__...``."""
    searched = {key: None for params in search.cv_results_["params"] for key in params}
    found = [key for key in searched if key.split("__")[-1] == "merge_mode"]
    if len(found) == 1:
        return found[0]
    if found:
        raise ValueError(
            "The search varied several merge modes: "
            f"{', '.join(map(unquoted, found))}. A picture shows one: search them one "
            "after the other."
        )
    known = [
        key
        for key in search.estimator.get_params()
        if key.split("__")[-1] == "merge_mode"
    ]
    repair = f" Add {shown(known[0])}: {list(MERGE_MODES)} to it." if known else ""
    raise ValueError(
        f"The search did not vary merge_mode, only {', '.join(searched) or 'nothing'}."
        f"{repair}"
    )


def _which_merge(search: BaseEstimator, key: str) -> NDArray[np.bool_]:
    """Which candidates merge two directions by a mode that was searched."""
    candidates = search.cv_results_["params"]
    direction = f"{key.removesuffix('merge_mode')}direction"
    default = search.estimator.get_params().get(direction, BOTH)
    searched = np.array([key in params for params in candidates])
    both = np.array([params.get(direction, default) == BOTH for params in candidates])
    n_idle = np.count_nonzero(searched & ~both)
    if not (searched & both).any():
        raise ValueError(
            "All candidates of the search with a merge_mode read in one direction, on "
            f"which it has no effect. Search it with {direction}={BOTH!r}."
        )
    if n_idle:
        warn_caller(
            f"{n_idle} of {len(candidates)} candidates read in one direction, on which "
            "merge_mode has no effect. They are left out, and the ring is around the "
            "best of the others.",
            UserWarning,
        )
    return searched & both


def as_key(units: object) -> Any:
    return tuple(units) if isinstance(units, (list, tuple)) else units


def as_layers(units: object) -> tuple[Any, ...]:
    return units if isinstance(units, tuple) else (units,)


def name_of_score(search: BaseEstimator, metric: str, negate_score: bool) -> str:
    """In words: of the scorer if it has a name, else of the metric."""
    name = metric
    if metric == "score":
        if isinstance(search.scoring, str):
            name = search.scoring
        elif search.scoring is None:
            name = ACCURACY if is_classifier(search.estimator) else R2
    if negate_score:
        name = name.removeprefix("neg_")
    elif name.startswith("neg_"):
        name = f"negative {name.removeprefix('neg_')}"
    return name.replace("_", " ")
