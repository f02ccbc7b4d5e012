"""What one task stores: factors scaled in training, themselves everywhere else."""

import pytest
import torch
from torch import nn

from piggygan.errors import ConfigurationError, TaskStateError
from piggygan.layers.starts import Start
from piggygan.layers.task_filters import TaskFilters


def filters(factor_step: float = 8.0, *, composed: int = 2) -> TaskFilters:
    torch.manual_seed(0)
    factors = torch.randn(composed, 3) if composed else None
    start = Start(factors, torch.randn(1, 2, 1, 1), torch.randn(composed + 1))
    return TaskFilters(start, sources=("base",), factor_step=factor_step, in_channels=2, out_channels=composed + 1)


def test_factors_are_stored_divided_and_mean_themselves() -> None:
    made, plain = filters(), filters(1.0)
    assert made.scaled_factors is not None
    assert torch.equal(made.scaled_factors * 8, made.true_factors())
    assert torch.equal(made.true_factors(), plain.true_factors())
    assert (made.composed, made.bank_width, made.out_channels) == (2, 3, 3)


def test_freezing_keeps_every_value_and_leaves_no_parameter() -> None:
    made = filters()
    before = {name: tensor.clone() for name, tensor in made.tensors().items() if tensor is not None}
    made.freeze()
    assert (list(made.parameters()), made.factor_step, made.is_frozen) == ([], 1.0, True)
    assert {name: tensor.tolist() for name, tensor in made.tensors().items() if tensor is not None} == {
        name: tensor.tolist() for name, tensor in before.items()
    }


@pytest.mark.parametrize("frozen", [False, True])
def test_a_state_dict_has_the_matrix_and_loads_into_any_step(frozen: bool) -> None:
    made, other = filters(8.0), filters(2.0)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.mul_(3)
    if frozen:
        made.freeze()
    state = made.state_dict()
    assert sorted(state) == ["bias", "factors", "unconstrained"]
    other.load_state_dict(state)
    torch.testing.assert_close(other.state_dict(), state, rtol=0, atol=0)
    del state["factors"]
    with pytest.raises(RuntimeError, match=r'Missing key.*"factors"'):
        other.load_state_dict(state)


def test_one_tensor_is_loaded_by_name() -> None:
    made = filters()
    with torch.no_grad():
        made.load("factors", torch.ones(2, 3))
        made.load("bias", torch.ones(3))
    assert made.true_factors().tolist() == [[1.0] * 3] * 2
    assert made.bias is not None
    assert made.bias.tolist() == [1.0] * 3


def test_a_layer_without_composed_filters_has_no_factors() -> None:
    made = filters(composed=0)
    assert (made.composed, made.bank_width, made.tensors()["factors"]) == (0, 0, None)
    with pytest.raises(TaskStateError, match="wholly unconstrained"):
        made.true_factors()


@pytest.mark.parametrize("factor_step", [0.0, -1.0, float("nan"), float("inf")])
def test_a_step_is_a_positive_number(factor_step: float) -> None:
    with pytest.raises(ConfigurationError, match="factor_step is"):
        filters(factor_step)


def test_it_is_shown_with_shapes_and_state() -> None:
    shown = repr(nn.ModuleList([filters()]))
    assert "'factors': (2, 3)" in shown
    assert "sources=('base',), frozen=False" in shown
