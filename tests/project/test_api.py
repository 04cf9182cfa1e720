"""The public signatures, pinned: a change of one is a decision, not an accident.

After a wanted change, write the file anew: ``python tests/project/test_api.py``.
"""

import ast
import importlib
import inspect
import re
import sys
import tomllib
from itertools import chain
from pathlib import Path

import pytest

import sklstm

PINNED = Path(__file__).with_name("public_api.txt")
MODULES = [
    "sklstm",
    "sklstm.datasets",
    "sklstm.displays",
    "sklstm.inspection",
    "sklstm.metrics",
]


def public_names(module):
    """What a module offers: its `__all__`, or what it defines without underscore."""
    names = getattr(module, "__all__", None)
    if names is None:
        names = [
            name
            for name, value in vars(module).items()
            if not name.startswith("_")
            and inspect.isroutine(value)
            and value.__module__ == module.__name__
        ]
    return sorted(names)


def signature(value):
    """Parameters and defaults, without type hints."""
    parameters = [
        parameter.replace(annotation=inspect.Parameter.empty)
        for parameter in inspect.signature(value).parameters.values()
    ]
    return str(inspect.Signature(parameters))


def public_api():
    """A line for every public function, class and method."""
    for name in MODULES:
        module = importlib.import_module(name)
        for public in public_names(module):
            value = getattr(module, public)
            yield f"{name}.{public}{signature(value)}"
            if not inspect.isclass(value):
                continue
            for method, function in sorted(inspect.getmembers(value)):
                owner = getattr(function, "__module__", "") or ""
                if not method.startswith("_") and owner.startswith("sklstm"):
                    shown = signature(function) if callable(function) else ""
                    yield f"{name}.{public}.{method}{shown}"


def imported(source):
    """The packages that a module imports, be it inside a function."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield (node.module or "").partition(".")[0]


def test_what_is_imported_is_declared():
    """A package that another one happens to bring may go with it."""
    root = Path(__file__).resolve().parents[2]
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))[
        "project"
    ]
    extras = project["optional-dependencies"].values()
    required = [*project["dependencies"], *chain.from_iterable(extras)]
    declared = {re.match(r"[\w-]+", requirement)[0] for requirement in required}
    # The check of data frames is skipped without pandas.
    known = declared | {"sklstm", "pandas"} | sys.stdlib_module_names
    names = {"sklearn": "scikit-learn"}
    found = {
        names.get(package, package)
        for file in (root / "sklstm").rglob("*.py")
        for package in imported(file.read_text(encoding="utf-8"))
    }
    assert found - known == set()


def test_public_signatures_are_pinned():
    """Names, order, defaults and which parameters are keyword-only."""
    assert list(public_api()) == PINNED.read_text(encoding="utf-8").splitlines()


def test_public_names_are_there():
    """`__all__` is sorted, complete and without doubles."""
    assert sklstm.__all__ == sorted(set(sklstm.__all__))
    assert all(hasattr(sklstm, name) for name in sklstm.__all__)


def test_everything_public_has_types_and_words():
    """Each public callable has a docstring and annotates all its parameters."""
    for line in public_api():
        path = line.partition("(")[0].split(".")
        k = max(k for k in range(len(path)) if ".".join(path[:k]) in MODULES)
        value = importlib.import_module(".".join(path[:k]))
        for name in path[k:]:
            value = getattr(value, name)
        if not callable(value):
            continue
        assert inspect.getdoc(value), f"{line} has no docstring"
        for parameter in inspect.signature(value).parameters.values():
            hinted = parameter.annotation is not inspect.Parameter.empty
            assert hinted or parameter.name == "self", f"{line}: {parameter.name}"


def entries_of(documented):
    """The entries of a docstring by name, their text on one line without footnotes."""
    text = re.sub(r" \[\d\]_", "", inspect.getdoc(documented))
    found = re.findall(r"^(\w+) : (.+(?:\n +.*)*)", text, re.M)
    return {name: " ".join(words.split()) for name, words in found}


@pytest.mark.parametrize(
    ("of_each", "but_for"),
    [
        (
            lambda estimator: estimator,
            {"loss", "validation_fraction", "classes_", "n_outputs_", "history_"},
        ),
        (lambda estimator: estimator.fit, {"y"}),
        (lambda estimator: estimator.partial_fit, {"y"}),
    ],
    ids=["class", "fit", "partial_fit"],
)
def test_shared_entries_agree_word_for_word(of_each, but_for):
    """What classifier and regressor document both stands twice, where it is read."""
    estimators = (sklstm.BiLSTMClassifier, sklstm.BiLSTMRegressor)
    first, second = (entries_of(of_each(estimator)) for estimator in estimators)
    shared = first.keys() & second.keys()
    assert shared >= but_for - {"classes_", "y"}
    for name in shared - but_for:
        assert first[name] == second[name], name


if __name__ == "__main__":
    PINNED.write_text("\n".join(public_api()) + "\n", encoding="utf-8", newline="\n")
