"""A task is learned from a folder, committed and verified; a stop costs nothing, and a refusal leaves nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

import piggygan as pg
from piggygan.data.synthetic.facades import write_facades
from piggygan.errors import (
    ConfigurationError,
    DatasetError,
    NotLearnedError,
    PiggyganError,
    ResumeError,
    TaskExistsError,
    TaskInUseError,
    TaskStateError,
)
from piggygan.jobs.config_file import read_config
from piggygan.jobs.folder import RunFolder
from piggygan.jobs.pages.registry_page import write_registry_page
from piggygan.jobs.training.looking import Looks, lines_of
from piggygan.jobs.training.result import TrainedTask
from piggygan.jobs.training.run import train_task
from piggygan.registry import TrainingData
from piggygan.training import EpochRecord

SIZE = 32


look = Looks.__call__


class Stopped(BaseException):
    """Ends a training as a killed process ends: nothing is tidied up by those who catch errors."""


def contents(folder: Path) -> dict[str, bytes]:
    files = [path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(".lock")]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def learn(folder: Path, task: str, config: Any, **options: Any) -> Any:
    return train_task(folder, task, config, progress=False, **options)


@contextmanager
def stopped_after(epochs: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """End what trains inside when so many epochs are done, and saved."""

    def stopping(looks: Looks, record: EpochRecord) -> float | None:
        if record.epoch > epochs:
            raise Stopped
        return look(looks, record)

    with monkeypatch.context() as patched:
        patched.setattr(Looks, "__call__", stopping)
        with suppress(Stopped):
            yield
            raise AssertionError("it was not stopped")


def test_a_first_task_and_a_second_are_committed_scored_and_sound(
    run_folder: Path, lung_films: Path, small: Any
) -> None:
    said: list[str] = []
    result = learn(run_folder, "lungs", small(lung_films), tell=said.append)
    registry = pg.TaskRegistry(run_folder / "registry")
    assert registry.tasks == ("facades", "lungs")
    assert registry.verify().is_sound
    record = registry.describe("lungs")
    assert record.image_size == SIZE
    assert record.data == TrainingData("masks", result.fingerprint, {"train": 6, "val": 2, "test": 2})
    assert record.licence is None
    assert "said: no licence (--licence); nothing of the data (--data-statement)" in said
    assert record.scores["dice"] == result.scores["test"]["dice"]
    assert result.scores.keys() == {"val", "test"}
    assert result.draws_on == ("facades",)
    assert result.cost.share < 0.5
    assert len(result.fingerprint) == 64
    assert any("built on facades" in line for line in said)
    assert any("it starts as 'facades', which knows most of it (share explained: facades" in line for line in said)


def test_what_is_said_of_data_and_weights_is_committed_shown_and_may_be_mended_until_then(
    run_folder: Path, lung_films: Path, small: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with stopped_after(1, monkeypatch):
        learn(run_folder, "lungs", small(lung_films, data_statement="Drawn.", licence="MTI"))
    said: list[str] = []
    learn(run_folder, "lungs", small(lung_films, licence="MIT"), tell=said.append)
    record = pg.TaskRegistry(run_folder / "registry").describe("lungs")
    assert record.licence == "MIT"
    assert record.data is not None
    assert record.data.statement == "Drawn."
    assert "said: licence MIT; Drawn." in said
    text = write_registry_page(run_folder).read_text()
    assert "Drawn." in text
    assert str(record.data.fingerprint) in text


def test_all_is_written_where_it_belongs(once_learned: Path) -> None:
    files = RunFolder.at(once_learned).task("facades")
    assert [line["epoch"] for line in lines_of(files.log)] == [1, 2, 3]
    assert lines_of(files.validation)[-1]["epoch"] == 3
    assert json.loads(files.splits.read_text())["train"]
    assert [path.name for path in files.samples.iterdir()][-1] == "000003.png"
    assert json.loads(files.result.read_text())["task"] == "facades"
    assert "facades: committed" in files.page.read_text()
    assert not files.checkpoints.exists()
    config = read_config(files.config)
    assert (config.network.net, config.training.learning_rate, config.training.objective) == (
        "unet_32",
        2e-4,
        "pix2pix",
    )


def test_nothing_private_is_in_the_registry(once_learned: Path) -> None:
    names = {path.suffix for path in (once_learned / "registry").rglob("*") if path.is_file()}
    assert names <= {".json", ".safetensors", ""}


def test_masks_are_learned_by_what_the_evidence_knows_to_be_best(
    run_folder: Path, lung_films: Path, small: Any
) -> None:
    learn(run_folder, "lungs", small(lung_films))
    chosen = read_config(RunFolder.at(run_folder).task("lungs").config).training
    assert (chosen.objective, chosen.l1_weight, chosen.dice_weight) == ("supervised", 1.0, 1.0)
    assert (chosen.learning_rate, chosen.augmentation) == (2e-4, "films")


def test_the_same_call_again_touches_nothing_and_gives_the_same(
    run_folder: Path, facade_pairs: Path, small: Any
) -> None:
    before = contents(run_folder)
    again = learn(run_folder, "facades", small(facade_pairs, size=SIZE))
    assert again.task == "facades"
    assert contents(run_folder) == before


@pytest.mark.parametrize(
    "options",
    [
        {"epochs": 4},
        {"learning_rate": 1e-3},
        {"width": 4},
        {"seed": 1},
        {"licence": "MIT"},
        {"data_statement": "Mine."},
    ],
)
def test_a_frozen_task_is_never_touched(
    run_folder: Path, facade_pairs: Path, small: Any, options: dict[str, Any]
) -> None:
    before = contents(run_folder)
    with pytest.raises(TaskStateError, match=r"frozen for ever .* was .*, is"):
        learn(run_folder, "facades", small(facade_pairs, **{"size": SIZE, **options}))
    assert contents(run_folder) == before


@pytest.mark.parametrize(
    "stop",
    [
        "piggygan.jobs.training.run.learn",
        "piggygan.jobs.training.looking.Looks._draw",
        "piggygan.jobs.training.run.unlearned",
        "piggygan.jobs.training.committing.score_side",
        "piggygan.registry.registry.TaskRegistry.commit",
        "piggygan.jobs.training.committing._verified",
        "piggygan.jobs.training.committing.write_result",
        "piggygan.jobs.training.run._closed",
        "piggygan.jobs.training.run.shutil.rmtree",
    ],
)
def test_a_stop_at_any_stage_ends_in_the_same_bytes(
    run_folder: Path, lung_films: Path, small: Any, straight: TrainedTask, stop: str
) -> None:
    def raising(*_: Any, **__: Any) -> None:
        raise Stopped

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(stop, raising)
        with pytest.raises(Stopped):
            learn(run_folder, "lungs", small(lung_films))
    went_on = learn(run_folder, "lungs", small(lung_films))
    assert (went_on.digests, went_on.scores) == (straight.digests, straight.scores)
    assert "lungs: committed" in RunFolder.at(run_folder).task("lungs").page.read_text(encoding="utf-8")
    assert not RunFolder.at(run_folder).task("lungs").checkpoints.exists()


def test_what_is_not_said_is_as_it_was_when_the_task_was_begun(
    tmp_path: Path, facade_pairs: Path, small: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with stopped_after(1, monkeypatch):
        learn(tmp_path / "exp", "facades", small(facade_pairs, size=SIZE, learning_rate=1e-3))
    learn(tmp_path / "exp", "facades", small(facade_pairs))
    assert read_config(RunFolder.at(tmp_path / "exp").task("facades").config).training.learning_rate == 1e-3


def test_other_options_are_refused_while_it_is_being_learned(
    tmp_path: Path, facade_pairs: Path, small: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with stopped_after(1, monkeypatch):
        learn(tmp_path / "exp", "facades", small(facade_pairs, size=SIZE))
    before = contents(tmp_path / "exp")
    with pytest.raises(ResumeError, match=r"begun with other options: learning_rate was 0\.0002, is 0\.001"):
        learn(tmp_path / "exp", "facades", small(facade_pairs, size=SIZE, learning_rate=1e-3))
    assert contents(tmp_path / "exp") == before


def test_more_epochs_go_on_with_a_task_that_is_not_committed(
    tmp_path: Path, facade_pairs: Path, small: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with stopped_after(1, monkeypatch):
        learn(tmp_path / "exp", "facades", small(facade_pairs, size=SIZE, epochs=4))
    assert not pg.TaskRegistry(tmp_path / "exp" / "registry").tasks
    said: list[str] = []
    longer = learn(tmp_path / "exp", "facades", small(facade_pairs, size=SIZE, epochs=6), tell=said.append)
    assert said[-1] == "it was begun before, and goes on with 6 epochs in place of 4"
    assert longer.epochs == 6
    # Both schedules have the full rate in the first epoch.
    assert longer.digests == learn(tmp_path / "six", "facades", small(facade_pairs, size=SIZE, epochs=6)).digests


def test_epochs_learned_at_other_rates_are_gone_on_from_with_a_warning_on_the_page(
    tmp_path: Path, facade_pairs: Path, small: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("piggygan.training.checkpoints.saving.Saving._has_time", lambda _: True)
    with stopped_after(3, monkeypatch):
        learn(tmp_path / "exp", "facades", small(facade_pairs, size=SIZE, epochs=4))
    learn(tmp_path / "exp", "facades", small(facade_pairs, size=SIZE, epochs=8))
    assert "had other learning rates than a training of 8" in RunFolder.at(tmp_path / "exp").task(
        "facades"
    ).page.read_text(encoding="utf-8")


def refused(folder: Path, act: Callable[[], Any], kind: type[PiggyganError], match: str) -> None:
    """A call is refused, and leaves what was there as it was."""
    before = contents(folder)
    folders = {path for path in folder.rglob("*") if path.is_dir()}
    with pytest.raises(kind, match=match):
        act()
    assert contents(folder) == before
    assert {path for path in folder.rglob("*") if path.is_dir()} == folders


@pytest.mark.parametrize(
    ("options", "kind", "match"),
    [
        ({"net": "unet_64"}, ConfigurationError, r"is unet_32 of width 2 .* --net unet_64 is another"),
        ({"width": 4}, ConfigurationError, "--width 4 is another"),
        ({"size": 40}, ConfigurationError, "unet_32 takes pictures whose side is a multiple of 32"),
        ({"objective": "cyclegan"}, ConfigurationError, "take --objective pix2pix or supervised"),
        ({"start_from": "nothing"}, PiggyganError, "nothing"),
        ({"draws_on": ("doors",)}, PiggyganError, "doors"),
        ({"draws_on": ()}, PiggyganError, "names no task"),
        ({"batch_size": 7}, ConfigurationError, "batch_size is 7, and there are 6 pairs"),
        ({"learning_rate": -1.0}, ConfigurationError, "learning_rate is -1"),
        ({"unconstrained_fraction": 2.0}, ConfigurationError, "2"),
    ],
)
def test_what_cannot_be_leaves_no_half_task(
    run_folder: Path, lung_films: Path, small: Any, options: dict[str, Any], kind: type[PiggyganError], match: str
) -> None:
    refused(run_folder, lambda: learn(run_folder, "lungs", small(lung_films, **options)), kind, match)


def test_a_first_task_of_a_size_that_no_network_takes_makes_no_folder(
    tmp_path: Path, facade_pairs: Path, small: Any
) -> None:
    refused(
        tmp_path, lambda: learn(tmp_path / "exp", "a", small(facade_pairs, size=100)), ConfigurationError, "--size 96"
    )
    refused(tmp_path, lambda: learn(tmp_path / "exp", "a", small(tmp_path / "no")), PiggyganError, "no")
    wrong = small(facade_pairs, net="unet_23")
    refused(tmp_path, lambda: learn(tmp_path / "exp", "a", wrong), ConfigurationError, "did you mean 'unet_32'")


def test_a_task_of_the_registry_that_was_not_learned_here_is_no_ones_to_learn(
    tmp_path: Path, facade_pairs: Path, small: Any
) -> None:
    model = pg.MultiTaskGenerator(pg.UNetGenerator(depth=5, width=2, norm="batch", dropout=True), "facades")
    model.freeze_task("facades")
    pg.TaskRegistry(tmp_path / "bare").commit(model, "facades", image_size=SIZE)
    refused(
        tmp_path, lambda: learn(tmp_path / "bare", "facades", small(facade_pairs)), TaskExistsError, "not learned here"
    )


def test_a_bare_registry_gets_another_task_and_nothing_private(tmp_path: Path, lung_films: Path, small: Any) -> None:
    model = pg.MultiTaskGenerator(pg.UNetGenerator(depth=5, width=2, norm="batch", dropout=True), "facades")
    model.freeze_task("facades")
    pg.TaskRegistry(tmp_path / "bare").commit(model, "facades", image_size=SIZE)
    learn(tmp_path / "bare", "lungs", small(lung_films))
    assert pg.TaskRegistry(tmp_path / "bare").tasks == ("facades", "lungs")
    assert (tmp_path / "bare-work" / "tasks" / "lungs" / "result.json").exists()


def test_where_nobody_said_the_size_it_is_that_of_the_u_net(tmp_path: Path, lung_films: Path, small: Any) -> None:
    model = pg.MultiTaskGenerator(pg.UNetGenerator(depth=5, width=2, norm="batch", dropout=True), "facades")
    model.freeze_task("facades")
    pg.TaskRegistry(tmp_path / "bare").commit(model, "facades")  # as import-pix2pix does without --image-size
    result = learn(tmp_path / "bare", "lungs", small(lung_films))
    assert result.image_size == SIZE
    assert any("at what size 'facades' was learned: pictures become 32 px" in note for note in result.notes)


def test_changed_data_are_refused(tmp_path: Path, small: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for seed, side in enumerate(("train", "val")):
        write_facades(tmp_path / "data" / side, 4, SIZE, seed=seed)
    with stopped_after(1, monkeypatch):
        learn(tmp_path / "exp", "facades", small(tmp_path / "data", size=SIZE))
    first, second = sorted((tmp_path / "data" / "train").iterdir())[:2]
    first.write_bytes(second.read_bytes())
    with pytest.raises(DatasetError, match="are others than when it was begun"):
        learn(tmp_path / "exp", "facades", small(tmp_path / "data", size=SIZE))


def test_two_at_once_on_one_task_and_on_one_new_registry_are_told_who_is_there(
    tmp_path: Path, facade_pairs: Path, small: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []

    def meanwhile(looks: Looks, record: EpochRecord) -> float | None:
        if record.epoch == 1 and not seen:
            for task in ("facades", "windows"):
                with pytest.raises(TaskInUseError) as caught:
                    learn(tmp_path / "exp", task, small(facade_pairs, size=SIZE))
                seen.append(str(caught.value))
        return look(looks, record)

    monkeypatch.setattr(Looks, "__call__", meanwhile)
    learn(tmp_path / "exp", "facades", small(facade_pairs, size=SIZE))
    assert "the task 'facades' is being learned by process" in seen[0]
    assert "the first task of" in seen[1]
    assert not (tmp_path / "exp" / "tasks" / "windows").exists()


def test_two_later_tasks_at_once_both_succeed(
    run_folder: Path, lung_films: Path, facade_pairs: Path, small: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []

    def meanwhile(looks: Looks, record: EpochRecord) -> float | None:
        if not done:
            done.append("windows")
            with torch.enable_grad():  # another process would not be within a look
                learn(run_folder, "windows", small(facade_pairs))
        return look(looks, record)

    monkeypatch.setattr(Looks, "__call__", meanwhile)
    result = learn(run_folder, "lungs", small(lung_films))
    assert pg.TaskRegistry(run_folder / "registry").tasks == ("facades", "windows", "lungs")
    assert result.draws_on == ("facades",)


def test_the_best_epoch_is_committed_if_so_asked(
    tmp_path: Path, lung_films: Path, small: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    scores = iter([0.1, 0.9, 0.2])
    monkeypatch.setattr("piggygan.jobs.training.looking.headline", lambda *_: next(scores))
    best = learn(
        tmp_path / "best", "lungs", small(lung_films, size=SIZE, keep="best", validate_every=1, decay_from=1.0)
    )
    assert best.kept == 2
    two = learn(tmp_path / "two", "lungs", small(lung_films, size=SIZE, epochs=2, decay_from=1.0))
    assert best.digests["generator"] == two.digests["generator"]


def test_a_network_of_ones_own_learns_two_tasks(
    tmp_path: Path, facade_pairs: Path, lung_films: Path, small: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine.py").write_text(
        "from torch import nn\n"
        "def make(in_channels, out_channels):\n"
        "    layers = nn.Conv2d(in_channels, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, out_channels, 3, padding=1)\n"
        "    return nn.Sequential(*layers, nn.Tanh())\n"
    )
    monkeypatch.chdir(tmp_path)
    learn(tmp_path / "exp", "facades", small(facade_pairs, net="mine:make", size=16, discriminator_layers=1))
    with pytest.raises(ConfigurationError, match="name it again, as --net module:function"):
        learn(tmp_path / "exp", "lungs", small(lung_films))
    result = learn(tmp_path / "exp", "lungs", small(lung_films, net="mine:make"))
    assert result.image_size == 16
    with pytest.raises(ConfigurationError, match="ModuleNotFoundError"):
        learn(tmp_path / "exp", "more", small(lung_films, net="nowhere:make"))


def test_cyclegan_learns_pairs_taken_apart_and_they_score_both_ways(
    tmp_path: Path, facade_pairs: Path, lung_films: Path, small: Any
) -> None:
    chosen = {"objective": "cyclegan", "net": "resnet_6blocks", "epochs": 1}
    first = learn(tmp_path / "exp", "facades", small(facade_pairs, size=SIZE, **chosen))
    found = learn(tmp_path / "exp", "lungs", small(lung_films, objective="cyclegan", epochs=1))
    assert (first.kind, found.kind) == ("pairs", "masks")
    assert {"l1", "ssim", "cycle_l1", "backward_l1", "backward_ssim"} <= first.scores["test"].keys()
    assert {"dice", "iou", "cycle_l1", "backward_l1", "backward_ssim"} <= found.scores["test"].keys()
    assert found.floor.keys() >= {"dice"}
    registry = pg.TaskRegistry(tmp_path / "exp" / "registry")
    assert sorted(registry.networks) == ["backward", "forward"]
    assert registry.describe("lungs").scores["dice"] == pytest.approx(found.scores["test"]["dice"])
    look = lines_of(RunFolder.at(tmp_path / "exp").task("lungs").validation)[-1]
    assert look["scores"].keys() == found.scores["val"].keys()
    with pytest.raises(ConfigurationError, match="say --objective cyclegan, which takes pairs apart"):
        learn(tmp_path / "exp", "hearts", small(lung_films))


def test_unpaired_sides_are_learned_there_and_back_and_a_second_task_on_them(tmp_path: Path, small: Any) -> None:
    for number, side in enumerate(("trainA", "trainB", "testA", "testB")):
        write_facades(tmp_path / "both", 3, SIZE, seed=number)
        (tmp_path / "data" / side).mkdir(parents=True)
        for file in (tmp_path / "both").iterdir():
            with Image.open(file) as picture:
                half = picture.crop((0, 0, SIZE, SIZE) if side.endswith("A") else (SIZE, 0, 2 * SIZE, SIZE))
                half.save(tmp_path / "data" / side / f"{number}-{file.name}")
    options = {"net": "resnet_6blocks", "size": 16, "epochs": 1, "batch_size": None}
    first = learn(tmp_path / "exp", "facades", small(tmp_path / "data", **options))
    assert first.scores["test"].keys() == {"cycle_l1"}
    assert first.digests.keys() == {"forward", "backward", "outputs"}
    second = learn(tmp_path / "exp", "doors", small(tmp_path / "data", width=None, epochs=1))
    assert second.start_from == "facades"
    assert pg.TaskRegistry(tmp_path / "exp" / "registry").verify().is_sound


def test_files_that_are_added_meanwhile_change_no_side(
    tmp_path: Path, small: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_facades(tmp_path / "data", 8, SIZE, seed=0)
    with stopped_after(1, monkeypatch):
        learn(tmp_path / "exp", "facades", small(tmp_path / "data", size=SIZE, split="0.5/0.25/0.25"))
    splits = RunFolder.at(tmp_path / "exp").task("facades").splits.read_bytes()
    write_facades(tmp_path / "more", 4, SIZE, seed=1)
    for file in (tmp_path / "more").iterdir():
        file.rename(tmp_path / "data" / f"more-{file.name}")
    learn(tmp_path / "exp", "facades", small(tmp_path / "data", size=SIZE, split="0.5/0.25/0.25"))
    assert RunFolder.at(tmp_path / "exp").task("facades").splits.read_bytes() == splits


def test_what_is_not_learned_is_not_committed_and_says_what_to_do(
    run_folder: Path, lung_films: Path, small: Any, straight: TrainedTask
) -> None:
    strict = small(lung_films, commit_anyway=False)
    registry, files = contents(run_folder / "registry"), RunFolder.at(run_folder).task("lungs")
    for _ in range(2):  # and the same call again says the same
        with pytest.raises(NotLearnedError) as caught:
            learn(run_folder, "lungs", strict)
    said = str(caught.value)
    assert "'lungs' is not learned: after 3 epochs it scores dice " in said
    assert "more --epochs, such as --epochs 6; look at" in said
    assert "commit it as it is, with --commit-anyway" in said
    assert contents(run_folder / "registry") == registry
    assert not files.result.exists()
    assert [line["text"] for line in lines_of(files.warnings)] == [said.partition(". Nothing")[0] + "."]
    assert "is not learned" in files.page.read_text(encoding="utf-8")
    result = learn(run_folder, "lungs", small(lung_films))
    assert result.digests == straight.digests  # the refusal changed nothing of what was learned
    assert result.notes[-1] == straight.notes[-1]
    assert result.notes[-1].endswith("; it was committed nevertheless, as --commit-anyway asks.")


def test_more_epochs_go_on_with_what_was_not_learned(run_folder: Path, lung_films: Path, small: Any) -> None:
    with pytest.raises(NotLearnedError):
        learn(run_folder, "lungs", small(lung_films, commit_anyway=False))
    with pytest.raises(NotLearnedError, match="after 4 epochs"):
        learn(run_folder, "lungs", small(lung_films, commit_anyway=False, epochs=4))
    assert [line["epoch"] for line in lines_of(RunFolder.at(run_folder).task("lungs").log)] == [1, 2, 3, 4]


def test_a_task_that_is_learned_is_committed_unasked(
    run_folder: Path, lung_films: Path, small: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("piggygan.jobs.training.floor.floor_of", lambda *_: {"dice": 0.0})
    result = learn(run_folder, "lungs", small(lung_films, commit_anyway=False))
    assert not any("not learned" in note for note in result.notes)
