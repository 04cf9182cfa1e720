"""
===========================
A label at every timestep
===========================

The classic exercise for bidirectional LSTMs: ten numbers, and at each whether the sum
so far has passed a limit. The network never sees a sequence twice.
"""

# %%
# The data
# --------
# Numbers between 0 and 1, drawn uniformly. The limit is 2.5, a quarter of the length.
import matplotlib.pyplot as plt
import numpy as np

from sklstm import BiLSTMTimestepClassifier
from sklstm.datasets import make_cumulative_sum
from sklstm.displays import TimestepDisplay

N_SEQUENCES = 1000
X, y = make_cumulative_sum(N_SEQUENCES, random_state=0)
X_test, y_test = make_cumulative_sum(1000, random_state=1)
print(f"X {X.shape}, y {y.shape}", X[0].ravel().round(2), y[0], sep="\n")

# %%
# One new sequence at a time
# --------------------------
# The classic write-up trains for 1,000 epochs of one new sequence each. That is the
# same as going once through 1,000 sequences in batches of one: a thousand steps, each
# on a sequence of its own. `partial_fit` goes on from the call before, at a learning
# rate that stays as it is; after every 50 sequences we look how well the network does
# on others.
network = BiLSTMTimestepClassifier(
    units=20, batch_size=1, shuffle=False, random_state=0
)
accuracies = []
for start in range(0, N_SEQUENCES, 50):
    part = slice(start, start + 50)
    network.partial_fit(X[part], y[part], classes=[0, 1])
    accuracies.append(network.score(X_test, y_test))

# %%
# The result
# ----------
# The write-up reports between 90 and 100 % of the timesteps of a new sequence. These
# are 1,000 sequences that the network has not learnt from.
right = network.predict(X_test) == y_test
print(f"accuracy of the timesteps: {right.mean():.3f}")
print(f"sequences without any error: {right.all(axis=1).mean():.3f}")
distance = np.abs(X_test[:, :, 0].cumsum(axis=1) - 2.5)
print(f"mean distance of the sum from the limit: {distance.mean():.2f},")
print(f"at the timesteps that are wrong: {distance[~right].mean():.2f}")

# %%
# The picture
# -----------
# Above, the test sequence with most errors: the network is sure at the start and at the
# end, and wrong where the sum is close to the limit. Below, the accuracy by the number
# of sequences learnt from: high after the first 50, and up and down from there, as
# every step follows one sequence alone.
figure, (above, below) = plt.subplots(
    2, 1, figsize=(8, 5.5), height_ratios=[1, 1.6], layout="constrained"
)
sample = (~right).sum(axis=1).argmax()
TimestepDisplay.from_estimator(network, X_test, y_test, sample=sample, ax=above)
seen = range(50, N_SEQUENCES + 1, 50)
below.plot(seen, accuracies, marker=".")
below.set(xlabel="sequences learnt from", ylabel="accuracy on others", ylim=(0.8, 1))
below.grid(alpha=0.3)
plt.show()
