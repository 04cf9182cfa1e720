"""The guide and the README: every example gives the output shown, every link leads."""

import doctest
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted([ROOT / "README.md", *ROOT.glob("docs/**/*.md")])
OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def named(page):
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize(
    "page", [page for page in PAGES if ">>> " in page.read_text()], ids=named
)
def test_examples(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    # A fence would be taken for output. Blank lines keep the line numbers.
    text = re.sub(r"^```.*$", "", page.read_text(), flags=re.MULTILINE)
    examples = doctest.DocTestParser().get_doctest(text, {}, named(page), str(page), 0)
    runner = doctest.DocTestRunner(optionflags=OPTIONS)
    report = []
    runner.run(examples, out=report.append)
    assert not runner.failures, "".join(report)


def test_readme(tmp_path, monkeypatch, capsys):
    """Its scripts print what follows them, the second in another process."""
    monkeypatch.chdir(tmp_path)
    scripts = re.findall(
        r"```python\n(.*?)```\n.*?\nprints\n\n```\n(.*?)```",
        (ROOT / "README.md").read_text(),
        flags=re.DOTALL,
    )
    (search, expected), (serve, predictions) = scripts
    exec(search, {})
    # The score depends on the processor, in its last digit.
    words = re.split(r"(0\.\d+)", capsys.readouterr().out)
    expected = re.split(r"(0\.\d+)", expected)
    assert words[::2] == expected[::2]
    assert float(words[1]) == pytest.approx(float(expected[1]), abs=0.02)
    process = subprocess.run(
        [sys.executable, "-c", serve], check=True, capture_output=True, text=True
    )
    assert process.stdout == predictions


@pytest.mark.parametrize("page", (ROOT / "docs/guide").glob("*.md"), ids=named)
def test_answers_are_short(page):
    """The first example, which is the answer, has at most ten lines of code."""
    answer = page.read_text().split("```")[1]
    assert len(re.findall(r"^(>>>|\.\.\.) ", answer, flags=re.MULTILINE)) <= 10


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_links(page):
    """Files exist, and so do the headings within them."""
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if "://" in link:
            continue
        path, _, heading = link.partition("#")
        target = page.parent / path if path else page
        assert target.exists(), link
        if heading:
            assert heading in headings(target), link


def headings(page):
    """What headings are called in links: lower case, hyphens, no punctuation."""
    titles = re.findall(r"^#+ (.+)$", page.read_text(), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", t.lower()).replace(" ", "-") for t in titles}
