"""Many fits of changing architectures in one process.

Resident memory, file descriptors, threads and the time of a fit, by hundreds of fits.
`sizes` changes what one network serves: units, features, outputs, timesteps and merge
mode. `structures` changes also what needs a network of its own: layers, direction, the
kind of target, the optimizer. There are more of these than idle networks are kept, so
what a network leaves behind when it is dropped is counted, too.
"""

from __future__ import annotations

import argparse
import gc
import json
import sys
import time
from statistics import median
from typing import Any

import numpy as np
import psutil
from common import in_fresh_process, print_heading, print_table

SCENARIOS = ("sizes", "structures")
BLOCK = 100


def one_fit(rng: np.random.Generator, scenario: str) -> int:
    """Fit and predict with an architecture drawn at random; how many traces it took."""
    from sklstm import BiLSTMClassifier, BiLSTMRegressor
    from sklstm.training.lending import POOL

    def one_of(*options: Any) -> Any:
        return options[rng.integers(len(options))]

    known = {id(network) for network in POOL.networks()}
    widths = [int(width) for width in rng.integers(2, 49, size=2)]
    every = scenario == "structures"
    params = {
        "units": tuple(widths) if every and one_of(True, False) else widths[0],
        "direction": one_of("bidirectional", "forward", "backward")
        if every
        else "bidirectional",
        "merge_mode": one_of("concat", "sum", "mul", "ave"),
        "optimizer": one_of("adam", "sgd", "rmsprop") if every else "adam",
        "epochs": 2,
        "batch_size": int(rng.integers(8, 33)),
        "random_state": int(rng.integers(1000)),
    }
    n_samples = int(rng.integers(40, 80))
    X = rng.normal(size=(n_samples, rng.integers(4, 13), rng.integers(1, 9)))
    head = one_of("binary", "classes", "labels", "numbers") if every else "classes"
    n_outputs = int(rng.integers(3, 7))
    estimator: Any = BiLSTMClassifier(**params)
    if head == "binary":
        y = np.arange(n_samples) % 2
    elif head == "classes":
        y = np.arange(n_samples) % n_outputs
    elif head == "labels":
        y = rng.integers(0, 2, size=(n_samples, n_outputs))
    else:
        estimator = BiLSTMRegressor(**params)
        y = rng.normal(size=(n_samples, n_outputs))
    predicted = estimator.fit(X, y).predict(X)
    assert np.isfinite(predicted).all()
    return sum(id(network) not in known for network in POOL.networks())


def watch(scenario: str, n_fits: int) -> list[list[float]]:
    """For the first fit and every block: memory, descriptors, threads, seconds."""
    rng = np.random.default_rng(0)
    process = psutil.Process()
    rows: list[list[float]] = []
    seconds: list[float] = []
    built = 0
    for k in range(n_fits):
        start = time.perf_counter()
        built += one_fit(rng, scenario)
        seconds.append(time.perf_counter() - start)
        if k == 0 or (k + 1) % BLOCK == 0 or k + 1 == n_fits:
            gc.collect()
            memory = process.memory_info().rss / 2**20
            state = [memory, process.num_fds(), process.num_threads(), built]
            rows.append([k + 1, *state, 1000 * median(seconds), 1000 * max(seconds)])
            seconds, built = [], 0
            progress = f"{scenario}: {k + 1} fits, {memory:.0f} MB"
            print(progress, file=sys.stderr, flush=True)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fits", type=int, default=500)
    parser.add_argument("--only", nargs="+", default=list(SCENARIOS), choices=SCENARIOS)
    options = parser.parse_args()
    print_heading("Long run")
    for scenario in options.only:
        rows = in_fresh_process(__file__, "--scenario", scenario, options.fits)
        header = f"{scenario}: fits|MB|descriptors|threads|networks built"
        columns = [*header.split("|"), "ms a fit, median", "ms, longest"]
        print_table(columns, rows)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--scenario"]:
        print(json.dumps(watch(sys.argv[2], int(sys.argv[3]))))
    else:
        main()
