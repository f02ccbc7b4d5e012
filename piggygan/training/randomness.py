"""The random states that a training depends on: Python's, NumPy's and PyTorch's."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor


class RandomState(NamedTuple):
    """All global random states at one moment."""

    python: Any
    numpy: dict[str, Any]
    torch: Tensor
    cuda: list[Tensor]


def random_state() -> RandomState:
    """Return the present random states."""
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    return RandomState(random.getstate(), np.random.get_state(legacy=False), torch.get_rng_state(), cuda)


def restore_random_state(state: RandomState) -> None:
    """Go on from random states as they once were."""
    random.setstate(state.python)
    np.random.set_state(state.numpy)
    torch.set_rng_state(state.torch)
    if state.cuda:
        torch.cuda.set_rng_state_all(state.cuda)


@contextmanager
def random_numbers_apart() -> Iterator[None]:
    """Let the block draw random numbers without changing those drawn after it."""
    before = random_state()
    try:
        yield
    finally:
        restore_random_state(before)
