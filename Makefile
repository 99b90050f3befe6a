# `make demo` and `make test` do all the set-up they need on a machine with Python (3.11-3.13), make and git.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

# The newest Python that runs here; a version manager's shim that does not start is passed over.
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do \
	"$$p" -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null \
	&& echo "$$p" && break; done)
VENV := .venv
BIN := $(VENV)/bin
UV_VERSION := 0.13.9

.PHONY: help setup web demo demo-real start test check lint types imports templates format lock clean

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

setup: $(VENV)/ready ## make .venv with everything in it

$(VENV)/ready: requirements/dev.txt
	@test -n "$(PYTHON)" || { echo "No Python 3.11, 3.12 or 3.13 with venv found; set PYTHON=..."; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

web: web/dist/index.html ## build the site into web/dist

WEB_SOURCES := $(shell find web \( -name node_modules -o -name dist -o -name build \) -prune -o -type f -print 2>/dev/null)
web/dist/index.html: $(WEB_SOURCES) infra/node.sh | $(VENV)/ready
	infra/node.sh $(PYTHON) npm --prefix web install --no-package-lock --no-audit --no-fund --loglevel=error
	infra/node.sh $(PYTHON) npm --prefix web run build

.PHONY: web-check
web-check: web ## the site's own checks: types, unit tests, weight
	infra/node.sh $(PYTHON) npm --prefix web run check
	infra/node.sh $(PYTHON) npm --prefix web test
	infra/node.sh $(PYTHON) npm --prefix web run size

demo: setup web ## the main job, embedded; leaves the site open (ONCE=1: check and exit)
	$(BIN)/python -m infra.demo $(if $(ONCE),--once) $(if $(PORT),--port $(PORT))

demo-real: setup ## real catalogues through the same stack, where they are present
	$(BIN)/python -m infra.demo_real

start: setup web ## the embedded stack, kept in .local
	$(BIN)/python -m infra.local start $(if $(PORT),--port $(PORT))

test: setup web ## every test: unit, storage, end to end
	$(BIN)/python -m pytest -q $(if $(PYTEST_ARGS),$(PYTEST_ARGS))

check: lint types imports templates ## everything that reads the tree without running it

.PHONY: check-vizier
check-vizier: setup ## ask the live VizieR for a little of every catalogue (exit 4: no network)
	$(BIN)/python -m infra.check_vizier $(if $(CATALOGUE),$(CATALOGUE))

.PHONY: fuzz
fuzz: .venv-fuzz/ready ## look for inputs that break a reader (MINUTES=1 for each, TARGET=header|text|gate|image|mapping)
	.venv-fuzz/bin/python -m fuzz --minutes $(or $(MINUTES),1) $(if $(TARGET),--target $(TARGET)) $(if $(SEED),--seed $(SEED))

.venv-fuzz/ready: requirements/fuzz.txt
	$(PYTHON) -m venv .venv-fuzz
	.venv-fuzz/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/fuzz.txt
	.venv-fuzz/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup
	$(BIN)/mypy

imports: setup
	$(BIN)/lint-imports --no-cache

templates: setup .venv-sam/ready
	$(BIN)/cfn-lint template.yaml
	SAM_CLI_TELEMETRY=0 AWS_DEFAULT_REGION=eu-west-2 .venv-sam/bin/sam validate --lint

.venv-sam/ready: requirements/sam.txt
	$(PYTHON) -m venv .venv-sam
	.venv-sam/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements/sam.txt
	@touch $@

format: setup ## put the code in its one form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

UV := .venv-lock/bin/uv
.venv-lock/ready:
	$(PYTHON) -m venv .venv-lock
	.venv-lock/bin/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@touch $@

COMPILE = $(UV) pip compile --quiet --no-header --generate-hashes
lock: .venv-lock/ready ## dependency groups -> hashed requirement files
	$(COMPILE) --universal --python-version 3.11 --group dev -o requirements/dev.txt
	$(COMPILE) --universal --python-version 3.11 --group sam -o requirements/sam.txt
	$(COMPILE) --universal --python-version 3.11 -c requirements/dev.txt --group fuzz -o requirements/fuzz.txt
	$(COMPILE) --python-version 3.13 --python-platform x86_64-manylinux_2_28 -c requirements/dev.txt \
		--group core -o layers/core/requirements.txt
	$(COMPILE) --python-version 3.13 --python-platform x86_64-manylinux_2_28 -c requirements/dev.txt \
		--group astro -o layers/astro/requirements.txt

clean: ## remove what make made, but not the embedded stack's state
	rm -rf $(VENV) .venv-sam .venv-lock .venv-fuzz .fuzz .venv-node web/node_modules web/dist .pytest_cache .mypy_cache .ruff_cache
