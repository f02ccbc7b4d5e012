"""What is familiar to a task: a shrunken covariance, a threshold with its false alarms, nothing of a single film."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from piggygan.errors import InputError
from piggygan.evaluation.familiarity import FEWEST, Familiarity, bottleneck_of, shrunk
from piggygan.model.generator import MultiTaskGenerator
from piggygan.networks import ResNetGenerator, UNetGenerator


def numbers(count: int, channels: int = 6, seed: int = 0) -> torch.Tensor:
    found = torch.randn(count, channels, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    found[:, 1] += 2 * found[:, 0]  # channels of a network go together
    return found


def test_the_covariance_is_that_of_ledoit_and_wolf_written_out() -> None:
    x = (numbers(30) - numbers(30).mean(0)).numpy()
    sample = sum(np.outer(row, row) for row in x) / len(x)
    middle = np.trace(sample) / 6 * np.eye(6)
    scatter = sum(((np.outer(row, row) - sample) ** 2).sum() for row in x) / len(x) ** 2
    share = min(scatter, ((sample - middle) ** 2).sum()) / ((sample - middle) ** 2).sum()
    assert 0.01 < share < 1
    np.testing.assert_allclose(shrunk(torch.from_numpy(x)).numpy(), share * middle + (1 - share) * sample, rtol=1e-12)


def test_of_more_channels_than_pictures_distances_are_finite_and_of_new_pictures_larger() -> None:
    found = Familiarity.of(numbers(20, 50), numbers(20, 50, seed=1))
    assert found is not None
    assert bool(found.distances(numbers(20, 50)).isfinite().all())
    assert found.distances(numbers(20, 50)).mean() < found.distances(numbers(20, 50, seed=2)).mean()


def test_one_in_twenty_like_pictures_is_called_unlike() -> None:
    rates = []
    for seed in range(40):
        found = Familiarity.of(numbers(200, seed=3 * seed), numbers(39, seed=3 * seed + 1))
        assert found is not None
        rates.append(float((found.distances(numbers(500, seed=3 * seed + 2)) > found.threshold).double().mean()))
    assert 0.03 < sum(rates) / len(rates) < 0.07


def test_what_breaks_how_channels_go_together_is_unlike_though_each_is_usual() -> None:
    found = Familiarity.of(numbers(200), numbers(50, seed=1))
    assert found is not None
    together, against = torch.zeros(6), torch.zeros(6)
    together[:2] = torch.tensor([1.5, 3.0])
    against[:2] = torch.tensor([1.5, -3.0])
    assert found.distance(together) < found.threshold < found.distance(against)


@pytest.mark.parametrize("counts", [(FEWEST - 1, FEWEST), (FEWEST, FEWEST - 1)])
def test_of_too_few_pictures_nothing_is_kept(counts: tuple[int, int]) -> None:
    assert Familiarity.of(numbers(counts[0]), numbers(counts[1])) is None
    assert Familiarity.of(numbers(FEWEST), numbers(FEWEST, seed=1)) is not None


def test_of_features_that_are_no_numbers_or_too_many_nothing_is_kept() -> None:
    assert Familiarity.of(numbers(20), numbers(20) * math.inf) is None
    assert Familiarity.of(torch.zeros(20, 2049), torch.zeros(20, 2049)) is None


def test_a_channel_that_never_moved_is_unlike_when_it_does() -> None:
    still, moved = numbers(40), numbers(1)[0]
    still[:, 3], moved[3] = 1.0, 2.0
    found = Familiarity.of(still[:20], still[20:])
    assert found is not None
    assert found.distance(moved) > found.threshold


def test_it_comes_back_from_an_attachment_and_no_picture_is_in_it() -> None:
    found = Familiarity.of(numbers(30), numbers(20, seed=1))
    assert found is not None
    tensors = found.as_tensors()
    back = Familiarity.of_tensors(tensors)
    assert torch.equal(back.distances(numbers(9)), found.distances(numbers(9)))
    assert back.threshold == found.threshold
    # None of its sizes is that of the pictures.
    assert {name: tuple(tensor.shape) for name, tensor in tensors.items()} == {
        "mean": (6,), "scale": (6,), "correlation": (6, 6), "threshold": (1,),
    }  # fmt: skip


@pytest.mark.parametrize("name", ["mean", "scale", "correlation", "threshold"])
def test_another_attachment_is_refused(name: str) -> None:
    found = Familiarity.of(numbers(30), numbers(20, seed=1))
    assert found is not None
    tensors = found.as_tensors()
    for other in (None, torch.zeros(3), -tensors[name]):
        if name == "mean" and other is not None and other.shape == tensors[name].shape:
            continue  # which is a mean as well
        changed = {key: value for key, value in tensors.items() if key != name}
        with pytest.raises(InputError, match="attachment 'features'"):
            Familiarity.of_tensors(changed if other is None else {**changed, name: other})


def test_other_channels_are_refused() -> None:
    found = Familiarity.of(numbers(30), numbers(20, seed=1))
    assert found is not None
    with pytest.raises(InputError, match="features have 5 channels; those of the task have 6"):
        found.distance(torch.zeros(5))


@pytest.mark.parametrize(("generator", "channels"), [(UNetGenerator(depth=3, width=4), 16),
                                                     (ResNetGenerator(width=2, blocks=2), 8)])  # fmt: skip
def test_the_narrowest_layer_is_watched_and_outputs_stay_the_same_bits(
    generator: torch.nn.Module, channels: int
) -> None:
    model, pictures = MultiTaskGenerator(generator, "facades").eval(), torch.rand(2, 3, 16, 16)
    with torch.inference_mode():
        before = model(pictures, task="facades")
        with bottleneck_of(model) as bottleneck:
            during = model(pictures, task="facades")
        assert torch.equal(before.view(torch.int32), during.view(torch.int32))
        assert tuple(bottleneck.features.shape) == (2, channels)
        seen = bottleneck.features
        model(pictures * 0, task="facades")
        assert torch.equal(bottleneck.features, seen)  # nobody watches any more


def test_a_network_that_was_not_called_has_no_features() -> None:
    model = MultiTaskGenerator(UNetGenerator(depth=3, width=4), "facades")
    with bottleneck_of(model) as bottleneck, pytest.raises(InputError, match="was not called"):
        _ = bottleneck.features
