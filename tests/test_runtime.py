"""TensorFlow comes into a process on fitting threads, and changes nothing."""

import json
import os
import subprocess
import sys

import joblib
import pytest
from greeting import without_greeting

from sklstm.training import runtime

REPORT = """
import json, os, sys, warnings
import numpy as np
from sklstm import BiLSTMClassifier
{first}
environment, filters = dict(os.environ), list(warnings.filters)
X = np.random.default_rng(0).normal(size=(7, 5, 1))
BiLSTMClassifier(3, epochs=1, batch_size=3).fit(X, np.arange(7) % 2).predict(X)
import keras
import tensorflow as tf
threads = tf.config.threading
# TensorFlow sets TF2_BEHAVIOR for itself.
changed = {{
    name
    for name in {{*os.environ, *environment}} - {{"TF2_BEHAVIOR"}}
    if os.environ.get(name) != environment.get(name)
}}
print(json.dumps({{
    "threads": [
        threads.get_intra_op_parallelism_threads(),
        threads.get_inter_op_parallelism_threads(),
    ],
    "changed": sorted(changed),
    "reduce": keras.Model.__reduce__.__module__,
    "filters": [str(f) for f in warnings.filters if f not in filters],
}}))
"""


@pytest.mark.parametrize(
    ("first", "threads"),
    [
        ("", [1, joblib.cpu_count()]),
        (
            "import tensorflow as tf; "
            "tf.config.threading.set_intra_op_parallelism_threads(2)",
            [2, 0],
        ),
    ],
    ids=["unconfigured", "configured"],
)
def test_a_first_fit_leaves_the_process_as_it_was(first, threads):
    """Threads only where the user set none; no patched class or filter."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if "TF_" not in name and name != "OMP_NUM_THREADS"
    }
    done = subprocess.run(
        [sys.executable, "-c", REPORT.format(first=first)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["threads"] == threads
    assert report["changed"] == []
    assert report["reduce"].startswith("keras.")
    assert report["filters"] == []
    if not first:
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
