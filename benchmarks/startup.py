"""Start-up: `import sklstm`, and load and first predict in a fresh process.

Against importing what scikit-learn estimators are made of, and against a pipeline
around scikit-learn's own MLPClassifier. The clock starts when Python is up.
"""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import joblib
from common import in_fresh_process, in_turn, print_heading, print_table
from sklearn.datasets import load_digits
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

IMPORT = """
import sys, time
start = time.perf_counter()
for module in sys.argv[1:]:
    __import__(module)
print(time.perf_counter() - start)
"""
LOAD_AND_PREDICT = """
import sys, time
start = time.perf_counter()
import joblib
import numpy as np
joblib.load(sys.argv[1]).predict_proba(np.zeros((1, 64)))
print(time.perf_counter() - start)
"""


def sklstm_pipeline() -> Pipeline:
    """Ours."""
    from sklstm import BiLSTMClassifier, SequenceReshaper

    return make_pipeline(SequenceReshaper(n_timesteps=8), BiLSTMClassifier(epochs=2))


def mlp_pipeline() -> Pipeline:
    """scikit-learn's own network."""
    return make_pipeline(StandardScaler(), MLPClassifier(max_iter=500))


PIPELINES = {"sklstm": sklstm_pipeline, "scikit-learn's MLP": mlp_pipeline}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    print_heading("Start-up")
    start = partial(in_fresh_process, "-c")
    contenders = {
        "import sklstm": partial(start, IMPORT, "sklstm"),
        "import sklearn.base, sklearn.utils": partial(
            start, IMPORT, "sklearn.base", "sklearn.utils"
        ),
    }
    with TemporaryDirectory() as folder:
        for name, make in PIPELINES.items():
            file = Path(folder) / f"{len(contenders)}.joblib"
            joblib.dump(make().fit(*load_digits(return_X_y=True)), file)
            what = f"load a pipeline and predict one row, {name}"
            contenders[what] = partial(start, LOAD_AND_PREDICT, file)
        results = in_turn(contenders, options.rounds)
    seconds = {name: median(runs) for name, runs in results.items()}
    print_table(["fresh process", "ms"], [(n, 1e3 * s) for n, s in seconds.items()])
    ours, imports, loaded, mlp = seconds.values()
    rows = [("import", ours / imports), ("load and predict", loaded / mlp)]
    print_table(["sklstm takes", "times as long as scikit-learn"], rows)


if __name__ == "__main__":
    main()
