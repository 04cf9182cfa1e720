"""Memory over many fits, units and merge mode changing from fit to fit.

Resident memory after every fit, each contender in a process of its own. Growth is
counted after the first 20 fits. The peers that leak get fewer fits, which does not
change what one fit leaks.
"""

from __future__ import annotations

import argparse
import gc
import json
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import psutil
from common import in_fresh_process, print_heading, print_table
from sklearn.datasets import load_digits

MERGE_MODES = ["concat", "sum", "mul", "ave"]
WARM_UP = 20


def sklstm_fit() -> Callable[..., float]:
    """Ours."""
    from sklstm import BiLSTMClassifier

    def fit(X: np.ndarray, y: np.ndarray, units: int, merge_mode: str) -> float:
        network = BiLSTMClassifier(
            units=units,
            merge_mode=merge_mode,
            epochs=2,
            batch_size=32,
            learning_rate=1e-3,
            schedule="constant",
            pooling="last",
            random_state=0,
        )
        return network.fit(X, y).score(X, y)

    return fit


def scikeras_fit() -> Callable[..., float]:
    """scikeras around standard Keras layers."""
    import keras_peer
    from scikeras.wrappers import KerasClassifier

    def fit(X: np.ndarray, y: np.ndarray, units: int, merge_mode: str) -> float:
        build = partial(keras_peer.network, 8, 8, units, 10, merge_mode)
        network = KerasClassifier(build, epochs=2, batch_size=32, verbose=0)
        return network.fit(X, y).score(X, y)

    return fit


def skorch_fit() -> Callable[..., float]:
    """skorch around torch.nn.LSTM."""
    import torch
    from skorch import NeuralNetClassifier
    from torch_peer import Network

    def fit(X: np.ndarray, y: np.ndarray, units: int, merge_mode: str) -> float:
        network = NeuralNetClassifier(
            Network(8, units, 10, merge_mode),
            criterion=torch.nn.CrossEntropyLoss,
            optimizer=torch.optim.Adam,
            lr=1e-3,
            max_epochs=2,
            batch_size=32,
            iterator_train__shuffle=True,
            train_split=None,
            verbose=0,
        )
        return network.fit(X, y).score(X, y)

    return fit


# How a fit is made, and the default number of fits.
CONTENDERS = {
    "sklstm": (sklstm_fit, 200),
    "scikeras": (scikeras_fit, 60),
    "skorch": (skorch_fit, 200),
}


def grow(name: str, n_fits: int) -> dict[str, Any]:
    """Megabytes after every fit."""
    X, y = load_digits(return_X_y=True)
    X = (X / 16).reshape(-1, 8, 8).astype(np.float32)[:400]
    fit = CONTENDERS[name][0]()
    process = psutil.Process()
    memory, scores = [], []
    for k in range(n_fits):
        scores.append(fit(X, y[:400], 4 + 7 * k % 61, MERGE_MODES[k % 4]))
        gc.collect()
        memory.append(process.memory_info().rss / 2**20)
        print(f"{name}: fit {k + 1}, {memory[-1]:.0f} MB", file=sys.stderr, flush=True)
    return {"memory": memory, "score": float(np.mean(scores))}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fits", type=int, help=f"at least {WARM_UP + 2}")
    parser.add_argument("--only", nargs="+", default=list(CONTENDERS))
    options = parser.parse_args()
    print_heading("Memory")
    rows = []
    for name in options.only:
        n_fits = options.fits or CONTENDERS[name][1]
        result = in_fresh_process(__file__, "--contender", name, n_fits)
        after = result["memory"][WARM_UP - 1 :]
        fits = np.arange(len(after))
        growth = (after[-1] - after[0]) / fits[-1]
        slope = float(np.polyfit(fits, after, 1)[0])
        rows.append((name, n_fits, after[0], after[-1], growth, slope, result["score"]))
    print_table(
        [
            "contender",
            "fits",
            f"MB after {WARM_UP}",
            "MB at the end",
            "MB a fit",
            "slope, MB a fit",
            "mean score",
        ],
        rows,
    )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--contender"]:
        print(json.dumps(grow(sys.argv[2], int(sys.argv[3]))))
    else:
        main()
