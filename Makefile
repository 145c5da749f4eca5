# Everything runs inside VENV, made from PYTHON (3.11 or newer). `make` lists the verbs.
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV ?= .venv
BIN := $(VENV)/bin
# The versions that were tested last; `make constraints` takes newer ones.
PIP := $(BIN)/python -m pip install --disable-pip-version-check -c constraints.txt
# Two stamps: what runs the program, and what its developers need besides.
RUNS := $(VENV)/.runs
READY := $(VENV)/.ready

SEED ?= 1
CLIENTS ?= 200

.PHONY: help demo test again check coverage branches fuzz kills reloads chaos api-load format docs screenshots new-venue hooks constraints clean

help:
	@echo "make demo         run the program on simulated venues"
	@echo "make test         run the tests"
	@echo "make check        format, lint, types, import contracts, tests: what CI runs"
	@echo "make again        run the tests that failed last, one after another"
	@echo "make coverage     run the tests once more and say which branches they take"
	@echo "make fuzz         give each parser 100,000 damaged frames; VENUE=okx: of one venue, SEED=2: others"
	@echo "make kills        kill workers and Redis 100 times each and count what is missing; SEED=2: at other moments"
	@echo "make reloads      reload changing settings 100 times under load; say what that cost; SEED=2: other files"
	@echo "make chaos        let each simulated venue fail in each way and compare what is said with what is true; CELLS=cut:okx"
	@echo "make api-load     measure a demo node with 200 clients of its stream and 500 requests a second beside one without; CLIENTS=50"
	@echo "make format       rewrite the sources in the house format"
	@echo "make docs         write the pages of docs/ that are made from the sources"
	@echo "make screenshots  draw screenshots/ again from their fixed seed"
	@echo "make new-venue NAME=gate   write the files of a new venue, to be filled in"
	@echo "make hooks        check format, lint and types before each commit"
	@echo "make constraints  take the newest versions of all libraries into constraints.txt"

$(RUNS): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "arbsniper-tui needs Python 3.11 or newer; none was found on the PATH" >&2; exit 1; }
	@echo "setting up $(VENV) with $(PYTHON) (once, half a minute)"
	@$(PYTHON) -m venv $(VENV)
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

coverage: $(READY)
	@rm -f .coverage .coverage.*
	@$(BIN)/coverage run -m pytest -n auto --dist loadgroup
	@$(MAKE) --no-print-directory branches

branches: $(READY)
	@if ls .coverage.* >/dev/null 2>&1; then $(BIN)/coverage combine --quiet; fi
	@$(BIN)/coverage report

again: $(READY)
	@mkdir -p build
	@$(BIN)/python scripts/failed_tests.py > build/failed-tests
	@$(BIN)/python -m pytest -v @build/failed-tests

fuzz: $(READY)
	@$(BIN)/python tests/venues/frame_fuzzer.py --seed "$(SEED)" $(VENUE)

kills: $(READY)
	@$(BIN)/python tests/node/kills.py --seed "$(SEED)"

reloads: $(READY)
	@$(BIN)/python tests/node/reloads.py --seed "$(SEED)"

chaos: $(READY)
	@PYTHONPATH=tests $(BIN)/python tests/chaos/chaos_table.py --seed "$(SEED)" $(CELLS)

api-load: $(READY)
	@$(BIN)/python scripts/api_load.py --clients "$(CLIENTS)"

format: $(READY)
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

docs: $(READY)
	@$(BIN)/python scripts/make_docs.py

screenshots: $(READY)
	@$(BIN)/python scripts/draw_screenshots.py

new-venue: $(READY)
	@$(BIN)/python scripts/new_venue.py "$(NAME)"

hooks: $(READY)
	@$(BIN)/pre-commit install

constraints:
	@rm -rf build/newest
	@$(PYTHON) -m venv build/newest
	@build/newest/bin/python -m pip install --disable-pip-version-check --quiet -e '.[dev]'
	@build/newest/bin/python -m pip freeze --local --exclude-editable > constraints.txt
	@rm -rf build/newest
	@echo "constraints.txt holds the newest versions; run make check before you commit it"

clean:
	rm -rf .venv .venv-* build dist
