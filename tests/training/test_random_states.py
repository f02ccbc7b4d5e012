import random

import numpy as np
import torch

from piggygan.training.random_states import random_numbers_apart, random_state, restore_random_state


def draw() -> tuple[float, float, float]:
    return random.random(), float(np.random.rand()), torch.rand(1).item()


def test_a_restored_state_draws_the_same_numbers() -> None:
    state = random_state()
    first = draw()
    restore_random_state(state)
    assert draw() == first


def test_numbers_drawn_apart_change_none_drawn_after() -> None:
    state = random_state()
    first = draw()
    restore_random_state(state)
    with random_numbers_apart():
        draw()
    assert draw() == first
