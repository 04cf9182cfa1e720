"""TensorFlow is imported here once, the way a first fit imports it."""

import os

from hypothesis import HealthCheck, settings

import sklstm.training.runtime  # noqa: F401

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
