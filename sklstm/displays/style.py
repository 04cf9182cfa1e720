"""What all displays share: Axes, and colours that the colour-blind can tell apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito's palette without its yellow, which is hard to see on white.
COLOURS = (
    "#0072B2",
    "#D55E00",
    "#009E73",
    "#CC79A7",
    "#E69F00",
    "#56B4E9",
    "#000000",
)

PADDING_STYLE: dict[str, Any] = {
    "facecolor": "0.95",
    "edgecolor": "0.7",
    "hatch": "////",
    "linewidth": 0,
}


class Display:
    """A picture: `plot` draws it, sets the attributes, and returns the display."""

    ax_: Axes
    figure_: Figure

    def _take(self, ax: Axes | None, figsize: tuple[float, float]) -> Axes:
        """Draw in the Axes that are given, or in those of a new figure."""
        check_matplotlib(f"{type(self).__name__}.plot")
        self.ax_ = axes_or_new(ax, figsize)
        self.figure_ = self.ax_.figure  # type: ignore[assignment]
        return self.ax_


def colour(k: int) -> str:
    """The k-th colour; they come again after the last."""
    return COLOURS[k % len(COLOURS)]


def check_matplotlib(caller: str) -> None:
    """Say which extra to install.

    Raises
    ------
    ImportError
        If there is no matplotlib.
    """
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise ImportError(
            f"{caller} requires matplotlib. Install it with pip install 'sklstm[plot]'."
        ) from error


def count_from_whole_numbers(ax: Axes) -> None:
    """Ticks of epochs and timesteps, of which there are no halves."""
    from matplotlib.ticker import MaxNLocator

    locator = MaxNLocator(steps=[1, 2, 5, 10], integer=True, min_n_ticks=1)
    ax.xaxis.set_major_locator(locator)


def refuse_none(caller: str, instead: str, **given: object) -> None:
    """Say what is missing, and what to give.

    Raises
    ------
    ValueError
        If one of `given` is None.
    """
    for name, value in given.items():
        if value is None:
            raise ValueError(f"{caller} needs {name}, and got None. {instead}")


def axes_or_new(ax: Axes | None, figsize: tuple[float, float]) -> Axes:
    """The Axes that are given, or those of a new figure."""
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    _, ax = plt.subplots(figsize=figsize, layout="constrained")
    return ax
