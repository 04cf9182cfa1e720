"""Searches on dask and on ray: the scores of one process, even when a worker dies."""

import json
import logging
import os
import pickle
import shutil
import sys
import tempfile
from copy import copy

import cloudpickle
import numpy as np
import pytest
import threadpoolctl
from joblib import parallel_config
from joblib.pool import PicklingPool
from numpy.testing import assert_array_equal
from searches import (
    GRID,
    PIPELINE,
    SEARCHES,
    X,
    assert_died,
    assert_same_search,
    deadly,
    recipe,
    searched_here,
    y,
)
from sklearn.base import clone
from sklearn.metrics import accuracy_score
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

N_WORKERS = 2

# -- what travels: closures, which cloudpickle sends by value --------------------------


def reporting_scorer(folder):
    """Accuracy; each process leaves a file that says how many threads it has."""

    def score(model, X, y):
        import tensorflow as tf

        threads = tf.config.threading
        report = {
            "kernel": threads.get_intra_op_parallelism_threads(),
            "fits": threads.get_inter_op_parallelism_threads(),
            "blas": max(
                library["num_threads"] for library in threadpoolctl.threadpool_info()
            ),
        }
        report_file = folder / str(os.getpid())
        report_file.write_text(json.dumps(report), encoding="utf-8")
        return accuracy_score(y, model.predict(X))

    return score


def arrival():
    """Unpickle a pipeline and predict if it is fitted: is TensorFlow imported?"""

    def arrive(pickled, X=None):
        before = "tensorflow" in sys.modules
        model = pickle.loads(pickled)
        if X is not None:
            model.predict(X)
        return before, "tensorflow" in sys.modules

    return arrive


# -- the two engines -------------------------------------------------------------------


@pytest.fixture(scope="module")
def dask_arrivals():
    """What the first things that workers of dask did, left in them."""
    return {}


@pytest.fixture(scope="module")
def dask_engine(tmp_path_factory, dask_arrivals):
    """The client of the guide, of two worker processes with a thread each."""
    distributed = pytest.importorskip("distributed", reason="needs sklstm[dask]")
    cluster = distributed.LocalCluster(
        n_workers=N_WORKERS,
        threads_per_worker=1,
        processes=True,
        dashboard_address=":0",
        silence_logs=logging.CRITICAL,
        local_directory=str(tmp_path_factory.mktemp("dask")),
    )
    names = {}
    exec(recipe("dask", {"scheduler:8786": cluster.scheduler_address}), names)
    with cluster, names["client"] as client:
        fitted = clone(PIPELINE).fit(X, y)
        for name, arguments in {
            "unfitted": (pickle.dumps(PIPELINE),),
            "fitted": (pickle.dumps(fitted), X),
        }.items():
            dask_arrivals[name] = client.run(arrival(), *arguments)
        yield client


@pytest.fixture
def dask_client(dask_engine):
    """With all workers: joblib hands nothing to a cluster that has one core left."""
    dask_engine.wait_for_workers(N_WORKERS, timeout=120)
    return dask_engine


@pytest.fixture(scope="module")
def ray_engine():
    """A local ray with two cores, registered as a backend of joblib."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("RAY_USAGE_STATS_ENABLED", "0")
        # By default workers give way to all else, and hardly run on a busy machine.
        environment.setenv("RAY_worker_niceness", "0")
        ray = pytest.importorskip("ray", reason="needs sklstm[ray]")
        from ray.util.joblib import register_ray

        # ray makes all pools of joblib its own, those of multiprocessing as well.
        bases = PicklingPool.__bases__
        # The name of a socket may be a hundred characters long: pytest's are longer.
        folder = tempfile.mkdtemp(prefix="ray")
        try:
            ray.init(
                num_cpus=N_WORKERS,
                include_dashboard=False,
                log_to_driver=False,
                logging_level=logging.CRITICAL,
                object_store_memory=80 * 2**20,
                _temp_dir=folder,
            )
            register_ray()
            yield ray
        finally:
            PicklingPool.__bases__ = bases
            ray.shutdown()
            shutil.rmtree(folder, ignore_errors=True)


def assert_ran_on_workers(folder, n_threads):
    """Not here, and with no more threads than a worker has cores."""
    files = folder.glob("*")
    reports = {
        int(path.name): json.loads(path.read_text(encoding="utf-8")) for path in files
    }
    assert reports
    assert os.getpid() not in reports
    for report in reports.values():
        assert report == {"kernel": 1, "fits": n_threads, "blas": 1}


# -- dask ------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["unfitted", "fitted"])
def test_a_pipeline_travels_without_tensorflow(dask_client, dask_arrivals, state):
    """Neither arriving at a worker nor predicting there imports it."""
    assert list(dask_arrivals[state].values()) == [(False, False)] * N_WORKERS


@pytest.mark.parametrize("kind", SEARCHES)
def test_dask_scores_as_one_process(dask_client, kind, tmp_path):
    """Bit for bit, whichever worker fits what; and no core has two threads."""
    search = clone(SEARCHES[kind]).set_params(
        error_score="raise", scoring=reporting_scorer(tmp_path)
    )
    with parallel_config(backend="dask"):
        search.fit(X, y)
    assert_same_search(search, searched_here(kind))
    assert_ran_on_workers(tmp_path, n_threads=1)


def test_data_travel_once(dask_client, monkeypatch):
    """Data and folds are given to dask once, tasks hold only their names."""
    sequences = [np.repeat(row, 50 + k % 2).reshape(-1, 2) for k, row in enumerate(X)]
    ragged = np.array(sequences, dtype=object)
    submit = dask_client.submit
    sizes, given = [], []

    def measured(function, *args, **kwargs):
        if function is copy:
            given.append(id(args[0]))
        else:
            sizes.append(len(cloudpickle.dumps((function, args, kwargs))))
        return submit(function, *args, **kwargs)

    monkeypatch.setattr(dask_client, "submit", measured)
    grid = {"merge_mode": ["sum", "mul"], "batch_size": [100, 200]}
    search = GridSearchCV(PIPELINE[-1], grid, cv=2, refit=False)
    with parallel_config(backend="dask"):
        search.fit(ragged, y)
    assert given.count(id(ragged)) == given.count(id(y)) == 1
    assert len(given) == 2 + 2 * 2
    assert 0 < max(sizes) < len(pickle.dumps(ragged)) / 20


def test_a_search_of_large_data(dask_client, tmp_path):
    """With the recipe of the guide dask gets nothing of X; the scores are equal."""
    np.save(tmp_path / "X.npy", X)
    names = {"pipeline": PIPELINE, "path": tmp_path / "X.npy", "y": y}
    exec(recipe("large data"), names)
    search = clone(SEARCHES["randomized"]).set_params(
        estimator=names["reading"], error_score="raise"
    )
    with parallel_config(backend="dask"):
        search.fit(names["rows"], y)
    assert_same_search(search, searched_here("randomized"))
    plain = search.best_estimator_[1:]
    expected = searched_here("randomized").predict_proba(X)
    assert_array_equal(plain.predict_proba(X), expected)


def test_a_worker_of_dask_dies(dask_client, tmp_path):
    """Twice: the recipe of the guide finishes with the same scores."""
    step = FunctionTransformer(deadly(np.asarray, tmp_path, n_deaths=2, every=6))
    pipeline = make_pipeline(step, *PIPELINE)
    names = {"pipeline": pipeline, "grid": GRID, "X": X, "y": y}
    exec(recipe("dask, search"), names)
    assert_died(tmp_path, n_deaths=2)
    expected = searched_here("grid", cv=3)
    assert_same_search(names["search"], expected)


# -- ray ------------------------------------------------------------------------------


# One search: each on ray starts workers of its own, which import TensorFlow.
def test_ray_scores_as_one_process_and_stores_data_once(
    ray_engine, tmp_path, monkeypatch
):
    """By both recipes of the guide, bit for bit, though a worker dies.

    No core has two threads, and no task holds a part of X.
    """
    from ray.util.multiprocessing import Pool

    apply_async, tasks = Pool.apply_async, []

    def recorded(self, task, *args, **kwargs):
        tasks.append(ray_engine.cloudpickle.dumps(task))
        return apply_async(self, task, *args, **kwargs)

    monkeypatch.setattr(Pool, "apply_async", recorded)
    for folder in ("deaths", "reports"):
        (tmp_path / folder).mkdir()
    deaths, reports = tmp_path / "deaths", tmp_path / "reports"
    step = FunctionTransformer(deadly(np.asarray, deaths, n_deaths=1, every=6))
    names = {
        "ray": ray_engine,
        "stored": ray_engine.put(X),
        "pipeline": make_pipeline(step, *PIPELINE),
        "y": y,
    }
    in_store = {'np.load(path, mmap_mode="r")': "ray.get(stored)"}
    exec(recipe("large data", in_store), names)
    names |= {"pipeline": names["reading"], "X": names["rows"], "grid": GRID}
    names["scoring"] = reporting_scorer(reports)
    here = {'ray.init("auto")': "", "cv=3": "cv=3, scoring=scoring"}
    exec(recipe("ray", here), names)
    assert_died(deaths, n_deaths=1)
    assert_ran_on_workers(reports, n_threads=1)
    expected = searched_here("grid", cv=3)
    assert_same_search(names["search"], expected)
    plain = names["search"].best_estimator_[1:]
    assert_array_equal(plain.predict_proba(X), expected.predict_proba(X))
    assert tasks
    assert not any(X[:10].tobytes() in task for task in tasks)
