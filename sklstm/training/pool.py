"""Networks are borrowed, not built: a traced network serves one fit after another."""

from __future__ import annotations

import threading
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from typing import Any

from sklstm.training.optimizers import OptimizerSpec

# Of idle networks that are kept, beside some 700 MB that TensorFlow takes for itself:
# some 70 structures, more than most searches over layers, directions, targets and
# optimizers have.
MAX_BYTES = 400_000_000


class NetworkPool:
    """A bounded, thread-safe store of idle networks.

    Parameters
    ----------
    max_bytes : int, default=400_000_000
        Memory that those kept may take, by their `n_bytes`; the one that was idle
        longest goes first.
    """

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self.max_bytes = max_bytes
        self._lock = threading.Lock()
        # Longest idle first. Every change is one step, so that an interrupt in between
        # leaves nothing half done.
        self._idle: list[tuple[Hashable, Any]] = []

    @contextmanager
    def borrow(self, structure: Any, optimizer: OptimizerSpec) -> Iterator[Any]:
        """A network that nobody else uses until the block ends.

        Whoever borrows it writes parameters, optimizer state and random generator. A
        network comes back without the data and callbacks it was trained with, however
        the block ends; one that is no longer as it was built is dropped.
        """
        key = (structure, optimizer)
        network = self._take(key) or structure.build(optimizer.build())
        try:
            yield network
        finally:
            if network.is_as_built():
                network.forget()
                self._give(key, network)

    def _take(self, key: Hashable) -> Any:
        with self._lock:
            for k in reversed(range(len(self._idle))):
                if self._idle[k][0] == key:
                    return self._idle.pop(k)[1]
            return None

    def _give(self, key: Hashable, network: Any) -> None:
        with self._lock:
            self._idle.append((key, network))
            while sum(network.n_bytes for _, network in self._idle) > self.max_bytes:
                self._idle.pop(0)

    def __len__(self) -> int:
        return len(self._idle)

    def networks(self) -> list[Any]:
        """The idle networks."""
        with self._lock:
            return [network for _, network in self._idle]

    def clear(self) -> None:
        """Drop all idle networks."""
        with self._lock:
            self._idle.clear()


POOL = NetworkPool()
