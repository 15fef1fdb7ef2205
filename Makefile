# Everything a newcomer needs is Python >= 3.11 and make; the rest is installed into .venv by the targets.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Two at a time, as most tests wait for processes that they started. The tests of a file stay together, and those that
# take longest, which need servers, stand first.
TOGETHER := -n 2 --dist loadfile --no-loadscope-reorder
# What `make test` runs; nothing: all.
TESTS ?=

.DEFAULT_GOAL := help
.PHONY: help demo test check bench lock reference clean

help: ## show this
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

$(VENV)/.run: requirements/run.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Canh needs Python 3.11 or newer, and $(PYTHON) is %d.%d: name another one, such as make demo PYTHON=python3.12" % sys.version_info[:2])'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/run.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.run requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@touch $@

demo: $(VENV)/.run ## start everything with the demo province; open the printed address
	$(BIN)/canh demo

test: $(VENV)/.dev ## all tests that this machine can run; what is skipped is printed with its reason
	$(BIN)/python -m pytest $(TOGETHER) $(TESTS)

check: $(VENV)/.dev ## style, types and layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	@$(BIN)/python -m tests.bench.baseline

bench: $(VENV)/.dev ## measure, an hour and a half; see docs/performance.md
	$(BIN)/canh bench

lock: ## write requirements/*.txt anew from pyproject.toml (needs uv)
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --extra embedded pyproject.toml -o requirements/run.txt
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --extra embedded --extra dev pyproject.toml -o requirements/dev.txt
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url requirements/bench.in -o requirements/bench.txt

reference: $(VENV)/.dev ## write docs/reference and .env.example anew from the code
	$(BIN)/python -m deploy.reference

clean: ## remove what was built (not .canh, which holds data)
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
