"""README and docs: every example gives the output shown, every link leads."""

import doctest
import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
QUESTIONS = DOCS / "questions.md"
GUIDE = sorted(page for page in DOCS.glob("guide/*.md") if page.stem != "index")
PAGES = sorted(
    [
        *ROOT.glob("*.md"),
        *ROOT.glob("benchmarks/*.md"),
        *(page for page in DOCS.rglob("*.md") if "_build" not in page.parts),
    ]
)
OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def named(page):
    return str(page.relative_to(ROOT))


def run_examples(text, name):
    # A fence would be taken for output. Blank lines keep the line numbers.
    text = re.sub(r"^ *[`:]{3,}.*$", "", text, flags=re.MULTILINE)
    examples = doctest.DocTestParser().get_doctest(text, {}, name, name, 0)
    runner = doctest.DocTestRunner(optionflags=OPTIONS)
    report = []
    runner.run(examples, out=report.append)
    assert not runner.failures, "".join(report)


def n_lines(text):
    """Lines of code in the examples of a text."""
    return len(re.findall(r"^(?:>>>|\.\.\.) ", text, flags=re.MULTILINE))


def headings(page, level="#+"):
    """Headings, by what they are called in links."""
    titles = re.findall(
        rf"^{level} (.+)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE
    )
    return {re.sub(r"[^\w\- ]", "", t.lower()).replace(" ", "-"): t for t in titles}


@pytest.mark.parametrize(
    "page",
    [
        page
        for page in PAGES
        if n_lines(page.read_text(encoding="utf-8")) and page != QUESTIONS
    ],
    ids=named,
)
def test_examples(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run_examples(page.read_text(encoding="utf-8"), named(page))


@pytest.mark.parametrize("anchor", headings(QUESTIONS, level="###"))
def test_questions(anchor, tmp_path, monkeypatch):
    """Every question has one example of at most ten lines that stands by itself."""
    monkeypatch.chdir(tmp_path)
    question = headings(QUESTIONS)[anchor]
    _, _, rest = QUESTIONS.read_text(encoding="utf-8").partition(f"### {question}\n")
    answer = re.split(r"^##+ ", rest, flags=re.MULTILINE)[0]
    assert answer.count("```pycon") == 1
    assert 0 < n_lines(answer) <= 10
    run_examples(answer, question)


def test_all_questions_are_listed():
    """The list on top leads to each of the 24, once and in their order."""
    on_top, *_ = QUESTIONS.read_text(encoding="utf-8").partition("\n## ")
    questions = list(headings(QUESTIONS, level="###"))
    assert re.findall(r"\]\(#([^)]+)\)", on_top) == questions
    assert len(questions) == 24


def run_alone(script):
    """What it prints in a process of its own."""
    command = [sys.executable, "-c", script]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_readme(tmp_path, monkeypatch, capsys):
    """Read in order, its scripts print what they say; one in a process of its own."""
    monkeypatch.chdir(tmp_path)
    scripts = re.findall(
        r"```python\n(.*?)```\n(?:\nprints[^\n]*\n\n```\n(.*?)```)?",
        (ROOT / "README.md").read_text(encoding="utf-8"),
        flags=re.DOTALL,
    )
    assert len(scripts) == 4
    names = {}
    for script, below in scripts:
        expected = below or re.search(r"\)  # (.*\n)\Z", script)[1]
        if "sys.modules" in script:
            printed = run_alone(script)
        else:
            exec(script, names)
            printed = capsys.readouterr().out
        # Errors and scores depend on the processor, in their last digit.
        words, expected = (re.split(r"(0\.\d+)", text) for text in (printed, expected))
        assert words[::2] == expected[::2]
        numbers, figures = ([*map(float, text[1::2])] for text in (words, expected))
        assert numbers == pytest.approx(figures, rel=0.02, abs=0.004)


@pytest.mark.parametrize("page", GUIDE, ids=named)
def test_answers_are_short(page):
    """The first example, which is the answer, has at most ten lines of code."""
    assert n_lines(page.read_text(encoding="utf-8").split("```")[1]) <= 10


@pytest.mark.parametrize("page", GUIDE, ids=named)
def test_guide_is_complete(page):
    """The first page of the guide leads to every other, by a question."""
    assert f"]({page.name})" in (DOCS / "guide/index.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "name", ["sklstm", "sklstm.datasets", "sklstm.displays", "sklstm.inspection"]
)
def test_api_is_complete(name):
    """The reference lists every public name of a module."""
    text = (DOCS / "api/index.rst").read_text(encoding="utf-8")
    _, _, section = text.partition(f".. currentmodule:: {name}\n")
    section, *_ = section.partition(".. currentmodule::")
    listed = re.findall(r"^   (\w+)$", section, flags=re.MULTILINE)
    assert sorted(listed) == sorted(importlib.import_module(name).__all__)


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_links(page):
    """Files exist, and so do the headings within them."""
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if "://" in link:
            continue
        path, _, heading = link.partition("#")
        target = page.parent / path if path else page
        assert source_of(target).exists(), link
        if heading:
            assert heading in headings(target), link


def source_of(page):
    """What a page of the gallery is made of; other pages are there."""
    if page.parent.name != "auto_examples":
        return page
    source = page.parents[1] / "examples" / page.name
    if page.stem == "index":
        return source.with_name("GALLERY_HEADER.rst")
    return source.with_suffix(".py")
