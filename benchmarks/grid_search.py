"""A grid search over merge modes and units, cold: sklstm, plain scikeras, skorch.

load_digits, 4 merge modes x 2 units x 3 folds x 10 epochs and a final refit: 25 fits
in a process of their own. Importing the library is timed apart from the search.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from functools import partial
from statistics import median
from typing import Any

import joblib
import numpy as np
from common import in_fresh_process, in_turn, print_heading, print_table
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV, StratifiedKFold

MERGE_MODES = ["concat", "sum", "mul", "ave"]
UNITS = [16, 32]


def sklstm_estimator() -> tuple[Any, str]:
    """Ours; what `fit` would import is imported here, as with the others."""
    import scikeras.wrappers  # noqa: F401

    from sklstm import BiLSTMClassifier

    network = BiLSTMClassifier(
        epochs=EPOCHS,
        batch_size=32,
        learning_rate=1e-3,
        schedule="constant",
        pooling="last",
        random_state=0,
    )
    return network, ""


def scikeras_estimator() -> tuple[Any, str]:
    """scikeras around standard Keras layers."""
    import keras
    import keras_peer
    from scikeras.wrappers import KerasClassifier

    keras.utils.set_random_seed(0)
    network = KerasClassifier(
        partial(keras_peer.network, 8, 8, n_outputs=10),
        merge_mode="concat",
        units=16,
        epochs=EPOCHS,
        batch_size=32,
        verbose=0,
    )
    return network, ""


def skorch_estimator(n_threads: int) -> tuple[Any, str]:
    """skorch around torch.nn.LSTM."""
    import torch
    from skorch import NeuralNetClassifier
    from torch_peer import Network

    torch.set_num_threads(n_threads)
    torch.manual_seed(0)
    network = NeuralNetClassifier(
        Network,
        module__n_features=8,
        module__units=16,
        module__n_outputs=10,
        criterion=torch.nn.CrossEntropyLoss,
        optimizer=torch.optim.Adam,
        lr=1e-3,
        max_epochs=EPOCHS,
        batch_size=32,
        iterator_train__shuffle=True,
        train_split=None,
        verbose=0,
    )
    return network, "module__"


# What it is called: how the estimator is made, n_jobs, joblib's backend.
CONTENDERS = {
    "sklstm": (sklstm_estimator, 1, None),
    "sklstm, n_jobs=2 (threading)": (sklstm_estimator, 2, "threading"),
    "scikeras": (scikeras_estimator, 1, None),
    "skorch, 1 thread": (partial(skorch_estimator, 1), 1, None),
    "skorch, 2 threads": (partial(skorch_estimator, 2), 1, None),
    "skorch, n_jobs=2 (loky)": (partial(skorch_estimator, 1), 2, "loky"),
}
EPOCHS = 10


def search(name: str) -> dict[str, Any]:
    """One contender's whole search."""
    make, n_jobs, backend = CONTENDERS[name]
    X, y = load_digits(return_X_y=True)
    X = (X / 16).reshape(-1, 8, 8).astype(np.float32)
    start = time.perf_counter()
    estimator, prefix = make()
    imported = time.perf_counter()
    grid = {f"{prefix}merge_mode": MERGE_MODES, f"{prefix}units": UNITS}
    cv = StratifiedKFold(3, shuffle=True, random_state=0)
    with joblib.parallel_config(backend=backend or "loky"):
        searched = GridSearchCV(estimator, grid, cv=cv, n_jobs=n_jobs).fit(X, y)
    done = time.perf_counter()
    scores = searched.cv_results_["mean_test_score"]
    result = {
        "import": imported - start,
        "search": done - imported,
        "best": float(scores.max()),
        "mean": float(scores.mean()),
    }
    return result | ({"traces": _traces()} if make is sklstm_estimator else {})


def _traces() -> int:
    """How often sklstm traced a training graph in this process."""
    from sklstm.training.lending import POOL

    return sum(network.traces for network in POOL.networks())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs="+", default=list(CONTENDERS))
    options = parser.parse_args()
    print_heading("Grid search, cold")
    results = in_turn(
        {
            name: partial(in_fresh_process, __file__, "--contender", name)
            for name in options.only
        },
        options.rounds,
    )
    medians: dict[str, dict[str, Any]] = {
        name: {what: median(run[what] for run in runs) for what in runs[0]}
        for name, runs in results.items()
    }
    skorch = [n for n in ("skorch, 1 thread", "skorch, 2 threads") if n in medians]
    print_table(
        ["contender", "import, s", "search, s", "best score", "mean score", "traces"],
        [(name, *[*r.values(), ""][:5]) for name, r in medians.items()],
    )
    rows = []
    for ours in (name for name in medians if name.startswith("sklstm")):
        peers = {name: [name] for name in medians if not name.startswith("sklstm")}
        if skorch:
            peers["skorch at its best thread count"] = skorch
        for peer, names in peers.items():
            times = [
                min(medians[name]["search"] for name in names)
                / medians[ours]["search"],
                min(medians[n]["search"] + medians[n]["import"] for n in names)
                / (medians[ours]["search"] + medians[ours]["import"]),
            ]
            rows.append((ours, peer, *times))
    print_table(["", "times as fast as", "search", "import and search"], rows)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--contender"]:
        print(json.dumps(search(sys.argv[2])))
    else:
        main()
