"""Names that stand for tasks: versions, and members of an ensemble."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from piggygan.errors import InputError, TaskNotFoundError, TaskStateError
from piggygan.model.generator import MultiTaskGenerator
from piggygan.registry import Member, TaskRegistry
from piggygan.registry.ensembles import check_ensembles, members, resolve, versions
from piggygan.registry.task_parts import TaskSettings
from tests.registry.contents import files

Learn = Callable[[MultiTaskGenerator, str], None]
SETTINGS = {"generator": TaskSettings({}, None, 1, True, None)}


FOLDS = {f"hearts-{number}": Member("hearts", number, 3) for number in (3, 1, 2)}
TASKS: dict[str, Member | None] = {
    **dict.fromkeys(["facades", "lungs", "lungs@10", "lungs@2", "lungs-a"]),
    **FOLDS,
    "hearts-1b": Member("hearts@2", 1, 2),
}


def test_a_name_means_the_newest_version() -> None:
    assert resolve(TASKS, "lungs") == "lungs@10"
    assert resolve(TASKS, "facades") == "facades"
    assert resolve(TASKS, "lungs-a") == "lungs-a"
    assert versions(TASKS, "lungs") == versions(TASKS, "lungs@2") == ("lungs", "lungs@2", "lungs@10")


def test_a_version_is_pinned_by_its_number() -> None:
    assert resolve(TASKS, "lungs@1") == "lungs"
    assert resolve(TASKS, "lungs@2") == "lungs@2"
    for name in ("lungs@3", "lungs@", "lungs@01", "lungs@x", "lungs@2@2"):
        with pytest.raises(TaskNotFoundError, match="there is no task 'lungs@"):
            resolve(TASKS, name)
    for name in ("", "@2", "lung", "../lungs"):
        with pytest.raises(TaskNotFoundError):
            resolve(TASKS, name)


def test_an_ensemble_is_its_members_in_their_order() -> None:
    assert members(TASKS, "hearts") == ("hearts-1", "hearts-2", "hearts-3")
    assert members(TASKS, "hearts-2") == ("hearts-2",)
    assert members(TASKS, "lungs") == ("lungs@10",)
    assert resolve(TASKS, "hearts@1") == "hearts"


def test_an_ensemble_that_lacks_members_is_not_used_and_the_older_version_is() -> None:
    assert resolve(TASKS, "hearts") == "hearts"  # of hearts@2 there is one member of two
    without = {name: member for name, member in TASKS.items() if name not in ("hearts-2", "hearts-1b")}
    with pytest.raises(TaskNotFoundError, match="of the ensemble 'hearts' there are 2 of 3 members: train the rest"):
        members(without, "hearts")
    whole = {**TASKS, "hearts-2b": Member("hearts@2", 2, 2)}
    assert members(whole, "hearts") == ("hearts-1b", "hearts-2b")


@pytest.mark.parametrize(
    ("places", "words"),
    [
        ([("a", Member("x", 1, 2)), ("b", Member("x", 1, 2))], "do not go together: a is 1 of 2, b is 1 of 2"),
        ([("a", Member("x", 1, 2)), ("b", Member("x", 2, 3))], "do not go together: a is 1 of 2, b is 2 of 3"),
        ([("a", Member("a", 1, 2))], "'a' is the name of a task and of an ensemble"),
    ],
)
def test_members_that_do_not_go_together_are_refused(places: list[tuple[str, Member]], words: str) -> None:
    with pytest.raises(InputError, match=words):
        check_ensembles((name, member, SETTINGS) for name, member in places)


def test_members_of_other_channels_have_no_mean() -> None:
    other = {"generator": replace(SETTINGS["generator"], out_channels=3)}
    with pytest.raises(InputError, match="make other channels"):
        check_ensembles([("a", Member("x", 1, 2), SETTINGS), ("b", Member("x", 2, 2), other)])


def test_versions_and_members_are_committed_loaded_and_removed(
    registry: TaskRegistry, model: MultiTaskGenerator, learn: Learn
) -> None:
    model.add_task("lungs@2", in_channels=1, out_channels=1)
    assert model.describe_task("lungs@2").draws_on == ("facades", "edges", "lungs")
    learn(model, "lungs@2")
    registry.commit(model, "lungs@2")
    for number in (1, 2):
        model.add_task(f"fold-{number}", draws_on=["facades"])
        learn(model, f"fold-{number}")
        registry.commit(model, f"fold-{number}", member=Member("folds", number, 2))
    assert registry.resolve("lungs") == "lungs@2"
    assert registry.versions("lungs") == ("lungs", "lungs@2")
    assert registry.members("folds") == ("fold-1", "fold-2")
    registry.remove_task("lungs@2")
    assert registry.resolve("lungs") == "lungs"
    registry.remove_task("fold-2")
    with pytest.raises(TaskNotFoundError, match="there are 1 of 2"):
        registry.members("folds")


def test_a_commit_that_does_not_go_together_changes_nothing(
    registry: TaskRegistry, model: MultiTaskGenerator, learn: Learn
) -> None:
    model.add_task("fold-1", draws_on=["facades"])
    learn(model, "fold-1")
    before = files(registry.folder)
    with pytest.raises(InputError, match="'lungs' is the name of a task and of an ensemble"):
        registry.commit(model, "fold-1", member=Member("lungs", 1, 2))
    assert files(registry.folder) == before


def test_a_newer_version_draws_on_an_older_one(model: MultiTaskGenerator) -> None:
    with pytest.raises(TaskStateError, match="'lungs@2' is a newer version of 'lungs', and draws on no older one"):
        model.add_task("lungs@2", draws_on=["facades", "edges"])
    assert "lungs@2" not in model.tasks
