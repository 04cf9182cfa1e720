"""What the benchmarks share: rounds in turn, fresh processes, medians, tables."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Any

import psutil

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
HERE = Path(__file__).parent
PACKAGES = (
    "sklstm scikit-learn numpy scikeras keras tensorflow skorch torch aeon "
    "sktime onnxruntime"
)


def in_turn(
    contenders: dict[str, Callable[[], Any]], rounds: int
) -> dict[str, list[Any]]:
    """Run every contender once a round, each round beginning with another one."""
    names = list(contenders)
    results: dict[str, list[Any]] = {name: [] for name in names}
    for k in range(rounds):
        first = k % len(names)
        for name in names[first:] + names[:first]:
            start = time.perf_counter()
            results[name].append(contenders[name]())
            seconds = time.perf_counter() - start
            progress = f"round {k + 1} of {rounds}: {name}, {seconds:.1f} s"
            print(progress, file=sys.stderr, flush=True)
    return results


def cases_in_turn(
    run: Callable[[str, Any], Any],
    cases: Mapping[str, Any],
    names: Collection[str],
    rounds: int,
) -> dict[str, dict[str, list[Any]]]:
    """What `run(name, case)` gave, by case and contender; all cases in every round."""
    calls = {
        f"{what}; {name}": partial(run, name, case)
        for what, case in cases.items()
        for name in names
    }
    runs = iter(in_turn(calls, rounds).values())
    return {what: {name: next(runs) for name in names} for what in cases}


def in_fresh_process(
    script: str,
    *arguments: object,
    python: str = sys.executable,
    **environment: str,
) -> Any:
    """Run a script of this folder with arguments; its last line is the JSON result.

    Parameters
    ----------
    script : str
        The file, usually the caller's own `__file__`.
    *arguments : object
        What it finds in `sys.argv`.
    python : str, default=sys.executable
        What runs it, if a peer lives in an environment of its own.
    **environment : str
        Environment variables to set for it.
    """
    command = [python, script, *(str(a) for a in arguments)]
    done = subprocess.run(
        command, stdout=subprocess.PIPE, text=True, env=os.environ | environment
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout}")
    return json.loads(done.stdout.splitlines()[-1])


def worker() -> ProcessPoolExecutor:
    """A process that stays: one contender's thread pools, graphs and settings."""
    return ProcessPoolExecutor(1, mp_context=get_context("spawn"))


def repeated(call: Callable[[], Any], seconds: float = 0.3, at_least: int = 3) -> float:
    """Median seconds of a call, repeated for a while."""
    call()
    times: list[float] = []
    while len(times) < at_least or sum(times) < seconds:
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return median(times)


def print_table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A Markdown table, numbers to three digits."""
    cells = [[_cell(value) for value in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(header, *cells, strict=True)]
    for row in [list(header), ["-" * width for width in widths], *cells]:
        padded = (cell.ljust(w) for cell, w in zip(row, widths, strict=True))
        print("| " + " | ".join(padded) + " |")
    print(flush=True)


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    return str(value)


def print_heading(title: str) -> None:
    """The name of the benchmark, the machine and the versions it ran with."""
    versions = []
    for package in PACKAGES.split():
        try:
            versions.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            versions.append(f"no {package}")
    print(f"## {title}\n\n{_machine()}; {', '.join(versions)}\n", flush=True)


def _machine() -> str:
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    memory = psutil.virtual_memory().total / 2**30
    load = psutil.getloadavg()[0]
    return (
        f"{model}, {os.cpu_count()} CPUs, {memory:.0f} GiB, load {load:.1f} at the "
        f"start; {platform.system()}, Python {platform.python_version()}"
    )
