"""Tasks come out of a registry as they were committed, and nothing of it is changed."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from piggygan.errors import (
    BankMismatchError,
    ConfigurationError,
    RegistryError,
    TaskNotFoundError,
)
from piggygan.model.generator import MultiTaskGenerator
from piggygan.networks import UNetGenerator
from piggygan.registry import TaskRegistry
from tests.registry.contents import digests, weights_path

MakeGenerator = Callable[[], nn.Sequential]
MakeModel = Callable[[int], MultiTaskGenerator]
Learn = Callable[[MultiTaskGenerator, str], None]


def test_every_task_comes_back_the_same_bytes(
    registry: TaskRegistry, model: MultiTaskGenerator, make_generator: MakeGenerator
) -> None:
    loaded = registry.load(generator=make_generator())
    assert loaded.tasks == ("facades", "edges", "lungs")
    assert digests(loaded) == digests(model)
    assert all(loaded.describe_task(task) == model.describe_task(task) for task in model.tasks)
    assert not list(loaded.parameters())
    assert not any(module.training for module in loaded.modules())


def test_only_what_is_asked_for_and_needed_is_read(
    registry: TaskRegistry, make_generator: MakeGenerator, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    real_open = os.open

    def noted_open(path: os.PathLike[str] | str, *args: int, **kwargs: int) -> int:
        opened.append(Path(path).name)
        return real_open(path, *args, **kwargs)

    monkeypatch.setattr(os, "open", noted_open)
    assert registry.load(["edges"], make_generator()).tasks == ("facades", "edges")
    needed = [weights_path(registry, task).name for task in ("facades", "edges")]
    assert [name for name in opened if name.endswith(".safetensors")] == needed


def test_no_tasks_asked_for_is_the_base_task_alone(registry: TaskRegistry, make_generator: MakeGenerator) -> None:
    assert registry.load([], make_generator()).tasks == ("facades",)


def test_loading_uses_up_none_of_the_callers_random_numbers(tmp_path: Path) -> None:
    model = MultiTaskGenerator(UNetGenerator(depth=2, width=4), "facades")
    model.freeze_task("facades")
    ours = TaskRegistry(tmp_path / "ours")
    torch.manual_seed(1)
    expected = torch.rand(1).item()
    torch.manual_seed(1)
    ours.commit(model, "facades")
    ours.load()
    ours.verify()
    assert torch.rand(1).item() == expected


def test_the_given_generator_stays_as_it_was(registry: TaskRegistry, make_generator: MakeGenerator) -> None:
    generator = make_generator()
    before = {name: tensor.clone() for name, tensor in generator.state_dict().items()}
    registry.load(generator=generator)
    assert isinstance(generator[0], nn.Conv2d)
    assert all(torch.equal(tensor, before[name]) for name, tensor in generator.state_dict().items())


def test_d01_an_unknown_task_is_refused_with_the_close_names(
    registry: TaskRegistry, make_generator: MakeGenerator
) -> None:
    with pytest.raises(TaskNotFoundError, match="'lung': did you mean 'lungs'"):
        registry.load(["lung"], make_generator())
    with pytest.raises(TaskNotFoundError, match="'edge': did you mean 'edges'"):
        registry.describe("edge")


@pytest.mark.parametrize("name", ["", "..", "../facades", "/etc/passwd", "a\0b", "objects/x", "facades/", "FACADES"])
def test_h02_a_path_is_no_task(registry: TaskRegistry, make_generator: MakeGenerator, name: str) -> None:
    with pytest.raises(TaskNotFoundError):
        registry.load([name], make_generator())


def test_a_text_for_a_list_is_refused(registry: TaskRegistry) -> None:
    with pytest.raises(ConfigurationError, match=r"give a list of names: \['lungs'\]"):
        registry.load("lungs")


def test_a_users_generator_must_be_given_and_the_same(registry: TaskRegistry, make_generator: MakeGenerator) -> None:
    with pytest.raises(ConfigurationError, match="give generator="):
        registry.load()
    other = make_generator()
    other[0] = nn.Conv2d(3, 8, 4, stride=1, padding=1)
    with pytest.raises(BankMismatchError, match="the given generator is not the registry's"):
        registry.load(generator=other)
    with pytest.raises(BankMismatchError, match="the given generator is not the registry's"):
        registry.verify(generator=other)


def test_c12_reading_needs_no_right_to_write(
    registry: TaskRegistry, model: MultiTaskGenerator, make_generator: MakeGenerator, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Root may write anywhere, so the whole of os is made to refuse, as a read-only disk does.
    real_open = os.open

    def read_only_open(path: str, flags: int, *args: int, **kwargs: int) -> int:
        if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            raise OSError(30, "Read-only file system", str(path))
        return real_open(path, flags, *args, **kwargs)

    monkeypatch.setattr(os, "open", read_only_open)
    assert registry.load(generator=make_generator()).tasks == registry.tasks
    assert all(result.is_sound for result in registry.verify(make_generator()))
    model.add_task("hands")
    model.freeze_task("hands")
    with pytest.raises(RegistryError, match=r"'hands' was not safely committed in .*Read-only file system"):
        registry.commit(model, "hands")
