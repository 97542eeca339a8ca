# geolatent: everything runs in a virtual environment of its own (.venv), made on first use with the
# versions of constraints.txt and brought up to date when they or pyproject.toml change.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
JOBS ?= 2

# One thread per process: the tests and the small networks are faster so, and share the cores.
export OMP_NUM_THREADS ?= 1
export PYTHONUNBUFFERED := 1

RUNTIME := $(VENV)/.installed-runtime
TEST := $(VENV)/.installed-test
DECLARED := pyproject.toml constraints.txt

.DEFAULT_GOAL := help
.PHONY: help demo test lint types floors tests notebooks format clean

help: ## this list
	@echo "geolatent: the geometry of latent spaces"
	@echo
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1|\2/' \
		| awk -F'|' '{ printf "%-18s %s\n", $$1, $$2 }'
	@echo
	@echo "  PYTHON=python3.12 make demo    with another interpreter (3.11 or newer)"

demo: $(RUNTIME) ## train three models on digits, compare their paths, leave a page to open
	@$(BIN)/python experiments/demo.py $(ARGS)

test: lint types floors tests ## lint, types, import floors and the whole suite

lint: $(TEST) ## ruff, rules and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(TEST) ## mypy
	$(BIN)/mypy

floors: $(TEST) ## imports go downwards only (import-linter)
	$(BIN)/lint-imports

tests: $(TEST) notebooks ## the tests alone; ARGS="-k geodesics" for some of them
	$(BIN)/python -m pytest -n $(JOBS) --nbmake $(ARGS)

# The notebooks are kept as py:percent files; the suite executes their .ipynb twins.
notebooks: $(TEST)
	@for source in $(wildcard notebooks/*.py); do \
		$(BIN)/jupytext --quiet --update --to ipynb "$$source" || exit 1; done

format: $(TEST) ## rewrite the code as ruff would have it
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean: ## remove the environment and the caches (runs/ stays)
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# --- the environment ------------------------------------------------------------------------

$(BIN)/python:
	@command -v $(PYTHON) >/dev/null || { \
		echo "$(PYTHON) is not on the PATH; say PYTHON=/path/to/python3.11 make ..." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "geolatent needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) -V 2>&1)." >&2; \
		echo "Say which one to use: PYTHON=python3.12 make ..." >&2; exit 1; }
	@echo "making $(VENV) with $$($(PYTHON) -V)"
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
		echo "$(PYTHON) cannot make a virtual environment; Debian has it in python3-venv." >&2; exit 1; }

$(RUNTIME): $(DECLARED) | $(BIN)/python
	@echo "installing geolatent; the first time takes a few minutes"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	@touch $@

# The test environment contains the runtime one, so that a demo after the tests installs nothing.
$(TEST): $(DECLARED) | $(BIN)/python
	@echo "installing geolatent and its tests; the first time takes a few minutes"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[test]"
	@touch $(RUNTIME) $@
