# `make demo` and `make test` set themselves up on a fresh machine: Python 3.11 and a package index are all they need.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input --quiet

.DEFAULT_GOAL := help
.PHONY: help demo test test-all check docs format clean

help:
	@echo "make demo      age a small album, restore it, write demo/index.html"
	@echo "make test      set up, then lint, types, floors and the tests (at most 12 minutes on two cores)"
	@echo "make test-all  the same with the slow tests: training, gigapixel scans, kill -9"
	@echo "make docs      the documentation, in site/"
	@echo "make format    put imports and layout in order"
	@echo "make clean     remove the environment and what these commands made"

demo: $(VENV)/.ready-demo
	$(BIN)/vasari demo -o demo
	@echo "Open demo/index.html in a browser."

test: check
	$(BIN)/python -m pytest -m "not slow" -n 2

test-all: check
	$(BIN)/python -m pytest

check: $(VENV)/.ready-dev
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

docs: $(VENV)/.ready-docs
	$(BIN)/mkdocs build --strict

format: $(VENV)/.ready-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) demo site build dist

# A stamp for each extra makes repeated runs start at once; a changed pyproject.toml installs again.
$(VENV)/.ready-%: pyproject.toml | $(BIN)/python
	@echo "Installing vasari with its '$*' extra into $(VENV) ..."
	$(PIP) install --editable '.[$*]'
	@touch $@

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Vasari needs Python 3.11 or newer; name one with: make PYTHON=python3.11 ..." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
