# Set-up, checks and the demo. `make help` lists the targets.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=
SECONDS ?= 600
STEPS ?= 1000000

.DEFAULT_GOAL := help
.PHONY: help venv demo test agreement simulation check lock messages screenshots clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /	/'

$(BIN)/pusula: requirements/runtime.txt pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "Python 3.11 or newer is needed: make PYTHON=/path/to/python3"; exit 1; }
	@echo "Setting up $(VENV) (once; needs the network) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/runtime.txt
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

$(BIN)/pytest: $(BIN)/pusula requirements/dev.txt
	@echo "Installing what the tests need ..."
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@touch $@

venv: $(BIN)/pytest ## create .venv with everything for development

demo: $(BIN)/pusula ## load the demo company and serve it (ARGS=--once: load only)
	@$(BIN)/pusula demo $(ARGS)

test: $(BIN)/pytest ## set up what the tests need, then run all checks and tests
	@sh tests/system_packages.sh
	@sh tests/clients/install.sh
	@$(MAKE) --no-print-directory check
	@echo "Tests on SQLite ..."
	@$(BIN)/pytest -n 2 -m "not browser" $(ARGS)
	@echo "Tests in the browser ..." # by themselves: their event loop tolerates no other
	@$(BIN)/pytest -m browser tests/browser tests/clients $(ARGS)
	@echo "Tests on PostgreSQL ..."
	@$(BIN)/python tests/with_postgres.py -- $(BIN)/pytest -n 2 -m "django_db and not browser" $(ARGS)

agreement: $(BIN)/pytest ## compare kernel, live, batch and history with plain Python for long (SECONDS=600)
	@$(BIN)/python -m tests.segments.agreement --seconds $(SECONDS)
	@$(BIN)/python -m tests.segments.agreement --live --seconds $(SECONDS)

simulation: $(BIN)/pytest ## the whole product from seeds, with everything going wrong (STEPS=1000000)
	@$(BIN)/python -m tests.simulation --steps $(STEPS)

check: $(BIN)/pytest ## format, lint, types, layers, spelling, migrations
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/lint-imports --no-logo > .import_linter.log 2>&1 || { cat .import_linter.log; exit 1; }
	@$(BIN)/codespell src docs decisions changes README.md ARCHITECTURE.md CONTRIBUTING.md
	@PUSULA_HOME=$(VENV)/check-home DJANGO_SETTINGS_MODULE=pusula.config.settings $(BIN)/django-admin makemigrations --check --dry-run

lock: ## resolve requirements/*.in into hashed files that record no addresses
	@$(BIN)/pip install --quiet pip-tools
	@cd requirements && for set in runtime dev; do ../$(BIN)/pip-compile --quiet --upgrade --generate-hashes --strip-extras \
		--allow-unsafe --no-emit-index-url --no-emit-trusted-host --no-emit-find-links -o $$set.txt $$set.in; done

messages: $(BIN)/pytest ## compile the Turkish catalogue after editing it
	@$(BIN)/pybabel compile --domain django --directory src/pusula/config/locale

screenshots: $(BIN)/pytest ## draw the pages of the demo company into build/screenshots
	@$(BIN)/python tests/browser/screenshots.py

clean: ## remove .venv and the demo's home folder
	rm -rf $(VENV) pusula-home
