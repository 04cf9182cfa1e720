"""Quantiles of a forecast of several series: as sharp as torch's, and as many inside?

The network of docs/examples/plot_intervals.py, fifteen outputs for five quantiles of
three values ahead, and the same in torch with the pinball loss by hand: same windows,
distribution of initial weights, epochs, batch size, Adam's rate, constant and falling.
Per seed, of windows after those of training: the mean pinball loss, and how far the
share of values not above a quantile is from its level at most.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from statistics import mean, median
from tempfile import TemporaryDirectory

import numpy as np
from common import in_fresh_process, print_heading, print_table

UNITS = 16
BATCH_SIZE = 32
RATE = 0.005
LEVELS = np.array([0.05, 0.25, 0.5, 0.75, 0.95])
RATES = ("constant", "cosine")


def write_problem(path: Path, seed: int, n_series: int) -> None:
    """Windows of a panel, y scaled, and initial weights as Keras draws them."""
    from sklstm import make_windows
    from sklstm.datasets import make_panel
    from sklstm.network import Architecture, initial_parameters
    from sklstm.network.architecture import split_parameters

    table, groups = make_panel(n_series, n_rows=600, random_state=seed)
    row = np.tile(np.arange(600), n_series)
    past, recent = row < 450, row >= 450 - 24
    framing = {"n_timesteps": 24, "horizon": 3, "target": 0}
    X, y = make_windows(table[past], **framing, groups=groups[past])
    X_test, y_test = make_windows(table[recent], **framing, groups=groups[recent])
    n_outputs = y.shape[1] * len(LEVELS)
    architecture = Architecture(
        2, (UNITS,), "bidirectional", "concat", n_outputs, "linear"
    )
    flat = initial_parameters(architecture, np.random.default_rng(seed))
    weights = split_parameters(flat, architecture)
    centre, scale = y.mean(axis=0), y.std(axis=0)
    np.savez(
        path,
        X=np.asarray(X, np.float32),
        y=((y - centre) / scale).astype(np.float32),
        X_test=np.asarray(X_test, np.float32),
        y_test=((y_test - centre) / scale).astype(np.float32),
        **{f"weights_{k}": part for k, part in enumerate(weights.values())},
    )


def report(quantiles: np.ndarray, y_test: np.ndarray, seconds: float) -> None:
    """Print the result as JSON; quantiles of shape (n_windows, 3, n_quantiles)."""
    above = y_test[..., None] - np.sort(quantiles, axis=2)
    loss = np.maximum(LEVELS * above, (LEVELS - 1) * above).mean()
    off = np.abs((above <= 0).mean(axis=(0, 1)) - LEVELS).max()
    result = {"loss": float(loss), "off": float(off), "seconds": seconds}
    print(json.dumps(result))


def sklstm(path: str, rate: str, seed: int, epochs: int) -> None:
    """Ours."""
    from sklstm import BiLSTMRegressor

    data = np.load(path)
    network = BiLSTMRegressor(
        UNITS,
        loss="quantile",
        quantiles=LEVELS,
        pooling="last",
        learning_rate=RATE,
        schedule=rate,
        epochs=epochs,
        batch_size=BATCH_SIZE,
        normalize_y=False,
        random_state=seed,
    )
    start = time.perf_counter()
    network.fit(data["X"], data["y"])
    seconds = time.perf_counter() - start
    report(network.predict_quantiles(data["X_test"]), data["y_test"], seconds)


def torch(path: str, rate: str, seed: int, epochs: int) -> None:
    """A loop in torch, of initial weights from the same distribution."""
    import torch
    from torch_peer import Network, load_keras_weights

    torch.manual_seed(seed)
    torch.set_num_threads(1)
    data = np.load(path)
    n_outputs = data["y"].shape[1] * len(LEVELS)
    network = Network(data["X"].shape[2], UNITS, n_outputs)
    load_keras_weights(network, [data[f"weights_{k}"] for k in range(8)])
    X, y = torch.from_numpy(data["X"]), torch.from_numpy(data["y"])
    levels = torch.from_numpy(LEVELS.astype(np.float32))
    optimizer = torch.optim.Adam(network.parameters(), lr=RATE, eps=1e-7)
    n_steps = epochs * -(-len(X) // BATCH_SIZE)
    falling = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, n_steps)
    start = time.perf_counter()
    for _ in range(epochs):
        for rows in torch.randperm(len(X)).split(BATCH_SIZE):
            optimizer.zero_grad(set_to_none=True)
            above = y[rows, :, None] - network(X[rows]).reshape(
                len(rows), -1, len(levels)
            )
            torch.maximum(levels * above, (levels - 1) * above).mean().backward()
            optimizer.step()
            if rate == "cosine":
                falling.step()
    seconds = time.perf_counter() - start
    with torch.no_grad():
        outputs = network(torch.from_numpy(data["X_test"])).numpy()
    report(outputs.reshape(len(outputs), -1, len(LEVELS)), data["y_test"], seconds)


def measure(
    rate: str, pythons: dict[str, str], options: argparse.Namespace
) -> dict[str, list[dict[str, float]]]:
    """Results of both by seed, one after the other on the same windows."""
    results: dict[str, list[dict[str, float]]] = {name: [] for name in pythons}
    with TemporaryDirectory() as folder:
        for seed in range(options.first_seed, options.first_seed + options.seeds):
            path = Path(folder) / f"{seed}.npz"
            write_problem(path, seed, options.series)
            for name, python in pythons.items():
                arguments = name, path, rate, seed, options.epochs
                result = in_fresh_process(__file__, *arguments, python=python)
                results[name].append(result)
                print(rate, seed, name, result, file=sys.stderr, flush=True)
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--series", type=int, default=16)
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--torch-python", default=sys.executable)
    options = parser.parse_args()
    pythons = {"sklstm": sys.executable, "torch": options.torch_python}
    print_heading("Quantiles of a forecast")
    rows = []
    for rate in RATES:
        for name, found in measure(rate, pythons, options).items():
            losses, off = ([each[key] for each in found] for key in ("loss", "off"))
            seconds = median(each["seconds"] for each in found)
            rows.append(
                [rate, name, mean(losses), max(losses), mean(off), max(off), seconds]
            )
    header = ["rate", "", "pinball loss", "largest", "off by", "at most", "seconds"]
    print_table(header, rows)


if __name__ == "__main__":
    if len(sys.argv) == 6 and sys.argv[1] in ("sklstm", "torch"):
        _, contender, path, rate, seed, epochs = sys.argv
        {"sklstm": sklstm, "torch": torch}[contender](
            path, rate, int(seed), int(epochs)
        )
    else:
        main()
