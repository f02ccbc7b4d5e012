"""What is found and decided before a task is learned: where it starts, and that it is read as written."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from piggygan.data import PairDataset, UnpairedDataset
from piggygan.errors import ConfigurationError
from piggygan.jobs.config import MethodConfig
from piggygan.jobs.data import TaskData
from piggygan.jobs.folder import TaskFolder
from piggygan.jobs.training.beginning import (
    PAIRS_COMPARED,
    Beginning,
    ChosenStart,
    Cost,
    begin,
    choose_start,
    read_beginning,
    write_beginning,
)
from piggygan.jobs.training.learner import Learner, loaded_learner
from piggygan.registry import TaskRegistry

DRAWS_ON = ("facades", "lungs", "hearts")
BEGINNING = Beginning(
    "masks", 3, 1, "0a", {"train": 6}, ("facades",), "facades", {"facades": 0.5}, Cost(10, 0.1, 40), ("A note.",), "now"
)


@pytest.fixture
def learner(clinic: TaskRegistry) -> Learner:
    return loaded_learner(clinic, "new", DRAWS_ON, None)


def test_what_is_written_is_read_back_once_the_configuration_is_there_too(tmp_path: Path) -> None:
    files = TaskFolder(tmp_path, "lungs")
    write_beginning(files, BEGINNING)
    assert read_beginning(files) is None  # the configuration is written last
    files.config.touch()
    assert read_beginning(files) == BEGINNING
    assert not BEGINNING.is_first
    assert replace(BEGINNING, draws_on=()).is_first


@pytest.mark.parametrize("damage", [None, b"", b"{}", b"[1]"])
def test_a_damaged_one_is_refused_with_two_ways_out(tmp_path: Path, damage: bytes | None) -> None:
    files = TaskFolder(tmp_path, "lungs")
    files.config.touch()
    if damage is not None:
        files.start.write_bytes(damage)
    with pytest.raises(ConfigurationError, match=r"start\.json' cannot be used: .* Put it back from a copy, or remove"):
        read_beginning(files)


@pytest.mark.parametrize(
    ("method", "is_unpaired", "start", "why"),
    [
        (MethodConfig(init="normal"), False, None, "random numbers"),
        (MethodConfig(start_from="lungs"), False, "lungs", "it starts as 'lungs', as asked"),
        (MethodConfig(start_from="last"), False, "hearts", "it starts as 'hearts', the last task"),
        (MethodConfig(), True, "hearts", "the last task: unpaired sides tell no more"),
    ],
)
def test_a_start_that_needs_no_look_at_the_data(
    method: MethodConfig, is_unpaired: bool, start: str | None, why: str, learner: Learner, facades: TaskData
) -> None:
    assert isinstance(facades.train, PairDataset)
    apart = UnpairedDataset(facades.train, facades.train)
    found = choose_start(learner, replace(facades, train=apart) if is_unpaired else facades, method, DRAWS_ON)
    assert (found.start_from, found.relatedness) == (start, {})
    assert why in found.note


def test_by_default_it_starts_as_the_task_that_knows_most_of_it(learner: Learner, facades: TaskData) -> None:
    found = choose_start(learner, facades, MethodConfig(), DRAWS_ON)
    assert found.relatedness.keys() == set(DRAWS_ON)
    assert found.start_from == max(found.relatedness, key=lambda task: found.relatedness[task])
    assert f"{found.start_from} {found.relatedness[str(found.start_from)]:.3f}" in found.note


def test_a_newer_version_starts_as_the_newest_older_one(clinic: TaskRegistry, facades: TaskData) -> None:
    learner = loaded_learner(clinic, "lungs@2", DRAWS_ON, None)
    found = choose_start(learner, facades, MethodConfig(), DRAWS_ON)
    assert (found.start_from, found.relatedness) == ("lungs", {})
    assert found.note == "it starts as 'lungs', the newest older version of it"
    assert choose_start(learner, facades, MethodConfig(start_from="last"), DRAWS_ON).start_from == "hearts"
    assert choose_start(learner, facades, MethodConfig(start_from="facades"), DRAWS_ON).start_from == "facades"


def test_where_no_task_tells_it_starts_as_the_last_and_says_why(learner: Learner, facades: TaskData) -> None:
    class Alike:
        """Pairs whose targets are all alike."""

        def __len__(self) -> int:
            return len(facades.train)

        def set_epoch(self, epoch: int) -> None:
            assert epoch == 0

        def __getitem__(self, index: int) -> object:
            return facades.train[index]._replace(target=torch.zeros(3, 16, 16))

    found = choose_start(learner, replace(facades, train=Alike()), MethodConfig(), DRAWS_ON)  # type: ignore[arg-type]
    assert found.start_from == "hearts"
    assert found.note.startswith("it starts as 'hearts', the last task: ")
    assert len(found.note) > len("it starts as 'hearts', the last task: ")


def test_pairs_from_everywhere_in_the_list_are_compared(learner: Learner, facades: TaskData) -> None:
    read: list[int] = []

    class Long:
        def __len__(self) -> int:
            return 3 * PAIRS_COMPARED

        def set_epoch(self, epoch: int) -> None:
            assert epoch == 0

        def __getitem__(self, index: int) -> object:
            read.append(index)
            return facades.train[index % 4]

    choose_start(learner, replace(facades, train=Long()), MethodConfig(), ("lungs",))  # type: ignore[arg-type]
    assert read == list(range(0, 3 * PAIRS_COMPARED, 3))


def test_what_a_task_stores_is_counted_and_its_notes_are_kept(learner: Learner, facades: TaskData) -> None:
    learner.add_task(facades, MethodConfig(), DRAWS_ON, "lungs")
    data = replace(facades, notes=["Of the data."], test=None)
    found = begin(learner, data, DRAWS_ON, ChosenStart("lungs", {"lungs": 0.5}, "Of the start."))
    cost = learner.generator.overhead()["new"]
    assert found.cost == Cost(cost.parameters, cost.share, cost.size)
    assert found.pairs == {"train": 4, "val": 4}
    assert (found.notes, found.start_from) == (("Of the data.", "Of the start."), "lungs")
    assert begin(learner, data, (), None).notes == ("Of the data.",)
