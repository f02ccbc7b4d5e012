"""Freezing: no optimizer reaches what is frozen, and only numbers are kept for ever."""

import pytest
import torch
from torch import Tensor, nn

from piggygan.errors import InputError
from piggygan.layers.freezing import check_finite, freeze, handed_out, moves, same_bytes, thaw


def block() -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(2, 3, 1), nn.BatchNorm2d(3))


def test_an_optimizer_that_still_holds_the_parameters_moves_nothing() -> None:
    module = block().train()
    optimizer = torch.optim.Adam(module.parameters(), lr=1.0, weight_decay=0.1)
    module(torch.randn(2, 2, 4, 4)).sum().backward()
    freeze(module)
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    optimizer.step()
    assert not list(module.parameters())
    assert not any(part.training for part in module.modules())
    assert all(torch.equal(tensor, before[name]) for name, tensor in module.state_dict().items())


def test_thawing_undoes_freezing_for_the_named_tensors_only() -> None:
    module = block()
    names = [name for name, _ in module.named_parameters()]
    freeze(module)
    kept = module.get_buffer("0.weight")
    thaw(module, names[1:])
    assert [name for name, _ in module.named_parameters()] == names[1:]
    assert module.get_buffer("0.weight") is kept
    thaw(module, names)
    assert {name for name, _ in module.named_parameters()} == set(names)
    assert "1.running_mean" in dict(module.named_buffers())


def test_frozen_in_inference_mode_can_be_trained_through() -> None:
    module = nn.Conv2d(1, 1, 1)
    with torch.inference_mode():
        freeze(module)
    assert not any(buffer.is_inference() for buffer in module.buffers())


@pytest.mark.parametrize(
    ("name", "value", "learned", "refused"),
    [
        ("weight", float("nan"), None, True),
        ("weight", float("inf"), None, True),
        ("mask", float("-inf"), (), False),
        ("mask", float("nan"), (), True),
        ("norm.running_var", float("inf"), (), True),
        ("weight", float("inf"), ("weight",), True),
    ],
)
def test_only_constants_may_hold_infinities(
    name: str, value: float, learned: tuple[str, ...] | None, refused: bool
) -> None:
    tensors = {name: torch.tensor([0.0, value])}
    if not refused:
        check_finite(tensors, "attention", learned)
        return
    with pytest.raises(InputError, match=rf"attention\.{name} has 1 of 2 numbers"):
        check_finite(tensors, "attention", learned)
    assert moves(name, learned) or value != value


def test_a_finite_tensor_whose_sum_overflows_is_finite() -> None:
    check_finite({"weight": torch.full((4,), 3e38)}, "")


def test_frozen_tensors_are_handed_out_as_copies() -> None:
    tensor: Tensor = torch.zeros(2)
    handed_out(tensor, is_frozen=True).add_(1)
    assert tensor.tolist() == [0.0, 0.0]
    assert handed_out(tensor, is_frozen=False) is tensor
    assert handed_out("reflect", is_frozen=True) == "reflect"


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16, torch.int64, torch.bool])
def test_bytes_are_compared_and_not_values(dtype: torch.dtype) -> None:
    one = torch.tensor([[0, 1], [1, 0]]).to(dtype)
    assert same_bytes(one, one.T)
    assert not same_bytes(one, 1 - one if dtype != torch.bool else ~one)
    if dtype.is_floating_point:
        assert not same_bytes(torch.zeros(2, dtype=dtype), -torch.zeros(2, dtype=dtype))
        assert same_bytes(torch.full((1,), float("nan"), dtype=dtype), torch.full((1,), float("nan"), dtype=dtype))
