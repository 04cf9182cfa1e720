"""TensorFlow is imported here once, the way a first fit imports it."""

import gc
import os

import pytest
import xdist
from hypothesis import HealthCheck, settings

# No windows: matplotlib would ask for them on Windows and macOS.
os.environ.setdefault("MPLBACKEND", "Agg")

# Tests without settings of their own are those of test_fuzz.py: short in the suite,
# long in `make fuzz`.
settings.register_profile(
    "short", deadline=None, max_examples=6, derandomize=True, database=None
)
settings.register_profile(
    "fuzz",
    deadline=None,
    max_examples=400,
    print_blob=True,
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
)
settings.load_profile("short")


def pytest_collection(session):
    """Not in the process that only hands tests to others, which wait for it.

    All networks are kept: a structure is traced once for all tests of a process.
    """
    if not xdist.is_xdist_controller(session):
        import sklstm.training.runtime  # noqa: F401
        from sklstm.training.lending import POOL

        POOL.max_bytes = 2**40


def pytest_collection_finish():
    """Modules and tests are there to the end: garbage is not looked for in them."""
    gc.freeze()


@pytest.fixture
def pool(monkeypatch):
    """An empty pool in place of the process-wide one."""
    from sklstm.training import scikeras_wrapper
    from sklstm.training.lending import NetworkPool

    empty = NetworkPool()
    monkeypatch.setattr(scikeras_wrapper, "POOL", empty)
    return empty
