# Both entry points set up all they need: an environment in .venv from hashed locks.
SHELL := /bin/sh
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null \
	&& { echo $$p; break; }; done)
BIN := .venv/bin
OPTIONS := $(if $(CLUSTER),--cluster $(CLUSTER)) $(if $(GPU),--gpu $(GPU)) $(if $(PROFILE),--profile $(PROFILE)) \
	$(if $(ONLY),--only $(ONLY)) $(if $(FAULT),--fault $(FAULT)) $(if $(CLOCK),--clock $(CLOCK)) \
	$(if $(SEED),--seed $(SEED)) $(if $(MODEL),--model $(MODEL)) $(if $(CONFIG),--config $(CONFIG))

.PHONY: conformance test bench lock clean help
.DEFAULT_GOAL := help

help:
	@echo 'make conformance [CLUSTER=embedded|kind|k3s|existing] [GPU=emulated|real|none] [PROFILE=...] [ONLY=...] [FAULT=...] [CLOCK=real|virtual]'
	@echo 'make test        all self-tests; no Docker, no GPU, no network'
	@echo 'make bench       load generator against hey and wrk, where installed'

conformance: .venv/.run
	@$(BIN)/conformance run $(OPTIONS) $(ARGS)

test: .venv/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest $(ARGS)

bench: .venv/.dev
	$(BIN)/python -m tests.benchmarks.load $(ARGS)

.boot/bin/uv: requirements-boot.lock
	@test -n "$(PYTHON)" || { echo 'error: no Python 3.11, 3.12 or 3.13 found; install one (Debian: apt-get install python3 python3-venv) or set PYTHON=' >&2; exit 69; }
	@$(PYTHON) -m venv .boot || { echo 'error: $(PYTHON) cannot create a virtual environment; on Debian: apt-get install python3-venv' >&2; rm -rf .boot; exit 69; }
	@.boot/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements-boot.lock
	@touch $@

.venv/bin/python: .boot/bin/uv
	@.boot/bin/uv venv --quiet --allow-existing --python .boot/bin/python .venv
	@touch $@

.venv/.run: .venv/bin/python requirements.lock pyproject.toml
	@test -e .venv/.dev || .boot/bin/uv pip sync --quiet --python .venv/bin/python --require-hashes requirements.lock
	@.boot/bin/uv pip install --quiet --python .venv/bin/python --no-deps --no-build-isolation --editable .
	@touch $@

.venv/.dev: .venv/bin/python requirements-dev.lock pyproject.toml
	@.boot/bin/uv pip sync --quiet --python .venv/bin/python --require-hashes requirements-dev.lock
	@.boot/bin/uv pip install --quiet --python .venv/bin/python --no-deps --no-build-isolation --editable .
	@touch $@ .venv/.run

lock: .boot/bin/uv
	@.boot/bin/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-header --extra build pyproject.toml -o requirements.lock
	@.boot/bin/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-header --extra build --extra dev pyproject.toml -o requirements-dev.lock
	@echo uv | .boot/bin/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-header --no-annotate - -o requirements-boot.lock

clean:
	rm -rf .venv .boot .mypy_cache .ruff_cache mutants
