"""A card says what the registry records, and guesses nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from huggingface_hub import ModelCard

import piggygan as pg
from piggygan.errors import RegistryError, TaskNotFoundError
from piggygan.jobs.pages.card import registry_card
from piggygan.registry import TaskRegistry, TrainingData


@pytest.fixture
def registry(tmp_path: Path) -> TaskRegistry:
    model = pg.MultiTaskGenerator(pg.UNetGenerator(depth=4, width=2), "facades")
    model.freeze_task("facades")
    registry = TaskRegistry(tmp_path / "clinic")
    registry.commit(model, "facades", licence="CC-BY-4.0")
    model.add_task("lungs", out_channels=1)
    model.freeze_task("lungs")
    data = TrainingData("masks", "a" * 64, {"train": 1096, "test": 28}, "Films of one hospital | adults, <b>2019</b>")
    registry.commit(model, "lungs", scores={"dice": 0.93217}, image_size=16, data=data, licence="CC-BY-4.0")
    return registry


def test_it_says_what_is_recorded(registry: TaskRegistry) -> None:
    card = registry_card(registry.folder)
    record = registry.describe("lungs")
    for said in (
        "Draws on: `facades`",
        "squares of 16 pixels",
        "masks; 1,096 to learn from, 28 to test",
        f"sha256:{'a' * 64}",
        "| score on the 28 pictures to test, as its committer measured it | |",
        'plain = registry.load_plain("lungs")',
        "| dice | 0.9322 |",
        record.networks["generator"].certificate.tensors_digest,
        "Licence of the weights: CC-BY-4.0",
        pg.__version__,
        registry.digest,
        "For research only, not for diagnosis or treatment.",
    ):
        assert said in card, said
    assert "No score was recorded." in card.split("## lungs")[0]
    share = record.networks["generator"].weights.size / registry.records[0].networks["generator"].weights.size
    assert f"{share:.1%} of the first task's network" in card


def test_what_nobody_said_is_not_guessed(tmp_path: Path) -> None:
    model = pg.MultiTaskGenerator(pg.UNetGenerator(depth=4, width=2), "facades")
    model.freeze_task("facades")
    TaskRegistry(tmp_path).commit(model, "facades")
    card = registry_card(tmp_path)
    assert "in the words of who committed it: nothing was said" in card
    assert "Licence of the weights: nobody has said one" in card
    assert "license:" not in card


def test_the_hubs_own_library_reads_its_metadata(registry: TaskRegistry) -> None:
    read = ModelCard(registry_card(registry.folder), ignore_metadata_errors=False)
    assert (read.data.license, read.data.library_name, read.data.pipeline_tag) == (
        "cc-by-4.0", "piggygan", "image-to-image"
    )  # fmt: skip
    assert read.text.lstrip().startswith("# 2 tasks of one image-to-image network")


@pytest.mark.parametrize(("licences", "said"), [(("MIT", "MIT"), "mit"), (("MIT", None), "other"),
                                                (("Ours alone", "Ours alone"), "other")])  # fmt: skip
def test_a_licence_that_the_hub_does_not_know_is_another_one(
    tmp_path: Path, licences: tuple[str, str | None], said: str
) -> None:
    model = pg.MultiTaskGenerator(pg.UNetGenerator(depth=4, width=2), "a")
    for task, licence in zip("ab", licences, strict=True):
        if task == "b":
            model.add_task("b")
        model.freeze_task(task)
        TaskRegistry(tmp_path).commit(model, task, licence=licence)
    assert ModelCard(registry_card(tmp_path)).data.license == said


def test_words_of_others_are_text(registry: TaskRegistry) -> None:
    card = registry_card(registry.folder)
    assert "<b>" not in card.replace(r"\<b\>", "")
    assert r"one hospital \| adults, \<b\>2019\</b\>" in card


def test_the_way_to_load_it_works(registry: TaskRegistry) -> None:
    (block,) = [part for part in registry_card(registry.folder, "lungs").split("```") if part.startswith("python\n")]
    found: dict[str, object] = {}
    exec(block.removeprefix("python\n").replace("FOLDER", str(registry.folder)), found)  # noqa: S102 (our own words)
    assert isinstance(found["plain"], pg.UNetGenerator)


def test_a_card_of_one_task_is_of_that_task(registry: TaskRegistry) -> None:
    card = registry_card(registry.folder, "lungs")
    assert "# lungs" in card
    assert "## facades" not in card


def test_of_what_is_not_there_there_is_no_card(registry: TaskRegistry, tmp_path: Path) -> None:
    with pytest.raises(TaskNotFoundError, match="lung"):
        registry_card(registry.folder, "lung")
    with pytest.raises(RegistryError, match="there is no registry in"):
        registry_card(tmp_path / "nowhere")
