"""A function of many items on as many threads as BLAS may use."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from typing import Any

from threadpoolctl import ThreadpoolController


def for_each(function: Callable[[Any], None], items: list[Any]) -> None:
    """Call a function with every item, on as many threads as BLAS may use."""
    if len(items) == 1:
        function(items[0])
        return
    stop = threading.Event()
    # BLAS is set and restored in a thread of its own, since Ctrl-C raises in the main
    # thread only, between any two steps of what goes on there.
    with ThreadPoolExecutor(1) as supervisor:
        try:
            supervisor.submit(_spread, function, items, stop).result()
        finally:
            stop.set()


def _spread(
    function: Callable[[Any], None], items: list[Any], stop: threading.Event
) -> None:
    """Call a function with every item, until told to stop."""

    def call(item: object) -> None:
        if not stop.is_set():
            function(item)

    with (
        _one_blas_thread() as n_threads,
        ThreadPoolExecutor(min(n_threads, len(items))) as pool,
    ):
        for _ in pool.map(call, items):
            pass


@cache
def _threadpools() -> ThreadpoolController:
    return ThreadpoolController().select(user_api="blas")


class _BlasUsers:
    """Counts the calls that need BLAS at one thread: first in sets, last out restores.

    The setting belongs to the whole process, so two overlapping calls that each set and
    restored it could leave the wrong number behind.
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.count = 0
        self.n_threads = 1
        self.limit: Any = None

    def enter(self) -> int:
        with self.lock:
            if self.count == 0:
                pools = _threadpools()
                threads = [pool["num_threads"] for pool in pools.info()]
                self.n_threads = max(threads, default=os.cpu_count() or 1)
                self.limit = pools.limit(limits=1)
            self.count += 1
            return self.n_threads

    def leave(self) -> None:
        with self.lock:
            self.count -= 1
            if self.count == 0:
                self.limit.restore_original_limits()


_blas_users = _BlasUsers()


def _forget_users() -> None:
    """In a forked child the parent's threads do not come to leave."""
    global _blas_users
    if _blas_users.count:
        _blas_users.limit.restore_original_limits()
    _blas_users = _BlasUsers()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_users)


@contextmanager
def _one_blas_thread() -> Iterator[int]:
    """BLAS at one thread inside; gives the number of threads it had before."""
    users = _blas_users
    n_threads = users.enter()
    try:
        yield n_threads
    finally:
        users.leave()
