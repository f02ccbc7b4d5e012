"""A batch in float64, for comparison with formulas."""

from typing import Any

import pytest
import torch


@pytest.fixture
def batch(make_pair: Any) -> Any:
    random = torch.Generator().manual_seed(3)
    images = torch.rand(2, 1, 3, 4, generator=random, dtype=torch.float64) * 2 - 1
    masks = torch.randint(0, 2, (2, 1, 3, 4), generator=random).double() * 2 - 1
    return make_pair(images, masks, ["a", "b"])
