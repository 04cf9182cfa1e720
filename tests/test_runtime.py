"""TensorFlow comes into a process quietly, on fitting threads, and changes nothing."""

import json
import os
import subprocess
import sys

import joblib
import pytest

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
    """Threads only where the user set none; no banner, patched class or filter."""
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
        assert done.stderr == ""


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
