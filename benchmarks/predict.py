"""Prediction, one row and many: sklstm, keras.Model.predict, torch, onnxruntime.

All predict with the same weights, and what they predict is compared before they are
timed. Every contender lives in a process of its own. With --capabilities at one size,
and what pooling, frames, learnt vectors and quantiles cost.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from contextlib import ExitStack
from functools import cache, partial
from itertools import repeat
from statistics import median
from typing import Any, NamedTuple

import numpy as np
from capabilities import CAPABILITIES, Problem, print_costs
from common import cases_in_turn, print_heading, print_table, repeated, worker


class Case(NamedTuple):
    """How many sequences, and what reads them."""

    problem: Problem
    n_samples: int

    def __str__(self) -> str:
        return f"{self.problem}, {n_rows(self.n_samples)}"

    def sequences(self) -> np.ndarray:
        """The X to predict."""
        return self.problem.data(self.n_samples)[0]


def n_rows(n_samples: int) -> str:
    """In words."""
    return "one row" if n_samples == 1 else f"{n_samples:,} rows"


CASES = [
    Case(Problem(10, 1, 20), 1),
    Case(Problem(29, 12, 100), 1),
    Case(Problem(10, 1, 20), 20_000),
    Case(Problem(29, 12, 100), 5_000),
    Case(Problem(100, 8, 128), 2_000),
]
N_SAMPLES = (1, 2_000)  # of the capabilities


@cache
def sklstm_fitted(problem: Problem) -> tuple[Any, Any]:
    """The estimator, after one epoch, and the pipeline that it may be in."""
    estimator = problem.estimator(epochs=1)
    return estimator, problem.pipeline(estimator).fit(*problem.data(64))


def sklstm_weights(case: Case) -> list[np.ndarray]:
    """The weights all contenders use, in Keras' order."""
    return sklstm_fitted(case.problem)[0].to_keras().get_weights()


def sklstm_predict(case: Case, weights: list[np.ndarray]) -> Callable[[], np.ndarray]:
    """Ours."""
    model, X = sklstm_fitted(case.problem)[1], case.sequences()
    if case.problem.quantiles:
        return lambda: model.predict_quantiles(X)
    return lambda: model.predict_proba(X)[:, 1:]


def keras_predict(case: Case, weights: list[np.ndarray]) -> Callable[[], np.ndarray]:
    """keras.Model.predict, batches of 512 rows."""
    problem = case.problem
    network = problem.keras_network()
    network.set_weights(weights)
    numbers, *codes = problem.parts(case.sequences())

    def predict() -> np.ndarray:
        X = problem.framed(numbers)
        outputs = network.predict([X, *codes] if codes else X, 512, verbose=0)
        return np.sort(outputs, axis=1) if problem.quantiles else outputs

    return predict


def torch_predict(
    n_threads: int, case: Case, weights: list[np.ndarray]
) -> Callable[[], np.ndarray]:
    """torch.nn.LSTM without gradients, batches of 512 rows."""
    import torch
    from torch_peer import load_keras_weights

    torch.set_num_threads(n_threads)
    problem = case.problem
    network = problem.torch_network().eval()
    load_keras_weights(network, weights)
    numbers, *codes = problem.parts(case.sequences())
    batches_of_codes = torch.from_numpy(codes[0]).split(512) if codes else repeat(None)

    @torch.inference_mode()
    def predict() -> np.ndarray:
        X = torch.from_numpy(problem.framed(numbers))
        batches = zip(X.split(512), batches_of_codes, strict=False)
        outputs = torch.cat([network(rows, codes=c) for rows, c in batches])
        if problem.quantiles:
            return outputs.sort(dim=1).values.numpy()
        return torch.sigmoid(outputs).numpy()

    return predict


def onnx_predict(
    n_threads: int, case: Case, weights: list[np.ndarray]
) -> Callable[[], np.ndarray]:
    """ONNX' LSTM operator under onnxruntime, batches of 512 rows; plain networks."""
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
PEERS = ["keras", "torch", "onnxruntime"]
_ready: dict[Case, Callable[[], np.ndarray]] = {}


def prepare(name: str, case: Case, weights: list[np.ndarray]) -> np.ndarray:
    """Make a contender's predict function and return what it predicts."""
    _ready[case] = CONTENDERS[name](case, weights)
    return _ready[case]()


def seconds(case: Case) -> float:
    """Of one prediction, the median of half a second's worth."""
    return repeated(_ready[case], seconds=0.5)


def difference(workers: Mapping[str, Executor], case: Case) -> float:
    """The largest between contenders, which are then ready to be timed."""
    weights = workers["sklstm"].submit(sklstm_weights, case).result()
    made = [
        process.submit(prepare, name, case, weights).result()
        for name, process in workers.items()
    ]
    largest = max(float(abs(other - made[0]).max()) for other in made)
    assert largest < 1e-5, f"{case}: predictions differ by {largest}"
    return largest


def measure(
    workers: Mapping[str, Executor], cases: Mapping[str, Case], rounds: int
) -> dict[str, dict[str, float]]:
    """Median seconds by case and contender; all cases in every round."""

    def run(name: str, case: Case) -> float:
        return workers[name].submit(seconds, case).result()

    runs = cases_in_turn(run, cases, workers, rounds)
    return {what: {n: median(rs) for n, rs in of.items()} for what, of in runs.items()}


def compare(workers: Mapping[str, Executor], rounds: int) -> None:
    """Measure all contenders in all cases and print the tables."""
    times, ratios = [], []
    for case in CASES:
        differs = f"{difference(workers, case):.0e}"
        best = measure(workers, {str(case): case}, rounds)[str(case)]
        times.append((case, *(1e3 * t for t in best.values()), differs))
        ratios.append((case, *(_fastest(best, p) / best["sklstm"] for p in PEERS)))
    print("Milliseconds a prediction, and the largest difference of probabilities:\n")
    print_table(["case", *workers, "difference"], times)
    print("sklstm is times as fast as the peer at its best thread count:\n")
    print_table(["case", *PEERS], ratios)


def compare_capabilities(workers: Mapping[str, Executor], rounds: int) -> None:
    """Measure what each costs, in one row and in many, and print the tables."""
    for n_samples in N_SAMPLES:
        # A schedule leaves nothing in the network.
        cases = {
            what: Case(problem, n_samples)
            for what, problem in CAPABILITIES.items()
            if what != "schedule"
        }
        largest = max(difference(workers, case) for case in cases.values())
        print(f"Milliseconds, {n_rows(n_samples)}; largest difference {largest:.0e}:\n")
        print_costs(measure(workers, cases, rounds), "capability")


def _fastest(times: Mapping[str, float], peer: str) -> float:
    return min((t for n, t in times.items() if n.startswith(peer)), default=np.nan)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--without", nargs="+", default=[])
    parser.add_argument(
        "--capabilities",
        action="store_true",
        help="what each costs, at one size; without onnxruntime",
    )
    options = parser.parse_args()
    names = [name for name in CONTENDERS if name not in options.without]
    if options.capabilities:
        names = [name for name in names if not name.startswith("onnxruntime")]
    print_heading("Prediction")
    with ExitStack() as stack:
        workers = {name: stack.enter_context(worker()) for name in names}
        if options.capabilities:
            compare_capabilities(workers, options.rounds)
        else:
            compare(workers, options.rounds)


if __name__ == "__main__":
    main()
