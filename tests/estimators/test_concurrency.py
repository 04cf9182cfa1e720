"""Threads, forks and workers give the bits that one process gives alone.

`benchmarks/concurrency.py` does the same for longer, and with a server.
"""

import multiprocessing
import subprocess
import sys
import threading

import joblib
import numpy as np
import pytest
from joblib import Parallel, delayed
from numpy.testing import assert_array_equal
from sklearn.base import clone

from sklstm import BiLSTMClassifier, BiLSTMRegressor

rng = np.random.default_rng(0)
X = rng.normal(size=(900, 6, 2))
X[::3, 4:] = np.nan
LABELS = np.arange(len(X)) % 3
forks = pytest.mark.skipif(
    sys.platform != "linux",
    reason="Windows has no fork, and libraries of macOS may crash after one",
)
forks_by_default = pytest.mark.skipif(
    multiprocessing.get_all_start_methods()[0] != "fork",
    reason="multiprocessing does not fork here unless told to, and joblib does not",
)

PARAMS = {"epochs": 2, "random_state": 0}
ESTIMATORS = {
    "classes": (BiLSTMClassifier(3, **PARAMS), LABELS),
    "other size": (BiLSTMClassifier(4, merge_mode="mul", **PARAMS), LABELS),
    "two classes": (BiLSTMClassifier(3, **PARAMS), LABELS == 0),
    "numbers": (BiLSTMRegressor(3, **PARAMS), X[:, 0, 0]),
}


def answer(model, X):
    return getattr(model, "predict_proba", model.predict)(X)


def fit_and_answer(name):
    estimator, y = ESTIMATORS[name]
    return answer(clone(estimator).fit(X[:60], y[:60]), X)


@pytest.fixture(scope="module")
def model():
    """A fitted classifier."""
    return clone(ESTIMATORS["classes"][0]).fit(X, LABELS)


def in_threads(function, items):
    """A function of each item in a thread of its own; the first error is raised."""
    errors = []

    def call(item):
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


def test_threads_predict_with_one_estimator(model):
    """Eight threads get the sequential answers, for one row and for several chunks."""
    questions = [X[:n] for n in (1, 2, 65, 900)]
    expected = [answer(model, question) for question in questions]

    def ask(thread):
        for call in range(40):
            k = (thread + call) % len(questions)
            assert_array_equal(answer(model, questions[k]), expected[k], strict=True)

    in_threads(ask, range(8))


def test_threads_fit_different_estimators():
    """Four fits at once give the bits of four fits one after another."""
    alone = {name: fit_and_answer(name) for name in ESTIMATORS}

    def check(name):
        assert_array_equal(fit_and_answer(name), alone[name], strict=True)

    in_threads(check, ESTIMATORS)


@forks_by_default
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_multiprocessing_predicts(model):
    """Children forked after training predict."""
    jobs = (delayed(answer)(model, X) for _ in range(4))
    for result in Parallel(n_jobs=2, backend="multiprocessing", timeout=120)(jobs):
        assert_array_equal(result, answer(model, X), strict=True)


@forks_by_default
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_fit_in_a_forked_child_is_refused(model):
    """It would wait for TensorFlow's threads for ever; the message says what to do."""
    with (
        Parallel(n_jobs=2, backend="multiprocessing", timeout=120) as parallel,
        pytest.raises(RuntimeError, match=r"forked child .* backend \"loky\" or"),
    ):
        parallel(delayed(fit_and_answer)(name) for name in ("classes", "numbers"))


# TensorFlow's threads start with its first tensor, whoever makes it. Each way to start
# them has a forked process of its own, of one in which they have not.
FORKS = """
import multiprocessing
import sys
import warnings

import joblib
import numpy as np

warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 warns of what this is
from sklstm import BiLSTMClassifier

X = np.random.default_rng(0).normal(size=(20, 4, 2))

def fit():
    return BiLSTMClassifier(2, epochs=1).fit(X, np.arange(20) % 2).n_epochs_

fork = multiprocessing.get_context("fork")

def fit_in_child():
    with fork.Pool(1) as pool:
        return pool.apply_async(fit).get(timeout=120)

def start_and_fit_in_child(starts):
    exec(starts)
    try:
        fit_in_child()
    except RuntimeError as error:
        print(error, flush=True)

import keras

print(fit_in_child(), flush=True)
for starts in sys.argv[1:]:
    process = fork.Process(target=start_and_fit_in_child, args=(starts,))
    process.start()
    process.join()
"""
STARTS = [
    "keras.optimizers.Adam(0.01)",
    "joblib.load('fitted').to_keras().predict(X, verbose=0)",
]


@forks
def test_fit_in_a_forked_child_asks_tensorflow(model, tmp_path):
    """Not whether we have trained: an import is harmless, an optimizer is not."""
    joblib.dump(model, tmp_path / "fitted")
    done = subprocess.run(
        [sys.executable, "-c", FORKS, *STARTS],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    trained, *refused = done.stdout.splitlines()
    assert trained == "1", done.stderr
    assert len(refused) == len(STARTS), done.stderr
    for message in refused:
        assert "forked child of a process in which TensorFlow had started" in message


# Loads, forks its workers and answers over pipes, as a web server does; then forks
# again while its own threads predict.
SERVER = """
import os, pickle, select, signal, sys, threading, warnings
import joblib, numpy as np

warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 warns of what this is
model, X, expected = joblib.load(sys.argv[1])

def in_worker():
    reads, writes = os.pipe()
    worker = os.fork()
    if worker == 0:
        os.write(writes, pickle.dumps(model.predict_proba(X)[-1]))
        os._exit(0)
    answered, _, _ = select.select([reads], [], [], 60)
    if not answered:
        os.kill(worker, signal.SIGKILL)
        sys.exit("a worker hangs")
    assert np.array_equal(pickle.loads(os.read(reads, 10**6)), expected[-1])
    os.close(reads), os.close(writes), os.waitpid(worker, 0)

for _ in range(4):
    in_worker()

stop = threading.Event()
def keep_busy():
    while not stop.is_set():
        assert np.array_equal(model.predict_proba(X), expected)

threads = [threading.Thread(target=keep_busy) for _ in range(2)]
[thread.start() for thread in threads]
try:
    for _ in range(8):
        in_worker()
finally:
    stop.set()
    [thread.join() for thread in threads]
assert "tensorflow" not in sys.modules
"""


@forks
def test_server_that_forks_its_workers(model, tmp_path, monkeypatch):
    """Forked workers answer with the same bits, also if threads predict meanwhile."""
    # OpenBLAS can deadlock in a fork while other threads are in its own threads.
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")
    joblib.dump((model, X, answer(model, X)), tmp_path / "served")
    command = [sys.executable, "-c", SERVER, str(tmp_path / "served")]
    served = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert served.returncode == 0, served.stderr
