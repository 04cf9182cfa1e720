"""
=======================
Intervals of a forecast
=======================

Sixteen series in one table, and one network that says between which bounds the next
three values of any series will be. Do as many lie between them as were asked for?
"""

# %%
# The data
# --------
# As in :doc:`plot_forecast_panel`: column 0 is to be forecast, column 1 drives it with
# a delay, every series has a level and a phase of its own. The first 450 rows of each
# series are the past. What is tested on comes later.
import matplotlib.pyplot as plt
import numpy as np

from sklstm import BiLSTMRegressor, make_windows
from sklstm.datasets import make_panel
from sklstm.displays import IntervalDisplay
from sklstm.metrics import make_pinball_scorer

N_SERIES = 16
table, groups = make_panel(N_SERIES, n_rows=600, random_state=0)
framing = {"n_timesteps": 24, "horizon": 3, "target": 0}
row = np.tile(np.arange(600), N_SERIES)
past, recent = row < 450, row >= 450 - 24
X, y = make_windows(table[past], **framing, groups=groups[past])
X_test, y_test = make_windows(table[recent], **framing, groups=groups[recent])
print(f"X {X.shape}, y {y.shape}; to test: X {X_test.shape}, y {y_test.shape}")

# %%
# One network, five quantiles
# ---------------------------
# Each of the three values ahead has five quantiles, so that the network has fifteen
# outputs. It matters here that the learning rate falls to zero, as it does by default:
# with large steps to the end, all quantiles would be somewhat too high after one fit
# and too low after the next.
EPOCHS = 15
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
network = BiLSTMRegressor(
    units=16,
    loss="quantile",
    quantiles=QUANTILES,
    epochs=EPOCHS,
    random_state=0,
).fit(X, y)
print("quantiles of the test windows", network.predict_quantiles(X_test).shape)

# %%
# The fan
# -------
# A window of the fourth series and the three values after it; and what was forecast
# three rows ahead for each row of that series.
per_series = len(X_test) // N_SERIES
of_one = slice(3 * per_series, 3 * per_series + 60)
figure, axes = plt.subplots(2, 1, figsize=(9, 7), layout="constrained")
test = X_test[of_one], y_test[of_one]
IntervalDisplay.from_estimator(network, *test, sample=20, ax=axes[0])
axes[0].set(xlabel="rows ahead, from 0")
IntervalDisplay.from_estimator(network, *test, target=2, ax=axes[1])
axes[1].set(xlabel="row", ylabel="three rows ahead")
plt.show()

# %%
# As many as were asked for?
# --------------------------
# Of all values of the test windows, the share below each quantile against its level:
# the closer to the dotted line, the better.
display = IntervalDisplay.from_estimator(network, X_test, y_test, kind="coverage")
plt.show()
for level, share in zip(QUANTILES, display.coverage_, strict=True):
    print(f"quantile {level}: {share:.1%} are not above it")

# %%
# The pinball loss says how good quantiles are: near to what came true, on the right
# side of it. Beside the network a forecast without one: the value of 12 rows before, as
# the series have a cycle of 12 rows, plus the quantiles of its errors in the past.
errors = y - X[:, -12 : -12 + 3, 0]
spread = np.quantile(errors, QUANTILES, axis=0).T
naive = X_test[:, -12 : -12 + 3, 0, None] + spread
above = y_test[..., None] - naive
levels = np.array(QUANTILES)
loss = np.maximum(levels * above, (levels - 1) * above).mean()
print(f"pinball loss: 12 rows before {loss:.3f}", end=", ")
print(f"network {-make_pinball_scorer()(network, X_test, y_test):.3f}")
