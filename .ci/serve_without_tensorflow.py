"""Save a model in one environment, load it in another that has no TensorFlow.

`save FILE` fits a pipeline and keeps what it predicts beside it; `load FILE` checks
that TensorFlow is not installed, that every probability comes out bit for bit, and that
`fit` says what is missing.
"""

import sys
from importlib.resources import files
from importlib.util import find_spec

import joblib
import numpy as np
from sklearn.datasets import load_digits

import sklstm


def save(file: str) -> None:
    """Fit, predict and save; what the wheel should hold is checked as well."""
    from sklearn.pipeline import make_pipeline

    assert (files("sklstm") / "py.typed").is_file(), "py.typed is not in the wheel"
    X, y = load_digits(return_X_y=True)
    pipeline = make_pipeline(
        sklstm.SequenceReshaper(n_timesteps=8),
        sklstm.BiLSTMClassifier(epochs=5, random_state=0),
    ).fit(X, y)
    joblib.dump((pipeline, pipeline.predict_proba(X)), file)
    print(f"sklstm imported from {sklstm.__path__[0]}, model saved")


def load(file: str) -> None:
    """Load and predict."""
    for module in ("tensorflow", "keras", "scikeras"):
        assert find_spec(module) is None, f"{module} is installed here"
    X, y = load_digits(return_X_y=True)
    pipeline, expected = joblib.load(file)
    np.testing.assert_array_equal(pipeline.predict_proba(X), expected)
    score = pipeline.score(X, y)
    refusal = ""
    try:
        pipeline.fit(X, y)
    except ImportError as error:
        refusal = str(error)
    assert refusal.startswith("Training needs TensorFlow"), refusal
    print(f"without TensorFlow: the same predictions, accuracy {score:.3f}")


if __name__ == "__main__":
    {"save": save, "load": load}[sys.argv[1]](sys.argv[2])
