# Two commands do all set-up on a fresh machine: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
.DEFAULT_GOAL := help
.PHONY: help demo test check bench format clean system

help:
	@echo "make demo    guard a small shop, see five answers"
	@echo "make test    install what tests need, run them all"
	@echo "make check   ruff, mypy strict, import contracts, coverage floors"
	@echo "make bench   CPU per request beside nginx and Envoy"

# The run-time set alone: what a user of the package gets.
.demo-ready: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "doorward needs Python 3.11 or newer; set PYTHON=python3.11"; exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || \
	  { echo "python3 -m venv failed: on Debian install python3-venv"; exit 2; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

.env-ready: .demo-ready
	@$(BIN)/python scripts/dev_install.py
	@touch $@

demo: .demo-ready
	@$(BIN)/doorward demo

system:
	@sh scripts/system_packages.sh chromium nginx

test: .env-ready system
	@$(BIN)/python scripts/test.py

check: .env-ready
	@$(BIN)/python scripts/check.py

bench: .env-ready
	@sh scripts/system_packages.sh nginx wrk
	@$(BIN)/python scripts/dev_install.py bench
	@$(BIN)/python bench/run.py

format: .env-ready
	@$(BIN)/ruff format src tests bench scripts
	@$(BIN)/ruff check --fix src tests bench scripts

clean:
	rm -rf $(VENV) .demo-ready .env-ready .apps-venv
