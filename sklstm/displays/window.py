"""Where the cells of a window come from: WindowDisplay."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from sklstm.displays.origins import (
    Origins,
    origins_of_series,
    origins_of_transformer,
)
from sklstm.displays.style import (
    PADDING_STYLE,
    Display,
    check_matplotlib,
    colour,
    refuse_none,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Rows of the table that are shown around those that the window uses.
ROWS_AROUND = 1

# In cells: the gap between table and window, what is written beside the window, and
# what is written below.
GAP, MARGIN, BELOW = 2.0, 1.6, 1.6

# At most so many names of rows, columns and timesteps are written.
MOST_NAMES = 30

SMALLEST_FONT, LARGEST_FONT = 6.0, 9.0


class WindowDisplay(Display):
    """How the rows of a table become a window: which cell goes to which timestep.

    On the left the table, on the right one window of shape (n_timesteps, n_features).
    A cell has the same colour in both, one colour for each timestep. In the table a
    cell says to which timestep it goes, in the window from which row it comes, or from
    which column if all come from one row. Padding is hatched.

    Use :meth:`from_estimator` or :meth:`from_series` to make one.

    Parameters
    ----------
    origins : sklstm.displays.origins.Origins
        Where the cells of the window come from, as numbers of rows and columns.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The Axes of the picture.
    figure_ : matplotlib Figure
        The figure of the Axes.
    table_ : matplotlib QuadMesh
        The cells of the table, from the first row that is shown.
    window_ : matplotlib QuadMesh
        The cells of the window.
    padding_ : list of matplotlib Rectangle
        What of the window does not come from the table.
    targets_ : list of matplotlib Rectangle
        Outlines of the target's cells: in the table, and beside the window.
    texts_ : dict of tuple to matplotlib Text
        What stands in the cells: ``("table", row, column)``, ``("window", timestep,
        feature)`` or ``("target", step, column)``. Empty if the cells are too small.

    Examples
    --------
    >>> import numpy as np
    >>> from sklstm import SlidingWindows
    >>> from sklstm.displays import WindowDisplay
    >>> X = np.zeros((6, 2))
    >>> display = WindowDisplay.from_estimator(SlidingWindows(3), X, sample=4)
    >>> display.origins.rows[:, 0]
    array([2, 3, 4])
    """

    table_: Any
    window_: Any
    padding_: list[Any]
    targets_: list[Any]
    texts_: dict[tuple[str, int, int], Any]

    def __init__(self, origins: Origins) -> None:
        self.origins = origins

    @classmethod
    def from_estimator(
        cls, transformer: object, X: object, *, sample: int = -1, ax: Axes | None = None
    ) -> Self:
        """Draw what a transformer does to a table.

        Parameters
        ----------
        transformer : SlidingWindows or SequenceReshaper
            It need not be fitted: a copy is, on X.
        X : array-like of shape (n_samples, n_columns)
            The table.
        sample : int, default=-1
            Which window to draw, counted from 0; -1 is the last.
        ax : matplotlib Axes, default=None
            Where to draw. None makes a figure.

        Returns
        -------
        WindowDisplay

        Raises
        ------
        ValueError
            If there is no such window, or the transformer refuses X.
        TypeError
            If it is another transformer.
        ImportError
            If matplotlib is not installed.
        """
        check_matplotlib(f"{cls.__name__}.from_estimator")
        refuse_none(f"{cls.__name__}.from_estimator", "Give the table.", X=X)
        return cls(origins_of_transformer(transformer, X, sample)).plot(ax)

    @classmethod
    def from_series(
        cls,
        series: object,
        n_timesteps: int,
        *,
        horizon: int = 1,
        target: str | int | None = None,
        stride: int = 1,
        groups: object = None,
        time: object = None,
        sample: int = -1,
        ax: Axes | None = None,
    ) -> Self:
        """Draw what :func:`~sklstm.make_windows` does, with its targets.

        Parameters
        ----------
        series, n_timesteps, horizon, target, stride, groups, time
            As in :func:`~sklstm.make_windows`.
        sample : int, default=-1
            Which window to draw, counted from 0; -1 is the last.
        ax : matplotlib Axes, default=None
            Where to draw. None makes a figure.

        Returns
        -------
        WindowDisplay

        Raises
        ------
        ValueError
            If there is no such window, or as `make_windows`.
        ImportError
            If matplotlib is not installed.
        """
        check_matplotlib(f"{cls.__name__}.from_series")
        origins = origins_of_series(
            series,
            n_timesteps,
            horizon=horizon,
            target=target,
            stride=stride,
            groups=groups,
            time=time,
            sample=sample,
        )
        return cls(origins).plot(ax)

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw. None makes a figure.

        Returns
        -------
        WindowDisplay
            Itself.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        origins = self.origins
        n_timesteps, n_features = origins.rows.shape
        self._first, end = origins.shown(ROWS_AROUND)
        self._left = len(origins.column_names) + GAP
        self._right = self._left + n_features + MARGIN
        width = self._right + origins.target_rows.shape[1]
        height = max(end - self._first, n_timesteps) + BELOW
        size = np.clip([0.62 * width, 0.36 * height + 0.6], [5, 2], [16, 14])
        ax = self._take(ax, (float(size[0]), float(size[1])))
        from matplotlib import colormaps

        self._fontsize = self._fitting(ax, width, height)
        self.texts_, self.padding_, self.targets_ = {}, [], []
        # Without the darkest shades, on which black could not be read.
        shades = colormaps["viridis"](np.linspace(0.5, 1, n_timesteps))
        self._draw_table(ax, shades, end)
        self._draw_window(ax, shades)
        self._draw_targets(ax)
        self._name_all(ax, end)
        ax.set_xlim(-0.05, width)
        ax.set_ylim(height, -0.05)
        return self

    def _fitting(self, ax: Axes, width: float, height: float) -> float:
        """The size of text that fits into a cell, 0 if it would be too small."""
        longest = len(str(self.origins.n_rows))
        if self.origins.from_one_row:
            longest = max(map(len, self.origins.column_names))
        cell = 72 * np.array([ax.bbox.width / width, ax.bbox.height / height])
        points = np.append(
            cell / ax.figure.dpi / [0.7 * max(longest, 3), 1.4], LARGEST_FONT
        )
        smallest = float(points.min())
        return smallest if smallest >= SMALLEST_FONT else 0.0

    def _draw_table(self, ax: Axes, shades: NDArray[Any], end: int) -> None:
        origins = self.origins
        n_columns = len(origins.column_names)
        cells = np.ones((end - self._first, n_columns, 4))
        used = origins.rows >= 0
        rows, columns = origins.rows[used] - self._first, origins.columns[used]
        timesteps = np.nonzero(used)[0]
        cells[rows, columns] = shades[timesteps]
        self.table_ = _mesh(ax, cells, 0)
        for row, column, timestep in zip(rows, columns, timesteps, strict=True):
            place = ("table", int(row) + self._first, int(column))
            self._write(ax, place, column, row, str(timestep))

    def _draw_window(self, ax: Axes, shades: NDArray[Any]) -> None:
        origins = self.origins
        n_timesteps, n_features = origins.rows.shape
        cells = np.repeat(shades[:, None], n_features, axis=1)
        cells[origins.rows < 0] = 1
        self.window_ = _mesh(ax, cells, self._left)
        for timestep in range(n_timesteps):
            rows, columns = origins.rows[timestep], origins.columns[timestep]
            # A timestep that has only some of its columns is filled up with 0.
            wanting = "NaN" if (rows < 0).all() else "0"
            for k, (row, column) in enumerate(zip(rows, columns, strict=True)):
                said = str(row)
                if row < 0:
                    said = wanting
                    corner = (self._left + k, timestep)
                    self.padding_.append(_box(ax, corner, **PADDING_STYLE))
                elif origins.from_one_row:
                    said = origins.column_names[column]
                place = ("window", timestep, k)
                self._write(ax, place, self._left + k, timestep, said)

    def _draw_targets(self, ax: Axes) -> None:
        """Outline what is to be forecast, and show it beside the window."""
        style = {"fill": False, "edgecolor": colour(1), "linewidth": 2, "zorder": 3}
        rows, columns = self.origins.target_rows, self.origins.target_columns
        for (step, k), row in np.ndenumerate(rows):
            in_table = int(columns[step, k]), int(row) - self._first
            beside = self._right + k - 0.1, step
            for corner in (in_table, beside):
                self.targets_.append(_box(ax, corner, **style))
            self._write(ax, ("target", step, k), *beside, str(row))

    def _write(
        self, ax: Axes, place: tuple[str, int, int], x: float, y: float, said: str
    ) -> None:
        if self._fontsize:
            self.texts_[place] = ax.text(
                x + 0.5, y + 0.5, said, ha="center", va="center", size=self._fontsize
            )

    def _name_all(self, ax: Axes, end: int) -> None:
        """Rows on the left, columns and features above, timesteps on the right."""
        origins = self.origins
        n_timesteps, n_features = origins.rows.shape
        rows = _ticks(end - self._first)
        ax.set_yticks(rows + 0.5, [origins.row_name(self._first + k) for k in rows])
        columns, features = _ticks(len(origins.column_names)), _ticks(n_features)
        names = [origins.column_names[k] for k in columns]
        names += [origins.feature_names[k] for k in features]
        places = [*(columns + 0.5), *(features + self._left + 0.5)]
        n_targets = origins.target_rows.shape[1]
        if n_targets:
            names.append("y")
            places.append(self._right - 0.1 + n_targets / 2)
        rotation = 90 if max(map(len, names)) > 4 else 0
        ax.set_xticks(places, names, rotation=rotation)
        ax.xaxis.tick_top()
        ax.tick_params(length=0, labelsize=LARGEST_FONT)
        ax.spines[:].set_visible(False)
        right = self._left + n_features + 0.15
        for k in _ticks(n_timesteps):
            ax.text(right, k + 0.5, f"step {k}", va="center", size=LARGEST_FONT)
        ax.annotate(
            "",
            (self._left - 0.3, n_timesteps / 2),
            (self._left - GAP + 0.3, n_timesteps / 2),
            arrowprops={"arrowstyle": "->", "color": "0.3"},
        )
        shown = f"rows {self._first} to {end - 1} of {origins.n_rows}"
        comes_from = "column" if origins.from_one_row else "row"
        captions = {
            (0.0, end - self._first): f"{shown}\n(each cell: its timestep)",
            (
                self._left,
                n_timesteps,
            ): f"window {origins.sample}\n(each cell: its {comes_from})",
        }
        for (x, below), caption in captions.items():
            if not self._fontsize:
                caption = caption.partition("\n")[0]
            ax.text(x, below + 0.2, caption, va="top", size=LARGEST_FONT)


def _mesh(ax: Axes, cells: NDArray[Any], left: float) -> Any:
    """Coloured cells of size 1, the first row at the top."""
    n_rows, n_columns = cells.shape[:2]
    return ax.pcolormesh(
        left + np.arange(n_columns + 1),
        np.arange(n_rows + 1),
        cells,
        edgecolors="0.7",
        linewidth=0.5,
    )


def _box(ax: Axes, corner: tuple[float, float], **style: Any) -> Any:
    from matplotlib.patches import Rectangle

    return ax.add_patch(Rectangle(corner, 1, 1, **style))


def _ticks(n: int) -> NDArray[np.intp]:
    """Numbers from 0, evenly spaced if there are too many to name them all."""
    return np.arange(0, n, -(-n // MOST_NAMES))
