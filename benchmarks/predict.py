"""Prediction, one row and many: sklstm, keras.Model.predict, torch, onnxruntime.

All predict with the same weights, and their probabilities are compared before they
are timed. Every contender lives in a process of its own.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from contextlib import ExitStack
from functools import cache, partial
from statistics import median
from typing import Any, NamedTuple

import numpy as np
from common import in_turn, print_heading, print_table, repeated, worker


class Case(NamedTuple):
    """How many sequences of which size."""

    n_timesteps: int
    n_features: int
    units: int
    n_samples: int

    def __str__(self) -> str:
        rows = "one row" if self.n_samples == 1 else f"{self.n_samples:,} rows"
        return f"T={self.n_timesteps} F={self.n_features} U={self.units}, {rows}"

    def sequences(self) -> np.ndarray:
        """The X to predict."""
        return np.random.default_rng(0).random(self[3:] + self[:2], dtype=np.float32)


CASES = [
    Case(10, 1, 20, 1),
    Case(29, 12, 100, 1),
    Case(10, 1, 20, 20_000),
    Case(29, 12, 100, 5_000),
    Case(100, 8, 128, 2_000),
]


@cache
def sklstm_network(n_timesteps: int, n_features: int, units: int) -> Any:
    """A classifier fitted for one epoch."""
    from sklstm import BiLSTMClassifier

    X = Case(n_timesteps, n_features, units, 64).sequences()
    y = X.mean(axis=(1, 2)) > 0.5
    return BiLSTMClassifier(units, pooling="last", epochs=1, random_state=0).fit(X, y)


def sklstm_weights(case: Case) -> list[np.ndarray]:
    """The weights all contenders use, in Keras' order."""
    return sklstm_network(*case[:3]).to_keras().get_weights()


def sklstm_predict(case: Case, weights: list[np.ndarray]) -> Callable[[], np.ndarray]:
    """Ours."""
    network, X = sklstm_network(*case[:3]), case.sequences()
    return lambda: network.predict_proba(X)[:, 1:]


def keras_predict(case: Case, weights: list[np.ndarray]) -> Callable[[], np.ndarray]:
    """keras.Model.predict, batches of 512 rows."""
    import keras_peer

    network, X = keras_peer.network(*case[:3]), case.sequences()
    network.set_weights(weights)
    return lambda: network.predict(X, batch_size=512, verbose=0)


def torch_predict(
    n_threads: int, case: Case, weights: list[np.ndarray]
) -> Callable[[], np.ndarray]:
    """torch.nn.LSTM without gradients, batches of 512 rows."""
    import torch
    from torch_peer import Network, load_keras_weights

    torch.set_num_threads(n_threads)
    network, X = Network(*case[1:3]).eval(), torch.from_numpy(case.sequences())
    load_keras_weights(network, weights)

    @torch.inference_mode()
    def predict() -> np.ndarray:
        batches = [torch.sigmoid(network(rows)) for rows in X.split(512)]
        return torch.cat(batches).numpy()

    return predict


def onnx_predict(
    n_threads: int, case: Case, weights: list[np.ndarray]
) -> Callable[[], np.ndarray]:
    """ONNX' LSTM operator under onnxruntime, batches of 512 rows."""
    import onnx_peer

    session, X = onnx_peer.session(weights, n_threads), case.sequences()

    def predict() -> np.ndarray:
        starts = range(0, len(X), 512)
        return np.concatenate(
            [session.run(None, {"x": X[k : k + 512]})[0] for k in starts]
        )

    return predict


CONTENDERS = {
    "sklstm": sklstm_predict,
    "keras": keras_predict,
    "torch, 1 thread": partial(torch_predict, 1),
    "torch, 2 threads": partial(torch_predict, 2),
    "onnxruntime, 1 thread": partial(onnx_predict, 1),
    "onnxruntime, 2 threads": partial(onnx_predict, 2),
}
_ready: dict[Case, Callable[[], np.ndarray]] = {}


def prepare(name: str, case: Case, weights: list[np.ndarray]) -> np.ndarray:
    """Make a contender's predict function and return what it predicts."""
    _ready[case] = CONTENDERS[name](case, weights)
    return _ready[case]()


def seconds(case: Case) -> float:
    """Of one prediction, the median of half a second's worth."""
    return repeated(_ready[case], seconds=0.5)


def compare(options: argparse.Namespace) -> None:
    """Measure all contenders in all cases and print the tables."""
    names = [name for name in CONTENDERS if name not in options.without]
    times, ratios = [], []
    with ExitStack() as stack:
        workers = {name: stack.enter_context(worker()) for name in names}
        for case in CASES:
            weights = workers["sklstm"].submit(sklstm_weights, case).result()
            made = [
                workers[n].submit(prepare, n, case, weights).result() for n in names
            ]
            difference = max(float(abs(other - made[0]).max()) for other in made)
            assert difference < 1e-5, f"{case}: predictions differ by {difference}"

            def run(name: str, case: Case = case) -> float:
                return workers[name].submit(seconds, case).result()

            results = in_turn({n: partial(run, n) for n in names}, options.rounds)
            best = {name: median(runs) for name, runs in results.items()}
            times.append((case, *(1e3 * best[n] for n in names), f"{difference:.0e}"))
            ratios.append((case, *(_fastest(best, p) / best["sklstm"] for p in PEERS)))
    print("Milliseconds a prediction, and the largest difference of probabilities:\n")
    print_table(["case", *names, "difference"], times)
    print("sklstm is times as fast as the peer at its best thread count:\n")
    print_table(["case", *PEERS], ratios)


PEERS = ["keras", "torch", "onnxruntime"]


def _fastest(times: dict[str, float], peer: str) -> float:
    return min((t for n, t in times.items() if n.startswith(peer)), default=np.nan)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--without", nargs="+", default=[])
    options = parser.parse_args()
    print_heading("Prediction")
    compare(options)


if __name__ == "__main__":
    main()
