"""Threads, forks and workers: do they give the bits that one process gives alone?

Every check compares with the answer of the same call made alone, bit for bit, and
counts what differs. A child that does not answer in time is killed and counted.

- threads that predict with one fitted estimator, for `--seconds`
- threads that fit different estimators at the same time
- children forked after training, and while other threads predict
- joblib's backends
- a server that loads the model before it forks its workers, without TensorFlow
"""

from __future__ import annotations

import argparse
import os
import pickle
import select
import signal
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import joblib
import numpy as np
from common import print_heading, print_table
from joblib import Parallel, delayed

N_THREADS = 8
N_WORKERS = 4
PATIENCE = 30  # seconds until a child counts as hanging


def problems() -> dict[str, tuple[Any, np.ndarray]]:
    """Estimators of different sizes, structures and targets, and a y for each."""
    from sklstm import BiLSTMClassifier, BiLSTMRegressor

    rng = np.random.default_rng(0)
    labels = np.arange(len(sequences())) % 4
    params = {"epochs": 5, "random_state": 0}
    return {
        "classes": (BiLSTMClassifier(24, **params), labels),
        "other size": (BiLSTMClassifier(9, merge_mode="mul", **params), labels),
        "two layers": (BiLSTMClassifier((8, 6), dropout=0.2, **params), labels % 2),
        "numbers": (BiLSTMRegressor(16, **params), rng.normal(size=(len(labels), 2))),
    }


def sequences() -> np.ndarray:
    """A batch in several chunks, a third of it padded."""
    X = np.random.default_rng(1).normal(size=(3000, 12, 3))
    X[::3, 7:] = np.nan
    return X


def answer(estimator: Any, X: np.ndarray) -> np.ndarray:
    """Probabilities, or predictions."""
    return getattr(estimator, "predict_proba", estimator.predict)(X)


def same(a: Any, b: Any) -> bool:
    """Whether two answers are equal to the last bit."""
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


# -- threads -----------------------------------------------------------------------


def threads_predict(model: Any, X: np.ndarray, seconds: float) -> tuple[int, int]:
    """Threads with one estimator, from one row to all: calls, and wrong answers."""
    questions = [X[:n] for n in (1, 2, 7, 100, 700, 3000)]
    expected = [answer(model, question) for question in questions]
    calls, wrong = [0] * N_THREADS, [0] * N_THREADS
    end = time.monotonic() + seconds

    def ask(thread: int) -> None:
        rng = np.random.default_rng(thread)
        while time.monotonic() < end:
            k = rng.integers(len(questions))
            calls[thread] += 1
            wrong[thread] += not same(answer(model, questions[k]), expected[k])

    in_threads(ask, range(N_THREADS))
    return sum(calls), sum(wrong)


def threads_fit(X: np.ndarray, rounds: int) -> tuple[int, int]:
    """All problems fitted at once, in threads: fits, and other bits than alone."""
    from sklearn.base import clone

    alone = {name: answer(e.fit(X, y), X) for name, (e, y) in problems().items()}
    wrong: list[str] = []

    def fit(name: str) -> None:
        estimator, y = problems()[name]
        if not same(answer(clone(estimator).fit(X, y), X), alone[name]):
            wrong.append(name)

    for _ in range(rounds):
        in_threads(fit, alone)
    return rounds * len(alone), len(wrong)


def in_threads(function: Callable[[Any], None], items: Any) -> None:
    """A function of each item in a thread of its own; errors are raised here."""
    errors: list[BaseException] = []

    def call(item: Any) -> None:
        try:
            function(item)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=call, args=(item,)) for item in items]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


# -- forks -------------------------------------------------------------------------


def in_fork(function: Callable[[], Any], patience: float = PATIENCE) -> Any:
    """What a function returns or raises in a forked child; a TimeoutError if nothing.

    Returns
    -------
    The result, or the exception.
    """
    reads, writes = os.pipe()
    with warnings.catch_warnings():
        # Python warns of what is examined here.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        try:
            result = function()
        except BaseException as error:
            result = error
        with os.fdopen(writes, "wb") as pipe:
            pickle.dump(result, pipe)
        os._exit(0)
    os.close(writes)
    with os.fdopen(reads, "rb") as pipe:
        if select.select([pipe], [], [], patience)[0]:
            result = pickle.load(pipe)
        else:
            os.kill(child, signal.SIGKILL)
            result = TimeoutError(f"nothing in {patience} s")
    os.waitpid(child, 0)
    return result


def forks_predict(model: Any, X: np.ndarray, n_forks: int) -> Counter[str]:
    """How the answers of forked children came out."""
    expected = answer(model, X)
    results = [in_fork(lambda: answer(model, X)) for _ in range(n_forks)]
    return Counter(outcome(result, expected) for result in results)


def forks_amid_threads(model: Any, X: np.ndarray, n_forks: int) -> Counter[str]:
    """The same while other threads predict."""
    stop = threading.Event()

    def keep_busy() -> None:
        while not stop.is_set():
            answer(model, X)

    busy = [threading.Thread(target=keep_busy) for _ in range(2)]
    for thread in busy:
        thread.start()
    outcomes = forks_predict(model, X, n_forks)
    stop.set()
    for thread in busy:
        thread.join()
    return outcomes


def outcome(result: Any, expected: np.ndarray) -> str:
    """A word for what a child returned."""
    if isinstance(result, TimeoutError):
        return "hangs"
    if isinstance(result, BaseException):
        return type(result).__name__
    return "same bits" if same(result, expected) else "other bits"


def fit_and_answer(name: str, X: np.ndarray) -> np.ndarray:
    estimator, y = problems()[name]
    return answer(estimator.fit(X, y), X)


# -- a server ----------------------------------------------------------------------


def serve(model_file: str, data_file: str, n_forks: str) -> None:
    """Load, fork workers of which each answers 20 times; then fork amid threads."""
    model, X = joblib.load(model_file), joblib.load(data_file)
    expected = answer(model, X)
    workers: Counter[str] = Counter()
    for _ in range(N_WORKERS):
        answers = in_fork(lambda: [answer(model, X) for _ in range(20)])
        results = answers if isinstance(answers, list) else [answers]
        workers.update(outcome(result, expected) for result in results)
    amid = forks_amid_threads(model, X, int(n_forks))
    result = (expected, workers, amid, "tensorflow" in sys.modules)
    joblib.dump(result, f"{model_file}.result")


def prefork(model: Any, X: np.ndarray, n_forks: int) -> list[tuple[str, str]]:
    """A server in a process of its own: how its workers' answers came out."""
    # To fork while another thread is inside a BLAS of several threads is a deadlock in
    # OpenBLAS, with NumPy alone, too.
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1"}
    with tempfile.TemporaryDirectory() as folder:
        files = [str(Path(folder, name)) for name in ("model", "data")]
        joblib.dump(model, files[0])
        joblib.dump(X, files[1])
        command = [sys.executable, __file__, "--serve", *files, str(n_forks)]
        subprocess.run(command, check=True, env=environment)
        expected, workers, amid, tensorflow = joblib.load(f"{files[0]}.result")
    workers[f"master: {outcome(expected, answer(model, X))}"] += 1
    workers["imports of TensorFlow"] += tensorflow
    return [
        (f"a server forks {N_WORKERS} workers, 20 answers each", worded(workers)),
        ("a server forks while its threads predict", worded(amid)),
    ]


# -- all of it ---------------------------------------------------------------------


def checks(options: argparse.Namespace) -> Iterator[tuple[str, str]]:
    """What was done, and how the answers came out."""
    X = sequences()
    estimator, y = problems()["classes"]
    model = estimator.fit(X, y)
    expected = answer(model, X)

    calls, wrong = threads_predict(model, X, options.seconds)
    what = f"{N_THREADS} threads predict for {options.seconds:.0f} s"
    yield what, f"{calls} calls, {wrong} other bits"
    fits, wrong = threads_fit(X, options.rounds)
    yield "4 threads fit different estimators", f"{fits} fits, {wrong} other bits"

    forks = forks_predict(model, X, options.forks)
    yield "predict in children of a process that trained", worded(forks)
    result = in_fork(lambda: fit_and_answer("classes", X))
    yield "fit in a child of a process that trained", outcome(result, expected)
    yield from prefork(model, X, options.forks)

    alone = {name: fit_and_answer(name, X) for name in problems()}
    for backend in ("loky", "threading"):
        jobs = (delayed(fit_and_answer)(name, X) for name in alone)
        fitted = Parallel(n_jobs=2, backend=backend)(jobs)
        outcomes = Counter(map(outcome, fitted, alone.values()))
        yield f"joblib {backend}, fit", worded(outcomes)
    for backend in ("loky", "threading", "multiprocessing"):
        jobs = (delayed(answer)(model, X) for _ in range(8))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            answers = Parallel(n_jobs=2, backend=backend, timeout=PATIENCE)(jobs)
        outcomes = Counter(outcome(result, expected) for result in answers)
        yield f"joblib {backend}, predict", worded(outcomes)


def worded(outcomes: Counter[str]) -> str:
    return ", ".join(f"{count} {words}" for words, count in outcomes.items())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--forks", type=int, default=100)
    options = parser.parse_args()
    print_heading("Concurrency")
    rows = []
    for what, result in checks(options):
        print(f"{what}: {result}", file=sys.stderr, flush=True)
        rows.append((what, result))
    print_table(["what", "result"], rows)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--serve"]:
        serve(*sys.argv[2:])
    else:
        main()
