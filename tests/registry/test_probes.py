"""Whatever a generator is called with and returns is named tensors, or refused."""

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from piggygan.errors import InputError
from piggygan.registry.probes import arguments, checked_probe, end_to_end, is_probe

IMAGES = torch.rand(2, 3, 8, 8)


def test_images_a_tuple_and_a_dictionary_get_their_names_and_are_copies() -> None:
    assert list(checked_probe(IMAGES, 2)) == ["inputs"]
    assert list(checked_probe((IMAGES, torch.tensor([1])), 2)) == ["inputs", "inputs.1"]
    assert list(checked_probe({"timestep": torch.tensor([1])}, 2)) == ["inputs.timestep"]
    copied = checked_probe(IMAGES.permute(0, 1, 3, 2), 2)["inputs"]
    assert copied.is_contiguous()
    assert torch.equal(copied, IMAGES.permute(0, 1, 3, 2))
    assert copied.data_ptr() != IMAGES.data_ptr()


@pytest.mark.parametrize(
    ("probe", "axes", "message"),
    [
        ((), 2, "it is empty"),
        ({}, 2, "it is empty"),
        ((IMAGES, 10), 2, r"inputs\.1 is int"),
        ({"timestep": "ten"}, 2, r"inputs\.timestep is str"),
        (IMAGES[0], 2, r"shape \(3, 8, 8\); needed are finite floats of shape \(batch, channels, height, width\)"),
        (IMAGES, 1, r"\(batch, channels, positions\)"),
        (IMAGES.long(), 2, "torch.int64"),
        (IMAGES[:0], 2, r"shape \(0, 3, 8, 8\)"),
        (torch.full((1, 3, 8, 8), torch.inf), 2, "finite floats"),
        ((IMAGES, torch.tensor(torch.nan)), 2, "finite floats of shape the generator takes"),
    ],
)
def test_what_is_no_probe_is_refused_by_name(probe: Any, axes: int, message: str) -> None:
    with pytest.raises(InputError, match=message):
        checked_probe(probe, axes)


@given(st.integers(1, 12), st.sets(st.text("abcxyz_", min_size=1, max_size=3), max_size=4))
def test_inputs_come_back_in_their_places_and_by_their_names(count: int, names: set[str]) -> None:
    placed = [torch.tensor(float(place)) for place in range(count)]
    probe = {("inputs" if place == 0 else f"inputs.{place}"): tensor for place, tensor in enumerate(placed)}
    probe |= {f"inputs.{name}": torch.tensor(-1.0) for name in names}
    shuffled = {name: probe[name] for name in sorted(probe, reverse=True)}  # files keep no order
    found, options = arguments(shuffled)
    assert [tensor.item() for tensor in found] == list(range(count))
    assert set(options) == names


@pytest.mark.parametrize(
    ("names", "is_one"),
    [
        ((), False),
        (("inputs",), True),
        (("inputs.1", "inputs.t"), True),
        (("inputs", "outputs"), False),
        (("inputsx",), False),
    ],
)
def test_a_probe_is_known_by_its_names(names: tuple[str, ...], is_one: bool) -> None:
    assert is_probe(names) is is_one


def test_outputs_of_any_nesting_are_laid_end_to_end_in_order() -> None:
    one, two = torch.ones(1, 2), torch.zeros(3)
    assert end_to_end([one, {"a": (two, None), "b": one}]).tolist() == [1, 1, 0, 0, 0, 1, 1]  # type: ignore[union-attr]
    assert end_to_end(one.t()).shape == (2, 1)  # type: ignore[union-attr]  # one tensor keeps its shape


@pytest.mark.parametrize("outputs", [None, 1.0, "text", [], {}, torch.ones(1, dtype=torch.int64), [torch.ones(1), 2]])
def test_outputs_that_are_not_all_floats_are_none(outputs: Any) -> None:
    assert end_to_end(outputs) is None
