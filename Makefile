# make demo | test | bench | lint | clean, and on a machine with a GPU test-cuda | bench-cuda; every target makes what it needs in .venv
# make bench ARGS="--only matmul --quick" measures a part
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
WORKERS ?= 2
# the extra of the driver's version: cu12 or cu13
CUDA ?= cu13

.PHONY: demo test test-slow test-cuda bench bench-cuda lint clean

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

$(VENV)/.test-cuda: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install -q --disable-pip-version-check -e ".[test,$(CUDA)]"
	@touch $@

$(VENV)/.bench-cuda: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install -q --disable-pip-version-check -e ".[bench,$(CUDA)]" "jax[$(CUDA:cu%=cuda%)]"
	@touch $@

demo: $(VENV)/.demo
	@$(BIN)/python -m nbgrad warmup --quick
	@$(BIN)/python -m nbgrad demo

test: $(VENV)/.test
	$(BIN)/ruff check nbgrad tests benchmarks
	$(BIN)/python -m pytest -n $(WORKERS) -m "not slow"

test-slow: $(VENV)/.test
	$(BIN)/python -m pytest -m slow

test-cuda: $(VENV)/.test-cuda
	NUMBA_ENABLE_CUDASIM=0 $(BIN)/python -m pytest -m "cuda and not slow" $(ARGS)
	NUMBA_ENABLE_CUDASIM=0 $(BIN)/python -m nbgrad ops --targets

bench: $(VENV)/.bench
	$(BIN)/python -m benchmarks $(ARGS)

bench-cuda: $(VENV)/.bench-cuda
	$(BIN)/python -m benchmarks.cuda $(ARGS)

lint: $(VENV)/.test
	$(BIN)/ruff check nbgrad tests benchmarks

clean:
	rm -rf $(VENV) build dist .pytest_cache .ruff_cache .hypothesis demo-output
