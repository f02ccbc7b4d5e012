"""The tensors of a task in all layers at once: out, in, finite, unmoved."""

import pytest
import torch
from torch import nn

import piggygan as pg
from piggygan.errors import (
    FrozenTaskError,
    InputError,
)
from piggygan.model.task_tensors import check_layers_unmoved, check_same_form, constants
from tests.model.small import everything, two_tasks


def test_tensors_go_out_and_in_again() -> None:
    model, other = two_tasks(), two_tasks()
    for parameter in model.task_parameters("lungs"):
        nn.init.normal_(parameter)
    other.load_task_tensors("lungs", model.task_tensors("lungs"))
    assert everything(other) == everything(model)


@pytest.mark.parametrize("change", ["missing", "extra", "shape", "type"])
def test_c06_tensors_of_another_form_are_refused(change: str) -> None:
    model = two_tasks()
    tensors, before = model.task_tensors("lungs"), everything(model)
    if change == "missing":
        tensors.pop("0.bias")
    elif change == "extra":
        tensors["9.bias"] = torch.zeros(3)
    elif change == "shape":
        tensors["0.bias"] = torch.zeros(9)
    else:
        tensors["0.bias"] = tensors["0.bias"].double()
    with pytest.raises(InputError, match=r"bias"):
        model.load_task_tensors("lungs", tensors)
    assert everything(model) == before


def test_tensors_that_one_layer_refuses_are_loaded_into_none() -> None:
    layers = (nn.Conv2d(3, 8, 3), nn.Conv2d(8, 8, 3), nn.Conv2d(8, 8, 3), nn.Conv2d(8, 3, 1))
    model = pg.MultiTaskGenerator(nn.Sequential(*layers), "one")
    for name in ("two", "three"):
        model.freeze_task(model.tasks[-1])
        model.add_task(name, max_bank=1.0, unconstrained_fraction={"*": 0.25})
    before = {name: tensor.clone() for name, tensor in model.task_tensors("three").items()}
    picks = [name for name in before if name.endswith("picked")]
    assert len(picks) > 1
    bad = {name: tensor + 1 for name, tensor in before.items() if name not in picks}
    with pytest.raises(InputError, match="rising numbers"):
        model.load_task_tensors("three", {**before, **bad, picks[-1]: before[picks[-1]].flip(0)})
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.task_tensors("three").items())


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
@pytest.mark.parametrize("place", ["0.weight", "1.running_var", "1.weight", "2.bias"])
def test_a_task_that_is_not_finite_cannot_be_frozen(place: str, bad: float) -> None:
    generator = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4), nn.Conv2d(4, 3, 1))
    model = pg.MultiTaskGenerator(generator, "facades")
    tensor = model.task_tensors("facades")[place]
    tensor.view(-1)[0] = bad
    with pytest.raises(InputError, match=rf"{place} has 1 of {tensor.numel()} numbers that are NaN or infinite"):
        model.freeze_task("facades")
    assert not model.describe_task("facades").is_frozen
    assert all(not layer.is_frozen("facades") for layer in model.layers.values() if hasattr(layer, "is_frozen"))
    tensor.view(-1)[0] = 1.0
    model.freeze_task("facades")


class Masked(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mask", torch.full((4, 4), -float("inf")).triu(1))


def test_a_constant_mask_of_infinities_is_no_divergence() -> None:
    model = pg.MultiTaskGenerator(nn.Sequential(nn.Conv2d(3, 4, 1), Masked(), nn.Conv2d(4, 3, 1)), "facades")
    model.freeze_task("facades")


def test_constants_are_what_no_training_moves() -> None:
    generator = nn.Sequential(nn.Conv2d(3, 4, 1), Masked(), nn.BatchNorm2d(4), nn.Conv2d(4, 3, 1))
    model = pg.MultiTaskGenerator(generator, "facades")
    assert constants(model.layers, "facades") == {"1.mask", "2.num_batches_tracked"}


def test_of_many_layers_that_moved_five_are_named_and_the_rest_counted() -> None:
    model = pg.MultiTaskGenerator(nn.Sequential(*(nn.Conv2d(3, 3, 1) for _ in range(7))), "facades")
    model.freeze_task("facades")
    check_layers_unmoved(model.layers, ["facades"])
    for tensor in model.task_tensors("facades").values():
        tensor.add_(1.0)
    with pytest.raises(FrozenTaskError, match=r"'facades' at 4 has other values; and 2 more\. ") as caught:
        check_layers_unmoved(model.layers, ["facades"])
    assert "at 5" not in str(caught.value)
    check_layers_unmoved(model.layers, [])


def test_of_many_differences_ten_are_named_and_the_rest_counted() -> None:
    expected = {f"{number:02}": torch.zeros(1) for number in range(12)}
    check_same_form(expected, {name: torch.ones(1) for name in expected})
    with pytest.raises(InputError, match=r"09 is missing, and 2 more\.$"):
        check_same_form(expected, {})
    with pytest.raises(InputError, match=r"00 is torch.int64 \(2,\), needed torch.float32 \(1,\); 12 is not known\.$"):
        check_same_form(expected, {**expected, "00": torch.tensor([1, 2]), "12": torch.zeros(1)})


def test_a_root_that_is_a_layer_itself_has_tensors_without_a_path() -> None:
    model = pg.MultiTaskGenerator(nn.Conv2d(3, 3, 1), "facades")
    tensors = {name: torch.full_like(tensor, 2.0) for name, tensor in model.task_tensors("facades").items()}
    assert set(tensors) == {"weight", "bias"}
    model.load_task_tensors("facades", tensors)
    assert model.task_tensors("facades")["bias"].tolist() == [2.0, 2.0, 2.0]
