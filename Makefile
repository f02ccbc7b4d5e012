# Everything runs in .venv, which the first command makes; nothing else has to be installed by hand.
# With an NVIDIA GPU that is PyPI's torch; without one it is torch's build for processors, a tenth as large, if it can be reached.
# TORCH='torch==2.12.1 --index-url https://...' takes another one: the words that pip is given. It is kept until another is asked for.
# VENV=FOLDER runs in an environment of yours instead, and keeps the torch that is in it: make demo VENV=$VIRTUAL_ENV
PYTHON ?= python3
OURS := .venv
VENV ?= $(OURS)
RUN := $(VENV)/bin/
READY := $(VENV)/.piggygan-ready
PINS := $(VENV)/.piggygan-pins
ASKED := $(VENV)/.piggygan-asked
TORCH ?= $(shell cat $(ASKED) 2> /dev/null)
PINNED := $(shell sed -n 's/^\(torch==[^ ]*\).*/\1/p' constraints.txt)
FOR_PROCESSORS := $(if $(shell command -v nvidia-smi),,--retries 1 --no-deps --index-url https://download.pytorch.org/whl/cpu $(PINNED))
INSTALLED := from importlib.metadata import version; print("torch==" + version("torch"))
EXTRAS := dev,onnx,medical,node,serve,signing
# What `make release` tries the wheel with; PYTHONS='python3.11 /elsewhere/python3.13' names others.
PYTHONS ?= $(shell for python in python3.11 python3.12 python3.13; do command -v $$python; done)

.PHONY: demo test test-all check docs release format clean

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

## What is published: dist/, built twice to the same bytes, checked, and tried in fresh environments. Nothing is uploaded.
release: $(READY)
	@$(RUN)python -c 'import build, twine, hatchling, cyclonedx_py' 2> /dev/null || $(RUN)python -m pip install --quiet --constraint $(PINS) --editable '.[release]'
	$(RUN)python -m tools.release build
	TORCH='$(or $(TORCH),$(FOR_PROCESSORS))' $(RUN)python -m tools.release try $(PYTHONS)

format: $(READY)
	$(RUN)ruff format .
	$(RUN)ruff check --fix .

clean:
	rm -rf $(OURS) runs build dist

ifeq ($(VENV),$(OURS))
ifneq ($(TORCH),$(shell cat $(ASKED) 2> /dev/null))
.PHONY: $(READY)
endif
$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
ifneq ($(TORCH),)
	$(RUN)python -m pip install --quiet $(TORCH)
	@echo "$(TORCH)" > $(ASKED)
else ifneq ($(FOR_PROCESSORS),)
	@$(RUN)python -m pip install --quiet $(FOR_PROCESSORS) \
	    || echo "torch's build for processors cannot be reached: PyPI's is taken, which may be gigabytes"
endif
	@$(RUN)python -c '$(INSTALLED)' > $(PINS) 2> /dev/null || echo $(PINNED) > $(PINS)
	@grep -v '^torch==' constraints.txt >> $(PINS)
	$(RUN)python -m pip install --quiet --constraint $(PINS) --editable '.[$(EXTRAS)]'
	@touch $(READY)
else
$(READY): pyproject.toml
	@test -n "$(VENV)" -a -x $(RUN)python || { echo "VENV=$(VENV) has no bin/python: give the folder of an environment"; exit 1; }
	@test -z '$(TORCH)' || { echo "VENV=$(VENV) keeps its own torch: give TORCH or VENV, not both"; exit 1; }
	@$(RUN)python -c '$(INSTALLED)' > $(PINS) || { echo "VENV=$(VENV) has no torch: install the one for your machine there first"; exit 1; }
	$(RUN)python -m pip install --quiet --constraint $(PINS) --editable '.[$(EXTRAS)]'
	@touch $(READY)
endif
