"""The picture of README, for light and for dark pages.

On the left the forecasts of examples/plot_series.py, which it runs. On the right
accuracy.csv, the tables that benchmarks/accuracy.py printed.
"""

import runpy
from pathlib import Path

import matplotlib

matplotlib.use("agg")
import matplotlib.pyplot as plt
import pandas as pd

DOCS = Path(__file__).parent
STATIC = DOCS / "_static"
INK = {"light": "#1f2328", "dark": "#d1d7e0"}  # GitHub's
GREY, BLUE, PINK = "#999999", "#3b8fd0", "#cc79a7"
ORANGE, YELLOW = "#e07b00", "#c9a400"
CONTENDERS = {
    "sklstm, for series": ("sklstm, three steps in front", ORANGE),
    "sklstm": ("sklstm", YELLOW),
    "sktime GRU": ("sktime's GRU", BLUE),
    "skorch, torch BiLSTM": ("torch's BiLSTM, by skorch", PINK),
}


def draw_series(ax, example):
    """What was forecast 20 steps before, and what came true."""
    steps = slice(0, 200)
    ax.plot(example["y_later"][steps, -1], color=GREY, linewidth=5, label="true")
    for name, color in {"linear model": BLUE, "network": ORANGE}.items():
        forecast = example["forecasts"][name][steps, -1]
        ax.plot(forecast, color=color, label=name)
    ax.set(title="a series, forecast 20 steps ahead", xlabel="step", ylim=(0.3, 1.6))
    ax.legend(loc="upper center", ncols=3, frameon=False)


def draw_accuracy(ax, figures):
    """A row for every problem, a point for every contender."""
    problems = list(figures["problem"].unique())[::-1]
    for place, (contender, (label, color)) in enumerate(CONTENDERS.items()):
        rows = figures[figures["contender"] == contender]
        heights = [
            problems.index(name) - 0.19 * (place - 1.5) for name in rows["problem"]
        ]
        style = {"fmt": "o", "color": color, "label": label}
        ax.errorbar(rows["accuracy"], heights, xerr=rows["spread"], **style)
    ax.set_yticks(range(len(problems)), problems)
    ax.set(title="four problems of aeon, classified", xlabel="accuracy, 10 seeds")
    ax.legend(loc="upper left", frameon=False)
    ax.grid(axis="x", alpha=0.3)


def draw(mode, example, figures):
    ink = INK[mode]
    colours = ["text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color"]
    style = dict.fromkeys([*colours, "ytick.color", "axes.titlecolor"], ink)
    # The same file from the same figures.
    style["svg.hashsalt"] = "sklstm"
    with plt.rc_context(style):
        figure, (left, right) = plt.subplots(
            1, 2, figsize=(10, 3.2), layout="constrained", facecolor="none"
        )
        for ax in (left, right):
            ax.set_facecolor("none")
            ax.spines[["top", "right"]].set_visible(False)
        draw_series(left, example)
        draw_accuracy(right, figures)
        path = STATIC / f"readme_{mode}.svg"
        figure.savefig(path, metadata={"Date": None})
        plt.close(figure)
    print(path)


if __name__ == "__main__":
    example = runpy.run_path(str(DOCS / "examples/plot_series.py"))
    for mode in INK:
        draw(mode, example, pd.read_csv(DOCS / "accuracy.csv"))
