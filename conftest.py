"""What all tests and the examples in docstrings share."""

from __future__ import annotations

import os

# The tensors here are tiny: a second thread costs more than it gives, many times more on a busy machine. And it rounds
# otherwise: set before torch reads it, this holds in every thread and every process that a test starts.
os.environ["OMP_NUM_THREADS"] = "1"

import pytest
import torch


@pytest.fixture(autouse=True)
def _gradients_are_recorded() -> None:
    """Begin every test alike: a generator that is collected late can put back the mode of the block it began in."""
    torch.set_grad_enabled(True)
