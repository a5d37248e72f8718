# One command each: run, test, check, measure. Needs Python 3.11+ and make, nothing else.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
ARGS ?=

.PHONY: up test lint types contracts check bench lock browser sandbox clean venv
.DEFAULT_GOAL := help

help:
	@echo "make up      run the hub (ARGS=\"--home DIR --port N\" are passed on)"
	@echo "make test    run the tests"
	@echo "make check   lint, types, import contracts"
	@echo "make bench   measure speed and memory"
	@echo "make lock    pin the dependencies anew"

venv: $(STAMP)

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "The hub needs Python 3.11 or newer; name one with make PYTHON=python3.12"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { echo "python3-venv is missing; install it (Debian: apt-get install python3-venv)"; exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $(STAMP)

up: $(STAMP)
	@exec $(BIN)/hub up $(ARGS)

# By file, two at once: half of the time is waiting.
test: $(STAMP) browser sandbox
	$(BIN)/python -m pytest -q -n 2 --dist loadfile $(ARGS)

browser: $(STAMP)
	@$(BIN)/python tests/browser/install.py

sandbox: $(STAMP)
	@$(BIN)/python tests/tools/install.py

lint: $(STAMP)
	$(BIN)/ruff check .

types: $(STAMP)
	$(BIN)/mypy

contracts: $(STAMP)
	$(BIN)/lint-imports

check: lint types contracts

bench: $(STAMP)
	$(BIN)/python -m tests.bench $(ARGS)

lock: $(STAMP)
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes -q -o requirements.lock --group dev pyproject.toml

clean:
	rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
