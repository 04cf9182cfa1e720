"""The link to the documentation in scikit-learn's diagrams of estimators."""

from __future__ import annotations

from functools import cache
from importlib.metadata import PackageNotFoundError, metadata


@cache
def address() -> str:
    """Where the documentation is: "Documentation" of `project.urls`, or nothing.

    `pyproject.toml` is the one place that says it; package indexes show it, too.
    """
    try:
        urls = metadata("sklstm").get_all("Project-URL", [])
    except PackageNotFoundError:
        return ""
    for url in urls:
        name, _, where = url.partition(", ")
        if name == "Documentation":
            return str(where).rstrip("/")
    return ""
