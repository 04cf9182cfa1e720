"""How estimators learnt: HistoryDisplay."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Integral
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline

from sklstm.base.messages import shown, unquoted
from sklstm.base.parameters import Interval, validated
from sklstm.displays.style import (
    Display,
    check_matplotlib,
    colour,
    count_from_whole_numbers,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D


History = Mapping[str, Sequence[float]]

# Fewer epochs are drawn with a marker each: a single one would be invisible.
MOST_MARKERS = 30


class HistoryDisplay(Display):
    """Loss and metrics by epoch, of one or several estimators.

    Use :meth:`from_estimator` or :meth:`from_estimators` to make one.

    Parameters
    ----------
    histories : dict of str to list of dict
        For each name to compare, the `history_` of one or more runs. Several runs are
        drawn as their mean, with a band of one standard deviation around it.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The Axes of the first metric.
    axes_ : ndarray of shape (n_metrics,)
        The Axes of all metrics.
    figure_ : matplotlib Figure
        The figure of the Axes.
    lines_ : dict of str to dict of str to matplotlib Line2D
        By name, then by entry of the history: ``lines_[name]["val_loss"]``.
    bands_ : dict of str to dict of str to matplotlib PolyCollection
        The same for the bands, where there are several runs.

    See Also
    --------
    MergeModeDisplay : The scores of a search.

    Examples
    --------
    >>> from sklstm import BiLSTMClassifier
    >>> from sklstm.datasets import make_unequal_lengths
    >>> from sklstm.displays import HistoryDisplay
    >>> X, y = make_unequal_lengths(50, random_state=0)
    >>> model = BiLSTMClassifier(units=2, epochs=3, random_state=0).fit(X, y)
    >>> display = HistoryDisplay.from_estimator(model)
    >>> [ax.get_ylabel() for ax in display.axes_]
    ['loss', 'accuracy']
    """

    axes_: NDArray[Any]
    lines_: dict[str, dict[str, Line2D]]
    bands_: dict[str, dict[str, Any]]

    def __init__(self, histories: Mapping[str, Sequence[History]]) -> None:
        self.histories = histories

    @classmethod
    def from_estimator(
        cls,
        estimator: BaseEstimator,
        *,
        name: str | None = None,
        metrics: str | Sequence[str] | None = None,
        smoothing: int = 1,
        ax: object = None,
        line_kw: dict[str, Any] | None = None,
    ) -> Self:
        """Draw how one estimator learnt.

        Parameters
        ----------
        estimator : estimator
            Fitted. A pipeline that ends in one, or a search, will do.
        name : str, default=None
            Its name in the legend. None is the name of its class.
        metrics, smoothing, ax, line_kw
            As in :meth:`plot`.

        Returns
        -------
        HistoryDisplay

        Raises
        ------
        ValueError
            If the estimator has no `history_`.
        ImportError
            If matplotlib is not installed.
        """
        check_matplotlib(f"{cls.__name__}.from_estimator")
        network = find_network(estimator)
        name = type(network).__name__ if name is None else name
        display = cls({name: [network.history_]})
        return display.plot(ax, metrics=metrics, smoothing=smoothing, line_kw=line_kw)

    @classmethod
    def from_estimators(
        cls,
        estimators: Any,
        *,
        metrics: str | Sequence[str] | None = None,
        smoothing: int = 1,
        ax: object = None,
        line_kw: dict[str, Any] | None = None,
    ) -> Self:
        """Draw how several estimators learnt, in the same Axes.

        Parameters
        ----------
        estimators : list of estimators, or dict of str to estimator or list of them
            Fitted, as in :meth:`from_estimator`. In a list, they are named by the
            parameters in which they differ. In a dict, by its keys; a list of
            estimators under one key, such as one estimator per seed, is drawn as its
            mean and a band of one standard deviation around it.
        metrics, smoothing, ax, line_kw
            As in :meth:`plot`.

        Returns
        -------
        HistoryDisplay

        Raises
        ------
        ValueError
            If there are no estimators, or one has no `history_`.
        ImportError
            If matplotlib is not installed.
        """
        check_matplotlib(f"{cls.__name__}.from_estimators")
        if not isinstance(estimators, Mapping):
            networks = [find_network(estimator) for estimator in estimators]
            estimators = dict(zip(names_of(networks), networks, strict=True))
        histories: dict[str, list[History]] = {}
        for name, runs in estimators.items():
            runs = runs if isinstance(runs, (list, tuple)) else [runs]
            histories[name] = [find_network(run).history_ for run in runs]
        if not histories or not all(histories.values()):
            raise ValueError(
                f"No estimator came: estimators={shown(estimators)}. Give a list of "
                "fitted estimators, or a dict of them by name."
            )
        display = cls(histories)
        return display.plot(ax, metrics=metrics, smoothing=smoothing, line_kw=line_kw)

    @validated({"smoothing": [Interval(Integral, 1, None, closed="left")]})
    def plot(
        self,
        ax: Any = None,
        *,
        metrics: str | Sequence[str] | None = None,
        smoothing: int = 1,
        line_kw: dict[str, Any] | None = None,
    ) -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes or sequence of them, default=None
            Where to draw, one for each metric. None makes a figure.
        metrics : str or list of str, default=None
            What to draw of the histories: "loss", "accuracy", ... None is all of it,
            each metric in Axes of its own; if `ax` is a single one, only the loss.
        smoothing : int, default=1
            Draw the mean of so many epochs, up to and with each. For training on new
            data every epoch, where the loss depends on what was drawn.
        line_kw : dict, default=None
            For matplotlib's `Axes.plot`.

        Returns
        -------
        HistoryDisplay
            Itself.

        Raises
        ------
        ValueError
            If the histories have no such metric, there is not one Axes for each, or
            `smoothing` is no number of epochs.
        ImportError
            If matplotlib is not installed.
        """
        check_matplotlib(f"{type(self).__name__}.plot")
        import matplotlib.pyplot as plt

        chosen = self._chosen(metrics, alone=ax is not None and np.ndim(ax) == 0)
        if ax is None:
            size = (5.2 * len(chosen), 3.8)
            _, ax = plt.subplots(1, len(chosen), figsize=size, layout="constrained")
        self.axes_ = np.atleast_1d(np.asarray(ax, dtype=object)).ravel()
        if len(self.axes_) != len(chosen):
            raise ValueError(
                f"{len(self.axes_)} Axes came for {len(chosen)} metrics: "
                f"{', '.join(map(unquoted, chosen))}. Give one for each, or choose "
                "with metrics=."
            )
        self.ax_ = self.axes_[0]
        self.figure_ = self.ax_.figure  # type: ignore[assignment]
        self.lines_ = {name: {} for name in self.histories}
        self.bands_ = {name: {} for name in self.histories}
        for ax, metric in zip(self.axes_, chosen, strict=True):
            for k, name in enumerate(self.histories):
                style = {"color": colour(k), **(line_kw or {})}
                for key, linestyle in ((metric, "-"), (f"val_{metric}", "--")):
                    self._draw(
                        ax, name, key, smoothing, {**style, "linestyle": linestyle}
                    )
            ax.set(xlabel="epoch", ylabel=metric.replace("_", " "))
            count_from_whole_numbers(ax)
            ax.grid(alpha=0.3)
        self._add_legend()
        return self

    def _chosen(self, metrics: str | Sequence[str] | None, *, alone: bool) -> list[str]:
        known = {
            key: None
            for runs in self.histories.values()
            for run in runs
            for key in run
            if not key.startswith("val_")
        }
        if metrics is None:
            # The loss is what is trained: it comes first, wherever Keras logs it.
            found = sorted(known, key=lambda key: key != "loss")
            return found[:1] if alone else found
        chosen = [metrics] if isinstance(metrics, str) else list(metrics)
        unknown = [metric for metric in chosen if metric not in known]
        if unknown or not chosen:
            raise ValueError(
                f"metrics={shown(metrics)} is not in the histories, which have "
                f"{', '.join(map(unquoted, known))}. Validation is drawn along with "
                "each."
            )
        return chosen

    def _draw(
        self, ax: Axes, name: str, key: str, smoothing: int, style: dict[str, Any]
    ) -> None:
        runs = [run[key] for run in self.histories[name] if key in run]
        if not runs:
            return
        values = np.full((len(runs), max(map(len, runs))), np.nan)
        for row, run in zip(values, runs, strict=True):
            row[: len(run)] = _smoothed(run, smoothing)
        # Early stopping ends runs at different epochs: the mean is of those that go on.
        known = np.ma.masked_invalid(values)
        mean = known.mean(axis=0).filled(np.nan)
        epochs = np.arange(1, len(mean) + 1)
        if len(mean) <= MOST_MARKERS:
            style = {"marker": ".", **style}
        (self.lines_[name][key],) = ax.plot(epochs, mean, **style)
        if len(runs) > 1:
            spread = known.std(axis=0).filled(0)
            self.bands_[name][key] = ax.fill_between(
                epochs,
                mean - spread,
                mean + spread,
                color=self.lines_[name][key].get_color(),
                alpha=0.2,
                linewidth=0,
            )

    def _add_legend(self) -> None:
        """Names, and what is dashed; the only name stands above that."""
        from matplotlib.lines import Line2D

        metric = str(self.ax_.get_ylabel()).replace(" ", "_")
        validated = any(f"val_{metric}" in lines for lines in self.lines_.values())
        kinds: dict[str, Any] = {"training": "-", "validation": "--"}
        shared, title = "0.4", None
        handles, labels = [], []
        if len(self.lines_) > 1 or not validated:
            for name, lines in self.lines_.items():
                if lines:
                    handles.append(next(iter(lines.values())))
                    labels.append(name)
        else:
            ((title, lines),) = self.lines_.items()
            shared = lines[metric].get_color()  # type: ignore[assignment]
        for kind, linestyle in kinds.items() if validated else ():
            handles.append(Line2D([], [], color=shared, linestyle=linestyle))
            labels.append(kind)
        self.ax_.legend(handles, labels, title=title)


def _smoothed(run: Sequence[float], n_epochs: int) -> NDArray[np.float64]:
    """Mean of the last `n_epochs` values, or of as many as there were."""
    sums = np.convolve(run, np.ones(n_epochs))[: len(run)]
    return sums / np.minimum(np.arange(len(run)) + 1, n_epochs)


# They change nothing that a reader wants to tell estimators apart by.
NOT_NAMED = {"random_state", "verbose", "callbacks", "warm_start"}


def find_network(estimator: BaseEstimator) -> Any:
    """The estimator with a `history_`, in a pipeline, a search or an ensemble.

    Raises
    ------
    ValueError
        If there is none.
    """
    found = estimator
    while not isinstance(getattr(found, "history_", None), Mapping):
        if isinstance(found, Pipeline):
            found = found[-1]
            continue
        for attribute in ("best_estimator_", "estimator_", "regressor_"):
            if hasattr(found, attribute):
                found = getattr(found, attribute)
                break
        else:
            raise ValueError(
                f"{type(estimator).__name__} has no history_. Give a fitted estimator "
                "of sklstm, a pipeline that ends in one, or a search with refit=True."
            )
    return found


def names_of(networks: Sequence[Any]) -> list[str]:
    """Short names: the class if it differs, and the parameters that do."""
    kinds = [type(network).__name__ for network in networks]
    params = [network.get_params(deep=False) for network in networks]
    shared = set.intersection(*map(set, params)) - NOT_NAMED if params else set()
    varied = [
        key
        for key in (params[0] if params else ())
        if key in shared and len({repr(given[key]) for given in params}) > 1
    ]
    names = []
    for kind, given in zip(kinds, params, strict=True):
        parts = [f"{key}={given[key]!r}" for key in varied]
        if len(set(kinds)) > 1 or not parts:
            parts.insert(0, kind)
        names.append(", ".join(parts))
    return [
        name if names.count(name) == 1 else f"{name} ({names[: k + 1].count(name)})"
        for k, name in enumerate(names)
    ]
