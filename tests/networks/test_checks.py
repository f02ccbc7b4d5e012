"""What networks and their training refuse."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from piggygan.errors import ConfigurationError, InputError
from piggygan.networks.checks import check_at_least, check_images, check_positive, check_share, check_weight

NOT_FINITE = (float("nan"), float("inf"), -float("inf"))


@pytest.mark.parametrize(
    ("check", "good", "bad"),
    [
        (lambda **given: check_at_least(2, **given), (2, 3, 10**9), (1, -2, 2.0, True, "2", None)),
        (check_weight, (0, 0.0, 1e-300, 7), (-1e-300, -1, *NOT_FINITE)),
        (check_positive, (1e-300, 7), (0, 0.0, -1, *NOT_FINITE)),
        (check_share, (0, 0.5, 1), (-1e-9, 1 + 1e-9, *NOT_FINITE)),
    ],
    ids=["at least", "weight", "positive", "share"],
)
def test_a_number_outside_its_range_is_refused_by_the_arguments_name(
    check: Callable[..., None], good: tuple[Any, ...], bad: tuple[Any, ...]
) -> None:
    for number in good:
        check(first=number, second=number)
    for number in bad:
        with pytest.raises(ConfigurationError, match=r"^second is "):
            check(first=good[0], second=number)


@given(height=st.integers(1, 40), width=st.integers(1, 40), multiple=st.integers(1, 8), smallest=st.integers(1, 16))
def test_images_are_taken_when_both_sides_are_multiples_and_large_enough(
    height: int, width: int, multiple: int, smallest: int
) -> None:
    images = torch.zeros(1, 3, height, width)
    is_right = all(side % multiple == 0 and side >= smallest for side in (height, width))
    if is_right:
        check_images(images, multiple=multiple, smallest=smallest, network="UNetGenerator")
    else:
        with pytest.raises(InputError, match=f"^UNetGenerator needs sides .* input is {height} x {width}"):
            check_images(images, multiple=multiple, smallest=smallest, network="UNetGenerator")


@pytest.mark.parametrize(
    ("images", "way_out"),
    [
        (torch.zeros(3, 8, 8), r"image\[None\]"),
        (torch.zeros(1, 3, 8, 8, dtype=torch.uint8), r"images / 127\.5 - 1"),
    ],
)
def test_what_is_no_batch_of_float_images_is_refused_with_the_way_out(images: torch.Tensor, way_out: str) -> None:
    with pytest.raises(InputError, match=way_out):
        check_images(images, multiple=1, smallest=1, network="UNetGenerator")
