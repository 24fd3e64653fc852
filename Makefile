# make demo | test | bench | lint | clean; every target makes what it needs in .venv
# make bench ARGS="--only matmul --quick" measures a part
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
WORKERS ?= 2

.PHONY: demo test test-slow bench lint clean

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

lint: $(VENV)/.test
	$(BIN)/ruff check nbgrad tests benchmarks

clean:
	rm -rf $(VENV) build dist .pytest_cache .ruff_cache .hypothesis demo-output
