import pytest
import torch

from piggygan.errors import ConfigurationError
from piggygan.training import constant_then_linear, make_schedule


def test_a_hundred_constant_and_a_hundred_falling_epochs_are_those_of_cyclegan() -> None:
    factors = [constant_then_linear(epoch, 200, 0.5) for epoch in range(200)]
    assert factors[:100] == [1.0] * 100
    assert factors[100:] == pytest.approx([1 - step / 101 for step in range(1, 101)])


@pytest.mark.parametrize(
    ("epochs", "decay_from", "expected"),
    [
        (4, 1.0, [1, 1, 1, 1]),
        (4, 0.0, [4 / 5, 3 / 5, 2 / 5, 1 / 5]),
        (3, 0.5, [1, 1, 1 / 2]),
        (1, 0.5, [1]),
    ],
)
def test_an_optimizer_follows_the_schedule(epochs: int, decay_from: float, expected: list[float]) -> None:
    optimizer = torch.optim.Adam([torch.nn.Parameter(torch.ones(1))], lr=2e-4)
    schedule = make_schedule(optimizer, epochs, decay_from)
    rates = []
    for _ in range(epochs):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    assert rates == pytest.approx([2e-4 * factor for factor in expected])


@pytest.mark.parametrize(("epochs", "decay_from"), [(0, 0.5), (3, -0.1), (3, 1.1), (3, float("nan"))])
def test_a_schedule_outside_its_range_is_refused(epochs: int, decay_from: float) -> None:
    optimizer = torch.optim.Adam([torch.nn.Parameter(torch.ones(1))])
    with pytest.raises(ConfigurationError):
        make_schedule(optimizer, epochs, decay_from)
