# Both entry points set up all they need: an environment in .venv from hashed locks.
SHELL := /bin/sh
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null \
	&& { echo $$p; break; }; done)
BIN := .venv/bin
OPTIONS := $(if $(CLUSTER),--cluster $(CLUSTER)) $(if $(GPU),--gpu $(GPU)) $(if $(PROFILE),--profile '$(PROFILE)') \
	$(if $(ONLY),--only '$(ONLY)') $(if $(SKIP),--skip '$(SKIP)') $(if $(FAULT),--fault "$(FAULT)") $(if $(CLOCK),--clock $(CLOCK)) \
	$(if $(SEED),--seed $(SEED)) $(if $(MODEL),--model $(MODEL)) $(if $(CONFIG),--config $(CONFIG)) \
	$(if $(INGRESS),--set embedded.ingress=$(INGRESS)) $(if $(MODEL_SERVER),--set embedded.model_server=$(MODEL_SERVER))

.PHONY: conformance test test-thorough bench golden docs audit allure envoy kserve lock clean help
.DEFAULT_GOAL := help

help:
	@echo 'make conformance [CLUSTER=embedded|kind|k3s|existing] [GPU=emulated|real|none] [PROFILE=...] [ONLY=...] [SKIP=...] [FAULT=...] [CLOCK=real|virtual]'
	@echo '                 [INGRESS=own|envoy] [MODEL_SERVER=witness|kserve]: real parts of the embedded platform'
	@echo 'make envoy       a real Envoy for INGRESS=envoy (Linux); make kserve: the KServe SDK for MODEL_SERVER=kserve'
	@echo 'make test        self-tests; no Docker, no GPU, no network'
	@echo 'make test-thorough: more cases of what they show, as every night; make test ALL=1: both'
	@echo 'make bench       load generator against hey and wrk, where installed'
	@echo 'make golden VERSION=1.23 [SOURCE=checkout]: what Knative itself decides, recorded; needs Go'
	@echo 'make golden KUBERNETES=1.34: the same of its HorizontalPodAutoscaler controller'
	@echo 'make docs        docs/catalogue.md from the catalogue'
	@echo 'make audit       known vulnerabilities of every locked package; asks a database over the network'
	@echo 'make allure      Allure report of the latest run, or of RUN=reports/runs/...'

KNOWN := CLUSTER GPU PROFILE ONLY SKIP FAULT CLOCK SEED MODEL CONFIG INGRESS MODEL_SERVER ARGS PYTHON
GIVEN = $(foreach name,$(.VARIABLES),$(if $(findstring command,$(origin $(name))),$(name)))

conformance: .venv/.run
	@for name in $(filter-out $(KNOWN),$(GIVEN)); do echo "error: $$name: no such variable; there are $(KNOWN)" >&2; exit 64; done
	@$(BIN)/conformance run $(OPTIONS) $(ARGS)

# Two more than there are cores, as a third of the time goes to tests that wait for processes and real clusters' grace periods.
WORKERS ?= $(shell $(BIN)/python -c 'import os; print(min(4, (os.cpu_count() or 1) + 2))')
CASES = $(if $(ALL),,-m 'not thorough')
test: .venv/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	@# mypy takes one core for a minute where it has no cache yet, so it runs beside the tests and is heard at the end.
	@# Workers and the programs that tests start share compiled modules, even where the environment forbids to write them:
	@# compiled once beforehand, since workers that begin together would each compile all of them. pytest compiles tests,
	@# and packages that have plugins, in a way of its own: one collection in a new environment makes and leaves that.
	@echo "$(BIN)/mypy & PYTHONDONTWRITEBYTECODE= $(BIN)/pytest -n $(WORKERS) --dist worksteal $(CASES) $(ARGS)"; \
	$(BIN)/mypy > .venv/.mypy.txt 2>&1 & types=$$!; \
	export PYTHONDONTWRITEBYTECODE=; \
	$(BIN)/python -m compileall -q conformance clusters reports; \
	test .venv/.collected -nt .venv/.dev || { $(BIN)/pytest --collect-only -q > .venv/.collected; }; \
	$(BIN)/pytest -n $(WORKERS) --dist worksteal $(CASES) $(ARGS); tests=$$?; \
	wait $$types; typed=$$?; cat .venv/.mypy.txt; rm -f .venv/.mypy.txt; exit $$((tests ? tests : typed))

test-thorough: .venv/.dev
	PYTHONDONTWRITEBYTECODE= $(BIN)/pytest -n $(WORKERS) --dist worksteal -m thorough $(ARGS)

bench: .venv/.dev
	$(BIN)/python -m tests.benchmarks.load $(ARGS)

# For maintainers: Go 1.25 and the module proxy, or a checkout of Knative Serving in SOURCE. Replaying needs neither.
golden: .venv/.run
	@$(if $(KUBERNETES),fixtures/golden/horizontal-recorder/record.sh "$(KUBERNETES)",fixtures/golden/recorder/record.sh "$(VERSION)" "$(SOURCE)")
	@$(BIN)/conformance golden fixtures/golden/$(if $(KUBERNETES),horizontal,versions)

docs: .venv/.dev
	$(BIN)/python -m conformance.judge.catalogue_page docs/catalogue.md

# What can be audited without a network is in the self-tests (tests/test_dependencies.py).
audit: .extras/audit/.installed
	@for lock in requirements-boot.lock requirements-dev.lock .ci/audit.lock clusters/embedded/programs/*.lock reports/allure/requirements.lock; do \
		echo "$$lock"; .extras/audit/bin/pip-audit --strict --require-hashes --disable-pip --progress-spinner off --requirement "$$lock" || exit; done

.extras/audit/.installed: .boot/bin/uv .ci/audit.lock
	@.boot/bin/uv venv --quiet --allow-existing --python .boot/bin/python .extras/audit
	@.boot/bin/uv pip sync --quiet --python .extras/audit/bin/python --require-hashes .ci/audit.lock
	@touch $@

# Allure 3 on a Node.js of its own, both locked by hash; the report lies outside the run, whose files are listed.
RUN ?= $(shell ls -td reports/runs/*/ 2>/dev/null | head -n 1)
allure: .allure/.installed
	@test -d "$(RUN)/allure-results" || { echo 'error: no run to show; make conformance first, or set RUN=reports/runs/...' >&2; exit 64; }
	@name=$$(basename "$(RUN)") && ALLURE_NO_ANALYTICS=1 PATH="$(CURDIR)/.allure/venv/bin:$$PATH" .allure/node_modules/.bin/allure awesome \
		--single-file --report-name "$$name" --history-path "$(CURDIR)/.allure/history.jsonl" \
		--output "$(CURDIR)/.allure/$$name" "$(abspath $(RUN))/allure-results" && \
		.allure/venv/bin/python reports/analytics_removal.py ".allure/$$name/index.html" && echo "$(CURDIR)/.allure/$$name/index.html"

.allure/.installed: .boot/bin/uv reports/allure/package-lock.json reports/allure/requirements.lock
	@mkdir -p .allure && cp reports/allure/package.json reports/allure/package-lock.json reports/allure/.npmrc .allure/
	@.boot/bin/uv venv --quiet --allow-existing --python .boot/bin/python .allure/venv
	@.boot/bin/uv pip sync --quiet --python .allure/venv/bin/python --require-hashes reports/allure/requirements.lock
	@cd .allure && PATH="$$PWD/venv/bin:$$PATH" npm ci --no-audit --no-fund --silent
	@touch $@

# Real parts of the embedded platform, each in an environment of its own: the KServe SDK wants other versions than the suite.
envoy kserve: %: .extras/%/.installed

.extras/%/.installed: .boot/bin/uv clusters/embedded/programs/%.lock
	@.boot/bin/uv venv --quiet --allow-existing --python .boot/bin/python .extras/$*
	@.boot/bin/uv pip sync --quiet --compile-bytecode --python .extras/$*/bin/python --require-hashes clusters/embedded/programs/$*.lock
	@touch $@

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
	@for part in envoy kserve; do .boot/bin/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-header \
		clusters/embedded/programs/$$part.in -o clusters/embedded/programs/$$part.lock || exit; done
	@echo pip-audit | .boot/bin/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-header --no-annotate - -o .ci/audit.lock
	@echo uv | .boot/bin/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-header --no-annotate - -o requirements-boot.lock

clean:
	rm -rf .venv .boot .allure .extras .mypy_cache .ruff_cache mutants
