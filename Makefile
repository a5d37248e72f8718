# One command each: run, test, check, measure. Needs Python 3.11+ and make, nothing else.
# The system's own where it is new enough: distributions build it with optimizations that others, such as pyenv, leave out.
PYTHON ?= $(shell for p in /usr/bin/python3 python3; do $$p -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && exit; done; echo python3)
VENV := .venv
BIN := $(VENV)/bin
RUN := $(VENV)/.runs
DEV := $(VENV)/.develops
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
ARGS ?=
WORKERS ?= $(shell echo $$(( $$(getconf _NPROCESSORS_ONLN) + 2 )))

.PHONY: up dev test lint types contracts check fmt words bench storm lock browser sandbox clients clean venv
.DEFAULT_GOAL := help

help:
	@echo "make up      run the hub (ARGS=\"--home DIR --port N\" are passed on)"
	@echo "make dev     the same with local twins of the networks, started anew when a file changes"
	@echo "make test    run the tests (ARGS=path for some of them)"
	@echo "make check   lint, types, import contracts"
	@echo "make fmt     put imports in order and mend what can be mended by itself"
	@echo "make words   bring new texts into the catalogues, and compile what is translated"
	@echo "make storm   kill, pause and cut what runs, and count (ARGS=\"--minutes 30 --seed N\")"
	@echo "make bench   measure speed and memory"
	@echo "make lock    pin the dependencies anew"

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "The hub needs Python 3.11 or newer; name one with make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { echo "python3-venv is missing; install it (Debian: apt-get install python3-venv)"; exit 1; }

# What runs, and nothing else.
$(RUN): requirements.lock pyproject.toml | $(BIN)/python
	$(PIP) --require-hashes -r requirements.lock
	$(PIP) --no-deps --no-build-isolation --editable .
	@touch $(RUN)

# With what developers need; the versions of what runs are the same.
$(DEV): requirements-dev.lock $(RUN)
	$(PIP) --require-hashes -r requirements-dev.lock
	@touch $(DEV)

venv: $(DEV)

up: $(RUN)
	@exec $(BIN)/hub up $(ARGS)

dev: $(DEV)
	@exec $(BIN)/watchfiles --sigint-timeout 30 "$(BIN)/hub up --twins $(ARGS)" hub channels templates widget

# By file, two more at once than there are processors, as much of the time is waiting. The longest files come first
# (tests/conftest.py).
# What is compiled once is kept even where Python is told to keep nothing: every process of a test imports it again.
# What fails is tried once more and named at the end as RERUN: a race to be found, but no reason to hold everything else up.
test: export PYTHONDONTWRITEBYTECODE :=
test: $(DEV) browser sandbox clients
	$(BIN)/python -m pytest -q -n $(WORKERS) --dist loadfile --no-loadscope-reorder --reruns 1 -rR --durations=10 $(ARGS)

browser: $(DEV)
	@$(BIN)/python tests/browser/install.py

sandbox: $(DEV)
	@$(BIN)/python tests/tools/install.py

clients: $(DEV)
	@$(BIN)/python tests/clients/install.py

lint: $(DEV)
	$(BIN)/ruff check .

types: $(DEV)
	$(BIN)/mypy

contracts: $(DEV)
	$(BIN)/lint-imports

check: lint types contracts

fmt: $(DEV)
	$(BIN)/ruff check --fix .

words: $(DEV)
	$(BIN)/python -m tests.words.catalogue

storm: $(DEV)
	$(BIN)/python -m tests.flows.storming $(ARGS)

bench: $(DEV)
	$(BIN)/python -m tests.bench $(ARGS)

lock: $(DEV)
	$(PIP) uv
	$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes -q -o requirements.lock --group build pyproject.toml
	$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes -q -o requirements-dev.lock --group dev -c requirements.lock pyproject.toml
	for name in new older; do $(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-annotate --no-header -q -o tests/clients/$$name.lock tests/clients/$$name.in; done

clean:
	rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
