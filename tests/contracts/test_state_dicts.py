"""A state dict holds what tasks are, says what they belong to, and goes nowhere else."""

import copy
import io
import json
from collections.abc import Callable
from typing import Any

import pytest
import safetensors.torch
import torch
from torch import Tensor, nn

import piggygan as pg
from piggygan.errors import InputError, PiggyganError

State = dict[str, Any]


def make(
    seed: int = 0,
    *,
    draws_on: tuple[str, ...] = ("facades", "hearts"),
    factor_step: float = 32.0,
    freeze: bool = True,
    base: int = 0,
) -> pg.MultiTaskGenerator:
    """Make facades, hearts and edges, all frozen, then lungs; ``base`` and ``seed`` say which numbers they have."""
    torch.manual_seed(base)
    generator = nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.ConvTranspose2d(8, 8, 4, 2, 1),
        nn.Conv2d(8, 3, 1),
    )
    model = pg.MultiTaskGenerator(generator, "facades")
    model.freeze_task("facades")
    for task in ("hearts", "edges"):
        model.add_task(task, draws_on=["facades"], init="normal", max_bank=None)
        model.freeze_task(task)
    torch.manual_seed(seed)
    model.add_task("lungs", draws_on=draws_on, init="normal", max_bank=None, factor_step=factor_step)
    if freeze:
        model.freeze_task("lungs")
    return model.eval()


def bytes_of(model: nn.Module) -> dict[str, bytes]:
    return {
        name: tensor.detach().numpy().tobytes() for name, tensor in [*model.named_parameters(), *model.named_buffers()]
    }


def outputs(model: pg.MultiTaskGenerator) -> dict[str, Tensor]:
    images = torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(5))
    with torch.no_grad():
        return {task: model(images, task=task) for task in model.tasks}


def through_a_pickle(state: State) -> State:
    file = io.BytesIO()
    torch.save(state, file)
    return torch.load(io.BytesIO(file.getvalue()), weights_only=True)


def as_pix2pix_does(state: State) -> State:
    state = through_a_pickle(state)
    del state._metadata  # type: ignore[attr-defined]  # an OrderedDict of torch's
    return state


WAYS: dict[str, Callable[[State], State]] = {
    "itself": lambda state: state,
    "copied": copy.deepcopy,
    "torch.save": through_a_pickle,
    "torch.save without metadata": as_pix2pix_does,
    "safetensors": lambda state: safetensors.torch.load(safetensors.torch.save(state)),
    "averaged with itself": lambda state: {name: (tensor + tensor) / 2 for name, tensor in state.items()},
    "in float64": lambda state: {name: tensor.double() for name, tensor in state.items()},
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("frozen_there", [False, True], ids=["trained there", "frozen there"])
@pytest.mark.parametrize("frozen_here", [False, True], ids=["trained here", "frozen here"])
def test_a_loaded_task_computes_what_it_did_or_is_refused(way: str, frozen_there: bool, frozen_here: bool) -> None:
    there, here = make(1, base=1, freeze=frozen_there), make(freeze=frozen_here)
    state, before = WAYS[way](there.state_dict()), bytes_of(here)
    if frozen_here and not frozen_there:
        with pytest.raises(InputError, match=r"'lungs' was in training and is frozen here"):
            here.load_state_dict(state)
        assert bytes_of(here) == before
        return
    here.load_state_dict(state)
    expected = outputs(there)
    assert all(torch.equal(output, expected[task]) for task, output in outputs(here).items())
    here.check_frozen()
    if not frozen_here:
        here.freeze_task("lungs")
        assert all(torch.equal(output, expected[task]) for task, output in outputs(here).items())


@pytest.mark.parametrize("factor_step", [1.0, 32.0, 10.0, 0.3])
@pytest.mark.parametrize("freeze", [False, True])
def test_a_state_dict_has_the_matrix_itself(factor_step: float, freeze: bool) -> None:
    model = make(factor_step=factor_step, freeze=freeze)
    state, tensors = model.state_dict(), model.task_tensors("lungs")
    assert torch.equal(state["generator.0.by_task.task_lungs.factors"], tensors["0.factors"])
    assert not any("scaled" in name for name in state)
    before = bytes_of(model)
    model.load_state_dict(state)
    if factor_step in (1.0, 32.0):  # a power of two divides without rounding
        assert bytes_of(model) == before
    torch.testing.assert_close(model.state_dict(), state)


REFUSED: dict[str, tuple[str, Callable[[], pg.MultiTaskGenerator]]] = {
    "draws_on": (
        r"generator\.0: 'lungs' draws on facades, hearts there, on facades, edges here",
        lambda: make(draws_on=("facades", "edges"), freeze=False),
    ),
    "draws_on of a frozen task": (r"'lungs' draws on", lambda: make(draws_on=("facades", "edges"))),
    "factor_step": (r"trained at factor_step 32, here it is 8", lambda: make(factor_step=8.0, freeze=False)),
    "shapes": (r"generator\.0\.by_task\.task_lungs\.factors is \(2, 14\), needed \(2, 8\)", lambda: narrower()),
}


def narrower() -> pg.MultiTaskGenerator:
    model = make(freeze=False)
    model.remove_task("lungs")
    model.add_task("lungs", draws_on=["facades", "hearts"], max_bank=1)
    return model


@pytest.mark.parametrize("what", REFUSED)
def test_what_does_not_fit_is_refused_before_anything_changes(what: str) -> None:
    message, make_other = REFUSED[what]
    frozen = what == "draws_on of a frozen task"
    here, state, before = make_other(), make(1, base=1, freeze=frozen).state_dict(), None
    for network in (here, here.generator, nn.ModuleDict({"netG": here})):
        before = bytes_of(here)
        given = (
            {name.removeprefix("generator."): t for name, t in state.items()} if network is here.generator else state
        )
        if isinstance(network, nn.ModuleDict):
            given = {f"netG.{name}": tensor for name, tensor in state.items()}
        if what == "shapes" and network is here.generator:
            continue  # plain torch: its own error
        with pytest.raises(InputError, match=message if network is here else None) as caught:
            network.load_state_dict(given)
        assert "\n" not in str(caught.value)
        assert bytes_of(here) == before


def test_a_part_goes_over_the_base_that_it_was_learned_over_and_over_no_other() -> None:
    there = make(1, base=1, freeze=False)
    state = there.state_dict()
    lungs = {name: tensor for name, tensor in state.items() if "task_lungs" in name or name.endswith("_extra_state")}
    same, other = make(2, base=1, freeze=False), make(2, base=0, freeze=False)
    same.load_state_dict(lungs, strict=False)
    assert torch.equal(outputs(same)["lungs"], outputs(there)["lungs"])
    before = bytes_of(other)
    with pytest.raises(InputError, match=r"'lungs' is made of another 'facades' than it would have here"):
        other.load_state_dict(lungs, strict=False)
    base = {name: tensor for name, tensor in state.items() if ".conv." in name or name.endswith("_extra_state")}
    with pytest.raises(InputError, match=r"'hearts' is made of another 'facades'"):
        other.load_state_dict(base, strict=False)
    assert bytes_of(other) == before
    unsaid = {name: tensor for name, tensor in lungs.items() if not name.endswith("_extra_state")}
    with pytest.raises(InputError, match=r"does not say what 'lungs' draws on at generator\.0"):
        same.load_state_dict(unsaid, strict=False)


@pytest.mark.parametrize(
    "change",
    [
        lambda state: {name: tensor for name, tensor in state.items() if "lungs" not in name},
        lambda state: {f"module.{name}": tensor for name, tensor in state.items()},
        lambda state: {**state, "generator.7.weight": torch.zeros(1)},
        lambda state: {**state, "\x1b[2J": torch.zeros(1)},
        lambda state: {**state, "generator.0.conv.weight": "no tensor"},
        lambda state: {**state, "generator.0._extra_state": torch.zeros(3)},
        lambda state: {**state, "generator.0._extra_state": "facades"},
        lambda _: {},
    ],
)
def test_a_state_dict_with_other_names_is_refused_before_anything_changes(change: Callable[[State], State]) -> None:
    here, state = make(), make(1, base=1).state_dict()
    before = bytes_of(here)
    with pytest.raises(PiggyganError) as caught:
        here.load_state_dict(change(state))
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 400
    assert bytes_of(here) == before


def test_other_tasks_are_named() -> None:
    here, more = make(), make()
    more.add_task("moons")
    with pytest.raises(InputError, match=r"has the tasks facades, hearts, edges, lungs, moons, here are"):
        here.load_state_dict(more.state_dict())
    here.load_state_dict({n: t for n, t in more.state_dict().items() if "moons" not in n}, strict=False)


def test_writing_into_the_factors_of_a_state_dict_is_an_error_and_not_lost() -> None:
    model = make(freeze=False)
    with pytest.raises(RuntimeError, match="Inplace update"):
        model.state_dict()["generator.0.by_task.task_lungs.factors"].mul_(0.5)
    model.freeze_task("lungs")
    model.state_dict()["generator.0.by_task.task_lungs.factors"].mul_(1.0)


def test_whoever_asks_for_the_parameters_themselves_gets_them() -> None:
    model = make(freeze=False)
    held = model.state_dict(keep_vars=True)
    assert all(held[name] is parameter for name, parameter in model.named_parameters())
    with pytest.raises(InputError, match="factors is missing"):
        model.load_state_dict(held)
    images = torch.rand(1, 3, 8, 8)
    same = torch.func.functional_call(model, dict(model.named_parameters()), (images,), {"task": "lungs"})
    assert torch.equal(same, model(images, task="lungs"))


def test_a_call_with_a_state_dict_takes_its_factors() -> None:
    model, other = make(freeze=False), make(1, base=1, freeze=False)
    images = torch.rand(1, 3, 8, 8)
    called = torch.func.functional_call(model, other.state_dict(), (images,), {"task": "lungs"})
    assert torch.equal(called, other(images, task="lungs"))
    assert not torch.equal(model(images, task="lungs"), called)


@pytest.mark.parametrize(
    "forged",
    [
        [],
        {"lungs": {}},
        {"lungs": {"frozen": None, "bank": [], "factor_step": 1.0}},
        {"lungs": {"frozen": {"dtype": "load", "digest": ""}, "bank": {}, "factor_step": 1.0}},
        {"lungs": {"frozen": None, "bank": {}, "factor_step": "1.0.0"}},
        {"lungs\x1b[31m\n": {"frozen": None, "bank": {}, "factor_step": 1.0}},
        {"lungs": {"frozen": None, "bank": {}, "factor_step": 1.0, "more\n": 1}},
    ],
)
def test_a_forged_statement_is_refused_in_one_line(forged: Any) -> None:
    model = make()
    state = {**model.state_dict(), "generator.0._extra_state": torch.tensor(list(json.dumps(forged).encode())).float()}
    with pytest.raises(InputError) as caught:
        model.load_state_dict(state)
    assert str(caught.value).isprintable()


def test_nesting_without_end_is_refused() -> None:
    model = make()
    deep = torch.tensor(list(("[" * 100_000).encode())).float()
    with pytest.raises(InputError, match="is no statement"):
        model.load_state_dict({**model.state_dict(), "generator.0._extra_state": deep})


def test_what_was_changed_on_the_way_is_found_by_the_fingerprint_that_came_along() -> None:
    model = make()
    state = {name: 0.999 * tensor + 0.001 * tensor for name, tensor in model.state_dict().items()}  # a moving average
    model.load_state_dict(state)
    with pytest.raises(PiggyganError, match=r"'facades' at 0 has other values"):
        model.check_frozen()


def test_layers_alone_say_what_they_draw_on_too() -> None:
    def layer(draws_on: list[str]) -> pg.PiggybackConv2d:
        made = pg.PiggybackConv2d(nn.Conv2d(3, 8, 1), "facades")
        made.freeze_task("facades")
        for task in ("hearts", "edges"):
            made.add_task(task, draws_on=["facades"])
            made.freeze_task(task)
        made.add_task("lungs", draws_on=draws_on, max_bank=None)
        return made

    with pytest.raises(InputError, match="'lungs' draws on facades, hearts there"):
        layer(["facades", "edges"]).load_state_dict(layer(["facades", "hearts"]).state_dict())
