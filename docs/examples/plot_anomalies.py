"""
============================
Anomalies, by an autoencoder
============================

A network that learns to draw its own input through a narrow passage draws what it
knows. What it draws wrongly is new to it.
"""

# %%
# The data
# --------
# Pulses at a random time, of random height and width, each followed by an echo half as
# high. Of some the echo is missing. Nobody has labelled them: the network is trained on
# pulses that are as they should be.
import matplotlib.pyplot as plt
import numpy as np
from sklearn.decomposition import PCA
from sklearn.metrics import roc_auc_score
from sklearn.neighbors import NearestNeighbors

from sklstm import BiLSTMRegressor

N_TIMESTEPS = 40


def make_pulses(n_samples, echo, rng):
    time = np.arange(N_TIMESTEPS)
    center = rng.uniform(6, 26, size=(n_samples, 1))
    height = rng.uniform(0.5, 1.5, size=(n_samples, 1))
    width = rng.uniform(1, 2.5, size=(n_samples, 1))
    pulse = np.exp(-(((time - center) / width) ** 2))
    after = np.exp(-(((time - center - 7) / width) ** 2))
    noise = 0.05 * rng.normal(size=pulse.shape)
    return (height * (pulse + echo * after) + noise)[:, :, None]


rng = np.random.default_rng(0)
X = make_pulses(500, 0.5, rng)
X_test = np.concatenate([make_pulses(200, 0.5, rng), make_pulses(40, 0, rng)])
is_anomaly = np.arange(240) >= 200
print(f"X {X.shape}, test {X_test.shape}")

# %%
# The autoencoder
# ---------------
# A regressor whose targets are its own input, a column for each timestep. All that it
# can say of a sequence has to go through its last states, 2 * 16 numbers: with their
# mean and maximum over time, as by default, it would be 96, more than there are
# timesteps. A rate of twice the default learns more in as many epochs. The anomaly
# score is the mean squared error of the drawing.
EPOCHS = 150


def flat(X):
    return X.reshape(len(X), -1)


network = BiLSTMRegressor(
    units=16, pooling="last", learning_rate=0.02, epochs=EPOCHS, random_state=0
)
network.fit(X, flat(X))
errors = (network.predict(X_test) - flat(X_test)) ** 2
scores = {"autoencoder": errors.mean(axis=1)}

# %%
# Others, for comparison: principal components, which draw their input, too, but cannot
# move a pulse, and the distance to the nearest pulses in X.
for n_components in (8, 16):
    components = PCA(n_components).fit(flat(X))
    drawn = components.inverse_transform(components.transform(flat(X_test)))
    name = f"{n_components} principal components"
    scores[name] = ((drawn - flat(X_test)) ** 2).mean(axis=1)
neighbours = NearestNeighbors(n_neighbors=5).fit(flat(X))
scores["nearest neighbours"] = neighbours.kneighbors(flat(X_test))[0].mean(axis=1)
for name, score in scores.items():
    print(f"{name:<24}ROC AUC {roc_auc_score(is_anomaly, score):.3f}")

# %%
# A threshold
# -----------
# No anomaly is needed to choose it: new pulses that are as they should be tell how far
# the score goes for them. Scores of training data are too small for that.
X_new = make_pulses(200, 0.5, rng)
usual = ((network.predict(X_new) - flat(X_new)) ** 2).mean(axis=1)
threshold = np.quantile(usual, 0.95)
alarms = scores["autoencoder"] > threshold
print(
    f"false alarms {alarms[~is_anomaly].mean():.3f}, "
    f"anomalies found {alarms[is_anomaly].mean():.3f}"
)

# %%
# The picture
# -----------
# On the left the scores, with the threshold. On the right the anomaly of the highest
# score: the network draws an echo that is not there. The error, in orange, says at
# which timesteps the sequence is not as it should be, and where the drawing is poor.
figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
bins = np.linspace(0, scores["autoencoder"].max(), 50)
for kind, label in [(~is_anomaly, "as they should be"), (is_anomaly, "anomalies")]:
    left.hist(scores["autoencoder"][kind], bins, alpha=0.7, label=label)
left.axvline(threshold, color="black", linestyle="--", label="threshold")
left.set(xlabel="anomaly score", ylabel="sequences")
left.legend()

worst = scores["autoencoder"].argmax()
right.plot(X_test[worst, :, 0], color="0.3", label="sequence")
right.plot(network.predict(X_test)[worst], color="tab:blue", label="drawn")
right.fill_between(np.arange(N_TIMESTEPS), errors[worst], color="tab:orange", alpha=0.5)
right.set(xlabel="timestep", ylabel="value")
right.legend()
plt.show()
