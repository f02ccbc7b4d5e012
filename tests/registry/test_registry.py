"""A registry as its users have it."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from piggygan.errors import (
    BankMismatchError,
    InputError,
    TaskExistsError,
    TaskStateError,
)
from piggygan.model.generator import MultiTaskGenerator
from piggygan.networks import ResNetGenerator, UNetGenerator
from piggygan.registry import TaskRegistry, TrainingData
from tests.registry.contents import digests, files

MakeGenerator = Callable[[], nn.Sequential]
MakeModel = Callable[[int], MultiTaskGenerator]
Learn = Callable[[MultiTaskGenerator, str], None]


LOADER = """
import sys
sys.path.insert(0, sys.argv[1])
import torch
from contents import digests
from piggygan.registry import TaskRegistry, TrainingData

torch.set_num_threads(int(sys.argv[2]))  # two threads add in another order than one

def refuse(event, args):
    if event == "pickle.find_class":
        raise SystemExit(f"unpickled {args}")

sys.addaudithook(refuse)
for folder in sys.argv[3:]:
    for task, digest in digests(TaskRegistry(folder).load()).items():
        print(task, digest)
"""


def test_h01_a_new_process_gets_the_same_bytes_of_our_generators_and_unpickles_nothing(
    tmp_path: Path, learn: Learn
) -> None:
    torch.manual_seed(5)
    expected = []
    folders = [str(tmp_path / "unet"), str(tmp_path / "resnet")]
    generators = [UNetGenerator(depth=4, width=4, norm="batch", dropout=True), ResNetGenerator(blocks=1, width=4)]
    for folder, generator in zip(folders, generators, strict=True):
        model = MultiTaskGenerator(generator, "facades")
        learn(model, "facades")
        model.add_task("lungs", in_channels=1, out_channels=1)
        learn(model, "lungs")
        for task in model.tasks:
            TaskRegistry(folder).commit(model, task)
        assert [result.state for result in TaskRegistry(folder).verify()] == ["equal", "equal"]
        expected += [f"{task} {digest}" for task, digest in digests(model.eval()).items()]
    ran = subprocess.run(
        [sys.executable, "-c", LOADER, str(Path(__file__).parent), str(torch.get_num_threads()), *folders],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert ran.stdout.splitlines() == expected


def test_learning_goes_on_from_what_was_loaded(
    registry: TaskRegistry, model: MultiTaskGenerator, make_generator: MakeGenerator, learn: Learn
) -> None:
    loaded = registry.load(["edges"], make_generator())
    loaded.add_task("hands", out_channels=2)
    learn(loaded, "hands")
    registry.commit(loaded, "hands")
    again = registry.load(generator=make_generator())
    assert again.tasks == ("facades", "edges", "lungs", "hands")
    assert digests(again) == digests(model) | digests(loaded.eval())


@pytest.mark.parametrize("size", [0, -1, 16.0, "16", True])
def test_a_size_that_is_none_is_refused_and_nothing_written(
    tmp_path: Path, model: MultiTaskGenerator, size: Any
) -> None:
    registry = TaskRegistry(tmp_path / "new")
    with pytest.raises(InputError, match="a side in pixels"):
        registry.commit(model, "facades", image_size=size)
    assert not registry.folder.exists()


def test_c14_a_name_is_never_committed_twice(registry: TaskRegistry, make_model: MakeModel) -> None:
    before = files(registry.folder)
    for model in (make_model(0), make_model(1)):
        with pytest.raises(TaskExistsError, match="'edges' already"):
            registry.commit(model, "edges")
    assert files(registry.folder) == before


def test_a_task_in_training_is_refused(registry: TaskRegistry, model: MultiTaskGenerator) -> None:
    before = files(registry.folder)
    model.add_task("hands")
    with pytest.raises(TaskStateError):
        registry.commit(model, "hands")
    assert files(registry.folder) == before


def test_c09_a_task_trained_on_another_bank_of_the_same_name_is_refused(
    registry: TaskRegistry, make_model: MakeModel, learn: Learn
) -> None:
    before = files(registry.folder)
    other = make_model(1)
    other.add_task("hands")
    learn(other, "hands")
    with pytest.raises(BankMismatchError, match="'hands' was trained on another 'facades', 'edges', 'lungs' than"):
        registry.commit(other, "hands")
    assert files(registry.folder) == before


def test_a_task_whose_sources_are_not_committed_is_refused(tmp_path: Path, model: MultiTaskGenerator) -> None:
    registry = TaskRegistry(tmp_path / "new")
    with pytest.raises(
        BankMismatchError, match="empty, and 'edges' is not the base task: commit or import 'facades' first"
    ):
        registry.commit(model, "edges")
    registry.commit(model, "facades")
    with pytest.raises(BankMismatchError, match="'lungs' needs 'edges', which the registry does not hold"):
        registry.commit(model, "lungs")
    assert registry.tasks == ("facades",)


def test_banks_that_no_model_can_hold_together_do_not_come_into_one_registry(
    tmp_path: Path, make_generator: MakeGenerator, learn: Learn
) -> None:
    first = MultiTaskGenerator(make_generator(), "facades")
    learn(first, "facades")
    for task in ("a", "b"):
        first.add_task(task, draws_on=["facades"])
        learn(first, task)
    first.add_task("c", draws_on=["facades", "a", "b"])
    learn(first, "c")
    registry = TaskRegistry(tmp_path)
    for task in ("facades", "b", "a"):
        registry.commit(first, task)
    second = registry.load(generator=make_generator())  # has b before a
    second.add_task("d")
    learn(second, "d")
    registry.commit(second, "d")
    with pytest.raises(BankMismatchError, match="no model can hold b, a, d, c together"):
        registry.commit(first, "c")
    assert registry.load(generator=make_generator()).tasks == ("facades", "b", "a", "d")


def test_d06_a_task_of_another_generator_is_refused_and_the_layers_named(
    registry: TaskRegistry, make_generator: MakeGenerator
) -> None:
    wider = make_generator()
    wider[0] = nn.Conv2d(3, 8, 6, stride=2, padding=2)
    for generator, message in (
        (wider, r"here is 0 Conv2d .*\[8, 3, 6, 6\]"),
        (UNetGenerator(depth=2), "UNetGenerator"),
    ):
        model = MultiTaskGenerator(generator, "other")
        model.freeze_task("other")
        with pytest.raises(BankMismatchError, match=message):
            registry.commit(model, "other")


def test_a_second_base_task_is_refused(registry: TaskRegistry, make_generator: MakeGenerator) -> None:
    model = MultiTaskGenerator(make_generator(), "maps")
    model.freeze_task("maps")
    with pytest.raises(BankMismatchError, match="base task is 'facades', this model's is 'maps'"):
        registry.commit(model, "maps")


def test_c16_a_moved_registry_works(registry: TaskRegistry, tmp_path: Path, make_generator: MakeGenerator) -> None:
    here = str(tmp_path)
    assert all(here.encode() not in content for content in files(registry.folder).values())
    registry.folder.rename(tmp_path / "moved")
    moved = TaskRegistry(tmp_path / "moved")
    assert [result.state for result in moved.verify(make_generator())] == ["equal"] * 3


COMMITTER = """
import sys, torch
from torch import nn
from piggygan.registry import TaskRegistry, TrainingData
torch.set_num_threads(1)
registry, task = TaskRegistry(sys.argv[1]), sys.argv[2]
model = registry.load(["facades"])
model.add_task(task)
with torch.no_grad():
    for parameter in model.task_parameters(task):
        parameter.add_(len(task) / 100)
model.freeze_task(task)
print('ready', flush=True)
sys.stdin.read(1)  # all start together
try:
    registry.commit(model, task)
except Exception as error:
    print(type(error).__name__)
"""


@pytest.mark.slow
def test_f01_f02_processes_that_commit_at_once_lose_nothing(tmp_path: Path) -> None:
    model = MultiTaskGenerator(UNetGenerator(depth=2, width=4), "facades")
    model.freeze_task("facades")
    registry = TaskRegistry(tmp_path)
    registry.commit(model, "facades")
    started = [
        subprocess.Popen(
            [sys.executable, "-c", COMMITTER, str(tmp_path), name],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for name in ("a", "bb", "ccc", "ccc")
    ]  # fmt: skip
    for process in started:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    said = [process.communicate("!")[0].strip() for process in started]
    assert sorted(said) == ["", "", "", "TaskExistsError"]
    assert sorted(registry.tasks) == ["a", "bb", "ccc", "facades"]
    assert [result.state for result in registry.verify()] == ["equal"] * 4


def test_f01_f02_threads_that_commit_at_once_lose_nothing(
    registry: TaskRegistry, make_generator: MakeGenerator, learn: Learn
) -> None:
    names = ["a", "bb", "ccc", "ccc"]
    models = []
    for task in names:
        model = registry.load(["facades"], make_generator())
        model.add_task(task)
        learn(model, task)
        models.append(model)
    together = threading.Barrier(len(names))
    said: list[str] = []

    def commit(model: MultiTaskGenerator, task: str) -> None:
        together.wait()
        try:
            TaskRegistry(registry.folder).commit(model, task)
        except TaskExistsError as error:
            said.append(str(error))

    started = [threading.Thread(target=commit, args=pair) for pair in zip(models, names, strict=True)]
    for thread in started:
        thread.start()
    for thread in started:
        thread.join()
    assert len(said) == 1
    assert sorted(registry.tasks) == ["a", "bb", "ccc", "edges", "facades", "lungs"]
    assert all(result.state == "equal" for result in registry.verify(make_generator()))


def test_what_a_task_was_trained_on_and_its_licence_are_recorded(
    registry: TaskRegistry, model: MultiTaskGenerator, learn: Learn
) -> None:
    data = TrainingData("masks", "0" * 64, {"train": 96, "val": 14}, "Films of one hospital, adults only.")
    model.add_task("hands", draws_on=["facades"])
    learn(model, "hands")
    registry.commit(model, "hands", data=data, licence="CC-BY-4.0")
    record = TaskRegistry(registry.folder).describe("hands")
    assert (record.data, record.licence) == (data, "CC-BY-4.0")
    assert registry.describe("lungs").data is None


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"licence": "MIT\n"}, "the licence is 'MIT"),
        ({"licence": ""}, "needed is one line of 1 to 200 characters"),
        ({"data": "films"}, "data is 'films'; needed is a piggygan.registry.TrainingData"),
        ({"member": 3}, "member is 3; needed is a piggygan.registry.Member"),
        ({"attachments": {"A": {}}}, "'A' cannot name an attachment"),
    ],
)
def test_what_cannot_be_recorded_is_refused_and_changes_nothing(
    registry: TaskRegistry, model: MultiTaskGenerator, learn: Learn, said: dict[str, Any], words: str
) -> None:
    model.add_task("hands", draws_on=["facades"])
    learn(model, "hands")
    before = files(registry.folder)
    with pytest.raises(InputError, match=words):
        registry.commit(model, "hands", **said)
    assert files(registry.folder) == before
