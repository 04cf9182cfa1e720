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


class DocumentationLinkMixin:
    """Mixin of everything that has a page in the API reference.

    scikit-learn makes a question mark with a link of it; an empty one is left out.
    """

    _doc_link_module = "sklstm"

    @property
    def _doc_link_template(self) -> str:
        if not address():
            return ""
        return address() + "/api/generated/sklstm.{estimator_name}.html"
