"""What all tests and the examples in docstrings share."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

# The tensors here are tiny: a second thread costs more than it gives, many times more on a busy machine. And it rounds
# otherwise: set before torch reads it, this holds in every thread and every process that a test starts.
os.environ["OMP_NUM_THREADS"] = "1"

# A run in the background of a shell begins with Ctrl-C ignored, and hands that on to the programs that it tests.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

import pytest
import torch


@pytest.fixture(autouse=True)
def _leaves_gradients_on() -> Iterator[None]:
    """Name the test that leaves gradients off: every training after it, in whatever test, would learn nothing."""
    yield
    left_on = torch.is_grad_enabled()
    torch.set_grad_enabled(True)
    if not left_on:
        pytest.fail("this test leaves gradients off")
