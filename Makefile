# Everything runs in .venv, which the first command makes; nothing else has to be installed by hand.
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/
READY := $(VENV)/.ready

.PHONY: demo test test-all check format clean

## The main job on generated data: facades, then lungs, nothing forgotten. Writes runs/demo/report.html.
demo: $(READY)
	$(RUN)python examples/facades_to_lungs.py --out runs/demo

## All tests but the slow ones.
test: $(READY)
	$(RUN)python -m pytest -q

## Slow proofs as well.
test-all: $(READY)
	$(RUN)python -m pytest -q -m ""

## Format, lint, types, and the pure core with its shapes checked at run time.
check: $(READY)
	$(RUN)ruff format --check .
	$(RUN)ruff check .
	$(RUN)mypy
	$(RUN)python -m pytest -q --jaxtyping-packages=piggygan.filters,piggygan.starting,beartype.beartype tests/test_filters.py tests/test_layers.py

format: $(READY)
	$(RUN)ruff format .
	$(RUN)ruff check --fix .

clean:
	rm -rf $(VENV) runs build dist

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(RUN)pip install --quiet --constraint constraints.txt --editable '.[dev,onnx,medical]'
	touch $(READY)
