"""The picture of "How accurate, and what helps": accuracy against the time of a fit.

Drawn from accuracy.csv, the tables that benchmarks/accuracy.py printed.
"""

import matplotlib.pyplot as plt
import pandas as pd

FIGURES = pd.read_csv("accuracy.csv")  # the page is built in this folder
COLOURS = {
    "sklstm, for series": "#d55e00",
    "sklstm": "#e69f00",
    "sklstm, last states": "#f0c987",
    "skorch, torch BiLSTM": "#0072b2",
    "sktime GRU": "#56b4e9",
    "sktime SimpleRNN": "#999999",
}

figure, panels = plt.subplots(2, 2, figsize=(8, 6), layout="constrained")
for panel, (name, rows) in zip(panels.flat, FIGURES.groupby("problem"), strict=True):
    for row in rows.itertuples():
        panel.errorbar(
            row.seconds,
            row.accuracy,
            row.spread,
            fmt="o",
            color=COLOURS[row.contender],
            label=row.contender,
        )
    panel.set_title(name)
    panel.set_xscale("log", base=2)
    panel.xaxis.set_major_formatter("{x:g}")
    panel.set_xlabel("seconds of a fit")
    panel.set_ylabel("accuracy, 10 seeds")
    panel.grid(alpha=0.3)
handles, labels = panel.get_legend_handles_labels()
figure.legend(handles, labels, loc="outside lower center", ncols=3, frameon=False)
