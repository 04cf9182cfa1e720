# Needs python3 (3.11 to 3.13, with its venv module) and make. uv is installed into
# .uv/, the package and its locked dependencies into .venv/.

PYTHON ?= python3
# Where an environment has its programs.
ifeq ($(OS),Windows_NT)
SCRIPTS := Scripts
EXE := .exe
else
SCRIPTS := bin
endif
# What the classifiers say: those that TensorFlow has wheels for.
PYTHONS := $(shell sed -n 's/.*Python :: \(3\.[0-9]*\).*/\1/p' pyproject.toml)
UV := .uv/$(SCRIPTS)/uv$(EXE)
BIN := .venv/$(SCRIPTS)
BENCH := benchmarks/.venv/$(SCRIPTS)
WORKERS ?= 2
BENCHMARKS := startup training_step embeddings predict capabilities lengths windows grid_search memory accuracy

# The environments are ours alone, whatever the caller has active.
unexport VIRTUAL_ENV UV_PROJECT_ENVIRONMENT PYTHONPATH PYTHONHOME
export UV_PYTHON := $(CURDIR)/.uv/$(SCRIPTS)/python$(EXE)
export PYTHONUNBUFFERED := 1
export TF_CPP_MIN_LOG_LEVEL ?= 3

.PHONY: setup demo test test-oldest test-all versions fuzz lint types format docs build wheel-check release-check bench-env bench clean help

setup: $(UV)  ## the default: uv, and the locked environment
	$(UV) sync --frozen --quiet --compile-bytecode
	-@$(BIN)/python -m compileall -q sklstm  # uv leaves out an editable install

$(UV):
	@$(PYTHON) -c 'import sys; found = "%d.%d" % sys.version_info[:2]; \
		sys.exit(None if found in "$(PYTHONS)".split() else "$(PYTHON) is Python " + found + \
		", sklstm needs one of $(PYTHONS). Say where it is: make PYTHON=python3.12")'
	$(PYTHON) -m venv .uv
	.uv/$(SCRIPTS)/pip install --quiet 'uv>=0.13,<0.14'

demo: setup  ## forecasts, and a grid search; writes demo/, predicts without TensorFlow
	$(BIN)/python docs/examples/plot_series.py
	$(BIN)/python docs/examples/plot_grid_search.py

test: setup  ## the test suite, in WORKERS=2 processes
	$(BIN)/pytest --numprocesses $(WORKERS) --dist worksteal

test-oldest: setup  ## the suite with the lowest versions that pyproject.toml allows
	$(BIN)/python .ci/versions.py oldest

test-all: test  ## the suite on every Python at hand, dependencies as locked
	$(BIN)/python .ci/versions.py locked

versions: setup  ## what newer releases break; PRE=--pre for pre-releases
	$(BIN)/python .ci/versions.py newest $(PRE)

fuzz: setup  ## thousands of random inputs: a valid result, or an error that says why not
	$(BIN)/pytest tests/test_fuzz.py --hypothesis-profile=fuzz --durations=0

lint: setup  ## ruff: rules and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup  ## mypy
	$(BIN)/mypy

format: setup  ## ruff: rewrite
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: setup  ## the documentation in docs/_build/html; runs the examples
	$(BIN)/sphinx-build --fail-on-warning --keep-going --fresh-env --write-all --quiet \
		docs docs/_build/html
	@echo "documentation: docs/_build/html/index.html"

build: $(UV)  ## wheel and sdist in dist/, and the wheel without what trains
	rm -rf dist
	$(UV) build --quiet
	$(UV) build --quiet --wheel --out-dir dist .ci/serving
	@ls dist

wheel-check: setup build  ## the wheels in clean environments, sklstm and sklstm-serving
	rm -rf build
	$(UV) export --frozen --quiet --no-default-groups --no-emit-project --no-hashes \
		--output-file build/locked.txt
	$(UV) venv --quiet build/full
	$(UV) pip install --quiet --python build/full --constraint build/locked.txt \
		dist/sklstm-*.whl
	build/full/$(SCRIPTS)/python -I .ci/serve_without_tensorflow.py save build/model.joblib
	$(UV) venv --quiet build/serving
	$(UV) pip install --quiet --python build/serving --constraint build/locked.txt \
		dist/sklstm_serving-*.whl
	build/serving/$(SCRIPTS)/python -I .ci/serve_without_tensorflow.py load build/model.joblib

release-check: wheel-check  ## that, and the sdist in a clean environment
	$(UV) venv --quiet build/source
	$(UV) pip install --quiet --python build/source --constraint build/locked.txt \
		numpy scikit-learn
	$(UV) pip install --quiet --python build/source --no-deps dist/*.tar.gz
	build/source/$(SCRIPTS)/python -I .ci/serve_without_tensorflow.py load build/model.joblib

bench-env:  ## the peers, in an environment of their own
	test -x $(BENCH)/python || $(PYTHON) -m venv benchmarks/.venv
	$(BENCH)/pip install --quiet --requirement benchmarks/requirements.txt
	$(BENCH)/pip install --quiet --no-deps aeon==1.6.0 --editable .

bench: bench-env $(BENCHMARKS:%=bench-%)  ## all benchmarks; bench-NAME for one

bench-capabilities: bench-env
	$(BENCH)/python benchmarks/training_step.py --capabilities
	$(BENCH)/python benchmarks/predict.py --capabilities

bench-%: bench-env
	$(BENCH)/python benchmarks/$*.py

clean:  ## what the targets made, except the environments
	rm -rf build dist demo .pytest_cache .ruff_cache .mypy_cache .hypothesis
	rm -rf docs/_build docs/auto_examples docs/api/generated docs/api/backreferences
	rm -rf docs/sg_execution_times.rst docs/examples/demo
	find . -name __pycache__ -not -path './.*' -prune -exec rm -rf {} +

help:  ## this list
	@awk -F ':.*  ## ' '/^[a-z-]+:.*  ## / {printf "%-14s%s\n", $$1, $$2}' Makefile
