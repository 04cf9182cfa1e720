"""
=================================
A grid search over merge modes
=================================

From a 2D matrix to a tuned bidirectional LSTM, without leaving scikit-learn: a
pipeline, a grid search over merge modes and units, a joblib file, and predictions in a
process that cannot import TensorFlow.
"""

# %%
# The data
# --------
# Each of scikit-learn's digits is a picture of 8 x 8 pixels: a row of 64 columns. Read
# from top to bottom, it is a sequence of 8 timesteps of 8 features. A quarter of the
# digits is held out.
import subprocess
import sys
import time
from pathlib import Path

import joblib
import matplotlib

matplotlib.use("agg")
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline

from sklstm import BiLSTMClassifier, SequenceReshaper
from sklstm.displays import HistoryDisplay, MergeModeDisplay

folder = Path("demo")
folder.mkdir(exist_ok=True)
X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(
    X, y, test_size=0.25, stratify=y, random_state=0
)

# %%
# One network
# -----------
# :class:`~sklstm.SequenceReshaper` turns columns into timesteps, so everything around
# the pipeline goes on seeing a 2D matrix.
EPOCHS = 20
pipe = make_pipeline(
    SequenceReshaper(n_timesteps=8), BiLSTMClassifier(epochs=EPOCHS, random_state=0)
)
accuracy = pipe.fit(X_train, y_train).score(X_test, y_test)
print(f"as it comes: accuracy {accuracy:.3f} on the digits held out")

# %%
# The search
# ----------
# Four merge modes, each with 16 and with 32 units. `cv=3` means three stratified folds,
# as for any classifier. The progress bars are scikit-learn's own. The lower one shows
# which part of the candidates' folds is done, and the time left. The upper one adds the
# fit of the best candidate to all rows, and takes that for half of the work.
merge_modes = ["concat", "sum", "mul", "ave"]
units = [16, 32]
grid = {
    "bilstmclassifier__merge_mode": merge_modes,
    "bilstmclassifier__units": units,
}
search = GridSearchCV(pipe, grid, cv=3)
if hasattr(search, "set_callbacks"):  # from scikit-learn 1.9 on
    from sklearn.callback import ProgressBar

    search.set_callbacks(ProgressBar(max_propagation_depth=0))
start = time.perf_counter()
search.fit(X_train, y_train)
n_candidates = len(search.cv_results_["params"])
print(
    f"{n_candidates} candidates x {search.n_splits_} folds, and the best on all rows: "
    f"{time.perf_counter() - start:.1f} s"
)

# %%
# The scores
# ----------
# Mean accuracy of the three folds, and its standard deviation.
shape = len(merge_modes), len(units)
mean = search.cv_results_["mean_test_score"].reshape(shape)
spread = search.cv_results_["std_test_score"].reshape(shape)

print("\nmerge mode " + "".join(f"{f'{n} units':>17}" for n in units))
for merge_mode, means, spreads in zip(merge_modes, mean, spread, strict=True):
    cells = (f"{m:.3f} ± {s:.3f}" for m, s in zip(means, spreads, strict=True))
    print(f"{merge_mode:<11}" + "".join(f"{cell:>17}" for cell in cells))
print(f"\nbest: {search.best_params_}, accuracy {search.best_score_:.3f}")

# %%
# The picture
# -----------
# On the left the scores: means of the folds with their standard deviation, and the
# folds as pale points. More units help every merge mode; with 32 units, sum and
# concatenation lie within each other's spread, above the other two. On the right, how
# the best model learnt: after half of the epochs it gets none of the digits wrong that
# it learns from.
figure, axes = plt.subplots(
    1, 3, figsize=(14, 4), width_ratios=[1.4, 1, 1], layout="constrained"
)
MergeModeDisplay.from_estimator(search, ax=axes[0])
HistoryDisplay.from_estimator(search, name="best model", ax=axes[1:])
figure.savefig(folder / "grid_search.png", dpi=120)
print(f"picture: {folder / 'grid_search.png'}")

# %%
# Another process, without TensorFlow
# -----------------------------------
# What is saved are NumPy arrays. The second process makes importing TensorFlow, Keras
# and scikeras impossible before it does anything else.
joblib.dump(search.best_estimator_, folder / "digits.joblib")
np.savez(folder / "held_out.npz", X=X_test, y=y_test)
serve = """
import sys, time

for module in ("tensorflow", "keras", "scikeras"):
    sys.modules[module] = None
try:
    import tensorflow
except ImportError as error:
    print(f"in a second process: {error}")

import joblib
import numpy as np

held_out = np.load("held_out.npz")
start = time.perf_counter()
model = joblib.load("digits.joblib")
loaded = time.perf_counter()
labels = model.predict(held_out["X"])
done = time.perf_counter()
accuracy = np.mean(labels == held_out["y"])
print(f"loaded in {loaded - start:.2f} s, with the import of scikit-learn; "
      f"{len(labels)} held-out digits predicted in "
      f"{1e3 * (done - loaded):.1f} ms: accuracy {accuracy:.3f}")
"""
second = subprocess.run(
    [sys.executable, "-c", serve],
    cwd=folder,
    check=True,
    stdout=subprocess.PIPE,
    text=True,
)
print(f"model: {folder / 'digits.joblib'}")
print(second.stdout)
