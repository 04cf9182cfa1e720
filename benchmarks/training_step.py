"""One training step: sklstm, Keras and torch, and the GEMM limit.

A bidirectional LSTM (merge mode concat) with one sigmoid output, binary
cross-entropy and Adam, at four sizes; with --capabilities at one size, and what
pooling, a schedule, frames, learnt vectors and quantiles cost. Every contender lives in
a process of its own, which stays, so that thread pools and settings do not mix. The
time of an epoch, all warm, is divided by its number of steps.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from contextlib import ExitStack
from functools import cache, partial
from statistics import median
from typing import Any, ClassVar, NamedTuple

import numpy as np
from capabilities import CAPABILITIES, Problem, print_costs
from common import cases_in_turn, print_heading, print_table, worker
from matmul import matmul_rates


class Size(NamedTuple):
    """A problem and how many steps its epoch has."""

    problem: Problem
    batch_size: int
    n_steps: int

    @property
    def flops(self) -> float:
        """Of a step: a matrix product forward, two of its size backward."""
        rows, inputs, gates = self.matmul
        return 3 * 2 * self.problem.n_timesteps * (2 * rows * inputs * gates)

    @property
    def matmul(self) -> tuple[int, int, int]:
        """Rows, inner size and columns of the product of one timestep."""
        units = self.problem.units
        return self.batch_size, self.problem.n_features + units, 4 * units


SIZES = {
    "small": Size(Problem(10, 1, 20), 32, n_steps=128),
    "middle": Size(Problem(29, 12, 100), 27, n_steps=40),
    "long": Size(Problem(200, 1, 32), 32, n_steps=32),
    "large": Size(Problem(100, 8, 128), 64, n_steps=12),
}
WITH_CAPABILITIES = {
    what: Size(problem, 32, n_steps=20) for what, problem in CAPABILITIES.items()
}
EPOCHS = 3
Steps = Callable[[Size], dict[str, float]]


@cache
def data(size: Size) -> tuple[np.ndarray, np.ndarray]:
    """X and y of an epoch."""
    return size.problem.data(size.batch_size * size.n_steps)


@cache
def peers_data(size: Size) -> tuple[list[np.ndarray], np.ndarray]:
    """The same for a network of standard layers: frames cut, codes apart."""
    X, y = data(size)
    numbers, *codes = size.problem.parts(X)
    return [size.problem.framed(numbers), *codes], y


def epoch_clock() -> Any:
    """A Keras callback that notes when epochs end; copies of it share their notes."""
    import keras

    class EpochClock(keras.callbacks.Callback):
        ends: ClassVar[list[float]] = []

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            self.ends.append(time.perf_counter())

    return EpochClock()


def measured(ends: list[float], loss: float, size: Size) -> dict[str, float]:
    """The median step between ends of epochs, and the last loss."""
    return {"step": median(np.diff(ends)) / size.n_steps, "loss": loss}


def sklstm_steps(size: Size) -> dict[str, float]:
    """Ours: what lies between the ends of two epochs of one fit."""
    clock = epoch_clock()
    network = size.problem.estimator(
        epochs=EPOCHS + 1, batch_size=size.batch_size, callbacks=[clock]
    )
    size.problem.pipeline(network).fit(*data(size))
    return measured(clock.ends, network.history_["loss"][-1], size)


@cache
def _keras_network(size: Size) -> Any:
    return size.problem.keras_network((EPOCHS + 1) * size.n_steps)


def keras_steps(size: Size) -> dict[str, float]:
    """keras.layers.LSTM and Model.fit; later rounds go on with the same network."""
    clock = epoch_clock()
    inputs, y = peers_data(size)
    history = (
        _keras_network(size)
        .fit(
            inputs if len(inputs) > 1 else inputs[0],
            y,
            batch_size=size.batch_size,
            epochs=EPOCHS + 1,
            callbacks=[clock],
            verbose=0,
        )
        .history
    )
    return measured(clock.ends, history["loss"][-1], size)


def torch_steps(n_threads: int, size: Size, device: str = "cpu") -> dict[str, float]:
    """torch.nn.LSTM in a plain training loop, data and network on the device."""
    import torch

    torch.set_num_threads(n_threads)
    torch.manual_seed(0)
    n_steps = (EPOCHS + 1) * size.n_steps
    trainer = size.problem.torch_trainer(size.batch_size, n_steps, device)
    inputs, y = peers_data(size)
    X, y, *codes = (torch.from_numpy(a).to(device) for a in (inputs[0], y, *inputs[1:]))
    ends = []
    for _ in range(EPOCHS + 1):
        loss = trainer.epoch(X, y, codes=codes[0] if codes else None)
        ends.append(time.perf_counter())
    return measured(ends, loss, size)


def on_cpu(steps: Callable[[Any], Any], size: Any) -> Any:
    """Steps in a process that sees no GPU."""
    os.environ["CUDA_VISIBLE_DEVICES"] = ""
    return steps(size)


def n_gpus() -> int:
    """How many TensorFlow sees."""
    import tensorflow as tf

    return len(tf.config.list_physical_devices("GPU"))


def torch_sees_gpu() -> bool:
    """Whether torch was built with CUDA, and there is a device."""
    import torch

    return bool(torch.cuda.is_available())


CONTENDERS = {
    "sklstm": partial(on_cpu, sklstm_steps),
    "keras": partial(on_cpu, keras_steps),
    "torch, 1 thread": partial(on_cpu, partial(torch_steps, 1)),
    "torch, 2 threads": partial(on_cpu, partial(torch_steps, 2)),
}
# sklstm runs Keras' cuDNN layers there, in its own loop over epochs.
GPU_CONTENDERS = {
    "sklstm": sklstm_steps,
    "sklstm, CPU": partial(on_cpu, sklstm_steps),
    "keras": keras_steps,
    "torch, GPU": partial(torch_steps, 1, device="cuda"),
}


def contenders(device: str) -> dict[str, Steps]:
    """Who takes part on a device, by name."""
    if device == "cpu":
        return CONTENDERS
    with worker() as process:
        if not process.submit(n_gpus).result():
            raise SystemExit("--device gpu: TensorFlow sees no GPU here")
        torch = process.submit(torch_sees_gpu).result()
    return {
        name: steps
        for name, steps in GPU_CONTENDERS.items()
        if torch or name != "torch, GPU"
    }


class Measured(NamedTuple):
    """By size and contender."""

    losses: dict[str, dict[str, float]]
    seconds: dict[str, dict[str, float]]


def measure(
    sizes: Mapping[str, Size],
    steps_of: Mapping[str, Steps],
    workers: Mapping[str, Executor],
    rounds: int,
) -> Measured:
    """Losses from the start, and the median step of the rounds that follow."""

    def run(name: str, size: Size) -> dict[str, float]:
        return workers[name].submit(steps_of[name], size).result()

    losses = {
        what: {name: run(name, size)["loss"] for name in workers}
        for what, size in sizes.items()
    }
    runs = cases_in_turn(run, sizes, workers, rounds)
    seconds = {
        what: {name: median(r["step"] for r in rs) for name, rs in of.items()}
        for what, of in runs.items()
    }
    return Measured(losses, seconds)


def print_limits(
    sizes: Mapping[str, Size], seconds: Mapping[str, Mapping[str, float]]
) -> None:
    """What the products alone take, and where sklstm stands between it and peers."""
    limits, ratios = [], []
    with worker() as first, worker() as second:
        for what, size in sizes.items():
            step = seconds[what]
            rates = matmul_rates((first, second), size.matmul)
            ideal = [size.flops / rate for rate in rates]
            gflops = [rate / 1e9 for rate in rates]
            limits.append((what, size.flops / 1e6, *gflops, *(1e3 * s for s in ideal)))
            if "sklstm" in step:
                torch = [t for name, t in step.items() if name.startswith("torch")]
                peers = (step.get("keras", np.nan), min(torch, default=np.nan))
                fraction = (f"{s / step['sklstm']:.0%}" for s in ideal)
                ratios.append((what, *(t / step["sklstm"] for t in peers), *fraction))
    print("The matrix products alone:\n")
    header = ["size", "MFLOP", "GFLOP/s, 1 core", "2 cores", "ms, 1 core", "2 cores"]
    print_table(header, limits)
    print("sklstm is times as fast as, and reaches of the limit of the products:\n")
    header = ["size", "keras", "torch, best", "limit of 1 core", "of 2 cores"]
    print_table(header, ratios)


def compare(options: argparse.Namespace) -> None:
    """Measure the contenders and print the tables."""
    steps_of = contenders(options.device)
    names = options.only or list(steps_of)
    sizes = {what: SIZES[what] for what in options.sizes}
    if options.capabilities:
        sizes = WITH_CAPABILITIES
    with ExitStack() as stack:
        workers = {name: stack.enter_context(worker()) for name in names}
        losses, seconds = measure(sizes, steps_of, workers, options.rounds)
    print("Milliseconds a step:\n")
    if options.capabilities:
        print_costs(seconds, "capability")
    else:
        rows = seconds.items()
        table = [(what, *(1e3 * t for t in of.values())) for what, of in rows]
        print_table(["size", *names], table)
    print(f"Loss in epoch {EPOCHS + 1} from the start:\n")
    print_table(["", *names], [(what, *of.values()) for what, of in losses.items()])
    if not options.capabilities:
        print_limits(sizes, seconds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--sizes", nargs="+", default=list(SIZES))
    parser.add_argument(
        "--capabilities", action="store_true", help="what each costs, at one size"
    )
    parser.add_argument("--only", nargs="+", help="some of the contenders")
    parser.add_argument("--device", choices=["cpu", "gpu"], default="cpu")
    options = parser.parse_args()
    if options.capabilities and "sklstm" not in (options.only or ["sklstm"]):
        parser.error("--capabilities says what sklstm pays: name it in --only")
    print_heading("One training step")
    compare(options)


if __name__ == "__main__":
    main()
