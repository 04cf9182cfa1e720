"""TensorFlow comes into a process on fitting threads, and changes nothing."""

import json
import os
import subprocess
import sys

import joblib
import pytest
from greeting import without_greeting

from sklstm.training import runtime

# Every estimator, and one with all that a user may ask for. What it prints comes from
# the fits; the last line is the report.
USE = """
import json
import logging
import os
import sys
import warnings

import numpy as np

from sklstm import *

rng = np.random.default_rng(0)
X = rng.normal(size=(31, 5, 2)).astype(np.float32)
X[::3, 3:] = np.nan
sums = np.nancumsum(X[:, :, 0], axis=1)
problems = [
    (BiLSTMClassifier, sums[:, -1] > 0),
    (BiLSTMClassifier, np.digitize(sums[:, -1], [-1, 1])),
    (BiLSTMRegressor, sums[:, -1]),
    (BiLSTMTimestepClassifier, np.where(sums > 0, "up", "down")),
    (BiLSTMTimestepRegressor, sums),
]


def use(**params):
    for estimator, y in problems:
        # None would draw from NumPy's global state.
        model = estimator(2, epochs=1, batch_size=7, random_state=0, **params)
        model.fit(X, y).predict(X)
        model.partial_fit(X, y).score(X, y)
        model.to_keras()


def state():
    import random

    import keras
    import scikeras.utils.random_state
    import tensorflow as tf
    from tensorflow.python.eager import context
    from tensorflow.python.framework import config

    return {
        "determinism": config.is_op_determinism_enabled(),
        "floatx": keras.config.floatx(),
        "backend": keras.config.backend(),
        "epsilon": keras.config.epsilon(),
        "image_data_format": keras.config.image_data_format(),
        "traceback_filtering": keras.config.is_traceback_filtering_enabled(),
        "interactive_logging": keras.config.is_interactive_logging_enabled(),
        "dtype_policy": keras.config.dtype_policy().name,
        "reduce": keras.Model.__reduce__.__module__,
        "deepcopy": "__deepcopy__" in vars(keras.Model),
        "eager": tf.executing_eagerly(),
        "functions_eagerly": tf.config.functions_run_eagerly(),
        "jit": tf.config.optimizer.get_jit(),
        "soft_placement": tf.config.get_soft_device_placement(),
        "loggers": [logging.getLogger(name).level for name in ("", "tensorflow")],
        "random": hash(random.getstate()),
        "numpy.random": np.random.get_state()[2],
        "tensorflow.random": context.global_seed(),
        "handlers": len(logging.getLogger().handlers),
    }


if sys.argv[1] == "user":
    import tensorflow as tf
    tf.config.threading.set_intra_op_parallelism_threads(2)
    untouched = state()
    del problems[1:]  # what follows is about what the user has set
environment, filters = dict(os.environ), list(warnings.filters)
use()
if sys.argv[1] == "sklstm":
    untouched = state()
    problems = problems[3:4]  # one stands for all: each option is a trace
    use(recurrent_dropout=0.1)
    use(clipnorm=1.0, direction="forward", optimizer="sgd")
    inner = BiLSTMRegressor(2, epochs=1, random_state=0)
    WindowedEnsemble(inner, n_timesteps=3).fit(X, sums[:, -1])
use(dropout=0.1)
after = state()

import tensorflow as tf
threads = tf.config.threading
print(json.dumps({
    "changed": {k: [untouched[k], after[k]] for k in after if after[k] != untouched[k]},
    "threads": [
        threads.get_intra_op_parallelism_threads(),
        threads.get_inter_op_parallelism_threads(),
    ],
    # TensorFlow sets TF2_BEHAVIOR for itself.
    "environment": [
        name
        for name in {*os.environ, *environment} - {"TF2_BEHAVIOR"}
        if os.environ.get(name) != environment.get(name)
    ],
    "reduce": sys.modules["keras"].Model.__reduce__.__module__,
    "filters": [str(f) for f in warnings.filters if f not in filters],
}))
"""


@pytest.mark.parametrize(
    ("first", "threads", "patched_by"),
    [("sklstm", [1, joblib.cpu_count()], "keras"), ("user", [2, 0], "scikeras")],
    ids=["sklstm first", "user first"],
)
def test_fits_are_quiet_and_leave_the_process_as_it_was(first, threads, patched_by):
    """Threads only where the user set none; no patched class, setting or filter.

    Nothing on standard output or error but TensorFlow's greeting. Where the user comes
    first with threads and scikeras' patches, they stay, and TensorFlow says more.
    """
    environment = {
        name: value
        for name, value in os.environ.items()
        if "TF_" not in name and name != "OMP_NUM_THREADS"
    }
    done = subprocess.run(
        [sys.executable, "-c", USE, first],
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    (line,) = done.stdout.splitlines()
    report = json.loads(line)
    assert report.pop("threads") == threads
    assert report.pop("reduce").partition(".")[0] == patched_by
    assert report == {"changed": {}, "environment": [], "filters": []}
    if first == "sklstm":
        assert without_greeting(done.stderr) == []


# They stand in for TensorFlow while it is imported.
ABORTS = """
import os
os.write(2, b"compiled to use AVX instructions, which this machine does not have\\n")
os.abort()
"""
STARTS_A_PROCESS = """
import subprocess, sys
speaks = "import sys; sys.stdin.read(); print('still heard', file=sys.stderr)"
sys.started = subprocess.Popen([sys.executable, "-c", speaks], stdin=subprocess.PIPE)
raise ImportError("that will do")
"""
IMPORT = """
import sys
try:
    import sklstm.training
except ImportError as error:
    assert str(error) == "that will do"
sys.started.communicate(timeout=60)
"""


def import_in_place_of_tensorflow(code, folder):
    """A process that imports sklstm's training with this as its TensorFlow."""
    (folder / "tensorflow.py").write_text(code, encoding="utf-8")
    path = [str(folder), *filter(None, [os.environ.get("PYTHONPATH")])]
    return subprocess.run(
        [sys.executable, "-c", IMPORT],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(path)},
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_what_is_said_before_an_abort_is_heard(tmp_path):
    """As on a machine without AVX: TensorFlow says why, and ends the process."""
    aborted = import_in_place_of_tensorflow(ABORTS, tmp_path)
    assert aborted.returncode != 0
    assert "compiled to use AVX instructions" in aborted.stderr


def test_a_process_started_meanwhile_keeps_its_standard_error(tmp_path):
    """As one that another thread starts while TensorFlow is imported."""
    done = import_in_place_of_tensorflow(STARTS_A_PROCESS, tmp_path)
    assert done.returncode == 0, done.stderr
    assert "still heard" in done.stderr


WITHOUT = """
import sys
import numpy as np
sys.modules["tensorflow"] = None  # import says that there is none
from sklstm import BiLSTMClassifier
X = np.zeros((4, 3, 1))
try:
    BiLSTMClassifier().fit(X, [0, 1, 0, 1])
except ImportError as error:
    print(error)
"""


def test_without_tensorflow_fit_says_where_it_can_be_had():
    """It names what to install, and the platforms."""
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT], capture_output=True, text=True, check=True
    )
    assert "Training needs TensorFlow, which is not installed here" in done.stdout
    assert "Python 3.11 to 3.13 on Linux with glibc" in done.stdout


def test_a_worker_takes_its_share(monkeypatch):
    """loky and ray tell their workers how many threads are theirs."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert runtime._share_of_cores() == 1
    monkeypatch.delenv("OMP_NUM_THREADS")
    assert runtime._share_of_cores() >= 1


def test_a_dask_worker_has_a_thread_for_every_fit(monkeypatch):
    """dask sets OMP_NUM_THREADS to 1 however many tasks a worker runs at once."""
    distributed = pytest.importorskip("distributed")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert runtime._threads_of_dask_worker() is None
    with distributed.Client(
        n_workers=1, threads_per_worker=3, processes=False, dashboard_address=":0"
    ) as client:
        inside = client.submit(runtime._threads_of_dask_worker, pure=False)
        assert inside.result(timeout=60) == 3
        assert runtime._threads_of_dask_worker() is None
