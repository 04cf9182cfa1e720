"""
============================
A forecast of several series
============================

Eight series in one table: windows that never run from one series into the next, two
features in each, and one network that forecasts the next three values of any series.
"""

# %%
# The data
# --------
# Each series has 200 rows, one behind the other as in a file. Column 0 is to be
# forecast. Column 1 drives it, with a delay of three rows. Every series has a level and
# a phase of its own.
import matplotlib.pyplot as plt
import numpy as np

from sklstm import BiLSTMRegressor, make_windows
from sklstm.datasets import make_panel
from sklstm.displays import WindowDisplay

table, groups = make_panel(random_state=0)
print(f"table {table.shape}, {len(np.unique(groups))} series")

# %%
# Windows
# -------
# A window holds 24 rows of both columns; its target are the next three values of column
# 0. The first 150 rows of each series are the past, to learn from. The first forecast
# to be tested is that of row 150: its window is the 24 rows before.
HORIZON = 3
framing = {"n_timesteps": 24, "horizon": HORIZON, "target": 0}
row = np.tile(np.arange(200), 8)
past, recent = row < 150, row >= 150 - 24
X, y = make_windows(table[past], **framing, groups=groups[past])
X_test, y_test = make_windows(table[recent], **framing, groups=groups[recent])
print(f"X {X.shape}, y {y.shape}; to test: X {X_test.shape}, y {y_test.shape}")

# %%
# The first window of the second series, drawn with 6 rows instead of 24. It is the next
# after the last window of the first series, and has no row of that.
small = {**framing, "n_timesteps": 6}
first = 200 - 6 - HORIZON + 1
WindowDisplay.from_series(table, **small, groups=groups, sample=first)
plt.show()

# %%
# The forecast
# ------------
# Two forecasts that need no network: the last value, and the value of 12 rows before,
# as the series have a cycle of 12 rows. A network must be better than both. The noise
# alone, which nobody can forecast, has a mean absolute value of 0.08.
EPOCHS = 60
network = BiLSTMRegressor(units=16, epochs=EPOCHS, random_state=0).fit(X, y)
forecasts = {
    "last value": X_test[:, -1:, 0],
    "12 rows before": X_test[:, -12 : -12 + HORIZON, 0],
    "network": network.predict(X_test),
}
print("mean absolute error, 1, 2 and 3 rows ahead")
for name, forecast in forecasts.items():
    error = np.abs(forecast - y_test).mean(axis=0)
    print(f"{name:<15}", *(f"{e:.2f}" for e in error))

# %%
# The picture
# -----------
# Three of the series after row 150, and what was forecast three rows before. The one
# network follows each at its own level.
figure, axes = plt.subplots(3, 1, figsize=(9, 6), sharex=True, layout="constrained")
per_series = len(y_test) // 8
for series, ax in enumerate(axes):
    windows = slice(series * per_series, (series + 1) * per_series)
    rows = 150 + HORIZON - 1 + np.arange(per_series)
    ax.plot(rows, y_test[windows, -1], color="0.7", linewidth=4, label="true")
    for name in ["12 rows before", "network"]:
        style = {"linestyle": "-" if name == "network" else ":"}
        ax.plot(rows, forecasts[name][windows, -1], label=name, **style)
    ax.set_ylabel(f"series {series}")
    ax.grid(alpha=0.3)
axes[0].set_title(f"{HORIZON} rows ahead")
axes[-1].set_xlabel("row")
axes[0].legend(ncols=3)
plt.show()
