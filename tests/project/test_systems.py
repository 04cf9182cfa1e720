"""What Windows and macOS lack, taken away here: there the suite has not run yet."""

import subprocess
import sys

import joblib
import numpy as np
from numpy.testing import assert_array_equal
from sklearn.pipeline import make_pipeline
from threadpoolctl import ThreadpoolController

from sklstm import BiLSTMClassifier, SequenceTokenizer
from sklstm.network import forward

TEXTS = ["the café was good", "bad", "good, very good", "the worst"] * 3
LABELS = ["à revoir", "non"] * 6
MODEL = make_pipeline(
    SequenceTokenizer(),
    BiLSTMClassifier(2, categorical_features=[0], epochs=1, random_state=0),
).set_params(bilstmclassifier__categorical_features=[0])

# Fits, saves, loads, predicts and prints with neither forks nor UTF-8.
ELSEWHERE = """
import os, sys, warnings

for name in ("fork", "register_at_fork", "sched_getaffinity"):
    if hasattr(os, name):
        delattr(os, name)
warnings.filterwarnings("error", category=EncodingWarning, module="sklstm")

import joblib
from sklstm import explain_shapes

assert sys.stdout.encoding.lower() not in ("utf-8", "utf8"), sys.stdout.encoding
model, texts, labels = joblib.load("task.joblib")
print(explain_shapes(model, texts, labels))
joblib.dump(model.fit(texts, labels), "model.joblib")
joblib.dump(joblib.load("model.joblib").predict_proba(texts), "proba.joblib")
"""


def test_neither_forks_nor_utf8(tmp_path, monkeypatch):
    """The same bits come out."""
    joblib.dump((MODEL, TEXTS, LABELS), tmp_path / "task.joblib")
    monkeypatch.setenv("LC_ALL", "C")
    # Python would take UTF-8 for the locale C otherwise.
    monkeypatch.setenv("PYTHONUTF8", "0")
    monkeypatch.setenv("PYTHONCOERCECLOCALE", "0")
    monkeypatch.setenv("PYTHONWARNDEFAULTENCODING", "1")
    monkeypatch.delenv("PYTHONIOENCODING", raising=False)
    done = subprocess.run(
        [sys.executable, "-c", ELSEWHERE], cwd=tmp_path, capture_output=True
    )
    assert done.returncode == 0, done.stderr.decode("ascii", "replace")
    assert b"sequencetokenizer" in done.stdout
    proba = joblib.load(tmp_path / "proba.joblib")
    assert_array_equal(MODEL.fit(TEXTS, LABELS).predict_proba(TEXTS), proba)


def test_a_blas_whose_threads_nobody_can_set(monkeypatch):
    """Apple's is none of those that threadpoolctl knows: every row comes out."""
    none = ThreadpoolController().select(user_api="none that there is")
    monkeypatch.setattr(forward, "_threadpools", lambda: none)
    seen = np.zeros(9)

    def count(k):
        seen[k] += 1

    forward.for_each(count, list(range(9)))
    assert_array_equal(seen, 1)
