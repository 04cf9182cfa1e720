"""
===========
Merge modes
===========

A bidirectional LSTM has two outputs at every timestep, one of each direction. Which of
the four ways to merge them learns fastest?
"""

# %%
# The data
# --------
# As in :ref:`sphx_glr_auto_examples_plot_directions.py`: ten numbers between 0 and 1,
# and the label of each timestep is 1 once the sum of the numbers so far exceeds 2.5.
import matplotlib.pyplot as plt
import numpy as np

from sklstm import BiLSTMTimestepClassifier
from sklstm.datasets import make_cumulative_sum
from sklstm.displays import HistoryDisplay

# %%
# Two ways to train
# -----------------
# A new sequence every epoch, so that none is ever seen twice: one call of `partial_fit`
# for each, all at one learning rate.
EPOCHS = 250
UNITS = 20


def fit_new(merge_mode, seed):
    X, y = make_cumulative_sum(EPOCHS, random_state=seed)
    network = BiLSTMTimestepClassifier(UNITS, merge_mode=merge_mode, random_state=seed)
    for k in range(EPOCHS):
        network.partial_fit(X[k : k + 1], y[k : k + 1], classes=[0, 1])
    return network


# %%
# Or the same 64 sequences in every epoch, at a learning rate that falls to zero.
def fit_fixed(merge_mode, seed):
    X, y = make_cumulative_sum(64, random_state=seed)
    network = BiLSTMTimestepClassifier(
        UNITS, merge_mode=merge_mode, epochs=EPOCHS, random_state=seed
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
MERGE_MODES = ["concat", "sum", "mul", "ave"]
X_test, y_test = make_cumulative_sum(1000, random_state=1_000_000)


def compare(fit, seeds):
    networks = {name: [fit(name, seed) for seed in seeds] for name in MERGE_MODES}
    for name, runs in networks.items():
        losses = np.mean([run.history_["loss"] for run in runs], axis=0)
        accuracy = [run.score(X_test, y_test) for run in runs]
        print(
            f"{name:<6} mean loss of the first 50 epochs {losses[:50].mean():.3f}, "
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
# The product (mul) is slow to start. On the same 64 sequences it catches up with the
# others; with a new sequence every epoch it does not within these epochs. The other
# three are close: sum is lowest, then concatenation, then average. The accuracies, of
# all four, differ by less than 0.01.
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
HistoryDisplay.from_estimators(new, metrics="loss", smoothing=25, ax=left)
left.set_title("a new sequence every epoch, mean of 25 epochs")
HistoryDisplay.from_estimators(fixed, metrics="loss", ax=right)
right.set_title("the same 64 sequences")
plt.show()
