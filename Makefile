# Two commands do everything, set-up included:  make demo   and   make test
#
# On a machine without a GPU, torch's default Linux wheel brings several GB of CUDA along. Where that matters:
#   make test TORCH_INDEX=https://download.pytorch.org/whl/cpu

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
TORCH_INDEX ?=
DEMO ?= demo
# pytest options, e.g.  make test PYTEST="-k store -x"
PYTEST ?=
WORKERS ?= 2
# BROWSER=no leaves out the tests that open the report in a browser
BROWSER ?= yes

VENV := .venv
RUN := $(VENV)/bin/python -m
STAMP := $(VENV)/.installed
# Some images forbid Python to keep compiled files: every process that a test starts would compile ours anew.
unexport PYTHONDONTWRITEBYTECODE
TORCH := $(shell sed -n 's/^\(torch==.*\)/\1/p' constraints.txt)

.PHONY: help
help: ## List the commands
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 20

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Orienteer needs Python 3.11 or newer; name one with  make $(MAKECMDGOALS) PYTHON=/path/to/python3" >&2; exit 1; }
	test -x $(VENV)/bin/python || $(PYTHON) -m venv $(VENV)
	$(RUN) pip install --quiet --disable-pip-version-check $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX)) "$(TORCH)"
	$(RUN) pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev,all,docs]'
	touch $@

.PHONY: setup
setup: $(STAMP) ## Make .venv with the pinned dependencies (the others call this)

.PHONY: demo
demo: $(STAMP) ## Simulate people, learn from them, and write a report: minutes on two CPU cores
	$(RUN) orienteer demo $(DEMO)

# worksteal: neighbouring tests mostly stay in one process, so what a file's tests share is seldom made twice
.PHONY: test
test: lint ## Lint, types, import laws and every test
ifeq ($(BROWSER),no)
	@: > $(VENV)/.browser
else
	@.ci/find-browser $(VENV)/bin/python > $(VENV)/.browser
endif
	OMP_NUM_THREADS=1 ORIENTEER_CHROMIUM="$$(cat $(VENV)/.browser 2>/dev/null || true)" \
		$(RUN) pytest -n $(WORKERS) --dist worksteal $(PYTEST)

.PHONY: lint
lint: $(STAMP) ## Style, types and import laws
	$(RUN) ruff check .
	$(RUN) ruff format --check .
	$(VENV)/bin/hadolint Dockerfile
	$(RUN) mypy
	$(VENV)/bin/python -c 'import sys; from importlinter.cli import lint_imports_command; sys.exit(lint_imports_command())'

.PHONY: format
format: $(STAMP) ## Format, and mend what can be mended
	$(RUN) ruff check --fix .
	$(RUN) ruff format .

.PHONY: docs
docs: $(STAMP) ## Write the references of configuration and of the observatory's API from the code
	$(VENV)/bin/python docs/make_reference.py
	$(VENV)/bin/python docs/make_api.py

.PHONY: site
site: $(STAMP) ## Build the documentation as a site in site/; a link that leads nowhere fails it
	$(VENV)/bin/python docs/make_site.py

.PHONY: package
package: ## Build source archive and wheel in dist/, install the wheel elsewhere and run the demo from it
	PYTHON="$(PYTHON)" TORCH_INDEX="$(TORCH_INDEX)" .ci/try-package

.PHONY: web
web: $(STAMP) ## Build the observatory's page into the package (its files are committed)
	$(VENV)/bin/python docs/make_api.py
	.ci/build-web "$(CURDIR)/$(VENV)/bin/python"

.PHONY: clean
clean: ## Remove the environment and caches; scans, stores and runs stay
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
