"""Searches on dask and on ray: the scores of one process, even when a worker dies."""

import functools
import json
import logging
import os
import pickle
import shutil
import signal
import sys
import tempfile
from contextlib import suppress
from copy import copy

import cloudpickle
import guide
import numpy as np
import pytest
import threadpoolctl
from joblib import parallel_config
from joblib.pool import PicklingPool
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.metrics import accuracy_score
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    ParameterGrid,
    RandomizedSearchCV,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sklstm import BiLSTMClassifier, SequenceReshaper

N_WORKERS = 2
# Windows has one signal for all, which ends the process at once.
KILL = getattr(signal, "SIGKILL", signal.SIGTERM)

rng = np.random.default_rng(0)
X = rng.normal(size=(400, 6))
y = (X[:, 0] > 0).astype(int)
PIPELINE = make_pipeline(
    SequenceReshaper(n_features=2), BiLSTMClassifier(2, epochs=1, random_state=0)
)
GRID = {
    "bilstmclassifier__merge_mode": ["sum", "mul"],
    "bilstmclassifier__units": [2, 3],
}
SEARCHES = {
    "grid": GridSearchCV(PIPELINE, GRID, cv=2),
    "randomized": RandomizedSearchCV(PIPELINE, GRID, n_iter=3, cv=2, random_state=0),
    "halving": HalvingGridSearchCV(
        PIPELINE,
        GRID,
        resource="bilstmclassifier__epochs",
        min_resources=1,
        max_resources=2,
        factor=2,
        cv=2,
        random_state=0,
    ),
}


@functools.cache
def searched_here(kind):
    """The search in this process, one fit after the other."""
    return clone(SEARCHES[kind]).set_params(error_score="raise").fit(X, y)


def recipe(name, changes=()):
    """Code of the guide, which is short."""
    code = guide.recipe("cluster.md", name, changes)
    assert len(code.splitlines()) <= 10
    return code


def assert_same_search(search, expected):
    assert search.cv_results_.keys() == expected.cv_results_.keys()
    for name, column in expected.cv_results_.items():
        if not name.endswith("_time"):
            assert_array_equal(search.cv_results_[name], column, err_msg=name)
    assert search.best_index_ == expected.best_index_


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


def deadly(function, folder, n_deaths, every):
    """The function; every so many calls in other processes it kills the process."""
    here = os.getpid()

    def call(*args, **kwargs):
        if os.getpid() != here:
            tempfile.mkstemp(dir=folder)
            death = len(list(folder.glob("tmp*"))) // every
            with suppress(FileExistsError):
                if 0 < death <= n_deaths:
                    (folder / f"death {death}").mkdir()
                    os.kill(os.getpid(), KILL)
        return function(*args, **kwargs)

    return call


def assert_died(folder, n_deaths):
    assert len(list(folder.glob("death*"))) == n_deaths


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
    expected = clone(SEARCHES["grid"]).set_params(cv=3).fit(X, y)
    assert_same_search(names["search"], expected)


# -- ray ------------------------------------------------------------------------------


# Every search on ray starts workers of its own, which import TensorFlow.
def test_ray_scores_as_one_process_and_stores_data_once(
    ray_engine, tmp_path, monkeypatch
):
    """Bit for bit, whichever worker fits what; and no core has two threads.

    With the recipe of the guide no task holds a part of X.
    """
    from ray.util.multiprocessing import Pool

    apply_async, tasks = Pool.apply_async, []

    def recorded(self, task, *args, **kwargs):
        tasks.append(ray_engine.cloudpickle.dumps(task))
        return apply_async(self, task, *args, **kwargs)

    monkeypatch.setattr(Pool, "apply_async", recorded)
    names = {
        "ray": ray_engine,
        "stored": ray_engine.put(X),
        "pipeline": PIPELINE,
        "y": y,
    }
    in_store = {'np.load(path, mmap_mode="r")': "ray.get(stored)"}
    exec(recipe("large data", in_store), names)
    search = clone(SEARCHES["halving"]).set_params(
        estimator=names["reading"],
        n_jobs=-1,
        error_score="raise",
        scoring=reporting_scorer(tmp_path),
    )
    with parallel_config(backend="ray"):
        search.fit(names["rows"], y)
    assert_same_search(search, searched_here("halving"))
    assert_ran_on_workers(tmp_path, n_threads=1)
    plain = search.best_estimator_[1:]
    expected = searched_here("halving").predict_proba(X)
    assert_array_equal(plain.predict_proba(X), expected)
    assert tasks
    assert not any(X[:10].tobytes() in task for task in tasks)


def test_a_worker_of_ray_dies(ray_engine, tmp_path):
    """The recipe of the guide finishes with the same scores."""
    step = FunctionTransformer(deadly(np.asarray, tmp_path, n_deaths=1, every=6))
    pipeline = make_pipeline(step, *PIPELINE)
    names = {"pipeline": pipeline, "grid": GRID, "X": X, "y": y}
    exec(recipe("ray", {'ray.init("auto")': ""}), names)
    assert_died(tmp_path, n_deaths=1)
    expected = clone(SEARCHES["grid"]).set_params(cv=3).fit(X, y)
    assert_same_search(names["search"], expected)


# -- searches that were stopped --------------------------------------------------------


def assert_scores_of_a_search(scores):
    expected = clone(SEARCHES["grid"]).set_params(cv=3).fit(X, y)
    assert_array_equal(scores, expected.cv_results_["mean_test_score"])


def test_a_stopped_search_goes_on(tmp_path):
    """The recipe of the guide reads what was computed before, and computes the rest."""
    names = {"pipeline": PIPELINE, "grid": GRID, "X": X, "y": y}
    exec(recipe("candidates", {"search-cache": str(tmp_path)}), names)
    names["models"], rest = names["models"][:1], names["models"][1:]
    exec(recipe("resume"), names)
    (output,) = tmp_path.rglob("output.pkl")
    written = output.stat().st_mtime_ns
    names["models"].extend(rest)
    exec(recipe("resume"), names)
    assert output.stat().st_mtime_ns == written
    assert len(list(tmp_path.rglob("output.pkl"))) == len(ParameterGrid(GRID))
    assert_scores_of_a_search(names["scores"])


def test_a_worker_of_loky_dies(tmp_path):
    """The recipe of the guide searches again, with fewer workers."""
    names = {"pipeline": PIPELINE, "grid": GRID, "X": X, "y": y}
    exec(recipe("candidates", {"search-cache": str(tmp_path)}), names)
    names["scored"] = deadly(names["scored"], tmp_path, n_deaths=1, every=3)
    exec(recipe("loky", {"8, 4, 2, 1": "2, 1"}), names)
    assert_died(tmp_path, n_deaths=1)
    assert names["n_jobs"] == 1
    assert_scores_of_a_search([result.mean() for result in names["results"]])
