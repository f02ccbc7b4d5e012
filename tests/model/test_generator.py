"""MultiTaskGenerator: wrapping, the life of a task, what is refused."""

import copy
import threading
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

import piggygan as pg
from piggygan.errors import (
    ConfigurationError,
    InputError,
    PiggyganError,
    TaskExistsError,
    TaskInUseError,
    TaskNameError,
    TaskNotChosenError,
    TaskNotFoundError,
    TaskStateError,
    UnsupportedModuleError,
)
from tests.model.small import everything, small, two_tasks


def test_the_life_of_two_tasks() -> None:
    model = pg.MultiTaskGenerator(small(), "facades")
    assert not model.describe_task("facades").is_frozen
    model.freeze_task("facades")
    model.add_task("lungs", out_channels=1)
    assert model.tasks == ("facades", "lungs")
    assert model.active_task is None
    with model.using("lungs"):
        assert model.active_task == "lungs"
        assert model(torch.zeros(1, 3, 8, 8)).shape == (1, 1, 16, 16)
    with pytest.raises(TaskNotChosenError, match=r"facades, lungs.*task='lungs'.*model\.view\('lungs'\)"):
        model(torch.zeros(1, 3, 8, 8))
    model.freeze_task("lungs")
    described = model.describe_task("lungs")
    assert replace(described, unconstrained_fraction={}) == pg.Task("lungs", ("facades",), {}, None, 1, 0.25, True)
    assert list(described.unconstrained_fraction) == ["0", "3", "5"]
    model.remove_task("lungs")
    assert model.tasks == ("facades",)
    assert model(torch.zeros(1, 3, 8, 8)).shape == (1, 3, 16, 16)  # one task needs no name
    assert not any("lungs" in name for name in model.state_dict())


def test_an_error_in_a_with_block_gives_the_former_task_back() -> None:
    model = two_tasks()
    with pytest.raises(ZeroDivisionError), model.using("lungs"):
        raise ZeroDivisionError
    assert model.active_task is None


def test_d09_threads_compute_their_own_tasks() -> None:
    model = two_tasks().eval()
    x = torch.randn(1, 3, 32, 32)
    expected = {task: model(x, task=task) for task in model.tasks}
    wrong: list[str] = []

    def compute(task: str) -> None:
        for _ in range(50):
            if not torch.equal(model(x, task=task), expected[task]):
                wrong.append(task)  # noqa: PERF401  # a loop reads better here

    threads = [threading.Thread(target=compute, args=(task,)) for task in model.tasks * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_a_copied_model_is_a_model_of_its_own() -> None:
    model = two_tasks().eval()
    twin = copy.deepcopy(model)
    x = torch.randn(1, 3, 8, 8)
    with model.using("lungs"):
        assert twin.active_task is None
    for parameter in twin.task_parameters("lungs"):
        nn.init.ones_(parameter)
    assert not torch.equal(twin(x, task="lungs"), model(x, task="lungs"))
    assert torch.equal(twin(x, task="facades"), model(x, task="facades"))


def test_a_module_used_twice_is_wrapped_once() -> None:
    conv = nn.Conv2d(3, 3, 3, padding=1)
    generator = nn.Sequential(conv, nn.ReLU(), conv)
    bare = generator(torch.ones(1, 3, 8, 8))
    model = pg.MultiTaskGenerator(generator, "facades")
    assert torch.equal(model(torch.ones(1, 3, 8, 8)), bare)
    assert generator[0] is generator[2]


REFUSED_CALLS: dict[str, tuple[type[PiggyganError], Callable[[pg.MultiTaskGenerator], object]]] = {
    "unknown task in a call": (TaskNotFoundError, lambda m: m(torch.zeros(1, 3, 8, 8), task="lung")),
    "unknown task to use": (TaskNotFoundError, lambda m: m.using("hearts").__enter__()),
    "unknown task to freeze": (TaskNotFoundError, lambda m: m.freeze_task("hearts")),
    "unknown task to remove": (TaskNotFoundError, lambda m: m.remove_task("hearts")),
    "unknown task to fold": (TaskNotFoundError, lambda m: m.fold_task("hearts")),
    "unknown task to draw on": (TaskNotFoundError, lambda m: m.add_task("hearts", draws_on=["moon"])),
    "task in training to draw on": (TaskStateError, lambda m: m.add_task("hearts", draws_on=["lungs"])),
    "nothing to draw on": (TaskStateError, lambda m: m.add_task("hearts", draws_on=[])),
    "start outside the bank": (TaskStateError, lambda m: m.add_task("hearts", start_from="lungs")),
    "frozen twice": (TaskStateError, lambda m: m.freeze_task("facades")),
    "parameters of a frozen task": (TaskStateError, lambda m: m.task_parameters("facades")),
    "name taken": (TaskExistsError, lambda m: m.add_task("lungs")),
    "base task removed": (TaskInUseError, lambda m: m.remove_task("facades")),
    "fraction": (ConfigurationError, lambda m: m.add_task("hearts", unconstrained_fraction=1.5)),
    "factor step": (ConfigurationError, lambda m: m.add_task("hearts", factor_step=0)),
    "init": (ConfigurationError, lambda m: m.add_task("hearts", init="zeros")),  # type: ignore[arg-type]
    "no channels": (ConfigurationError, lambda m: m.add_task("hearts", out_channels=0)),
    "integers": (InputError, lambda m: m(torch.zeros(1, 3, 8, 8, dtype=torch.uint8))),
    "three axes": (InputError, lambda m: m(torch.zeros(3, 8, 8))),
    "wrong channels": (InputError, lambda m: m(torch.zeros(1, 4, 8, 8), task="lungs")),
}


@pytest.mark.parametrize("call", REFUSED_CALLS)
def test_a_refused_call_changes_nothing(call: str) -> None:
    model = two_tasks()
    before, tasks = everything(model), [model.describe_task(task) for task in model.tasks]
    error, attempt = REFUSED_CALLS[call]
    with pytest.raises(error):
        attempt(model)
    assert everything(model) == before
    assert [model.describe_task(task) for task in model.tasks] == tasks
    assert model.active_task is None


@pytest.mark.parametrize(
    "name",
    ["", " ", "..", "a/b", "a\\b", "C:x", "CON", "a\0", "a" * 65, "a" * 300, "lungs\n", "-x", "lüngs", "lun\u0261s"],
)
def test_d02_a_malformed_name_is_refused(name: str) -> None:
    model = two_tasks()
    with pytest.raises(TaskNameError):
        model.add_task(name)
    with pytest.raises(TaskNameError):
        pg.MultiTaskGenerator(small(), name)


@pytest.mark.parametrize("name", ["train", "half", "keys", "type", "forward", "0", "a-b_c"])
def test_a_task_may_be_called_like_a_method(name: str) -> None:
    model = two_tasks()
    model.add_task(name)
    model.freeze_task(name)
    assert model(torch.zeros(1, 3, 8, 8), task=name).shape == (1, 3, 16, 16)


class Gain(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(1))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.gain


def tied() -> nn.Module:
    generator = nn.Sequential(nn.Conv2d(3, 3, 1), nn.Conv2d(3, 3, 1))
    generator[1].weight = generator[0].weight
    return generator


def shared_statistics() -> nn.Module:
    norm = nn.BatchNorm2d(3)
    return nn.Sequential(nn.Conv2d(3, 3, 1), norm, nn.Conv2d(3, 3, 1), norm)


UNSUPPORTED: dict[str, tuple[Callable[[], nn.Module], str]] = {
    "no convolution": (lambda: nn.Sequential(nn.ReLU()), "no convolution"),
    "linear": (lambda: nn.Sequential(nn.Conv2d(3, 3, 1), nn.Linear(3, 3)), r"1 \(Linear\) has weight"),
    "parameter of its own": (lambda: nn.Sequential(nn.Conv2d(3, 3, 1), Gain()), r"1 \(Gain\) has gain"),
    "tied": (tied, "1.weight is shared"),
    "shared statistics": (shared_statistics, "1 keeps running statistics"),
    "weight norm": (
        lambda: nn.Sequential(nn.Conv2d(3, 3, 1), nn.utils.parametrizations.weight_norm(nn.Conv2d(3, 3, 1))),
        "1 has a parametrized weight",
    ),
    "wrapped already": (lambda: two_tasks(), "wrapped already"),
    "compiled": (lambda: torch.compile(small(), backend="eager"), "compiled"),
    "data parallel": (lambda: nn.DataParallel(small()), "DataParallel"),
    "meta": (lambda: small().to("meta"), "meta device"),
    "lazy convolution": (lambda: nn.Sequential(nn.LazyConv2d(3, 1)), "0 is lazy"),
    "lazy norm": (lambda: nn.Sequential(nn.Conv2d(3, 3, 1), nn.LazyBatchNorm2d()), "1 is lazy"),
    "meta norm": (lambda: nn.Sequential(nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3, device="meta")), "1 is on the meta"),
}


@pytest.mark.parametrize("kind", UNSUPPORTED)
def test_d04_d05_d08_a_generator_that_cannot_be_wrapped_is_refused_by_name_and_left_alone(kind: str) -> None:
    make, message = UNSUPPORTED[kind]
    generator = make()
    before = [(name, type(module)) for name, module in generator.named_modules()]
    with pytest.raises(UnsupportedModuleError, match=message):
        pg.MultiTaskGenerator(generator, "facades")
    assert [(name, type(module)) for name, module in generator.named_modules()] == before


def test_an_unknown_output_layer_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="'6' is not a mixed convolution"):
        pg.MultiTaskGenerator(small(), "facades", output_layer="6")
    model = pg.MultiTaskGenerator(small(), "facades", output_layer="3")
    assert model.wrapping.output_layer == "3"


def test_a_task_may_have_other_input_channels() -> None:
    model = two_tasks()
    model.add_task("grey", in_channels=1)
    assert model(torch.zeros(1, 1, 8, 8), task="grey").shape == (1, 3, 16, 16)
    with pytest.raises(InputError, match="3 channels"):
        model(torch.zeros(1, 1, 8, 8), task="facades")


def test_freezing_that_was_interrupted_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    model = pg.MultiTaskGenerator(nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4), nn.Conv2d(4, 3, 1)), "one")

    def full(_: str) -> None:
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(model.layers["1"], "freeze_task", full)
        with pytest.raises(MemoryError):
            model.freeze_task("one")
    assert not model.describe_task("one").is_frozen
    model.freeze_task("one")
    assert not list(model.parameters())
