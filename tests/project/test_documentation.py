"""The question mark of scikit-learn's diagrams, which leads to the API reference."""

import re
from pathlib import Path

import pytest
from sklearn.base import BaseEstimator
from sklearn.pipeline import make_pipeline

import sklstm
from sklstm import BiLSTMClassifier, SequenceReshaper
from sklstm.base import documentation

ROOT = Path(__file__).resolve().parents[2]
SITE = "https://documentation.invalid/stable"
PUBLIC = [getattr(sklstm, name) for name in sklstm.__all__]
ESTIMATORS = [c for c in PUBLIC if isinstance(c, type) and issubclass(c, BaseEstimator)]


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Have sklstm installed with this metadata."""

    def install(*lines):
        folder = tmp_path / "sklstm-0.dist-info"
        folder.mkdir()
        text = "\n".join(["Metadata-Version: 2.4", "Name: sklstm", *lines, ""])
        (folder / "METADATA").write_text(text, encoding="utf-8")
        monkeypatch.syspath_prepend(tmp_path)
        documentation.address.cache_clear()

    yield install
    documentation.address.cache_clear()


def link_of(cls):
    # Some constructors have required parameters, which matter to no link.
    return cls.__new__(cls)._get_doc_link()


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_link_to_the_page(cls, installed):
    """Every public estimator has one, to the page that Sphinx makes of its name."""
    installed(
        "Project-URL: Source, https://s.invalid", f"Project-URL: Documentation, {SITE}/"
    )
    assert link_of(cls) == f"{SITE}/api/generated/sklstm.{cls.__name__}.html"
    reference = (ROOT / "docs/api/index.rst").read_text(encoding="utf-8")
    of_sklstm, *_ = reference.partition(".. currentmodule:: sklstm.")
    assert re.search(rf"^ +{cls.__name__}$", of_sklstm, flags=re.MULTILINE)


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_no_link_without_an_address(cls, installed):
    """And none to scikit-learn's site, which has no such page."""
    installed()
    assert link_of(cls) == ""


def test_no_link_if_not_installed(monkeypatch):
    """A copy of the source on the path has no metadata."""

    def metadata(name):
        raise documentation.PackageNotFoundError(name)

    monkeypatch.setattr(documentation, "metadata", metadata)
    documentation.address.cache_clear()
    assert link_of(BiLSTMClassifier) == ""
    documentation.address.cache_clear()


def test_no_link_for_a_class_of_others(installed):
    """What somebody derives has a page elsewhere, if any."""
    installed(f"Project-URL: Documentation, {SITE}")
    assert link_of(type("Derived", (BiLSTMClassifier,), {"__module__": "theirs"})) == ""


@pytest.mark.parametrize("with_address", [True, False])
def test_diagram(with_address, installed):
    """A pipeline's diagram has our links with an address, else scikit-learn's alone."""
    installed(*[f"Project-URL: Documentation, {SITE}"] * with_address)
    html = make_pipeline(SequenceReshaper(), BiLSTMClassifier())._repr_html_()
    links = re.findall(r'sk-estimator-doc-link[^>]* href="([^"]*)"', html)
    ours = [link for link in links if "scikit-learn.org" not in link]
    names = ["SequenceReshaper", "BiLSTMClassifier"] if with_address else []
    assert ours == [f"{SITE}/api/generated/sklstm.{name}.html" for name in names]
    assert all("sklearn.pipeline" in link for link in links if link not in ours)
