# Two commands are enough: `make demo` and `make test`. Everything else is convenience.
SHELL := /bin/bash
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
STAMP := .make
WORKERS ?= 4
OPERATIONS ?= 100000
KILLS ?= 100

.DEFAULT_GOAL := help
.PHONY: help demo serve test lint rough types suite soak bench screenshots clean

help: ## say what can be done here
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(STAMP)/venv: pyproject.toml config/constraints.txt
	@echo "Setting up Python packages (once) ..."
	@mkdir -p $(STAMP)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Carepool needs Python 3.11 or newer; set PYTHON=/path/to/python3.11"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install -q --disable-pip-version-check -c config/constraints.txt -e '.[test,lint]'
	@$(BIN)/python -m pip check -q
	@touch $@

$(STAMP)/style: marketplace/web/assets/package.json marketplace/web/assets/package-lock.json marketplace/web/assets/copy.mjs
	@echo "Fetching the style files (once) ..."
	@mkdir -p $(STAMP)
	@command -v npm >/dev/null || { echo "Node.js with npm is needed once, for the style files."; exit 1; }
	@cd marketplace/web/assets && npm ci --silent --no-audit --no-fund --ignore-scripts && node copy.mjs
	@touch $@

$(STAMP)/chromium: | $(STAMP)/venv
	@# Debian's Chromium for the browser tests: installed where we may, else those tests say why they skip.
	@command -v chromium >/dev/null || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && \
	  { echo "Installing Chromium for the browser tests (once) ..."; apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium fonts-liberation >/dev/null; }; } \
	  || echo "No Chromium here and no right to install it: the browser tests will be skipped."
	@touch $@

demo: $(STAMP)/venv $(STAMP)/style ## build the Lincolnshire market, run it, show what came out
	@$(BIN)/carepool demo

serve: $(STAMP)/venv $(STAMP)/style ## open the pages on http://127.0.0.1:5000 (after `make demo`)
	@$(BIN)/carepool serve

test: $(STAMP)/venv $(STAMP)/style $(STAMP)/chromium rough ## everything CI runs
	@$(MAKE) --no-print-directory -j2 types suite

lint: rough types ## style, types

rough: $(STAMP)/venv
	$(BIN)/ruff check .

types: $(STAMP)/venv # a minute of one core, beside the tests
	$(BIN)/mypy

suite: $(STAMP)/venv $(STAMP)/style $(STAMP)/chromium
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder -q

soak: $(STAMP)/venv ## the long proofs: 100,000 postings by eight processes on each database (OPERATIONS=1000 for a taste), 100 killed
	$(BIN)/python -m tests.soak.bank --operations $(OPERATIONS) --processes 8
	$(BIN)/python -m tests.soak.kills --kills $(KILLS)

bench: $(STAMP)/venv ## the benchmarks (pytest-benchmark)
	$(BIN)/python -m pytest tests/benchmarks --benchmark-only --benchmark-group-by=group -q

screenshots: $(STAMP)/venv $(STAMP)/style $(STAMP)/chromium ## a picture of every page, in screenshots/
	CAREPOOL_SCREENSHOTS=$(CURDIR)/screenshots $(BIN)/python -m pytest tests/browser -q -n $(WORKERS) --dist loadfile

clean: ## remove what the other targets made
	rm -rf $(VENV) $(STAMP) build dist *.egg-info marketplace/web/assets/node_modules marketplace/web/static/vendor var
