PYTHON ?= python3.11
VENV := .venv
DEMO := .venv-demo
BIN := $(VENV)/bin
PIP_QUIET := --quiet --disable-pip-version-check
export MLFLOW_DISABLE_TELEMETRY := true
export NO_MKDOCS_2_WARNING := 1

.DEFAULT_GOAL := help
.PHONY: help install demo test check format lock docs clean

help: ## Say what can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(VENV)/.installed ## Build .venv with everything: all extras and the developers' tools

$(VENV)/.installed: pyproject.toml constraints.txt
	@echo "Installing everything into $(VENV): some minutes."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install $(PIP_QUIET) -c constraints.txt -e '.[all,dev]'
	@touch $@

$(DEMO)/.installed: pyproject.toml constraints.txt
	@echo "Installing the core of Assay into $(DEMO): about a minute."
	@test -x $(DEMO)/bin/python || $(PYTHON) -m venv $(DEMO)
	@$(DEMO)/bin/python -m pip install $(PIP_QUIET) -c constraints.txt -e .
	@touch $@

demo: $(DEMO)/.installed ## Install the core; train, register and predict on census data
	@sh examples/demo.sh $(DEMO)/bin/assay

test: $(VENV)/.installed ## Run the tests
	@$(BIN)/python -m pytest -q -n 2 $(PYTEST)

check: $(VENV)/.installed ## Lint, format, types, layers, docs
	@$(BIN)/ruff check src tests benchmarks
	@$(BIN)/ruff format --check src tests benchmarks
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/mkdocs build --strict --quiet --site-dir site

format: $(VENV)/.installed ## Put the code into form
	@$(BIN)/ruff check --fix-only --quiet src tests benchmarks
	@$(BIN)/ruff format src tests benchmarks

lock: $(VENV)/.installed ## Write the versions in .venv into constraints.txt
	@{ echo '# Versions that were tested together. Written by `make lock`.'; \
	  $(BIN)/python -m pip freeze --exclude-editable 2>/dev/null \
	  | grep -E '^[A-Za-z0-9._-]+==' | sed 's/+cpu$$//'; } > constraints.txt.new
	@mv constraints.txt.new constraints.txt

docs: $(VENV)/.installed ## Build the documentation into site/
	@$(BIN)/mkdocs build --strict --quiet --site-dir site
	@echo "site/index.html"

clean: ## Remove what was built; workspaces (.assay) stay
	@rm -rf site dist .pytest_cache .ruff_cache .mypy_cache .import_linter_cache .hypothesis
