"""Sequences of unequal length: does the time of an epoch follow the sum of lengths?

Mixes of long and short sequences, the rest of each row NaN. The cost of a timestep
when all sequences are long is the measure: an epoch costs ideally that times the sum of
lengths, and without regard to lengths that times n_samples x longest. Keras has a
Masking layer, torch packed sequences. Every contender lives in a process of its own.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import cache, partial
from statistics import median
from typing import Any

import numpy as np
from common import in_turn, print_heading, print_table, worker
from training_step import epoch_clock

LONGEST, N_FEATURES, UNITS, BATCH_SIZE, N_SAMPLES = 200, 4, 32, 32, 1024
EPOCHS = 3


def draw_lengths(mix: str) -> np.ndarray:
    """The length of every sequence, at least one of them the longest."""
    rng = np.random.default_rng(0)
    match mix:
        case "all long":
            return np.full(N_SAMPLES, LONGEST)
        case "uniform":
            lengths = rng.integers(1, LONGEST + 1, N_SAMPLES)
        case "one in ten long":
            lengths = np.where(rng.random(N_SAMPLES) < 0.1, LONGEST, LONGEST // 10)
        case "lognormal":
            lengths = np.ceil(rng.lognormal(np.log(30), 0.8, N_SAMPLES)).clip(
                1, LONGEST
            )
    lengths[0] = LONGEST
    return lengths.astype(int)


MIXES = ["all long", "uniform", "one in ten long", "lognormal"]


@cache
def problem(mix: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sequences padded with NaN, their lengths, and the sign of their last steps."""
    rng = np.random.default_rng(1)
    lengths = draw_lengths(mix)
    X = rng.normal(size=(N_SAMPLES, LONGEST, N_FEATURES)).astype(np.float32)
    last = X[np.arange(N_SAMPLES), lengths - 1, 0]
    X[np.arange(LONGEST) >= lengths[:, None]] = np.nan
    return X, lengths, (last > 0).astype(np.float32)


def measured(ends: list[float], loss: float) -> dict[str, float]:
    """The median time between ends of epochs, and the last loss."""
    return {"epoch": median(np.diff(ends)), "loss": loss}


def sklstm_epoch(mix: str) -> dict[str, float]:
    """Ours, told nothing but the NaN."""
    from sklstm import BiLSTMClassifier

    clock = epoch_clock()
    X, _, y = problem(mix)
    network = BiLSTMClassifier(
        units=UNITS,
        epochs=EPOCHS + 1,
        batch_size=BATCH_SIZE,
        learning_rate=1e-3,
        schedule="constant",
        pooling="last",
        callbacks=[clock],
        random_state=0,
    ).fit(X, y)
    return measured(clock.ends, network.history_["loss"][-1])


@cache
def _keras_network(mix: str) -> Any:
    import keras_peer

    return keras_peer.network(LONGEST, N_FEATURES, UNITS, masked=mix != "all long")


def keras_epoch(mix: str) -> dict[str, float]:
    """Keras, zeros masked; later rounds go on with the same network."""
    clock = epoch_clock()
    X, _, y = problem(mix)
    history = (
        _keras_network(mix)
        .fit(
            np.nan_to_num(X),
            y,
            batch_size=BATCH_SIZE,
            epochs=EPOCHS + 1,
            callbacks=[clock],
            verbose=0,
        )
        .history
    )
    return measured(clock.ends, history["loss"][-1])


def torch_epoch(n_threads: int, mix: str) -> dict[str, float]:
    """torch, sequences packed."""
    import torch
    from torch_peer import Network, Trainer

    torch.set_num_threads(n_threads)
    torch.manual_seed(0)
    trainer = Trainer(Network(N_FEATURES, UNITS), BATCH_SIZE)
    X, lengths, y = problem(mix)
    tensors = [torch.from_numpy(a) for a in (np.nan_to_num(X), y, lengths)]
    if mix == "all long":
        tensors.pop()
    ends = []
    for _ in range(EPOCHS + 1):
        loss = trainer.epoch(*tensors)
        ends.append(time.perf_counter())
    return measured(ends, loss)


CONTENDERS: dict[str, Callable[[str], dict[str, float]]] = {
    "sklstm": sklstm_epoch,
    "keras, masked": keras_epoch,
    "torch, packed, 1 thread": partial(torch_epoch, 1),
    "torch, packed, 2 threads": partial(torch_epoch, 2),
}


def compare(options: argparse.Namespace) -> None:
    """Measure all contenders on all mixes and print the tables."""
    names = options.only
    times, costs, losses = [], [], []
    dense: dict[str, float] = {}
    with ExitStack() as stack:
        workers = {name: stack.enter_context(worker()) for name in names}
        for mix in MIXES:

            def run(name: str, mix: str = mix) -> dict[str, float]:
                return workers[name].submit(CONTENDERS[name], mix).result()

            losses.append((mix, *(run(name)["loss"] for name in names)))
            results = in_turn({n: partial(run, n) for n in names}, options.rounds)
            epoch = {n: median(r["epoch"] for r in rs) for n, rs in results.items()}
            dense = dense or epoch
            share = draw_lengths(mix).mean() / LONGEST
            times.append((mix, f"{share:.0%}", *(1e3 * t for t in epoch.values())))
            ratios = (f"{epoch[name] / dense[name]:.0%}" for name in names)
            costs.append((mix, f"{share:.0%}", *ratios))
    header = ["mix", "sum of lengths", *names]
    print("Milliseconds an epoch:\n")
    print_table(header, times)
    print("The same as a share of the epoch in which all sequences are long:\n")
    print_table(header, costs)
    print(f"Loss in epoch {EPOCHS + 1} from the start:\n")
    print_table(["mix", *names], losses)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", nargs="+", default=list(CONTENDERS))
    options = parser.parse_args()
    print_heading("Sequences of unequal length")
    compare(options)


if __name__ == "__main__":
    main()
