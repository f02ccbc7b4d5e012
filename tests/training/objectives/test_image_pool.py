"""The pool against its description: Zhu et al. 2017, section 4."""

import math

import pytest
import torch
from torch import Tensor

from piggygan.errors import ConfigurationError
from piggygan.training import ImagePool


def image(number: float) -> Tensor:
    return torch.full((1, 1, 1, 1), float(number))


def test_a_pool_that_is_not_full_gives_every_image_back_and_keeps_it() -> None:
    pool = ImagePool(4)
    batch = torch.arange(4.0).view(4, 1, 1, 1)
    assert torch.equal(pool.exchange(batch), batch)
    assert [value.item() for value in pool.state().values()] == [0.0, 1.0, 2.0, 3.0]


def test_a_full_pool_swaps_half_of_the_images_for_any_of_its_own_alike() -> None:
    torch.manual_seed(3)
    size, draws = 10, 20_000
    pool = ImagePool(size)
    pool.exchange(torch.arange(float(size)).view(size, 1, 1, 1))
    swaps, places = 0, torch.zeros(size)
    for number in range(size, size + draws):
        before = [value.item() for value in pool.state().values()]
        given = pool.exchange(image(number)).flatten()[0].item()
        after = [value.item() for value in pool.state().values()]
        if given == number:
            assert after == before
        else:
            place = before.index(given)
            assert after == [*before[:place], number, *before[place + 1 :]]
            swaps += 1
            places[place] += 1
    # Within five standard deviations of a fair coin, and of a fair die of ten sides (chi squared, 9 degrees).
    assert abs(swaps - draws / 2) < 5 * math.sqrt(draws) / 2
    assert ((places - swaps / size) ** 2 / (swaps / size)).sum() < 9 + 5 * math.sqrt(18)


def test_no_pool_gives_every_image_back_and_draws_nothing() -> None:
    pool = ImagePool(0)
    before = torch.get_rng_state()
    assert pool.exchange(image(1)).tolist() == image(1).tolist()
    assert len(pool) == 0
    assert torch.equal(torch.get_rng_state(), before)


def test_what_comes_out_has_no_gradient_and_is_not_changed_by_who_gave_it() -> None:
    pool = ImagePool(1)
    given = image(1).requires_grad_()
    assert not pool.exchange(given).requires_grad
    with torch.no_grad():
        given.zero_()
    assert pool.state()["0"].tolist() == image(1)[0].tolist()


def test_an_image_that_is_not_finite_is_never_kept() -> None:
    pool = ImagePool(2)
    pool.exchange(image(1))
    assert pool.exchange(image(float("nan"))).isnan().all()
    assert len(pool) == 1


def test_a_pool_goes_on_in_the_order_it_had() -> None:
    pool, other = ImagePool(12), ImagePool(12)
    pool.exchange(torch.arange(12.0).view(12, 1, 1, 1))
    other.load_state(dict(sorted(pool.state().items())))  # "10" comes before "2" in a file
    assert [value.item() for value in other.state().values()] == list(range(12))


def test_a_size_below_zero_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="pool_size is -1"):
        ImagePool(-1)
