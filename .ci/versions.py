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
import sysconfig
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SCRIPTS = Path(sysconfig.get_path("scripts")).name
UV = ROOT / ".uv" / SCRIPTS / "uv"
LOCKED = Path(sys.prefix)
EXCLUDED = ROOT / ".ci/never_newest.txt"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
CLASSIFIER = "Programming Language :: Python :: "
PYTHONS = [
    classifier.removeprefix(CLASSIFIER)
    for classifier in PROJECT["project"]["classifiers"]
    if classifier.startswith(CLASSIFIER)
]
EVERY_EXTRA = f".[{','.join(PROJECT['project']['optional-dependencies'])}]"
PARALLEL = ("--numprocesses", "2", "--dist", "worksteal")

# Old packages that use what newer ones of their own dependencies deprecate.
OLD_WARNINGS = [
    # matplotlib 3.8 with pyparsing 3.3
    "ignore::pyparsing.warnings.PyparsingDeprecationWarning",
    # zarr 3.0 with numcodecs 0.16
    "ignore:crc32c usage is deprecated",
    # scikit-learn 1.7 with SciPy 1.17
    "ignore:scipy.optimize:DeprecationWarning",
    # keras with NumPy 1.26
    "ignore:Conversion of an array with ndim > 0::keras.src.utils.python_utils",
    # ray 2.40 leaves files open
    "ignore:unclosed file:ResourceWarning:ray._private.node",
    "ignore:subprocess:ResourceWarning:subprocess",
]


def uv(*arguments: str | Path, **variables: str | Path) -> str:
    """Run uv in the root; gives what it prints."""
    environment = os.environ | {"UV_COMPILE_BYTECODE": "1"}
    environment |= {name: str(value) for name, value in variables.items()}
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
    command = [
        folder / SCRIPTS / "pytest",
        "-o",
        f"cache_dir={cache}",
        *PARALLEL,
        *arguments,
    ]
    last = ""
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        for line in process.stdout:
            print(line, end="", flush=True)
            last = line.strip() or last
    failures = cache / "v/cache/lastfailed"
    failed = (
        list(json.loads(failures.read_text(encoding="utf-8")))
        if failures.exists()
        else []
    )
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
    """The newest releases; what failed is run again with each of them alone."""
    folder = new_environment("newest", sys.executable)
    prerelease = ("--prerelease", "allow") if options == ("--pre",) else ()
    uv(
        *("pip", "install", "--quiet", "--python", folder, "--upgrade", *prerelease),
        *("--editable", EVERY_EXTRA, "--group", "dev", "--excludes", EXCLUDED),
    )
    before, after = installed(LOCKED), installed(folder)
    newer = {n: v for n, v in sorted(after.items()) if before.get(n) != v}
    print(f"{len(after) - len(newer)} packages as locked, {len(newer)} newer")
    if not newer:
        return 0
    status, failed, last = run_tests(folder)
    if status and not failed:
        print("the suite did not start")
    alone = {name: run_alone(failed, f"{name}=={newer[name]}") for name in newer}
    print_table(
        ("package", "locked", "newest", f"alone, of the {len(failed)} that failed"),
        *((n, before.get(n, ""), newer[n], alone[n][1]) for n in newer),
    )
    as_locked, _ = run_alone(failed)
    for test in failed:
        causes = [name for name in newer if test in alone[name][0]]
        if test in as_locked:
            causes = ["fails as locked, too"]
        print(f"{test}: {', '.join(causes) or 'none of them alone'}")
    print(last)
    return status


def run_alone(tests: list[str], *upgrades: str) -> tuple[list[str], str]:
    """Tests with the locked packages and some newer ones; as run_tests."""
    if not tests:
        return [], "-"
    folder = ROOT / ".venvs/alone"
    uv(
        *("sync", "--frozen", "--quiet", "--python", sys.executable),
        UV_PROJECT_ENVIRONMENT=folder,
    )
    if upgrades:
        uv(
            *("pip", "install", "--quiet", "--python", folder, *upgrades),
            *("--excludes", EXCLUDED),
        )
    _, failed, last = run_tests(folder, "--quiet", "--tb=no", "--no-summary", *tests)
    return failed, last


def print_table(*rows: tuple[str, ...]) -> None:
    """Rows of text, in columns."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        print("  ".join(cells).rstrip())


if __name__ == "__main__":
    commands = {"oldest": oldest, "locked": locked, "newest": newest}
    sys.exit(commands[sys.argv[1]](*sys.argv[2:]))
