"""Networks are borrowed, not built: a traced network serves one fit after another."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from sklstm.training.optimizers import OptimizerSpec

# Idle networks that are kept. Of the 5 MB of a network TensorFlow keeps 4 when it is
# dropped, and 4 more every time it is built anew: enough for all structures of a search
# over layers, directions, targets and optimizers.
MAX_IDLE = 256


class NetworkPool:
    """A bounded, thread-safe store of idle networks.

    Parameters
    ----------
    max_idle : int, default=256
        How many to keep; the one that was idle longest goes first.
    """

    def __init__(self, max_idle: int = MAX_IDLE) -> None:
        self.max_idle = max_idle
        self._lock = threading.Lock()
        self._idle: OrderedDict[Hashable, list[Any]] = OrderedDict()
        self._used = False
        self._in_child = False

    @contextmanager
    def borrow(self, structure: Any, optimizer: OptimizerSpec) -> Iterator[Any]:
        """A network that nobody else uses until the block ends.

        Whoever borrows it writes parameters, optimizer state and random generator; a
        network comes back without the data and callbacks it was trained with, however
        the block ends.
        """
        self._refuse_child()
        key = (structure, optimizer)
        network = self._take(key) or structure.build(optimizer.build())
        try:
            yield network
        finally:
            _forget_use(network)
            self._give(key, network)

    def _take(self, key: Hashable) -> Any:
        with self._lock:
            networks = self._idle.get(key)
            if not networks:
                return None
            network = networks.pop()
            if not networks:
                del self._idle[key]
            return network

    def _give(self, key: Hashable, network: Any) -> None:
        with self._lock:
            self._idle.setdefault(key, []).append(network)
            self._idle.move_to_end(key)
            while len(self) > self.max_idle:
                oldest = next(iter(self._idle))
                self._idle[oldest].pop(0)
                if not self._idle[oldest]:
                    del self._idle[oldest]

    def __len__(self) -> int:
        return sum(map(len, self._idle.values()))

    def networks(self) -> list[Any]:
        """The idle networks."""
        with self._lock:
            return [network for idle in self._idle.values() for network in idle]

    def clear(self) -> None:
        """Drop all idle networks."""
        with self._lock:
            self._idle.clear()

    def forked(self) -> None:
        """In a child process: TensorFlow's threads have not survived the fork."""
        self._lock = threading.Lock()
        self._idle = OrderedDict()
        self._in_child = self._used

    def _refuse_child(self) -> None:
        """Training in a child of a process that has trained would wait for ever."""
        if self._in_child:
            raise RuntimeError(
                "fit was called in a forked child of a process that has trained "
                "before, where TensorFlow's threads no longer run. Fit with joblib's "
                'backend "loky" or "threading", or start processes by "spawn"; a '
                "fitted estimator can predict in any process."
            )
        self._used = True


def _forget_use(network: Any) -> None:
    network.history = None
    network.stop_training = False
    network.rng = np.random.default_rng(0)
    network.sizes = ()


POOL = NetworkPool()

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=POOL.forked)
