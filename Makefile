# Everything a newcomer types. Needs only make and a Python from 3.11 on; the rest goes into .venv/.
SHELL := /bin/sh
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/installed.stamp
WORKERS ?= 2
PEERS := .cache/peers
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do \
	$$p -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo $$p && break; done)

.DEFAULT_GOAL := help
.PHONY: help venv demo test test-fast lint format typecheck conformance bench bench-full bench-peers wheel-smoke clean

help:  ## show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' $(firstword $(MAKEFILE_LIST)) | awk -F'|' '{printf "%-20s %s\n", $$1, $$2}'

venv: $(STAMP)  ## make .venv with neurosim and its tools (done by the others when needed)

$(STAMP): pyproject.toml
	@test -n "$(PYTHON)" || { echo "make: no Python >= 3.11 with venv found. Install one (Debian: apt install python3 python3-venv) or say make PYTHON=/path/to/python" >&2; exit 1; }
	@echo "Setting up $(VENV) with $(PYTHON) (one or two minutes, once)"
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev,report]'
	@touch $@

demo: $(STAMP)  ## the Brette 2007 COBA network on three chips and the ideal reference, compared
	$(BIN)/neurosim demo

test: $(STAMP)  ## all tests
	$(BIN)/python -m pytest -q -n $(WORKERS) --dist loadfile

test-fast: $(STAMP)  ## the tests that take no longer than a few seconds each
	$(BIN)/python -m pytest -q -n $(WORKERS) --dist loadfile -m "not slow"

lint: $(STAMP)  ## ruff: rules and formatting
	$(BIN)/ruff check .

format: $(STAMP)  ## ruff: sort imports and mend what can be mended
	$(BIN)/ruff check --fix .

typecheck: $(STAMP)  ## pyright
	$(BIN)/pyright

conformance: $(STAMP)  ## PyNN's own scenario tests and examples, downloaded with pip
	$(BIN)/python tests/conformance/run.py --jobs $(WORKERS)

bench: $(STAMP) bench-peers  ## benchmarks beside NEST, Brian2 and emulators of Loihi, a quarter of an hour; results in benchmarks/results/
	$(BIN)/python -m benchmarks

bench-full: $(STAMP) bench-peers  ## the same with the microcircuit at full scale: an hour or two, 16 GiB for NEST
	$(BIN)/python -m benchmarks --full

bench-peers: $(foreach peer,nest brian2 nengo-loihi,$(PEERS)/$(peer)/installed.stamp)  ## environments of their own for NEST, Brian2 and nengo-loihi, under .cache/

$(PEERS)/%/installed.stamp: benchmarks/peers/%.txt
	@test -n "$(PYTHON)" || { echo "make: no Python >= 3.11 with venv found" >&2; exit 1; }
	@echo "Setting up $(PEERS)/$* (a minute, once)"
	@$(PYTHON) -m venv --clear $(PEERS)/$*
	@if $(PEERS)/$*/bin/python -m pip install --quiet --disable-pip-version-check -r $<; then touch $@; \
	else echo "$* could not be installed; the benchmarks go on without it" >&2; rm -rf $(PEERS)/$*; fi

wheel-smoke: $(STAMP)  ## build the wheel, install it in a clean environment, use it outside the checkout
	$(BIN)/python tests/packaging/wheel_smoke.py

clean:  ## remove .venv, caches and build output
	rm -rf $(VENV) .cache demo build dist .pytest_cache .ruff_cache .hypothesis *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
