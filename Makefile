# make demo | test | bench | bench-cuda | lint | clean; every target makes what it needs in .venv
# make bench ARGS="--only matmul --quick" measures a part
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
WORKERS ?= 2

.PHONY: demo test test-slow bench bench-cuda lint clean

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install -q --disable-pip-version-check -e ".[demo]"
	@touch $@

$(VENV)/.test: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install -q --disable-pip-version-check -e ".[test]"
	@touch $@

$(VENV)/.bench: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install -q --disable-pip-version-check -e ".[bench]"
	@touch $@

$(VENV)/.bench-cuda: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install -q --disable-pip-version-check -e ".[bench,cu13]" "jax[cuda13]"
	@touch $@

demo: $(VENV)/.demo
	@$(BIN)/python -m nbgrad warmup --quick
	@$(BIN)/python -m nbgrad demo

test: $(VENV)/.test
	$(BIN)/ruff check nbgrad tests benchmarks
	$(BIN)/python -m pytest -n $(WORKERS) -m "not slow"

test-slow: $(VENV)/.test
	$(BIN)/python -m pytest -m slow

bench: $(VENV)/.bench
	$(BIN)/python -m benchmarks $(ARGS)

bench-cuda: $(VENV)/.bench-cuda
	$(BIN)/python -m benchmarks.cuda $(ARGS)

lint: $(VENV)/.test
	$(BIN)/ruff check nbgrad tests benchmarks

clean:
	rm -rf $(VENV) build dist .pytest_cache .ruff_cache .hypothesis demo-output
