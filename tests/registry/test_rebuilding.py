from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import nn

from piggygan.errors import BankMismatchError
from piggygan.model.generator import MultiTaskGenerator
from piggygan.model.wrapping import Wrapping
from piggygan.registry.rebuilding import (
    building_order,
    needed_tasks,
    rebuild_base,
    rebuild_task,
    settings_of,
)


def test_needed_is_what_is_drawn_on_and_what_that_draws_on() -> None:
    sources = {"base": (), "a": ("base",), "b": ("base",), "c": ("a",), "d": ("b", "c")}
    assert needed_tasks(["c"], sources) == ("base", "a", "c")
    assert needed_tasks(["d"], sources) == ("base", "a", "b", "c", "d")
    assert needed_tasks([], sources) == ()


def test_a_long_chain_needs_no_recursion() -> None:
    sources = {"0": (), **{str(i): (str(i - 1),) for i in range(1, 3000)}}
    assert len(needed_tasks(["2999"], sources)) == 3000


def test_tasks_stay_in_the_order_of_their_commits_where_banks_allow_it() -> None:
    sources = {"base": (), "b": ("base",), "a": ("base",), "z": ("base", "b")}
    assert building_order(sources) == ("base", "b", "a", "z")


def test_a_bank_decides_the_order_of_its_tasks() -> None:
    sources = {"base": (), "b": ("base",), "a": ("base",), "c": ("base", "a", "b")}
    assert building_order(sources) == ("base", "a", "b", "c")


def test_two_banks_in_opposite_orders_are_refused() -> None:
    sources = {"base": (), "a": ("base",), "b": ("base",), "c": ("base", "a", "b"), "d": ("base", "b", "a")}
    with pytest.raises(BankMismatchError, match=r"no model can hold a, b, c, d together"):
        building_order(sources)


def test_a_task_comes_back_the_same(model: MultiTaskGenerator, make_generator: Callable[[], nn.Sequential]) -> None:
    again = rebuild_base(make_generator(), "facades", model.wrapping, model.task_tensors("facades"))
    for task in ("edges", "lungs"):
        described = model.describe_task(task)
        rebuild_task(again, task, described.draws_on, settings_of(model, task), model.task_tensors(task))
        assert again.describe_task(task) == described
    images = torch.rand(2, 1, 16, 16)
    assert again(images, task="lungs").numpy().tobytes() == model(images, task="lungs").detach().numpy().tobytes()
    assert not any(module.training for module in again.modules())


def test_every_way_to_build_a_task_is_repeated(make_generator: Callable[[], nn.Sequential]) -> None:
    for arguments in (
        {"unconstrained_fraction": 0.0},
        {"unconstrained_fraction": 1.0},
        {"unconstrained_fraction": 0.3, "output_layer_unconstrained": False},
        {"unconstrained_fraction": 0.0, "output_layer_unconstrained": False},
        {"out_channels": 5, "in_channels": 2},
        {"init": "normal", "factor_step": 3.0},
    ):
        model = MultiTaskGenerator(make_generator(), "facades")
        model.freeze_task("facades")
        model.add_task("lungs", **arguments)
        model.freeze_task("lungs")
        again = rebuild_base(make_generator(), "facades", model.wrapping, model.task_tensors("facades"))
        rebuild_task(again, "lungs", ("facades",), settings_of(model, "lungs"), model.task_tensors("lungs"))
        there, here = model.task_tensors("lungs"), again.task_tensors("lungs")
        assert {name: t.numpy().tobytes() for name, t in here.items()} == {
            name: t.numpy().tobytes() for name, t in there.items()
        }


def test_a_generator_that_is_one_convolution_is_rebuilt() -> None:
    model = MultiTaskGenerator(nn.Conv2d(3, 8, 3), "facades")
    model.freeze_task("facades")
    model.add_task("lungs", output_layer_unconstrained=False)
    model.freeze_task("lungs")
    assert settings_of(model, "lungs").output_layer_unconstrained is False
    again = rebuild_base(nn.Conv2d(3, 8, 3), "facades", model.wrapping, model.task_tensors("facades"))
    rebuild_task(again, "lungs", ("facades",), settings_of(model, "lungs"), model.task_tensors("lungs"))
    assert again.tasks == ("facades", "lungs")


def test_a_task_whose_bank_lacks_what_its_sources_are_made_of_is_rebuilt(
    make_generator: Callable[[], nn.Sequential], learn: Callable[[MultiTaskGenerator, str], None]
) -> None:
    model = MultiTaskGenerator(make_generator(), "facades")
    model.freeze_task("facades")
    model.add_task("edges")
    learn(model, "edges")
    model.add_task("lungs", draws_on=["edges"], init="normal")
    learn(model, "lungs")
    model.eval()
    again = rebuild_base(make_generator(), "facades", model.wrapping, model.task_tensors("facades"))
    for task in ("edges", "lungs"):
        sources = model.describe_task(task).draws_on
        rebuild_task(again, task, sources, settings_of(model, task), model.task_tensors(task))
    images = torch.rand(2, 3, 16, 16)
    assert torch.equal(again(images, task="lungs"), model(images, task="lungs"))


@pytest.mark.parametrize("problem", ["missing", "extra", "shape", "type"])
def test_c06_tensors_that_do_not_fit_are_named_and_nothing_is_added(model: MultiTaskGenerator, problem: str) -> None:
    again = rebuild_base(model.fold_task("facades"), "facades", model.wrapping, model.task_tensors("facades"))
    tensors = model.task_tensors("edges")
    name = "0.unconstrained"
    if problem == "missing":
        del tensors[name]
    elif problem == "extra":
        tensors["0.more"] = torch.zeros(1)
    else:
        tensors[name] = tensors[name][:1] if problem == "shape" else tensors[name].double()
    with pytest.raises(BankMismatchError, match=r"task 'edges' does not belong.*0\.(unconstrained|more) is"):
        rebuild_task(again, "edges", ("facades",), settings_of(model, "edges"), tensors)
    assert again.tasks == ("facades",)


def test_a_bank_that_is_missing_or_would_be_in_another_order_is_refused(model: MultiTaskGenerator) -> None:
    again = rebuild_base(model.fold_task("facades"), "facades", model.wrapping, model.task_tensors("facades"))
    with pytest.raises(BankMismatchError, match="edges"):
        rebuild_task(again, "lungs", ("facades", "edges"), settings_of(model, "lungs"), model.task_tensors("lungs"))
    rebuild_task(again, "edges", ("facades",), settings_of(model, "edges"), model.task_tensors("edges"))
    with pytest.raises(BankMismatchError, match="its bank would be facades, edges"):
        rebuild_task(again, "lungs", ("edges", "facades"), settings_of(model, "lungs"), model.task_tensors("lungs"))
    assert again.tasks == ("facades", "edges")


def test_a_base_of_another_generator_is_refused(model: MultiTaskGenerator) -> None:
    with pytest.raises(BankMismatchError, match="'facades' does not belong to this generator"):
        rebuild_base(nn.Sequential(nn.Conv2d(3, 8, 3)), "facades", Wrapping("0", "0"), model.task_tensors("facades"))
    with pytest.raises(BankMismatchError, match="output_layer '7'"):
        rebuild_base(nn.Sequential(nn.Conv2d(3, 8, 3)), "facades", Wrapping("7", "0"), model.task_tensors("facades"))


def test_the_callers_random_numbers_are_not_used_up(model: MultiTaskGenerator) -> None:
    again = rebuild_base(model.fold_task("facades"), "facades", model.wrapping, model.task_tensors("facades"))
    torch.manual_seed(3)
    expected = torch.rand(2).tolist()
    torch.manual_seed(3)
    rebuild_task(again, "edges", ("facades",), settings_of(model, "edges"), model.task_tensors("edges"))
    assert torch.rand(2).tolist() == expected


@pytest.mark.parametrize(("name", "channels"), [("in_channels", 2**16), ("out_channels", 2**16)])
def test_17_08_channels_are_held_against_what_is_stored_before_memory_is_taken(
    model: MultiTaskGenerator, name: str, channels: int
) -> None:
    settings = replace(settings_of(model, "lungs"), **{name: channels})
    tensors = model.task_tensors("lungs")
    model.remove_task("lungs")
    tracked: list[int] = []
    real = torch.empty

    def noted(*sizes: Any, **rest: Any) -> torch.Tensor:
        made = real(*sizes, **rest)
        tracked.append(made.numel())
        return made

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(torch, "empty", noted)
        with pytest.raises(BankMismatchError, match=f"its {name} of {channels} would need [0-9]+ weights in"):
            rebuild_task(model, "lungs", ("facades", "edges"), settings, tensors)
    assert max(tracked, default=0) < channels
    assert model.tasks == ("facades", "edges")
