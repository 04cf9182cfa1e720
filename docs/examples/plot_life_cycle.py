"""
============================
The life-cycle of a network
============================

Define, compile, fit, evaluate, predict: the five steps that every network goes through,
on the smallest problem there is. The network learns to count in tenths.
"""

# %%
# The data
# --------
# Count from 0.0 to 0.9: from each number the next is to be predicted. An LSTM wants
# three axes, samples, timesteps and features: here nine sequences of one timestep of
# one feature.
import time

import matplotlib.pyplot as plt
from sklearn.metrics import mean_squared_error

from sklstm import BiLSTMRegressor
from sklstm.datasets import make_counting
from sklstm.displays import HistoryDisplay

X, y = make_counting()
print(f"X {X.shape}: {X.ravel()}\ny {y.shape}: {y}")

# %%
# 1 and 2. Define, compile
# ------------------------
# Both are the constructor. Some parameters make the network, such as `units`, others
# say how it is trained, such as `optimizer`. The loss need not be given: it is the mean
# squared error, as numbers are to be predicted. All nine samples are one batch. The
# answer is read from the last state, as in the classic networks: mean and maximum over
# one timestep would be the same again.
EPOCHS = 1000
network = BiLSTMRegressor(
    units=10,
    direction="forward",
    pooling="last",
    optimizer="adam",
    epochs=EPOCHS,
    batch_size=9,
    random_state=0,
)

# %%
# 3. Fit
# ------
# The first fit of a process loads TensorFlow, which takes some seconds. A fit of one
# epoch gets that out of the way of the clock.
BiLSTMRegressor(units=10, direction="forward", epochs=1).fit(X, y)
start = time.perf_counter()
network.fit(X, y)
print(f"{network.n_epochs_} epochs in {time.perf_counter() - start:.1f} s")

# %%
# 4. Evaluate
# -----------
# The classic write-up of this experiment, on a network of the same size trained for as
# long, reports a mean squared error of 4.5e-05.
print(f"mean squared error: {mean_squared_error(y, network.predict(X)):.1e}")

# %%
# 5. Predict
# ----------
# The last line asks for a number that the network has never seen.
for number, answer in zip(X.ravel(), network.predict(X), strict=True):
    print(f"{number:.1f} -> {answer:.3f}")
print(f"1.0 -> {network.predict([[[1.0]]])[0]:.3f}")

# %%
# The picture
# -----------
# On the left the loss of every epoch, in powers of ten. It falls quickly at first, and
# then ever more slowly, as the learning rate falls, too, to zero in the last epoch. It
# is that of the standardized targets, which the network sees, and so larger than the
# error above. On the right the nine pairs and the function that the network has learnt:
# it bends away where there was nothing to learn from.
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
HistoryDisplay.from_estimator(network, name="LSTM of 10 units", ax=left)
left.set_yscale("log")
grid = [[[k / 100]] for k in range(-50, 200)]
right.plot([k[0][0] for k in grid], network.predict(grid), label="learnt")
right.plot(X.ravel(), y, "o", color="black", markersize=4, label="pairs")
right.axline((0, 0.1), slope=1, color="0.7", linestyle="--", label="counting")
right.set(xlabel="number", ylabel="the next number")
right.legend()
plt.show()
