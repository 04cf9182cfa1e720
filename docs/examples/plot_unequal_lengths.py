"""
===========================
Sequences of unequal length
===========================

A list of sequences goes in as it is. Why they should not be filled up with zeros.
"""

# %%
# The data
# --------
# 300 sequences of 5 to 20 zeros and ones. The label is 1 if more than half of the
# values are ones: the zeros are data.
import matplotlib.pyplot as plt
import numpy as np

from sklstm import BiLSTMClassifier, pad_sequences
from sklstm.datasets import make_unequal_lengths

X, y = make_unequal_lengths(300, random_state=0)
X_test, y_test = make_unequal_lengths(500, random_state=1)
print(f"{len(X)} sequences, the first of shape {X[0].shape}, then {X[1].shape}")

# %%
# A list, or padding
# ------------------
# Fitted on the list. The same sequences as an array have timesteps of NaN, here in
# front: that is padding, and nothing changes.
EPOCHS = 40
network = BiLSTMClassifier(units=16, epochs=EPOCHS, random_state=0).fit(X, y)
padded = pad_sequences(X_test, padding="pre")
print(f"list: accuracy {network.score(X_test, y_test):.3f}")
print(f"padded with NaN, {padded.shape}: accuracy {network.score(padded, y_test):.3f}")
same = np.abs(network.predict_proba(padded) - network.predict_proba(X_test)).max()
print(f"largest difference of the probabilities: {same:.1e}")

# %%
# Zeros
# -----
# Filled up with zeros, the sequences become others: the share of ones gets smaller, and
# the network cannot know which zeros are data. One that also learns from filled
# sequences comes closer, but has to find out by itself where they end.
filled = np.nan_to_num(pad_sequences(X_test))
print(f"zeros to predict: accuracy {network.score(filled, y_test):.3f}")
of_filled = BiLSTMClassifier(units=16, epochs=EPOCHS, random_state=0)
of_filled.fit(np.nan_to_num(pad_sequences(X)), y)
print(f"zeros to learn, too: accuracy {of_filled.score(filled, y_test):.3f}")

# %%
# The picture
# -----------
# Each point is a test sequence; the label is 1 to the right of the dashed line. Read as
# a list, sequences of any length follow one step. Filled up with zeros, the short ones,
# in dark, are taken for zeros whatever they hold; the network that learnt so still is
# less sure of them.
share = [sequence.mean() for sequence in X_test]
lengths = [len(sequence) for sequence in X_test]
predictions = {
    "a list, or padded with NaN": network.predict_proba(X_test),
    "zeros to predict": network.predict_proba(filled),
    "zeros to learn, too": of_filled.predict_proba(filled),
}
figure, axes = plt.subplots(1, 3, figsize=(12, 4), sharey=True, layout="constrained")
for ax, (name, proba) in zip(axes, predictions.items(), strict=True):
    points = ax.scatter(share, proba[:, 1], c=lengths, s=14, cmap="viridis")
    ax.axvline(0.5, color="0.7", linestyle="--", zorder=0)
    ax.set(xlabel="share of ones", title=name)
axes[0].set_ylabel("probability of label 1")
figure.colorbar(points, ax=axes, label="length of the sequence")
plt.show()
