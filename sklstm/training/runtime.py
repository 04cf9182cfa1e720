"""TensorFlow imported, and given the threads that suit it here."""

from __future__ import annotations

import json
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import joblib

_THREAD_VARIABLES = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")


@contextmanager
def _environment(**values: str) -> Iterator[None]:
    """Environment variables that are set inside unless the user has set them."""
    added = {name: value for name, value in values.items() if name not in os.environ}
    os.environ.update(added)
    try:
        yield
    finally:
        for name in added:
            os.environ.pop(name, None)


def _share_of_cores() -> int:
    """Cores this process may use: in workers of loky and ray OMP_NUM_THREADS says."""
    limit = os.environ.get("OMP_NUM_THREADS", "")
    return int(limit) if limit.isdigit() else int(joblib.cpu_count())


def _threads_of_dask_worker() -> int | None:
    """Threads of the dask worker that runs this, each with a fit; None elsewhere."""
    distributed = sys.modules.get("distributed")
    if distributed is None:
        return None
    try:
        return int(distributed.get_worker().state.nthreads)
    except ValueError:  # dask's client, or a process that has nothing to do with dask
        return None


def _configure_threads() -> None:
    """Run the two directions side by side, each kernel on one thread.

    Measured best for the sizes people use. Fits in several threads share the threads
    set here: as many as there are cores, though one fit uses two. A dask worker needs
    as many as it has itself: it sets OMP_NUM_THREADS to 1 however many those are.
    Whatever the user configured, by environment variable or by `tf.config.threading`,
    stays.
    """
    threading = tf.config.threading
    configured = (
        threading.get_intra_op_parallelism_threads()
        or threading.get_inter_op_parallelism_threads()
        or any(name in os.environ for name in _THREAD_VARIABLES)
    )
    if configured:
        return
    try:
        threading.set_intra_op_parallelism_threads(1)
        threading.set_inter_op_parallelism_threads(
            _threads_of_dask_worker() or _share_of_cores()
        )
    except RuntimeError:
        # TensorFlow already runs with its own defaults; they stay.
        return


def _check_backend() -> None:
    """Refuse to train where Keras computes with something else than TensorFlow.

    Before anything is imported: Keras would end in an error of its own if the backend
    is not installed. A process has one backend.
    """
    backend, asked_by = _backend()
    if backend not in ("", "tensorflow"):
        raise RuntimeError(
            f"Training needs Keras with TensorFlow, but {asked_by} has given Keras the "
            f"backend {backend!r}. Set it to 'tensorflow', or leave it out, in a new "
            "process: Keras reads it once, when it is imported. Loading and predicting "
            "do without Keras."
        )


def _backend() -> tuple[str, str]:
    """Keras' backend, and what has chosen it."""
    variable = "the environment variable KERAS_BACKEND"
    chosen = os.environ.get("KERAS_BACKEND", "")
    home = os.environ.get("KERAS_HOME", os.path.join("~", ".keras"))
    file = os.path.expanduser(os.path.join(home, "keras.json"))
    config = getattr(sys.modules.get("keras"), "config", None)
    if config is not None:
        backend = str(config.backend())
        return backend, variable if chosen == backend else f"the process or {file}"
    if chosen:
        return chosen, variable
    try:
        with open(file, encoding="utf-8") as settings:
            return str(json.load(settings).get("backend", "")), f"the file {file}"
    except (OSError, ValueError, AttributeError):
        return "", "nothing"  # as Keras has it


def has_gpu() -> bool:
    """Whether TensorFlow sees a GPU that is not hidden from it."""
    return bool(tf.config.get_visible_devices("GPU"))


_check_backend()

# What TensorFlow imports adds filters for its own warnings; they are taken back. The
# lines that TensorFlow writes before it reads its settings come out: whoever holds back
# standard error loses what is said before an abort, and what other threads' processes
# say.
with _environment(TF_CPP_MIN_LOG_LEVEL="3"), warnings.catch_warnings():
    import tensorflow as tf

_configure_threads()
