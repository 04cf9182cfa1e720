"""Save a set of models with the sklstm that is installed: `python make.py`.

Run it once for every release; tests/base/test_saved.py loads the models of all of them
from then on. It writes a folder named after the version: models, each by joblib or
pickle, and data.npz with what they are given and what they answer.
"""

import pickle
import sys
from pathlib import Path

import joblib
import numpy as np
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

import sklstm
from sklstm import (
    BiLSTMClassifier,
    BiLSTMRegressor,
    BiLSTMTimestepClassifier,
    BiLSTMTimestepRegressor,
    SequenceDifferencer,
    SequenceFramer,
    SequenceImputer,
    SequencePadder,
    SequenceReshaper,
    SequenceScaler,
    SequenceTokenizer,
    SlidingWindows,
    WindowedEnsemble,
)

SETTINGS = {"epochs": 2, "random_state": 0}
SHORT = {"units": 2, **SETTINGS}

# Name of the model: how it is saved, what it is, what it is given, and its target.
MODELS = {
    "binary": ("joblib", BiLSTMClassifier(3, **SETTINGS), "X", "binary"),
    "text": (
        "pickle",
        BiLSTMClassifier(2, merge_mode="mul", class_weight="balanced", **SETTINGS),
        "X",
        "text",
    ),
    "multilabel": ("joblib", BiLSTMClassifier(2, **SETTINGS), "X", "several"),
    "stacked": (
        "joblib",
        BiLSTMClassifier((3, 2), direction="backward", **SETTINGS),
        "X",
        "text",
    ),
    "targets": (
        "pickle",
        BiLSTMRegressor(3, merge_mode="ave", **SETTINGS),
        "X",
        "targets",
    ),
    "forward": (
        "joblib",
        BiLSTMRegressor(3, direction="forward", normalize_y=False, **SETTINGS),
        "X",
        "number",
    ),
    "timestep_labels": ("joblib", BiLSTMTimestepClassifier(**SHORT), "X", "signs"),
    "timestep_targets": (
        "pickle",
        BiLSTMTimestepRegressor((2, 2), merge_mode="sum", **SETTINGS),
        "X",
        "sums",
    ),
    "pipeline": (
        "joblib",
        make_pipeline(
            StandardScaler(), SequenceReshaper(n_features=2), BiLSTMClassifier(**SHORT)
        ),
        "table",
        "text",
    ),
    "sequences": (
        "joblib",
        make_pipeline(
            SequencePadder(4, padding="pre"),
            SequenceScaler(MinMaxScaler()),
            BiLSTMRegressor(**SHORT),
        ),
        "X",
        "number",
    ),
    "windows": (
        "pickle",
        make_pipeline(SlidingWindows(3, groups=1), BiLSTMRegressor(**SHORT)),
        "table",
        "number",
    ),
    "context": ("joblib", SlidingWindows(3, time=0, context="fit"), "table", "number"),
    "ensemble": (
        "joblib",
        WindowedEnsemble(BiLSTMClassifier(**SHORT), n_timesteps=3),
        "X",
        "binary",
    ),
    "quantiles": (
        "joblib",
        BiLSTMTimestepRegressor(loss="quantile", quantiles=(0.1, 0.5, 0.9), **SHORT),
        "X",
        "sums",
    ),
    "codes": (
        "pickle",
        make_pipeline(
            SequenceTokenizer(), BiLSTMClassifier(categorical_features=[0], **SHORT)
        ),
        "words",
        "text",
    ),
    "prepared": (
        "joblib",
        make_pipeline(
            SequenceImputer(add_indicator=True),
            SequenceDifferencer(keep_values=True),
            SequenceFramer(2, hop_length=1),
        ),
        "X",
        "number",
    ),
    "trained_on": (
        "joblib",
        BiLSTMClassifier(
            dropout=0.2, warm_start=True, keep_optimizer_state=True, **SHORT
        ),
        "X",
        "text",
    ),
}


def make_data():
    """What the models are fitted on; X has padding."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(16, 6, 2)).astype(np.float32)
    X[::3, 4:] = np.nan
    sums = np.nancumsum(X.sum(axis=2), axis=1)
    last = sums[:, -1]
    place = np.argsort(np.argsort(last)) * 3 // 16
    times, series = np.arange(16.0), np.repeat([7.0, 9.0], 8)
    return {
        "X": X,
        "table": np.column_stack([times, series, rng.normal(size=(16, 4))]),
        "words": np.array([f"{word} the end" for word in np.repeat(list("abcd"), 4)]),
        "binary": (last > 0).astype(int),
        "text": np.array(["high", "low", "mid"])[place],
        "several": np.column_stack([last > 0, last > 1, last < 0]).astype(int),
        "targets": np.column_stack([last, 1000 - 50 * last]),
        "number": last,
        "signs": np.where(sums > 0, "up", "down"),
        "sums": sums,
    }


def outputs_of(model, X):
    """Probabilities if there are any, else what predict or transform gives."""
    for method in ("predict_proba", "predict", "transform"):
        if hasattr(model, method):
            return np.asarray(getattr(model, method)(X))
    raise TypeError(f"{model} has no outputs.")


def main(folder):
    """Fit and save all models."""
    folder.mkdir(exist_ok=True)
    data = make_data()
    answers = {}
    for name, (how, model, X, y) in MODELS.items():
        fitted = clone(model).fit(data[X], data[y])
        if how == "joblib":
            joblib.dump(fitted, folder / f"{name}.joblib")
        else:
            (folder / f"{name}.pickle").write_bytes(pickle.dumps(fitted, protocol=5))
        answers[f"{name}_given"] = np.array(X)
        answers[f"{name}_outputs"] = outputs_of(fitted, data[X])
        if name == "trained_on":
            fitted.partial_fit(data[X], data[y])
            answers["trained_on_further_outputs"] = outputs_of(fitted, data[X])
    np.savez_compressed(folder / "data.npz", **data, **answers)


if __name__ == "__main__":
    main(Path(sys.argv[0]).parent / sklstm.__version__)
