"""Start-up: `import sklstm`, and load and first predict in a fresh process.

Against importing what scikit-learn estimators are made of, and against a pipeline
around scikit-learn's own MLPClassifier.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from common import in_fresh_process, in_turn, print_heading, print_table

IMPORTS = {
    "import sklstm": "sklstm",
    "import sklearn.base, sklearn.utils": "sklearn.base sklearn.utils",
}


def save(file: Path, kind: str) -> None:
    """Fit a small pipeline on the digits and save it."""
    import joblib
    from sklearn.datasets import load_digits
    from sklearn.pipeline import make_pipeline

    if kind == "sklstm":
        from sklstm import BiLSTMClassifier, SequenceReshaper

        steps = SequenceReshaper(n_timesteps=8), BiLSTMClassifier(epochs=2)
    else:
        from sklearn.neural_network import MLPClassifier
        from sklearn.preprocessing import StandardScaler

        steps = StandardScaler(), MLPClassifier(max_iter=20)
    joblib.dump(make_pipeline(*steps).fit(*load_digits(return_X_y=True)), file)


def load_and_predict(file: str) -> dict[str, Any]:
    """Seconds to load a pipeline, importing what it needs, and predict one row."""
    start = time.perf_counter()
    import joblib
    import numpy as np

    pipeline = joblib.load(file)
    loaded = time.perf_counter()
    pipeline.predict_proba(np.zeros((1, 64)))
    done = time.perf_counter()
    return {"load": loaded - start, "predict": done - loaded, "seconds": done - start}


def import_modules(names: Sequence[str]) -> dict[str, Any]:
    """Seconds to import modules."""
    start = time.perf_counter()
    for name in names:
        __import__(name)
    return {"seconds": time.perf_counter() - start}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--peers-only", action="store_true")
    options = parser.parse_args()
    print_heading("Start-up")
    with TemporaryDirectory() as folder:
        contenders = {
            name: partial(in_fresh_process, __file__, "import", *modules.split())
            for name, modules in IMPORTS.items()
        }
        for kind in ("sklstm", "MLPClassifier"):
            file = Path(folder) / f"{kind}.joblib"
            if kind != "sklstm" or not options.peers_only:
                in_fresh_process(__file__, "save", file, kind)
            name = f"load and predict, {kind}"
            contenders[name] = partial(in_fresh_process, __file__, "load", file)
        if options.peers_only:
            contenders = {n: c for n, c in contenders.items() if "sklstm" not in n}
        results = in_turn(contenders, options.rounds)
    seconds = {
        name: median(run["seconds"] for run in runs) for name, runs in results.items()
    }
    print_table(["fresh process", "ms"], [(n, 1e3 * s) for n, s in seconds.items()])
    if not options.peers_only:
        ours, base, loaded, mlp = seconds.values()
        rows = [("import", ours / base), ("load and first predict", loaded / mlp)]
        print_table(["sklstm takes", "times as long as scikit-learn"], rows)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["import", *names]:
            print(json.dumps(import_modules(names)))
        case ["save", file, kind]:
            save(Path(file), kind)
            print("null")
        case ["load", file]:
            print(json.dumps(load_and_predict(file)))
        case _:
            main()
