"""What a new task may mix: columns, rows and mixtures against loops by hand."""

import pytest
import torch
from torch import Tensor, nn

from piggygan.errors import TaskStateError
from piggygan.layers.bank import Bank
from piggygan.layers.base_filters import BaseFilters
from piggygan.layers.convolutions import PiggybackConv2d


def layer(groups: int = 1) -> PiggybackConv2d:
    made = PiggybackConv2d(nn.Conv2d(4, 8, 3, groups=groups, bias=False).double(), "base")
    made.freeze_task("base")
    for task in ("b", "c"):
        made.add_task(task, draws_on=["base"], unconstrained_fraction=0.5, init="normal")
        made.freeze_task(task)
    return made


@pytest.mark.parametrize("groups", [1, 2])
def test_the_rows_are_each_groups_filters_the_oldest_tasks_first(groups: int) -> None:
    made = layer(groups)
    bank = made.bank_of(("base", "c"))
    own = [made.own_filters(task) for task in ("base", "c")]
    for group in range(groups):
        wanted = [
            filters[group * len(filters) // groups + number].flatten()
            for filters in own
            if filters is not None
            for number in range(len(filters) // groups)
        ]
        assert torch.equal(bank.rows()[group], torch.stack(wanted))
    assert bank.width == 12 // groups
    assert bank.columns == {"base": slice(0, 8 // groups), "c": slice(8 // groups, 12 // groups)}


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("task", ["base", "b", "c"])
def test_mixtures_of_the_rows_are_the_tasks_kernel(groups: int, task: str) -> None:
    made = layer(groups)
    bank = made.bank_of(("base", "b", "c"))
    found: Tensor = bank.mixtures(task, made.of_task(task)) @ bank.rows()
    torch.testing.assert_close(found.flatten(0, 1), made.kernel(task).flatten(1), rtol=1e-12, atol=1e-12)


def test_a_task_made_of_others_than_the_bank_has_is_refused() -> None:
    made = layer()
    with pytest.raises(TaskStateError, match="a task that starts from 'b' has to draw on base too"):
        made.bank_of(("b", "c")).mixtures("b", made.of_task("b"))


def test_the_score_of_a_filter_is_its_square_times_the_squares_it_is_used_with() -> None:
    conv = nn.Conv2d(1, 3, 1, bias=False)
    with torch.no_grad():
        conv.weight.copy_(torch.tensor([1.0, 2.0, 3.0]).reshape(3, 1, 1, 1))
    bank, filters = Bank({"base": conv.weight}, groups=1), BaseFilters(conv)
    assert bank.usefulness([("base", filters)]).tolist() == [1.0, 4.0, 9.0]
    assert bank.usefulness([("base", filters)] * 2).tolist() == [2.0, 8.0, 18.0]
    assert bank.usefulness([]).tolist() == [0.0, 0.0, 0.0]


def test_a_bank_of_nothing_has_no_width() -> None:
    assert Bank({}, groups=2).width == 0
