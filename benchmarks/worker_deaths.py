"""Searches whose workers are killed at random moments: which of them finish?

load_digits, 12 candidates x 3 folds, two workers on this machine. The recipes are those
of docs/guide/cluster.md, run from there; "dask, scatter" is dask's own client with the
data in `scatter`. Moments are drawn uniformly from the seconds that an undisturbed
search takes, and SIGKILL is what the system sends when memory runs out. A search is
lost if it raises, or has not finished after `--limit` seconds. Every search runs in a
process of its own, with an engine of its own.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Sequence
from statistics import median
from threading import Event, Thread
from typing import Any

import psutil
from cluster import X, engine, measure_tasks, recipe, y
from common import in_fresh_process, in_turn, print_heading, print_table
from joblib import parallel_config
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from sklstm import BiLSTMClassifier, SequenceReshaper

CONTENDERS = ["dask", "dask, scatter", "ray", "loky"]
# What tells the process of a worker by its command line.
WORKERS = {"dask": "spawn_main", "ray": "ray::PoolActor", "loky": "popen_loky_posix"}
PAGE = "cluster.md"
GRID = {
    "bilstmclassifier__merge_mode": ["concat", "sum", "mul"],
    "bilstmclassifier__units": [2, 4, 8, 16],
}


def is_worker(process: psutil.Process, engine: str) -> bool:
    try:
        return WORKERS[engine] in " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return False


def kill_one(engine: str) -> bool:
    """Kill one of the workers of this process; False if there is none."""
    children = psutil.Process().children(recursive=True)
    workers = [child for child in children if is_worker(child, engine)]
    if workers:
        random.choice(workers).kill()
    return bool(workers)


def kill_at(moments: Sequence[float], end: float, engine: str, over: Event) -> int:
    """Kill a worker at each of these times, or as soon as there is one.

    Returns
    -------
    int
        How many died until the search was over or the end came.
    """
    for n_deaths, moment in enumerate(moments):
        if over.wait(moment - time.perf_counter()):
            return n_deaths
        while not kill_one(engine):
            if over.wait(0.05) or time.perf_counter() > end:
                return n_deaths
    return len(moments)


def search(name: str, settings: dict[str, Any], names: dict[str, Any]) -> list[float]:
    """Scores of all candidates, by the recipe of an engine."""
    if name == "dask":
        exec(recipe(PAGE, "dask, search"), names)
    elif name == "dask, scatter":
        from distributed import Client

        with (
            Client(settings["client"].scheduler.address) as client,
            parallel_config(backend="dask", client=client, scatter=[X, y]),
        ):
            names["search"] = GridSearchCV(names["pipeline"], GRID, cv=3).fit(X, y)
    elif name == "ray":
        exec(recipe(PAGE, "ray", {'ray.init("auto")': ""}), names)
    elif name == "loky":
        with tempfile.TemporaryDirectory() as cache:
            exec(recipe(PAGE, "candidates", {"search-cache": cache}), names)
            exec(recipe(PAGE, "loky", {"8, 4, 2, 1": "2, 2, 2, 1"}), names)
        return [result.mean() for result in names["results"]]
    else:
        names["search"] = GridSearchCV(names["pipeline"], GRID, cv=3).fit(X, y)
    return names["search"].cv_results_["mean_test_score"].tolist()


def run(name: str, n_deaths: int, within: float, limit: float) -> dict[str, Any]:
    """One search, during which workers die."""
    over = Event()
    report: dict[str, Any] = {"error": f"not finished after {limit:.0f} s"}

    def attempt() -> None:
        try:
            report.update(scores=search(name, settings, names), error=None)
        except Exception as error:
            report["error"] = type(error).__name__
            traceback.print_exc()
        over.set()

    kind = name.partition(",")[0]
    pipeline = make_pipeline(
        SequenceReshaper(n_timesteps=8), BiLSTMClassifier(epochs=10, random_state=0)
    )
    names = {"pipeline": pipeline, "grid": GRID, "X": X, "y": y}
    with engine(kind, 2) as settings:
        sizes = measure_tasks(settings["client"]) if name == "dask" else []
        start = time.perf_counter()
        moments = sorted(start + random.uniform(0, within) for _ in range(n_deaths))
        # A search that waits for ever must not keep this process.
        Thread(target=attempt, daemon=True).start()
        deaths = kill_at(moments, start + limit, kind, over)
        over.wait(start + limit - time.perf_counter())
        seconds = time.perf_counter() - start
    task_bytes = max(sizes, default=None)
    return {**report, "deaths": deaths, "seconds": seconds, "task_bytes": task_bytes}


def row(case: str, runs: list[dict[str, Any]], expected: list[float]) -> list[object]:
    name, _, n_deaths = case.rpartition(" ")
    finished = [run for run in runs if not run["error"]]
    seconds = [run["seconds"] for run in finished] or [float("nan")]
    errors = Counter(run["error"] for run in runs if run["error"])
    return [
        name,
        n_deaths,
        sum(run["deaths"] for run in runs),
        f"{len(finished)} of {len(runs)}",
        sum(run["scores"] == expected for run in finished),
        median(seconds),
        max(seconds),
        ", ".join(f"{count} {error}" for error, count in errors.items()),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--deaths", type=int, nargs="+", default=[1, 3])
    parser.add_argument("--limit", type=float, default=180, metavar="SECONDS")
    parser.add_argument("--only", nargs="+", default=CONTENDERS, choices=CONTENDERS)
    parser.add_argument("--run", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.run:
        name, n_deaths, within = options.run
        print(json.dumps(run(name, int(n_deaths), float(within), options.limit)))
        return

    def one_run(name: str, n_deaths: int, within: float) -> dict[str, Any]:
        numbers = (n_deaths, within, "--limit", options.limit)
        return in_fresh_process(__file__, "--run", name, *numbers)

    print_heading("Searches whose workers die")
    expected = one_run("alone", 0, 0)["scores"]
    calm = in_turn(
        {name: lambda name=name: one_run(name, 0, 0) for name in options.only}, 3
    )
    within = {name: median(r["seconds"] for r in runs) for name, runs in calm.items()}
    deadly = in_turn(
        {
            f"{name} {n}": lambda name=name, n=n: one_run(name, n, within[name])
            for name in options.only
            for n in options.deaths
        },
        options.rounds,
    )
    cases = {f"{name} 0": runs for name, runs in calm.items()} | deadly
    header = "recipe|killed a run|died|finished|equal scores|s, median|s, longest|lost"
    rows = [row(case, runs, expected) for case, runs in sorted(cases.items())]
    print_table(header.split("|"), rows)
    if "dask" in calm:
        print(f"bytes of a task of dask: {calm['dask'][0]['task_bytes']}")


if __name__ == "__main__":
    main()
