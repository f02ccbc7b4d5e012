"""One convolution's tasks: what they store, their banks and kernels, against sums by hand."""

import copy

import pytest
import torch
from torch import Tensor, nn

from piggygan.errors import InputError, TaskNotFoundError, TaskStateError
from piggygan.layers.base_filters import BaseFilters
from piggygan.layers.convolutions import PiggybackConv2d, PiggybackConvTranspose2d
from piggygan.layers.kernels import TaskKernels


def two_tasks(*, transposed: bool = False, groups: int = 1) -> TaskKernels:
    torch.manual_seed(0)
    made: TaskKernels
    if transposed:
        made = PiggybackConvTranspose2d(nn.ConvTranspose2d(4, 6, 3, groups=groups).double(), "base")
    else:
        made = PiggybackConv2d(nn.Conv2d(4, 6, 3, groups=groups).double(), "base")
    made.freeze_task("base")
    made.add_task("new", unconstrained_fraction=1 / 3, init="normal")  # type: ignore[operator]  # of the subclasses
    return made


@pytest.mark.parametrize("frozen", [False, True])
@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("transposed", [False, True])
def test_a_kernel_is_the_sum_that_the_paper_writes(transposed: bool, groups: int, frozen: bool) -> None:
    layer = two_tasks(transposed=transposed, groups=groups)
    if frozen:
        layer.freeze_task("new")
    stored, bank = layer.tensors("new"), layer.own_filters("base")
    assert bank is not None
    rows: list[Tensor] = []
    composed, own, width = (len(stored["factors"]) // groups, len(stored["unconstrained"]) // groups, 6 // groups)
    for group in range(groups):
        for number in range(composed):
            factors = stored["factors"][group * composed + number]
            mixed = [float(factors[n]) * bank[group * width + n] for n in range(width)]
            rows.append(torch.stack(mixed).sum(0))
        rows += list(stored["unconstrained"][group * own : (group + 1) * own])
    kernel = layer.kernel("new").detach()
    if transposed:  # (c_in, c_out / groups, *k): filters second, inside of each group
        kernel = torch.cat([part.transpose(0, 1) for part in kernel.chunk(groups)])
    torch.testing.assert_close(kernel, torch.stack(rows).detach())


def test_the_base_task_is_the_held_convolution_and_looked_up_like_any_other() -> None:
    layer = two_tasks()
    base = layer.of_task("base")
    assert isinstance(base, BaseFilters)
    assert base.module is layer.conv is layer.stored("base")
    assert layer.kernel("base") is layer.conv.weight
    assert (base.sources, base.composed, base.in_channels, base.out_channels) == ((), 0, 4, 6)
    twin = copy.deepcopy(layer)
    assert twin.of_task("base").module is twin.conv is not layer.conv
    with pytest.raises(TaskNotFoundError, match="did you mean 'new'"):
        layer.of_task("nev")


def test_names_are_kept_as_state_dicts_have_them() -> None:
    assert list(two_tasks().state_dict()) == [
        "_extra_state",
        "conv.weight",
        "conv.bias",
        "by_task.task_new.unconstrained",
        "by_task.task_new.bias",
        "by_task.task_new.factors",
    ]


def test_what_is_stored_goes_out_and_in_again() -> None:
    layer, other = two_tasks(transposed=True, groups=2), two_tasks(transposed=True, groups=2)
    given = {name: torch.randn_like(tensor) for name, tensor in layer.tensors("new").items()}
    layer.load_tensors("new", given)
    other.load_tensors("new", layer.tensors("new"))
    torch.testing.assert_close(layer.tensors("new"), given)
    assert torch.equal(layer.kernel("new"), other.kernel("new"))


def test_frozen_is_frozen_and_only_once_and_never_of_what_is_no_number() -> None:
    layer = two_tasks()
    with torch.no_grad():
        layer.of_task("new").bias[0] = torch.nan  # type: ignore[index]
    with pytest.raises(InputError, match="bias has 1 of 6 numbers"):
        layer.freeze_task("new")
    assert not layer.is_frozen("new")
    layer.load_tensors("new", {"bias": torch.zeros(6, dtype=torch.float64)})
    layer.freeze_task("new")
    assert not list(layer.parameters())
    with pytest.raises(TaskStateError, match="frozen already"):
        layer.freeze_task("new")


def test_a_kernel_that_is_seen_once_takes_no_place_in_the_cache() -> None:
    layer = two_tasks()
    layer.freeze_task("new")
    seen = layer.kernel_seen_once("new")
    assert len(layer.cache) == 0
    assert torch.equal(seen, layer.kernel("new"))
    assert len(layer.cache) == 1
    layer.double()  # which moves nothing, but might have
    assert len(layer.cache) == 0


def test_a_removed_task_is_gone_and_the_base_task_stays() -> None:
    layer = two_tasks()
    layer.remove_task("new")
    assert layer.tasks == ("base",)
    for task in ("new", "base"):
        with pytest.raises(TaskNotFoundError):
            layer.remove_task(task)
    assert layer.is_frozen("base")
