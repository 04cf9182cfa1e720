"""What a release says of itself agrees: version, changelog, citation, tag, models.

Between releases most of it holds as well; the tag is looked at where HEAD has one.
"""

import re
import subprocess
import tomllib
from pathlib import Path

import numpy as np
import pytest

import sklstm

ROOT = Path(__file__).resolve().parents[2]
VERSION = sklstm.__version__
HEADING = re.compile(r"^## \[(.+?)\](?: - (\d{4}-\d{2}-\d{2}))?$", flags=re.MULTILINE)

pytestmark = pytest.mark.skipif(
    not (ROOT / ".git").exists(), reason="a release is made from a checkout"
)


def text_of(name):
    return (ROOT / name).read_text(encoding="utf-8")


def git(*arguments):
    """Lines that git prints."""
    command = ["git", "-C", ROOT, *arguments]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=True)
    return done.stdout.splitlines()


def releases():
    """Date by version, as in the changelog, the newest first."""
    (unreleased, _), *released = HEADING.findall(text_of("CHANGELOG.md"))
    assert unreleased == "Unreleased"
    return dict(released)


def citation(key):
    """A value of the citation, None without."""
    found = re.findall(rf"^{key}: (.+)$", text_of("CITATION.cff"), flags=re.MULTILINE)
    return found[0].strip("\"'") if found else None


def numbers(version):
    return [int(part) for part in version.split(".")]


def test_releases_are_dated_and_in_order():
    """The newest on top, and none newer than the version of the package."""
    versions = list(releases())
    assert versions == sorted(set(versions), key=numbers, reverse=True)
    assert all(releases().values()), "## [1.2.3] - 2026-01-31"
    assert versions == [] or numbers(versions[0]) <= numbers(VERSION)


def test_citation_is_of_this_version():
    """With the day of its release, if it has been released."""
    assert citation("version") == VERSION
    assert citation("date-released") == releases().get(VERSION)


def test_tag_is_the_version():
    """A tagged commit is a release: the changelog has it, and nothing newer."""
    tags = [tag for tag in git("tag", "--points-at", "HEAD") if tag.startswith("v")]
    if not tags:
        pytest.skip("HEAD has no tag")
    assert tags == [f"v{VERSION}"]
    assert next(iter(releases()), None) == VERSION
    _, unreleased, *_ = re.split(r"^## ", text_of("CHANGELOG.md"), flags=re.MULTILINE)
    assert unreleased.split() == ["[Unreleased]"]


def test_saved_models_are_committed():
    """Those of every release and of this version, each with what it answers."""
    for version in {*releases(), VERSION}:
        folder = f"tests/base/saved/{version}"
        committed = {Path(name).name for name in git("ls-files", folder)}
        assert "data.npz" in committed, folder
        answers = np.load(ROOT / folder / "data.npz").files
        names = {name.removesuffix("_given") for name in answers if "_given" in name}
        assert names == {Path(name).stem for name in committed - {"data.npz"}}


def test_the_workflow_runs_what_the_classifiers_say():
    """Every Python that the package claims, on three systems."""
    classifiers = tomllib.loads(text_of("pyproject.toml"))["project"]["classifiers"]
    claimed = [name for name in classifiers if re.search(r":: 3\.\d+$", name)]
    (pythons,) = re.findall(
        r"^ +python: \[(.+)\]$", text_of(".github/workflows/ci.yml"), re.M
    )
    assert re.findall(r"3\.\d+", pythons) == [c.rpartition(" ")[2] for c in claimed]
