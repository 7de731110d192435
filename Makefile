# Each target sets up all that it needs. Try `make help`.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
.DEFAULT_GOAL := help
.PHONY: help run demo test lint bench clean

help: ## Show this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/'

run: $(VENV)/run.stamp ## Start everything; Ctrl-C stops it
	@exec $(BIN)/python manage.py serve

demo: $(VENV)/run.stamp ## Run the small shop, which sends traces to a running server
	@exec $(BIN)/python manage.py demo

test: $(VENV)/dev.stamp ## Check and test everything
	scripts/install-system
	PATH="$(CURDIR)/$(BIN):$$PATH" scripts/check
	PATH="$(CURDIR)/$(BIN):$$PATH" scripts/test

lint: $(VENV)/dev.stamp ## Only the checks: format, types, imports, migrations
	PATH="$(CURDIR)/$(BIN):$$PATH" scripts/check

bench: $(VENV)/dev.stamp ## Measure, and write docs/performance.md
	scripts/install-system
	$(BIN)/python -m tests.benchmarks

clean: ## Remove the virtual environment; the data folder stays
	rm -rf $(VENV)

$(VENV)/bin/pip:
	scripts/make-venv $(PYTHON) $(VENV)

$(VENV)/run.stamp: requirements.txt | $(VENV)/bin/pip
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

$(VENV)/dev.stamp: requirements.txt requirements-dev.txt | $(VENV)/bin/pip
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@
