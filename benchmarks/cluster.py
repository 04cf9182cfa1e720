"""A grid search on one and two workers: processes, threads, dask and ray.

load_digits, 4 merge modes x 2 units x 3 folds. Every contender runs in a process of its
own, with an engine of its own, and searches twice: first with workers that have just
started, then again. On an engine of one core joblib searches in the calling process, so
"dask 1" is a cluster of two workers that gives all tasks to one; ray has no such row.
dask's client is the one that docs/guide/cluster.md recommends.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import cloudpickle
import numpy as np
from common import in_fresh_process, in_turn, print_heading, print_table
from joblib import parallel_config
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from sklstm import BiLSTMClassifier, SequenceReshaper

sys.path.append(str(Path(__file__).parents[1] / "tests"))
from guide import recipe

CONTENDERS = [
    "sequential",
    "threading 2",
    "loky 2",
    "dask 1",
    "dask 2",
    "ray 2",
]
GRID = {
    "bilstmclassifier__merge_mode": ["concat", "sum", "mul", "ave"],
    "bilstmclassifier__units": [16, 32],
}
X, y = load_digits(return_X_y=True)


def noop(number: int) -> int:
    return number


@contextmanager
def engine(name: str, n_workers: int) -> Iterator[dict[str, Any]]:
    """Start an engine; gives the arguments of `parallel_config`."""
    if name == "dask":
        from distributed import LocalCluster

        cluster = LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            dashboard_address=":0",
            silence_logs=logging.CRITICAL,
        )
        names: dict[str, Any] = {}
        address = {"scheduler:8786": cluster.scheduler_address}
        exec(recipe("cluster.md", "dask", address), names)
        with cluster, names["client"] as client:
            workers = list(client.nthreads())[:n_workers]
            yield {"backend": "dask", "client": client, "workers": workers}
    elif name == "ray":
        os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
        import ray
        from ray.util.joblib import register_ray

        folder = tempfile.mkdtemp(prefix="ray")
        try:
            ray.init(
                num_cpus=n_workers,
                include_dashboard=False,
                log_to_driver=False,
                logging_level=logging.CRITICAL,
                _temp_dir=folder,
            )
            register_ray()
            yield {"backend": "ray"}
        finally:
            ray.shutdown()
            shutil.rmtree(folder, ignore_errors=True)
    else:
        yield {"backend": name}


def run(name: str, n_workers: int, epochs: int) -> dict[str, Any]:
    """Two searches on an engine, in seconds."""
    pipeline = make_pipeline(
        SequenceReshaper(n_timesteps=8), BiLSTMClassifier(epochs=epochs, random_state=0)
    )
    n_jobs = None if name == "dask" else n_workers
    search = GridSearchCV(pipeline, GRID, cv=3, n_jobs=n_jobs, refit=False)
    times = [time.perf_counter()]
    with engine(name, n_workers) as settings:
        times.append(time.perf_counter())
        client = settings.get("client")
        sizes = measure_tasks(client) if client else []
        with parallel_config(**settings):
            for _ in range(2):
                search.fit(X, y)
                times.append(time.perf_counter())
        rate = tasks_per_second(client) if client else None
    scores = search.cv_results_["mean_test_score"]
    return {
        "seconds": np.diff(times).tolist(),
        "fit": search.cv_results_["mean_fit_time"].mean(),
        "score": scores.sum(),
        "task_bytes": max(sizes, default=None),
        "tasks_per_second": rate,
    }


def measure_tasks(client: Any) -> list[int]:
    """A list that fills with the pickled size of every task that joblib gives dask."""
    sizes: list[int] = []
    submit = client.submit

    def measured(*args: Any, **kwargs: Any) -> Any:
        if "tasks" in kwargs:
            sizes.append(len(cloudpickle.dumps((args, kwargs))))
        return submit(*args, **kwargs)

    client.submit = measured
    return sizes


def tasks_per_second(client: Any, n_tasks: int = 2000) -> float:
    """Tasks that do nothing, through the scheduler and back."""
    start = time.perf_counter()
    client.gather(client.map(noop, range(n_tasks)))
    return n_tasks / (time.perf_counter() - start)


def first_fit() -> dict[str, float]:
    """Seconds that a worker needs before its fits cost what fits cost."""
    times = [time.perf_counter()]
    import sklstm.training.scikeras_wrapper  # noqa: F401

    for _ in range(2):
        times.append(time.perf_counter())
        BiLSTMClassifier(units=16, epochs=1, random_state=0).fit(X[:, :8], y)
    times.append(time.perf_counter())
    imports, first, second = np.diff(times)
    return {"imports": imports, "trace": first - second}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--only", nargs="+", default=CONTENDERS, choices=CONTENDERS)
    parser.add_argument("--run", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.run == "first fit":
        print(json.dumps(first_fit()))
        return
    if arguments.run:
        name, _, n_workers = arguments.run.partition(" ")
        print(json.dumps(run(name, int(n_workers or 1), arguments.epochs)))
        return

    def contender(name: str) -> Any:
        return lambda: in_fresh_process(
            __file__, "--run", name, "--epochs", arguments.epochs
        )

    print_heading("Grid search on a cluster of one machine")
    names = ["first fit", *arguments.only]
    results = in_turn({name: contender(name) for name in names}, arguments.rounds)
    starts = results.pop("first fit")
    print_table(
        ["contender", "start, s", "first search, s", "second search, s", "fit, s"],
        [
            [
                name,
                *map(median, zip(*(r["seconds"] for r in runs), strict=True)),
                median(r["fit"] for r in runs),
            ]
            for name, runs in results.items()
        ],
    )
    scores = {r["score"] for runs in results.values() for r in runs}
    print(f"all scores are equal: {len(scores) == 1}")
    for part in ("imports", "trace"):
        print(f"a worker's {part}, s: {median(s[part] for s in starts):.2f}")
    tasks = [r for runs in results.values() for r in runs if r["task_bytes"]]
    if tasks:
        print(f"bytes of a task of dask: {max(r['task_bytes'] for r in tasks)}")
        print(f"not sent with it: {X.nbytes + y.nbytes} of X and y")
        rate = median(r["tasks_per_second"] for r in tasks)
        print(f"tasks of nothing per second: {rate:.0f}")


if __name__ == "__main__":
    main()
