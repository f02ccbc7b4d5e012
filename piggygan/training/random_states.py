"""The random states that a training depends on: Python's, NumPy's and PyTorch's."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

_PYTHON_VERSION = 3
"""Of the form of ``random.getstate()``, since Python 2.6."""
_NUMPY_WORDS = 624
"""Of the state of NumPy's Mersenne twister."""


class RandomState(NamedTuple):
    """All global random states at one moment."""

    python: Any
    numpy: dict[str, Any]
    torch: Tensor
    cuda: list[Tensor]

    def tensors(self) -> dict[str, Tensor]:
        """Return the same as tensors, to be stored."""
        _, words, next_gauss = self.python
        key = self.numpy["state"]
        python = [0.0, 0.0] if next_gauss is None else [1.0, next_gauss]
        return {
            "python": torch.tensor(words, dtype=torch.int64, device="cpu"),
            "python.gauss": torch.tensor(python, dtype=torch.float64, device="cpu"),
            "numpy": torch.tensor([*key["key"].tolist(), key["pos"]], dtype=torch.int64, device="cpu"),
            "numpy.gauss": torch.tensor(
                [self.numpy["has_gauss"], self.numpy["gauss"]], dtype=torch.float64, device="cpu"
            ),
            "torch": self.torch,
            **{f"cuda.{index}": state for index, state in enumerate(self.cuda)},
        }

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, Tensor]) -> RandomState:
        """Make it again of what :meth:`tensors` gave.

        Raises:
            KeyError: If one is missing.
            ValueError: If one has another form. (Only restoring tells whether all are states of their generators.)
        """
        has_next, next_gauss = tensors["python.gauss"].tolist()
        *key, position = tensors["numpy"].tolist()
        if len(key) != _NUMPY_WORDS or not 0 <= position <= _NUMPY_WORDS:  # NumPy itself would read beyond the end
            raise ValueError(f"NumPy's random state has {len(key)} words and the position {position}")
        has_gauss, gauss = tensors["numpy.gauss"].tolist()
        return cls(
            (_PYTHON_VERSION, tuple(tensors["python"].tolist()), next_gauss if has_next else None),
            {
                "bit_generator": "MT19937",
                "state": {"key": np.array(key, dtype=np.uint32), "pos": position},
                "has_gauss": int(has_gauss),
                "gauss": gauss,
            },
            tensors["torch"],
            [tensors[f"cuda.{index}"] for index in range(sum(name.startswith("cuda.") for name in tensors))],
        )


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


def seeded_random_state(*numbers: int) -> RandomState:
    """Return random states that are a function of these numbers, all 0 or more; the present ones stay."""
    words = np.random.SeedSequence(numbers).generate_state(1, np.uint32)
    with random_numbers_apart():
        random.seed(int(words[0]))
        np.random.seed(int(words[0]))
        torch.manual_seed(int(words[0]))  # of all devices
        return random_state()


@contextmanager
def random_numbers_apart() -> Iterator[None]:
    """Let the block draw random numbers without changing those drawn after it."""
    before = random_state()
    try:
        yield
    finally:
        restore_random_state(before)
