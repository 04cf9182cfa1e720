"""One training step at four sizes: sklstm, Keras and torch, and the GEMM limit.

A bidirectional LSTM (merge mode concat) with one sigmoid output, binary
cross-entropy and Adam. Every contender lives in a process of its own, which stays, so
that thread pools and settings do not mix. The time of an epoch, all warm, is divided
by its number of steps.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from contextlib import ExitStack
from functools import cache, partial
from statistics import median
from typing import Any, ClassVar, NamedTuple

import numpy as np
from common import in_turn, print_heading, print_table, repeated, worker


class Size(NamedTuple):
    """A problem and how many steps its epoch has."""

    n_timesteps: int
    n_features: int
    units: int
    batch_size: int
    n_steps: int

    @property
    def flops(self) -> float:
        """Of a step: a matrix product forward, two of its size backward."""
        rows, inputs, gates = self.matmul
        return 3 * 2 * self.n_timesteps * (2 * rows * inputs * gates)

    @property
    def matmul(self) -> tuple[int, int, int]:
        """Rows, inner size and columns of the product of one timestep."""
        return self.batch_size, self.n_features + self.units, 4 * self.units


SIZES = {
    "small": Size(10, 1, 20, 32, n_steps=128),
    "middle": Size(29, 12, 100, 27, n_steps=40),
    "long": Size(200, 1, 32, 32, n_steps=32),
    "large": Size(100, 8, 128, 64, n_steps=12),
}
EPOCHS = 3


@cache
def problem(size: Size) -> tuple[np.ndarray, np.ndarray]:
    """Sequences, and whether their mean is above the middle."""
    rng = np.random.default_rng(0)
    n_samples = size.batch_size * size.n_steps
    X = rng.random((n_samples, size.n_timesteps, size.n_features), dtype=np.float32)
    means = X.mean(axis=(1, 2))
    return X, (means > np.median(means)).astype(np.float32)


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
    from sklstm import BiLSTMClassifier

    clock = epoch_clock()
    X, y = problem(size)
    network = BiLSTMClassifier(
        units=size.units,
        epochs=EPOCHS + 1,
        batch_size=size.batch_size,
        learning_rate=1e-3,
        schedule="constant",
        pooling="last",
        callbacks=[clock],
        random_state=0,
    ).fit(X, y)
    return measured(clock.ends, network.history_["loss"][-1], size)


@cache
def _keras_network(size: Size) -> Any:
    import keras_peer

    return keras_peer.network(size.n_timesteps, size.n_features, size.units)


def keras_steps(size: Size) -> dict[str, float]:
    """keras.layers.LSTM and Model.fit; later rounds go on with the same network."""
    clock = epoch_clock()
    X, y = problem(size)
    history = (
        _keras_network(size)
        .fit(
            X,
            y,
            batch_size=size.batch_size,
            epochs=EPOCHS + 1,
            callbacks=[clock],
            verbose=0,
        )
        .history
    )
    return measured(clock.ends, history["loss"][-1], size)


def torch_steps(n_threads: int, size: Size) -> dict[str, float]:
    """torch.nn.LSTM in a plain training loop."""
    import torch
    from torch_peer import Network, Trainer

    torch.set_num_threads(n_threads)
    torch.manual_seed(0)
    trainer = Trainer(Network(size.n_features, size.units), size.batch_size)
    X, y = map(torch.from_numpy, problem(size))
    ends = []
    for _ in range(EPOCHS + 1):
        loss = trainer.epoch(X, y)
        ends.append(time.perf_counter())
    return measured(ends, loss, size)


def matmul_rate(size: Size) -> float:
    """Floating-point operations per second of the step's product on one core.

    The faster of NumPy's and torch's.
    """
    import torch
    from threadpoolctl import threadpool_limits

    rows, inputs, gates = size.matmul
    rng = np.random.default_rng(0)
    x = rng.random((rows, inputs), dtype=np.float32)
    w = rng.random((inputs, gates), dtype=np.float32)
    z = np.empty((rows, gates), np.float32)
    tensors = [torch.from_numpy(a) for a in (x, w, z)]
    flops = 2.0 * rows * inputs * gates
    repeat = range(max(1, int(1e8 / flops)))

    def numpy_products() -> None:
        for _ in repeat:
            np.matmul(x, w, out=z)

    def torch_products() -> None:
        for _ in repeat:
            torch.matmul(*tensors[:2], out=tensors[2])

    torch.set_num_threads(1)
    with threadpool_limits(1):
        seconds = min(repeated(numpy_products), repeated(torch_products))
    return flops * len(repeat) / seconds


def matmul_rates(workers: Sequence[Executor], size: Size) -> tuple[float, float]:
    """The rate of one core working alone, and the sum of two at once."""
    first, second = workers
    for executor in workers:
        executor.submit(matmul_rate, size).result()
    alone = first.submit(matmul_rate, size).result()
    pair = [executor.submit(matmul_rate, size) for executor in (first, second)]
    return alone, sum(rate.result() for rate in pair)


def torch_gpu_steps(size: Size) -> dict[str, float]:
    """torch.nn.LSTM with the data on the GPU."""
    import torch
    from torch_peer import Network, Trainer

    torch.manual_seed(0)
    network = Network(size.n_features, size.units).cuda()
    trainer = Trainer(network, size.batch_size)
    X, y = (torch.from_numpy(array).cuda() for array in problem(size))
    ends = []
    for _ in range(EPOCHS + 1):
        loss = trainer.epoch(X, y)
        ends.append(time.perf_counter())
    return measured(ends, loss, size)


def on_cpu(steps: Callable[[Size], dict[str, float]], size: Size) -> dict[str, float]:
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
    "torch, GPU": torch_gpu_steps,
}


def contenders(device: str) -> dict[str, Callable[[Size], dict[str, float]]]:
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


def compare(options: argparse.Namespace) -> None:
    """Measure all contenders at all sizes and print the tables."""
    steps_of = contenders(options.device)
    names = options.only or list(steps_of)
    steps, losses, limits, ratios = [], [], [], []
    with ExitStack() as stack:
        workers = {name: stack.enter_context(worker()) for name in names}
        cores = [stack.enter_context(worker()) for _ in range(2)]
        for what in options.sizes:
            size = SIZES[what]

            def run(name: str, size: Size = size) -> dict[str, float]:
                return workers[name].submit(steps_of[name], size).result()

            losses.append((what, *(run(name)["loss"] for name in names)))
            results = in_turn({n: partial(run, n) for n in names}, options.rounds)
            step = {n: median(r["step"] for r in rs) for n, rs in results.items()}
            rates = matmul_rates(cores, size)
            ideal = [size.flops / rate for rate in rates]
            steps.append((what, *(1e3 * step[name] for name in names)))
            gflops = [rate / 1e9 for rate in rates]
            limits.append((what, size.flops / 1e6, *gflops, *(1e3 * s for s in ideal)))
            if "sklstm" in names:
                torch = [t for name, t in step.items() if name.startswith("torch")]
                peers = (step.get("keras", np.nan), min(torch, default=np.nan))
                fraction = (f"{s / step['sklstm']:.0%}" for s in ideal)
                ratios.append((what, *(t / step["sklstm"] for t in peers), *fraction))
    print("Milliseconds a step:\n")
    print_table(["size", *names], steps)
    print(f"Loss in epoch {EPOCHS + 1} from the start:\n")
    print_table(["size", *names], losses)
    print("The matrix products alone:\n")
    header = ["size", "MFLOP", "GFLOP/s, 1 core", "2 cores", "ms, 1 core", "2 cores"]
    print_table(header, limits)
    print("sklstm is times as fast as, and reaches of the limit of the products:\n")
    header = ["size", "keras", "torch, best", "limit of 1 core", "of 2 cores"]
    print_table(header, ratios)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--sizes", nargs="+", default=list(SIZES))
    parser.add_argument("--only", nargs="+", help="some of the contenders")
    parser.add_argument("--device", choices=["cpu", "gpu"], default="cpu")
    options = parser.parse_args()
    print_heading("One training step")
    compare(options)


if __name__ == "__main__":
    main()
