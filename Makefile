# Everything a person does from a checkout. `make help` lists it.
PYTHON ?= python3
BIN := .venv/bin
UV := $(BIN)/uv

# Hundreds of processes of the tests import the same modules: where the machine says not to keep what was compiled of
# them, each would compile 1,500 again, for more than a second.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup demo demo-check test test-fast bandit security components test-spark test-compiled fast format check docs bench lock clean

help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: .venv/.ready ## make .venv with the locked packages
	@$(BIN)/python tools/compile.py --stale

.venv/.ready: requirements.lock pyproject.toml package-lock.json tools/build_assets.py
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@test -x $(UV) || $(BIN)/python -m pip install --quiet --disable-pip-version-check 'uv>=0.9,<1'
	$(UV) pip sync --quiet --require-hashes --python $(BIN)/python requirements.lock
	$(UV) pip install --quiet --python $(BIN)/python --no-deps --editable .
	@touch $@

demo: setup ## make a synthetic hospital and open its console
	$(BIN)/vesalius demo

demo-check: setup ## walk the whole loop by machine, and exit
	$(BIN)/vesalius demo --check

test: setup ## lint, types and every test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pytest

test-fast: setup ## every test but the browser's
	$(BIN)/pytest -m "not browser"

bandit: setup ## what bandit finds in what is shipped
	$(BIN)/bandit --quiet --configfile pyproject.toml --recursive src

security: bandit ## bandit, and the longer run of schemathesis
	VESALIUS_FULL=1 $(BIN)/pytest -n0 tests/api/test_contract.py

components: setup ## which components are older than SECURITY.md allows; asks the package index
	$(BIN)/python tools/components.py

test-spark: .venv/.spark ## the views on Spark, on executors of their own; sets up the extra (600 MB)
	$(BIN)/pytest -n0 tests/views/spark

fast: setup ## compile the conversion of HL7 v2 (needs a C compiler); the same code runs without
	$(BIN)/python tools/compile.py

test-compiled: fast ## the tests of HL7 v2 on what was compiled
	$(BIN)/pytest tests/ingest/hl7v2 tests/ingest/mllp

.venv/.spark: .venv/.ready requirements-spark.lock
	$(UV) pip install --quiet --require-hashes --python $(BIN)/python -r requirements-spark.lock
	@touch $@

format: setup ## put the code in the house form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: setup ## make the generated parts of the documentation again
	$(BIN)/python tools/generate_docs.py
	$(BIN)/python tools/asvs.py

bench: setup ## run every benchmark
	for file in benchmarks/*.py; do $(BIN)/python $$file || exit 1; done

lock: setup ## choose the newest allowed versions of every package
	$(UV) pip compile --quiet --universal --generate-hashes --extra postgres --group dev --python-version 3.11 \
	  --no-header --upgrade pyproject.toml -o requirements.lock
	$(UV) pip compile --quiet --universal --generate-hashes --extra spark --group java --python-version 3.11 \
	  --no-header --upgrade --constraint requirements.lock pyproject.toml -o requirements-spark.lock

clean: ## remove what was made here
	$(PYTHON) tools/compile.py --remove
	rm -rf .venv demo-hospital dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis
