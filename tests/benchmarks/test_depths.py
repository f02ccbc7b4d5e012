"""The networks that are measured are those that the tables name."""

import pytest

from benchmarks.depths import unet_depth
from piggygan.errors import ConfigurationError


@pytest.mark.parametrize(("size", "depth"), [(16, 4), (128, 7), (96, 5), (256, 8), (1024, 8)])
def test_a_u_net_halves_an_image_as_often_as_it_goes(size: int, depth: int) -> None:
    assert unet_depth(size) == depth


@pytest.mark.parametrize("size", [100, 200, 1, 0, 8, 250])
def test_a_size_that_makes_no_u_net_is_not_measured_as_one(size: int) -> None:
    with pytest.raises(ConfigurationError, match="no U-Net to measure"):
        unet_depth(size)
