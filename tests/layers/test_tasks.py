"""Names of tasks, what a new one draws on and starts from."""

import pytest

from piggygan.errors import TaskNameError, TaskNotFoundError, TaskStateError
from piggygan.layers.tasks import Task, check_task_name, chosen_sources, chosen_start, task_not_found, version_of

TASKS = {
    "facades": Task("facades", is_frozen=True),
    "lungs": Task("lungs", ("facades",), is_frozen=True),
    "hearts": Task("hearts", ("facades", "lungs"), is_frozen=True),
    "edges": Task("edges", ("facades",)),
}


@pytest.mark.parametrize("name", ["a", "0", "chest-xray_2", "x" * 64, "lungs@2", "x" * 64 + "@9999"])
def test_such_names_are_taken(name: str) -> None:
    assert check_task_name(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        "A",
        "-a",
        "_a",
        "x" * 65,
        "a.b",
        "a/b",
        "a\n",
        "ä",
        None,
        3,
        "@2",
        "a@",
        "a@0",
        "a@1",
        "a@02",
        "a@x",
        "a@10000",
        "a@2@3",
    ],
)
def test_other_names_are_refused_in_one_short_line(name: object) -> None:
    with pytest.raises(TaskNameError) as caught:
        check_task_name(name)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 250


def test_an_unknown_name_brings_the_ones_that_look_like_it() -> None:
    assert "did you mean 'lungs'?" in str(task_not_found("lung", TASKS))
    assert "there are facades, lungs, hearts, edges." in str(task_not_found("zzz", TASKS))


def test_without_a_wish_a_task_draws_on_all_that_are_frozen() -> None:
    assert chosen_sources(TASKS, "new", None) == ("facades", "lungs", "hearts")
    assert chosen_sources(TASKS, "new", ["hearts", "facades"]) == ("facades", "hearts")  # oldest first


@pytest.mark.parametrize(
    ("draws_on", "error", "message"),
    [
        (["moon"], TaskNotFoundError, "'moon'"),
        (["edges"], TaskStateError, r"freeze_task\('edges'\)"),
        ([], TaskStateError, r"freeze_task\('facades'\)"),
    ],
)
def test_what_cannot_be_drawn_on_is_refused(draws_on: list[str], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        chosen_sources(TASKS, "new", draws_on)


def test_the_start_is_the_last_that_is_all_mixtures_of_what_is_drawn_on() -> None:
    assert chosen_start(TASKS, "new", ("facades", "lungs", "hearts"), None) == "hearts"
    assert chosen_start(TASKS, "new", ("facades", "hearts"), None) == "facades"  # hearts is made of lungs too
    assert chosen_start(TASKS, "new", ("lungs", "hearts"), None) == "lungs"
    assert chosen_start(TASKS, "new", ("facades", "lungs"), "facades") == "facades"
    with pytest.raises(TaskStateError, match="cannot start from 'edges': it draws on facades"):
        chosen_start(TASKS, "new", ("facades",), "edges")


VERSIONS = {
    "facades": Task("facades", is_frozen=True),
    "lungs": Task("lungs", ("facades",), is_frozen=True),
    "lungs@2": Task("lungs@2", ("facades", "lungs"), is_frozen=True),
    "lungs@10": Task("lungs@10", ("facades", "lungs"), is_frozen=True),
    "hearts": Task("hearts", ("facades",), is_frozen=True),
}


def test_a_newer_version_starts_as_the_newest_older_one() -> None:
    sources = chosen_sources(VERSIONS, "lungs@11", None)
    assert chosen_start(VERSIONS, "lungs@11", sources, None) == "lungs@10"
    assert chosen_start(VERSIONS, "lungs@3", sources, None) == "lungs@2"
    assert chosen_start(VERSIONS, "lungs@3", sources, "hearts") == "hearts"
    assert chosen_start(VERSIONS, "hands", sources, None) == "hearts"
    # lungs@2 is made of lungs too, which is not drawn on here
    assert chosen_start(VERSIONS, "lungs@3", ("facades", "lungs@2"), None) == "facades"


def test_a_newer_version_draws_on_an_older_one() -> None:
    assert chosen_sources(VERSIONS, "lungs@3", ["lungs"]) == ("lungs",)
    for name, draws_on in (("lungs@3", ["facades", "hearts"]), ("lungs@2", ["lungs@10"]), ("hands@2", None)):
        with pytest.raises(TaskStateError, match="draws on no older one"):
            chosen_sources(VERSIONS, name, draws_on)
    assert version_of("lungs@10") == ("lungs", 10)
