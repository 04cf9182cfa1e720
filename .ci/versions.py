"""The test suite with other versions than those of .venv, each in .venvs/NAME.

    versions.py oldest            the lowest that pyproject.toml allows
    versions.py locked            the locked ones, on every other Python at hand
    versions.py newest [--pre]    the newest releases; which of them break which tests

Run by the Python of .venv, in `make test-oldest`, `make test-all`, `make versions`.
"""

import json
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
UV = ROOT / ".uv/bin/uv"
LOCKED = Path(sys.prefix)
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
CLASSIFIER = "Programming Language :: Python :: "
PYTHONS = [
    classifier.removeprefix(CLASSIFIER)
    for classifier in PROJECT["project"]["classifiers"]
    if classifier.startswith(CLASSIFIER)
]
EVERY_EXTRA = f".[{','.join(PROJECT['project']['optional-dependencies'])}]"

# Old packages that meet newer ones of their own dependencies.
OLD_WARNINGS: list[str] = []


def uv(*arguments: str | Path, **variables: str | Path) -> str:
    """Run uv in the root; gives what it prints."""
    environment = os.environ | {name: str(value) for name, value in variables.items()}
    return subprocess.run(
        [UV, *arguments],
        cwd=ROOT,
        env=environment,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    ).stdout


def find_python(version: str) -> Path | None:
    """An interpreter that starts: on the path, or one of pyenv's; None without."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    for python in [
        shutil.which(f"python{version}"),
        *sorted(pyenv.glob(f"versions/{version}.*/bin/python")),
    ]:
        # pyenv's scripts on the path fail unless that version is switched on.
        if (
            python
            and not subprocess.run([python, "-c", ""], capture_output=True).returncode
        ):
            return Path(python)
    return None


def new_environment(name: str, python: Path) -> Path:
    """An empty one; gives its folder."""
    folder = ROOT / ".venvs" / name
    uv("venv", "--quiet", "--clear", "--python", python, folder)
    return folder


def run_tests(folder: Path, *arguments: str) -> tuple[int, list[str], str]:
    """Run pytest; gives its exit status, the tests that failed and its last line."""
    cache = folder / "pytest_cache"
    shutil.rmtree(cache, ignore_errors=True)
    command = [folder / "bin/pytest", "-o", f"cache_dir={cache}", *arguments]
    last = ""
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        for line in process.stdout:
            print(line, end="", flush=True)
            last = line.strip() or last
    failures = cache / "v/cache/lastfailed"
    failed = list(json.loads(failures.read_text())) if failures.exists() else []
    return process.returncode, failed, last


def oldest() -> int:
    """The lowest direct dependencies, on the oldest Python."""
    python = find_python(PYTHONS[0])
    if python is None:
        print(f"Python {PYTHONS[0]} is not here: nothing is tested")
        return 1
    folder = new_environment("oldest", python)
    uv(
        *("pip", "install", "--quiet", "--python", folder),
        *("--resolution", "lowest-direct", "--editable", EVERY_EXTRA),
        *("--group", "test", "--group", "tools"),
    )
    filters = [option for warning in OLD_WARNINGS for option in ("-W", warning)]
    status, _, _ = run_tests(folder, *filters)
    return status


def locked() -> int:
    """The locked dependencies on every Python but that of .venv."""
    summary = []
    worst = 0
    for version in PYTHONS:
        if version == "{}.{}".format(*sys.version_info):
            continue
        python = find_python(version)
        if python is None:
            summary.append(f"Python {version}: not here, left out")
            continue
        folder = new_environment(version, python)
        uv(
            *("sync", "--frozen", "--quiet", "--python", python),
            UV_PROJECT_ENVIRONMENT=folder,
        )
        status, _, last = run_tests(folder)
        worst = max(worst, status)
        summary.append(f"Python {version}: {last.strip('= ')}")
    print(*summary, sep="\n")
    return worst


def installed(folder: Path) -> dict[str, str]:
    """Version by name of package."""
    listed = json.loads(uv("pip", "list", "--python", folder, "--format", "json"))
    return {package["name"]: package["version"] for package in listed}


def newest(*options: str) -> int:
    """Everything upgraded at once; then, for tests that fail, package by package."""
    folder = new_environment("newest", sys.executable)
    prerelease = ("--prerelease", "allow") if options == ("--pre",) else ()
    uv(
        *("pip", "install", "--quiet", "--python", folder, "--upgrade", *prerelease),
        *("--editable", EVERY_EXTRA, "--group", "dev"),
    )
    before, after = installed(LOCKED), installed(folder)
    newer = {
        name: (before.get(name, "-"), version)
        for name, version in after.items()
        if before.get(name) != version
    }
    print(
        f"{len(after) - len(newer)} packages as locked, {len(newer)} others", flush=True
    )
    if not newer:
        return 0
    status, failed, last = run_tests(folder)
    rows = [("package", "locked", "newest", f"the {len(failed)} tests that failed")]
    causes: dict[str, list[str]] = {test: [] for test in failed}
    for name, (old, new) in sorted(newer.items()):
        result = "-"
        if failed:
            result, alone = run_alone(f"{name}=={new}", failed)
            for test in alone:
                causes.setdefault(test, []).append(name)
        rows.append((name, old, new, result))
    print_table(rows)
    for test, names in causes.items():
        print(f"{test}: {', '.join(names) or 'none of them alone'}")
    print(last)
    return status


def run_alone(requirement: str, tests: list[str]) -> tuple[str, list[str]]:
    """The tests with the locked packages and a newer one; gives those that fail."""
    folder = ROOT / ".venvs/one"
    uv(
        *("sync", "--frozen", "--quiet", "--python", sys.executable),
        UV_PROJECT_ENVIRONMENT=folder,
    )
    uv("pip", "install", "--quiet", "--python", folder, requirement)
    _, failed, last = run_tests(folder, "--quiet", "--tb=no", "--no-summary", *tests)
    return last.strip("= "), failed


def print_table(rows: list[tuple[str, ...]]) -> None:
    """Rows of text, in columns."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        print("  ".join(cells).rstrip())


if __name__ == "__main__":
    commands = {"oldest": oldest, "locked": locked, "newest": newest}
    sys.exit(commands[sys.argv[1]](*sys.argv[2:]))
