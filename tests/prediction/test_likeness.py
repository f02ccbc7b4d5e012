"""Films unlike those of training are named, by the task's own features, and so is the task that they are like."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import piggygan as pg
from piggygan.cli import main
from piggygan.evaluation.familiarity import FEATURES, Familiarity, bottleneck_of
from piggygan.prediction import Finding, PredictionOptions
from piggygan.prediction.contact_sheet import write_contact_sheet
from piggygan.registry import Member, TaskRegistry

SIDE = 16


def drawn(kind: str, seed: int) -> np.ndarray:
    """Draw a film: something bright on dark, or stripes across it."""
    noise = np.random.default_rng(seed)
    rows = np.arange(SIDE)[:, None] * np.ones(SIDE)
    base = 60 + 4 * rows if kind == "film" else 128 + 120 * np.sign(np.sin(rows * 1.9))
    return np.clip(base + noise.normal(0, 8, (SIDE, SIDE)), 0, 255).astype(np.uint8)


def features_of(model: pg.MultiTaskGenerator, task: str, pictures: list[np.ndarray]) -> torch.Tensor:
    batch = torch.stack([torch.from_numpy(one).float().expand(3, -1, -1) / 127.5 - 1 for one in pictures])
    with torch.no_grad(), bottleneck_of(model.eval()) as bottleneck:
        model(batch, task=task)
        return bottleneck.features


@pytest.fixture
def clinic(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a registry of a task of films and one of stripes, each with its features; and a film of either kind."""
    torch.manual_seed(0)
    model = pg.MultiTaskGenerator(pg.UNetGenerator(depth=3, width=4, out_channels=1), "films")
    registry = TaskRegistry(tmp_path / "clinic")
    for task, kind in (("films", "film"), ("stripes", "stripes")):
        if task not in model.tasks:
            model.add_task(task)
        model.freeze_task(task)
        seen = [features_of(model, task, [drawn(kind, seed) for seed in some]) for some in (range(40), range(40, 60))]
        familiar = Familiarity.of(*seen)
        assert familiar is not None
        registry.commit(model, task, image_size=SIDE, attachments={FEATURES: familiar.as_tensors()})
    for place, kind in (("a", "film"), ("b", "stripes"), ("c", "film")):
        (tmp_path / "films").mkdir(exist_ok=True)
        Image.fromarray(drawn(kind, 100 + ord(place))).save(tmp_path / f"films/{place}.png")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_an_ensemble_is_called_by_its_name_and_its_members_are_not_other_tasks(clinic: Path) -> None:
    whole = TaskRegistry(clinic / "clinic")
    model, registry = whole.load(), TaskRegistry(clinic / "ensemble")
    kept = {FEATURES: whole.attachment("films", FEATURES)}
    registry.commit(model, "films", image_size=SIDE, member=Member("chests", 1, 2), attachments=kept)
    registry.commit(model, "stripes", image_size=SIDE, member=Member("chests", 2, 2), attachments=kept)
    summary = pg.predict(registry, "chests", clinic / "films/b.png", clinic / "out", PredictionOptions(size=SIDE))
    (unlike,) = [one for one in summary.predicted[0].findings if one.name == "unlike"]
    assert unlike.value
    assert unlike.says.endswith("the film is unlike those that task 'chests' was trained on.")


def found(out: Path) -> list[dict[str, Finding]]:
    files = json.loads((out / "summary.json").read_text())["predicted"]
    return [{entry["name"]: Finding(**entry) for entry in file["findings"]} for file in files]


def test_an_unlike_film_is_named_with_its_distance_and_the_task_that_it_is_like(clinic: Path) -> None:
    summary = pg.predict("clinic", "films", "films", "out")
    films = [{finding.name: finding for finding in file.findings} for file in summary.predicted]
    assert films == found(clinic / "out")
    assert [film["unlike"].value for film in films] == [False, True, False]
    for film in films:
        assert set(film) == {"distance", "distance_threshold", "unlike"}
        distance, threshold = film["distance"].value, film["distance_threshold"].value
        assert isinstance(distance, float)
        assert isinstance(threshold, float)
        assert (distance > threshold) is film["unlike"].value
    assert films[0]["unlike"].says == ""
    assert films[1]["unlike"].says == (
        f"unlike: {films[1]['distance'].value:.3g} (threshold {films[1]['distance_threshold'].value:.3g}): the film is "
        f"unlike those that task 'films' was trained on; it is like those of task 'stripes'."
    )


def test_masks_are_the_same_bytes_whether_or_not_that_is_known(clinic: Path) -> None:
    pg.predict("clinic", "films", "films", "out")
    plain = pg.MultiTaskGenerator(pg.UNetGenerator(depth=3, width=4, out_channels=1), "films")
    plain.generator.load_state_dict(TaskRegistry("clinic").load(["films"]).generator.state_dict())
    plain.freeze_task("films")
    TaskRegistry("plain").commit(plain, "films", image_size=SIDE)
    pg.predict("plain", "films", "films", "other")
    assert found(clinic / "other") == [{}, {}, {}]  # of a task without features nothing is said
    for path in (clinic / "out/masks").iterdir():
        assert path.read_bytes() == (clinic / "other/masks" / path.name).read_bytes()


@pytest.mark.parametrize("workers", [0, 1])
def test_findings_do_not_depend_on_workers_or_batches(clinic: Path, workers: int) -> None:
    pg.predict("clinic", "films", "films", "out", PredictionOptions(batch_size=3), workers=workers)
    pg.predict("clinic", "films", "films", "other", workers=0)
    assert found(clinic / "out") == found(clinic / "other")


@pytest.mark.usefixtures("clinic")
def test_the_command_says_it_and_strictly_it_is_an_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["predict", "clinic", "films", "--task", "films", "--strict"]
    assert main([*arguments, "--out", "out"]) == 1
    doubtful, total = capsys.readouterr().out.splitlines()
    assert doubtful.startswith("doubtful: 'films/b.png': unlike: ")
    assert total == "3 predicted, 0 refused: 'out'"
    assert main([*arguments[:2], "films/a.png", "films/c.png", *arguments[3:], "--out", "two"]) == 0


@pytest.mark.filterwarnings("ignore:.*was trained on squares of 16")
@pytest.mark.parametrize("options", [PredictionOptions(fit="pad"), PredictionOptions(size=32)])
def test_films_that_come_otherwise_than_in_training_are_not_compared(clinic: Path, options: PredictionOptions) -> None:
    pg.predict("clinic", "films", "films", "out", options)
    assert found(clinic / "out") == [{}, {}, {}]


def test_review_shows_an_unlike_film_first(clinic: Path) -> None:
    pg.predict("clinic", "films", "films", "out")
    first, *others = write_contact_sheet("out", "page.html", rules="area>=0")
    assert first.name == "b"
    assert first.says.startswith("unlike: ")
    assert first.margin < 0
    assert all(0 < other.margin < 0.5 and not other.says for other in others)
    assert "b: unlike: " in (clinic / "page.html").read_text(encoding="utf-8")


def test_a_damaged_attachment_is_said_before_anything_is_written(clinic: Path) -> None:
    name = TaskRegistry("clinic").describe("films").attachments[FEATURES].digest
    for path in (clinic / "clinic").rglob(f"*{name[:16]}*"):
        path.chmod(0o600)
        path.write_bytes(b"damaged")
    with pytest.raises(pg.PiggyganError, match="attachment 'features' of task 'films'"):
        pg.predict("clinic", "films", "films", "out")
    assert not (clinic / "out").exists()
