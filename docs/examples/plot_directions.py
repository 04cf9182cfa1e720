"""
==========================
Forward, backward, or both
==========================

Is a bidirectional LSTM faster to learn? Three networks on one problem: the first reads
each sequence from the front, the second from the back, the third both ways.
"""

# %%
# The data
# --------
# Ten numbers between 0 and 1. The label of each timestep is 1 once the sum of the
# numbers so far exceeds 2.5, a quarter of the length. So the label depends on what came
# before, and on nothing that comes after.
import matplotlib.pyplot as plt
import numpy as np

from sklstm import BiLSTMTimestepClassifier
from sklstm.datasets import make_cumulative_sum
from sklstm.displays import HistoryDisplay

X, y = make_cumulative_sum(1, random_state=0)
print(X[0].ravel().round(2), y[0], sep="\n")

# %%
# Two ways to train
# -----------------
# A new sequence every epoch, so that none is ever seen twice: one call of `partial_fit`
# for each, all at one learning rate.
EPOCHS = 250
UNITS = 20


def fit_new(direction, seed):
    X, y = make_cumulative_sum(EPOCHS, random_state=seed)
    network = BiLSTMTimestepClassifier(UNITS, direction=direction, random_state=seed)
    for k in range(EPOCHS):
        network.partial_fit(X[k : k + 1], y[k : k + 1], classes=[0, 1])
    return network


# %%
# Or the same 64 sequences in every epoch, at a learning rate that falls to zero.
def fit_fixed(direction, seed):
    X, y = make_cumulative_sum(64, random_state=seed)
    network = BiLSTMTimestepClassifier(
        UNITS, direction=direction, epochs=EPOCHS, random_state=seed
    )
    return network.fit(X, y)


# %%
# The results
# -----------
# Each is trained with several seeds, which draw other sequences and other initial
# weights: one run alone says little. The accuracy is that of the timesteps of 1,000 new
# sequences, mean and standard deviation over the seeds.
NEW_SEEDS = range(2)
FIXED_SEEDS = range(3)
DIRECTIONS = ["forward", "backward", "bidirectional"]
X_test, y_test = make_cumulative_sum(1000, random_state=1_000_000)


def compare(fit, seeds):
    networks = {name: [fit(name, seed) for seed in seeds] for name in DIRECTIONS}
    for name, runs in networks.items():
        losses = np.mean([run.history_["loss"] for run in runs], axis=0)
        accuracy = [run.score(X_test, y_test) for run in runs]
        print(
            f"{name:<14} mean loss of the first 50 epochs {losses[:50].mean():.3f}, "
            f"of the last 50 {losses[-50:].mean():.3f}, "
            f"accuracy {np.mean(accuracy):.3f} ± {np.std(accuracy):.3f}"
        )
    return networks


print(f"a new sequence every epoch, {len(NEW_SEEDS)} seeds")
new = compare(fit_new, NEW_SEEDS)
print(f"\nthe same 64 sequences, {len(FIXED_SEEDS)} seeds")
fixed = compare(fit_fixed, FIXED_SEEDS)

# %%
# The picture
# -----------
# Is the bidirectional LSTM faster to learn? Yes: its loss, in green, falls sooner in
# both pictures. Is it better in the end? On the same 64 sequences the forward LSTM
# nearly catches up, and the accuracies of the two differ by less than 0.01, as what
# comes after says nothing about the label. The backward LSTM has not seen what came
# before, and stays behind.
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
HistoryDisplay.from_estimators(new, metrics="loss", smoothing=25, ax=left)
left.set_title("a new sequence every epoch, mean of 25 epochs")
HistoryDisplay.from_estimators(fixed, metrics="loss", ax=right)
right.set_title("the same 64 sequences")
plt.show()
