"""
==============
Sine to cosine
==============

A number at every timestep: from a sine wave, the cosine of the same angle. One value of
the sine leaves the sign of the cosine open; the values around it tell.
"""

# %%
# The data
# --------
# 200 waves to learn from, 200 others to test on. They differ in period and phase.
import matplotlib.pyplot as plt
import numpy as np

from sklstm import BiLSTMTimestepRegressor
from sklstm.datasets import make_sine_to_cosine
from sklstm.displays import TimestepDisplay

X, y = make_sine_to_cosine(200, random_state=0)
X_test, y_test = make_sine_to_cosine(200, random_state=1)
print(f"X {X.shape}, y {y.shape}")

# %%
# Three networks
# --------------
# `score` is R² over all timesteps. The error is the mean absolute one of the test
# waves, at each timestep.
EPOCHS = 60
networks, errors = {}, {}
for direction in ["forward", "backward", "bidirectional"]:
    network = BiLSTMTimestepRegressor(
        units=16, direction=direction, epochs=EPOCHS, random_state=0
    )
    network.fit(X, y)
    error = np.abs(network.predict(X_test) - y_test).mean(axis=0)
    print(
        f"{direction:<14} R² {network.score(X_test, y_test):.3f}, error at the first "
        f"timestep {error[0]:.2f}, in the middle {error[25]:.2f}, at the last "
        f"{error[-1]:.2f}"
    )
    networks[direction], errors[direction] = network, error

# %%
# The picture
# -----------
# Above, one test wave and its cosine as the bidirectional network predicts it. Below,
# the error at each timestep. Who reads from the front has seen too little at the start,
# who reads from the back at the end. Who reads both ways errs most at the two ends,
# too, but half as much as those who guess there.
figure, (above, below) = plt.subplots(2, 1, figsize=(9, 6), layout="constrained")
TimestepDisplay.from_estimator(networks["bidirectional"], X_test, y_test, ax=above)
above.set_ylabel("cosine")
for direction, error in errors.items():
    below.plot(error, label=direction)
below.set(xlabel="timestep", ylabel="mean absolute error", xlim=above.get_xlim())
below.grid(alpha=0.3)
below.legend()
plt.show()
