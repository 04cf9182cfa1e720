"""How fast the matrix products alone are: the limit of a training step."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor

import numpy as np
from common import repeated

Product = tuple[int, int, int]


def matmul_rate(product: Product) -> float:
    """Floating-point operations per second on one core, the faster of NumPy and torch.

    Parameters
    ----------
    product : tuple of int
        Rows, inner size and columns.
    """
    import torch
    from threadpoolctl import threadpool_limits

    rows, inputs, gates = product
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


def matmul_rates(workers: Sequence[Executor], product: Product) -> tuple[float, float]:
    """The rate of one core working alone, and the sum of two at once."""
    first, second = workers
    for executor in workers:
        executor.submit(matmul_rate, product).result()
    alone = first.submit(matmul_rate, product).result()
    pair = [executor.submit(matmul_rate, product) for executor in (first, second)]
    return alone, sum(rate.result() for rate in pair)
