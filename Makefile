# Everything runs inside .venv, made from PYTHON (3.11 or newer). `make` lists the verbs.
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --disable-pip-version-check
# Two stamps: what runs the program, and what its developers need besides.
RUNS := .venv/.runs
READY := .venv/.ready

.PHONY: help demo test check format docs screenshots clean

help:
	@echo "make demo         run the program on four simulated venues"
	@echo "make test         run the tests"
	@echo "make check        format, lint, types, import contracts, tests: what CI runs"
	@echo "make format       rewrite the sources in the house format"
	@echo "make docs         write the pages of docs/ that are made from the sources"
	@echo "make screenshots  draw screenshots/ again from their fixed seed"

$(RUNS): pyproject.toml
	@test -n "$(PYTHON)" || { echo "arbsniper-tui needs Python 3.11 or newer; none was found on the PATH" >&2; exit 1; }
	@echo "setting up .venv with $(PYTHON) (once, half a minute)"
	@$(PYTHON) -m venv .venv
	@$(PIP) -e .
	@touch $(RUNS)

$(READY): $(RUNS)
	@echo "adding what tests and checks need (once)"
	@$(PIP) -e '.[dev]'
	@touch $(READY)

demo: $(RUNS)
	@$(BIN)/arbsniper-tui --demo
	@echo "the program is $(BIN)/arbsniper-tui; after '. $(BIN)/activate' it is arbsniper-tui"

test: $(READY)
	@$(BIN)/python -m pytest -n auto --dist loadgroup

check: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(MAKE) test

format: $(READY)
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

docs: $(READY)
	@$(BIN)/python scripts/make_docs.py

screenshots: $(READY)
	@$(BIN)/python scripts/draw_screenshots.py

clean:
	rm -rf .venv build dist
