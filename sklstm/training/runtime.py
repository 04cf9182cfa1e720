"""TensorFlow imported without its banner, and given the threads that suit it here."""

from __future__ import annotations

import os
import sys
import tempfile
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


_BANNER = (
    b"All log messages before absl::InitializeLog",
    b"oneDNN custom operations are on",
    b"Could not find cuda drivers",
    b"This TensorFlow binary is optimized to use",
    b"To enable the following instructions",
    b"when one has already been registered",
)


@contextmanager
def _without_banner() -> Iterator[None]:
    """Hold back what is written to standard error inside, and drop the banner from it.

    TensorFlow's C++ part greets on file descriptor 2 before any of its settings for
    logging is read. All other lines come out afterwards.
    """
    try:
        stderr = os.dup(2)
    except OSError:  # no standard error to keep clean
        yield
        return
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
            held.seek(0)
            for line in held:
                if not any(words in line for words in _BANNER):
                    os.write(2, line)


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


def has_gpu() -> bool:
    """Whether TensorFlow sees a GPU that is not hidden from it."""
    return bool(tf.config.get_visible_devices("GPU"))


# What TensorFlow imports adds filters for its own warnings; they are taken back.
with (
    _environment(TF_CPP_MIN_LOG_LEVEL="3"),
    _without_banner(),
    warnings.catch_warnings(),
):
    import tensorflow as tf

_configure_threads()
