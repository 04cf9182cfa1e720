"""
===========
Rare events
===========

One timestep in twenty belongs to an event. What accuracy says then, what class weights
do, and what they do not.
"""

# %%
# The data
# --------
# Noise that is shifted while an event lasts, three timesteps or more. Whoever says "no
# event" everywhere is right nearly always.
import matplotlib.pyplot as plt
from sklearn.metrics import PrecisionRecallDisplay

from sklstm import BiLSTMTimestepClassifier
from sklstm.datasets import make_rare_events
from sklstm.displays import TimestepDisplay
from sklstm.metrics import make_timestep_scorer

X, y = make_rare_events(200, random_state=0)
X_test, y_test = make_rare_events(200, random_state=1)
print(f"X {X.shape}, y {y.shape}")
print(f'accuracy of "no event" everywhere: {1 - y_test.mean():.3f}')

# %%
# Two networks
# ------------
# `class_weight="balanced"` gives both labels the same weight in the loss, however many
# timesteps they have. `make_timestep_scorer` lets any of scikit-learn's scores count
# timesteps.
EPOCHS = 30
METRICS = ["accuracy", "precision", "recall", "f1", "average_precision"]
networks = {}
for name, class_weight in {"no weights": None, "balanced": "balanced"}.items():
    network = BiLSTMTimestepClassifier(
        units=16, epochs=EPOCHS, class_weight=class_weight, random_state=0
    )
    networks[name] = network.fit(X, y)
    print(f"\n{name}")
    for metric in METRICS:
        score = make_timestep_scorer(metric)(network, X_test, y_test)
        print(f"  {metric:<18}{score:.3f}")

# %%
# The picture
# -----------
# On the left, precision against recall at all thresholds on the probability. A dot is
# where 0.5 is the threshold. Weights move the dot along the curve, from few alarms that
# are mostly right to many that miss little, and move the curve itself much less: a
# lower threshold on the network without weights has nearly the same effect. On the
# right, the test sequence with most events, as both see it.
figure, axes = plt.subplot_mosaic(
    [["curve", "no weights"], ["curve", "balanced"]],
    figsize=(12, 5),
    width_ratios=[1, 2],
    layout="constrained",
)
sample = y_test.sum(axis=1).argmax()
for name, network in networks.items():
    probability = network.predict_proba(X_test)[:, :, 1].ravel()
    curve = PrecisionRecallDisplay.from_predictions(
        y_test.ravel(), probability, name=name, ax=axes["curve"]
    )
    axes["curve"].plot(
        make_timestep_scorer("recall")(network, X_test, y_test),
        make_timestep_scorer("precision")(network, X_test, y_test),
        "o",
        color=curve.line_.get_color(),
    )
    TimestepDisplay.from_estimator(
        network, X_test, y_test, sample=sample, ax=axes[name]
    )
    axes[name].set_ylabel(name)
plt.show()
