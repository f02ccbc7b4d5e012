"""Members of an ensemble predict together: the mean of their outputs, what they doubt, and the same bytes however."""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import piggygan as pg
from piggygan.cli import main
from piggygan.errors import ConfigurationError, InputError, TaskNotFoundError
from piggygan.evaluation.doubt import disagreement
from piggygan.evaluation.temperature import CALIBRATION, temperature_tensors
from piggygan.prediction import PredictionOptions, predict
from piggygan.prediction.ensemble import Ensemble, certificate_of, temperatures_of
from piggygan.prediction.translator import Translator
from piggygan.registry import Member, TaskRegistry

OPTIONS = PredictionOptions(review_below=0.99, disagreement=True)
TEMPERATURES = (1.5, 2.0, 0.8)
MEMBERS = ("lungs-1", "lungs-2", "lungs-3")


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> TaskRegistry:
    """Facades, and three members on them; of another ensemble, of pictures, two."""
    torch.manual_seed(0)
    model = pg.MultiTaskGenerator(pg.UNetGenerator(depth=3, width=4), "facades")
    registry = TaskRegistry(tmp_path_factory.mktemp("registry") / "clinic")
    model.freeze_task("facades")
    registry.commit(model, "facades", image_size=32)
    for group, of in (("lungs", 3), ("doors", 2)):
        for number in range(1, of + 1):
            task, is_mask = f"{group}-{number}", group == "lungs"
            model.add_task(task, out_channels=1 if is_mask else 3, draws_on=["facades"])
            with torch.no_grad():
                for parameter in model.task_parameters(task):
                    parameter.add_(torch.randn_like(parameter) * 0.3)
            model.freeze_task(task)
            attached = {CALIBRATION: temperature_tensors(TEMPERATURES[number - 1])} if is_mask else None
            registry.commit(model, task, image_size=32, member=Member(group, number, of), attachments=attached)
    return registry


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("films")
    numbers = np.random.default_rng(0)
    for number in range(7):
        Image.fromarray(numbers.integers(0, 60 + 30 * number, (40, 30), dtype=np.uint8)).save(folder / f"{number}.png")
    return folder


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.png")}


@pytest.fixture(scope="module")
def found(clinic: TaskRegistry, films: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the ensemble makes of the films."""
    out = tmp_path_factory.mktemp("out") / "lungs"
    predict(clinic, "lungs", films, out, OPTIONS, workers=0)
    return out


def test_the_mask_is_where_the_mean_of_the_members_outputs_is_above_0(
    clinic: TaskRegistry, films: Path, found: Path
) -> None:
    model = clinic.load(MEMBERS)
    options = PredictionOptions(size=32)
    film = torch.from_numpy(np.array(Image.open(films / "6.png"))).float() / 127.5 - 1
    placement = Translator(model, "lungs-1", options).placement(40, 30)
    canvas = placement.place(film[None]).expand(3, -1, -1)
    outputs = torch.stack([Translator(model, member, options)([canvas])[0] for member in MEMBERS])
    mean = (outputs[0].double() + outputs[1].double() + outputs[2].double()) / 3
    wanted = placement.take_back(mean.float())[0] > 0
    mask = np.array(Image.open(found / "masks/6.png")) > 0
    assert np.array_equal(mask, wanted.numpy())
    assert 0 < mask.mean() < 1

    summary = json.loads((found / "summary.json").read_text())
    (file,) = (one for one in summary["predicted"] if one["source"].endswith("6.png"))
    findings = {one["name"]: one["value"] for one in file["findings"]}
    assert findings["disagreement"] == pytest.approx(disagreement(outputs[:, 0] > 0), rel=1e-3)
    logits = [np.log((1 + one.numpy()) / (1 - one.numpy())) for one in outputs[:, 0].double()]
    p = np.mean([1 / (1 + np.exp(-one / t)) for one, t in zip(logits, TEMPERATURES, strict=True)], axis=0)
    m = mean[0].numpy() > 0
    assert findings["expected_dice"] == pytest.approx(2 * p[m].sum() / (p.sum() + m.sum()), rel=1e-3)
    picture = np.array(Image.open(found / "disagreement/6.png")) / 255
    assert picture == pytest.approx(placement.take_back(outputs.double().std(0, correction=0).float())[0], abs=0.003)


def test_an_ensemble_of_one_is_that_task_to_the_bit(clinic: TaskRegistry, films: Path, tmp_path: Path) -> None:
    model, options = clinic.load(["lungs-2"]), PredictionOptions(size=32)
    canvas = torch.rand(3, 32, 32)
    (pooled,) = Ensemble(model, ["lungs-2"], options)([canvas])
    assert torch.equal(pooled.output, Translator(model, "lungs-2", options)([canvas])[0])
    assert pooled[1:] == (None, None, None, None)
    summary = predict(clinic, "lungs-2", films / "1.png", tmp_path / "out")
    assert [one.name for one in summary.predicted[0].findings] == ["expected_dice"]  # it has a calibration
    assert summary.members == {}


def test_bytes_depend_on_no_parts_and_no_start(
    clinic: TaskRegistry, films: Path, found: Path, tmp_path: Path
) -> None:  # nor on workers, see test_workers
    whole, by_name = bytes_of(found), {}
    summaries = []
    for part in ("1/2", "2/2"):
        out = tmp_path / part[0]
        summaries.append(predict(clinic, "lungs", films, out, OPTIONS, workers=0, part=part))
        by_name |= bytes_of(out)
    assert by_name == whole
    told = {one.source: one.findings for summary in summaries for one in summary.predicted}
    before = predict(clinic, "lungs", films, found, OPTIONS, workers=0)  # which makes nothing again
    assert told == {one.source: one.findings for one in before.predicted}


def test_a_batch_changes_no_mask_and_no_number(clinic: TaskRegistry, films: Path, found: Path, tmp_path: Path) -> None:
    options = PredictionOptions(review_below=0.99, disagreement=True, batch_size=3)
    summary = predict(clinic, "lungs", films, tmp_path / "out", options, workers=0)
    assert {name: one for name, one in bytes_of(tmp_path / "out").items() if name.startswith("masks/")} == {
        name: one for name, one in bytes_of(found).items() if name.startswith("masks/")
    }
    before = {one["source"]: one["findings"] for one in json.loads((found / "summary.json").read_text())["predicted"]}
    for one in summary.predicted:
        for finding, former in zip(one.findings, before[one.source], strict=True):
            assert finding.value == pytest.approx(former["value"], abs=2e-4)


def test_the_summary_says_who_predicted_and_what_to_look_at_the_worst_first(clinic: TaskRegistry, found: Path) -> None:
    summary = json.loads((found / "summary.json").read_text())
    digests = {one: clinic.describe(one).networks["generator"].certificate.tensors_digest for one in MEMBERS}
    assert (summary["task"], summary["members"]) == ("lungs", digests)
    assert summary["certificate"] == hashlib.sha256("\n".join(digests.values()).encode()).hexdigest()
    scores = {
        one["source"]: finding["value"]
        for one in summary["predicted"]
        for finding in one["findings"]
        if finding["name"] == "expected_dice"
    }
    assert summary["review"] == sorted((name for name, score in scores.items() if score < 0.99), key=scores.get)
    assert len(summary["review"]) > 1


def test_the_command_lists_the_worst_first_counts_them_and_is_strict(
    clinic: TaskRegistry, films: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = [
        "predict",
        str(clinic.folder),
        str(films),
        "--task",
        "lungs",
        "--out",
        str(tmp_path / "out"),
        "--workers",
        "0",
    ]
    assert main([*line, "--review-below", "0.99", "--strict"]) == 1
    printed = capsys.readouterr().out.splitlines()
    named = [word.split("'")[1] for word in printed if word.startswith("doubtful: ")]
    review = json.loads((tmp_path / "out/summary.json").read_text())["review"]
    assert named == review
    assert f"{len(review)} of 7 to be looked at: expected Dice below 0.99" in printed


def test_an_ensemble_of_pictures_gives_their_mean_and_where_they_disagree(
    clinic: TaskRegistry, films: Path, tmp_path: Path
) -> None:
    summary = predict(clinic, "doors", films / "3.png", tmp_path / "out", PredictionOptions(disagreement=True))
    assert set(summary.predicted[0].outputs) == {"pictures", "disagreement"}
    assert summary.predicted[0].findings == ()


@pytest.mark.parametrize(
    ("task", "options", "said"),
    [
        ("lungs-1", {"disagreement": True}, "'lungs-1' is no ensemble"),
        ("facades", {"review_below": 0.9}, "'facades' makes no masks of which it is known"),
        ("doors", {"review_below": 0.9}, "'doors' makes no masks of which it is known"),
    ],
)
def test_what_cannot_be_said_is_refused_before_anything_is_written(
    clinic: TaskRegistry, films: Path, tmp_path: Path, task: str, options: dict[str, float], said: str
) -> None:
    with pytest.raises(ConfigurationError, match=said):
        predict(clinic, task, films, tmp_path / "out", PredictionOptions(**options))  # type: ignore[arg-type]
    assert not (tmp_path / "out").exists()


def test_an_ensemble_that_lacks_a_member_is_refused(clinic: TaskRegistry, films: Path, tmp_path: Path) -> None:
    clinic.export_task("facades", tmp_path / "facades.safetensors")
    clinic.export_task("lungs-1", tmp_path / "1.safetensors")
    other = TaskRegistry(tmp_path / "other")
    other.import_task(tmp_path / "facades.safetensors")
    other.import_task(tmp_path / "1.safetensors")
    with pytest.raises(TaskNotFoundError, match="there are 1 of 3 members"):
        predict(other, "lungs", films, tmp_path / "out")


def test_outputs_that_are_no_numbers_are_refused_and_not_judged(clinic: TaskRegistry) -> None:
    ensemble = Ensemble(clinic.load(MEMBERS), MEMBERS, PredictionOptions(size=32), TEMPERATURES)
    (pooled,) = ensemble([torch.full((3, 32, 32), torch.nan)])
    assert pooled.output.isnan().all()
    assert pooled.expected_dice is None


def test_a_temperature_that_is_none_is_refused(clinic: TaskRegistry, tmp_path: Path) -> None:
    assert temperatures_of(clinic, MEMBERS) == list(TEMPERATURES)
    assert temperatures_of(clinic, ("lungs-1", "doors-1")) is None
    clinic.export_task("facades", tmp_path / "facades.safetensors")
    other = TaskRegistry(tmp_path / "other")
    other.import_task(tmp_path / "facades.safetensors")
    other.attach("facades", CALIBRATION, {"warmth": torch.ones(1)})
    with pytest.raises(InputError, match="it has no temperature"):
        temperatures_of(other, ["facades"])


def test_a_certificate_of_several_is_another_for_another_order() -> None:
    assert certificate_of(["a", "b"]) != certificate_of(["b", "a"])
    assert len(certificate_of(["a", "b"])) == 64


def test_the_picture_of_disagreement_is_grey_of_the_films_size(found: Path) -> None:
    picture = Image.open(io.BytesIO((found / "disagreement/0.png").read_bytes()))
    assert (picture.mode, picture.size) == ("L", (30, 40))
