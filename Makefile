# Everything runs in .venv, which the first command makes; nothing else has to be installed by hand.
# VENV=FOLDER runs in an environment of yours instead, and keeps the torch that is in it: make demo VENV=$VIRTUAL_ENV
PYTHON ?= python3
OURS := .venv
VENV ?= $(OURS)
RUN := $(VENV)/bin/
READY := $(VENV)/.piggygan-ready
KEPT := $(VENV)/.piggygan-torch
PINS := $(if $(filter $(OURS),$(VENV)),constraints.txt,$(KEPT))

.PHONY: demo test test-all check docs format clean

## The main job on generated data: facades, then lungs, nothing forgotten. Writes runs/demo/report.html.
demo: $(READY)
	$(RUN)python -m piggygan.cli demo runs/demo

## All tests but the slow ones.
test: $(READY)
	$(RUN)python -m pytest -q -n auto --maxprocesses 4

## Slow proofs as well.
test-all: $(READY)
	$(RUN)python -m pytest -q -n auto --maxprocesses 4 -m ""

## Format, lint, types, and the pure core with its shapes checked at run time.
check: $(READY)
	$(RUN)ruff format --check .
	$(RUN)ruff check .
	$(RUN)mypy
	$(RUN)python -m pytest -q --jaxtyping-packages=piggygan.layers.filters,piggygan.layers.starts,beartype.beartype tests/layers/test_filters.py tests/layers/test_convolutions.py

## The site, strictly: build/site/html/index.html. Its builder is installed by the first call.
docs: $(READY)
	@$(RUN)python -c 'import sphinx, furo, myst_parser' 2> /dev/null || $(RUN)python -m pip install --quiet --constraint $(PINS) --editable '.[docs]'
	$(RUN)python -m tools.site

format: $(READY)
	$(RUN)ruff format .
	$(RUN)ruff check --fix .

clean:
	rm -rf $(OURS) runs build dist

ifeq ($(VENV),$(OURS))
$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(RUN)python -m pip install --quiet --constraint constraints.txt --editable '.[dev,onnx,medical,node,serve,signing]'
	touch $(READY)
else
$(READY): pyproject.toml
	@test -n "$(VENV)" -a -x $(RUN)python || { echo "VENV=$(VENV) has no bin/python: give the folder of an environment"; exit 1; }
	@$(RUN)python -c 'import torch; print("torch==" + torch.__version__)' > $(KEPT) \
	    || { echo "VENV=$(VENV) has no torch: install the one for your machine there first"; exit 1; }
	$(RUN)python -m pip install --quiet --constraint $(KEPT) --editable '.[dev,onnx,medical,node,serve,signing]'
	touch $(READY)
endif
