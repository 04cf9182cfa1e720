"""A memory map four times as large as the memory a process may take.

One process trains and predicts from the file under a limit on its private memory
(RLIMIT_DATA: the heap and all anonymous mappings, TensorFlow's included; pages of the
mapped file belong to the system's cache). Another has no limit and loads the file
first. Their weights and predictions must be the same, bit for bit.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import tempfile
import time
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from common import in_fresh_process, print_heading, print_table

N_TIMESTEPS, N_FEATURES = 50, 8
SETTINGS: dict[str, Any] = {
    "units": 8,
    "epochs": 1,
    "batch_size": 512,
    "random_state": 0,
}


def write_data(folder: Path, n_bytes: int) -> None:
    """Sequences whose label is the sign of the sum of a feature."""
    n_samples = n_bytes // (4 * N_TIMESTEPS * N_FEATURES)
    shape = (n_samples, N_TIMESTEPS, N_FEATURES)
    X = np.lib.format.open_memmap(folder / "X.npy", "w+", np.float32, shape)
    rng = np.random.default_rng(0)
    y = np.empty(n_samples, dtype=int)
    for start in range(0, n_samples, 20_000):
        rows = slice(start, min(start + 20_000, n_samples))
        X[rows] = rng.standard_normal((rows.stop - start, *shape[1:]), np.float32)
        y[rows] = X[rows, :, 0].sum(axis=1) > 0
    X.flush()
    np.save(folder / "y.npy", y)


def private_memory() -> dict[str, int]:
    """Bytes that the limit counts, and the most that was resident."""
    status = dict(
        line.split(":", 1)
        for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    )
    return {
        "counted": 1024 * int(status["VmData"].split()[0]),
        "peak": 1024 * int(status["VmHWM"].split()[0]),
    }


def train(folder: Path, limit: int) -> dict[str, Any]:
    """Fit and predict, from disk under a limit or, if it is 0, from memory."""
    if limit:
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    from sklstm import BiLSTMClassifier

    X = np.load(folder / "X.npy", mmap_mode="r" if limit else None)
    y = np.load(folder / "y.npy")
    start = time.perf_counter()
    classifier = BiLSTMClassifier(**SETTINGS).fit(X, y)
    fitted = time.perf_counter()
    proba = classifier.predict_proba(X)
    predicted = time.perf_counter()
    return {
        "fit": fitted - start,
        "predict": predicted - fitted,
        "accuracy": float(np.mean((proba[:, 1] > 0.5) == y)),
        "weights": zlib.crc32(
            b"".join(w.tobytes() for w in classifier.weights_.values())
        ),
        "probabilities": zlib.crc32(proba.tobytes()),
        **private_memory(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--limit", type=int, default=1000, help="MB")
    parser.add_argument("--ratio", type=float, default=4, help="data to limit")
    arguments = parser.parse_args()
    limit = arguments.limit * 10**6
    print_heading("Larger than memory")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_data(folder, int(arguments.ratio * limit))
        size = (folder / "X.npy").stat().st_size
        runs = {
            "from disk, limited": in_fresh_process(__file__, "train", folder, limit),
            "from memory": in_fresh_process(__file__, "train", folder, 0),
        }
    print(f"data {size / 1e6:.0f} MB, limit {limit / 1e6:.0f} MB")
    print_table(
        [
            "",
            "fit s",
            "predict s",
            "accuracy",
            "private MB",
            "weights",
            "probabilities",
        ],
        [
            [
                name,
                run["fit"],
                run["predict"],
                run["accuracy"],
                run["counted"] / 1e6,
                f"{run['weights']:08x}",
                f"{run['probabilities']:08x}",
            ]
            for name, run in runs.items()
        ],
    )
    first, second = runs.values()
    same = all(first[key] == second[key] for key in ("weights", "probabilities"))
    print("same bits" if same else "NOT THE SAME")
    sys.exit(not same)


if __name__ == "__main__":
    if sys.argv[1:2] == ["train"]:
        print(json.dumps(train(Path(sys.argv[2]), int(sys.argv[3]))))
    else:
        main()
