"""
=============
A time series
=============

From one column of numbers to a forecast: windows, two forecasts that need no network,
and a network's beside them.
"""

# %%
# The series
# ----------
# Mackey and Glass's equation, a classic of forecasting: each value depends on the one
# before and, in a bend, on the one of 18 steps before. It nearly repeats itself, and
# never does. The bend is what a linear model cannot follow; on series without one, such
# as those of :func:`~sklstm.datasets.make_panel`, it is better than the network.
import time
from pathlib import Path

import joblib
import matplotlib

matplotlib.use("agg")
import matplotlib.pyplot as plt
import numpy as np
from sklearn.linear_model import RidgeCV
from sklearn.pipeline import make_pipeline

from sklstm import BiLSTMRegressor, SequenceScaler, make_windows

folder = Path("demo")
folder.mkdir(exist_ok=True)
series = [1.2] * 18
for _ in range(2000):
    series.append(0.9 * series[-1] + 0.2 * series[-18] / (1 + series[-18] ** 10))

# %%
# Windows
# -------
# A sample is 40 steps, its target the 20 that follow. The network learns from the first
# 1,000. The next 59 share values with both sides, and are left out.
N_TIMESTEPS, HORIZON, N_PAST = 40, 20, 1000
X, y = make_windows(series, N_TIMESTEPS, horizon=HORIZON)
X_past, y_past = X[:N_PAST], y[:N_PAST]
later = slice(N_PAST + N_TIMESTEPS + HORIZON - 1, None)
X_later, y_later = X[later], y[later]
print(f"to learn from: X {X_past.shape}, y {y_past.shape}; to test: X {X_later.shape}")

# %%
# Three forecasts
# ---------------
# That nothing changes; what a linear model makes of the same 40 values; and what a
# bidirectional LSTM makes of them. :class:`~sklstm.BiLSTMRegressor` learns all 20
# values at once. The scaler lets the series have any unit. The first fit of a process
# imports TensorFlow, which has a few lines to say.
EPOCHS = 60
start = time.perf_counter()
network = make_pipeline(
    SequenceScaler(), BiLSTMRegressor(epochs=EPOCHS, random_state=0)
).fit(X_past, y_past)
seconds = time.perf_counter() - start
linear = RidgeCV(np.logspace(-6, 3, 10)).fit(X_past[:, :, 0], y_past)
forecasts = {
    "last value": np.repeat(X_later[:, -1, :], HORIZON, axis=1),
    "linear model": linear.predict(X_later[:, :, 0]),
    "network": network.predict(X_later),
}
print("mean absolute error, and that of 1, 10 and 20 steps ahead")
for name, forecast in forecasts.items():
    error = np.abs(forecast - y_later)
    by_step = (f"{e:.3f}" for e in error.mean(axis=0)[[0, 9, -1]])
    print(f"{name:<13}{error.mean():.3f}   ", *by_step)
print(f"the network was fitted in {seconds:.1f} s, imports included")

# %%
# The picture
# -----------
# Above, the forecasts from one window. Below, values that were forecast 20 steps
# before: the linear model has the rhythm and misses the heights, the network lies on
# the true line. For the very next value the linear model is the better of the two.
STYLES = {
    "last value": {"color": "C7", "linestyle": ":"},
    "linear model": {"color": "C0", "linestyle": "--"},
    "network": {"color": "C1"},
}
figure, (one, all_) = plt.subplots(2, 1, figsize=(9, 6), layout="constrained")
sample = 100
ahead = np.arange(HORIZON)
before = X_later[sample, :, 0]
one.plot(np.arange(-N_TIMESTEPS, 0), before, color="0.3", label="window")
one.plot(ahead, y_later[sample], color="0.7", linewidth=5, label="true")
all_.plot(y_later[:300, -1], color="0.7", linewidth=5, label="true")
for name, forecast in forecasts.items():
    one.plot(ahead, forecast[sample], label=name, **STYLES[name])
    if name != "last value":
        all_.plot(forecast[:300, -1], **STYLES[name])
one.set(title="from one window", xlabel="steps ahead")
all_.set(title=f"{HORIZON} steps ahead", xlabel="step")
one.legend(loc="lower center")
figure.savefig(folder / "series.png", dpi=120)
joblib.dump(network, folder / "series.joblib")
print(f"picture: {folder / 'series.png'}; model: {folder / 'series.joblib'}")
