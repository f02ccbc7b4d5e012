"""The interface, as a program uses it: the bytes of `predict`, in every form, and words for what cannot be."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

from piggygan.data import read_image
from piggygan.prediction import PredictionOptions, predict, translate_pictures
from piggygan.registry import TaskRegistry

Draw = Callable[..., bytes]


def test_a_mask_has_the_bytes_of_predict(client: TestClient, clinic: Path, tmp_path: Path, picture: Draw) -> None:
    (tmp_path / "a.png").write_bytes(picture())
    predict(clinic, "lungs", tmp_path / "a.png", tmp_path / "out", PredictionOptions(largest=2))
    answer = client.post("/api/tasks/lungs/predict?largest=2", content=picture(), headers={"Accept": "image/png"})
    assert answer.status_code == 200
    assert answer.content == (tmp_path / "out/masks/a.png").read_bytes()
    shown = client.post("/api/tasks/lungs/predict?largest=2&show=overlay", content=picture())
    assert shown.content == (tmp_path / "out/overlays/a.png").read_bytes()
    summary = json.loads((tmp_path / "out/summary.json").read_text())
    assert answer.headers["piggygan-certificate"] == summary["certificate"]
    assert answer.headers["piggygan-input-sha256"] == summary["predicted"][0]["sha256"]
    assert float(answer.headers["piggygan-foreground"]) == summary["predicted"][0]["foreground"]
    assert (answer.headers["piggygan-rows"], answer.headers["piggygan-columns"]) == ("20", "30")


def test_a_picture_has_the_bytes_of_predict(client: TestClient, clinic: Path, tmp_path: Path, picture: Draw) -> None:
    (tmp_path / "a.png").write_bytes(picture())
    predict(clinic, "facades", tmp_path / "a.png", tmp_path / "out", PredictionOptions(fit="tile"))
    answer = client.post("/api/tasks/facades/predict?fit=tile", content=picture())
    assert answer.content == (tmp_path / "out/pictures/a.png").read_bytes()


def test_values_are_those_of_the_network_and_their_png_is_cut_where_the_mask_is(
    client: TestClient, clinic: Path, tmp_path: Path, picture: Draw
) -> None:
    (tmp_path / "a.png").write_bytes(picture())
    model = TaskRegistry(clinic).load(["lungs"])
    (soft,) = translate_pictures(model, "lungs", [read_image(tmp_path / "a.png", 3)], PredictionOptions(size=16))
    answer = client.post("/api/tasks/lungs/predict", content=picture(), headers={"Accept": "application/x-npy"})
    assert np.load(io.BytesIO(answer.content)).tobytes() == soft.numpy().tobytes()
    values = client.post("/api/tasks/lungs/predict?show=values", content=picture())
    levels = np.asarray(Image.open(io.BytesIO(values.content)))
    mask = np.asarray(Image.open(io.BytesIO(client.post("/api/tasks/lungs/predict", content=picture()).content)))
    assert ((levels >= 128) == (mask == 255)).all()
    assert len(np.unique(levels)) > 2


def test_a_dicom_film_comes_back_as_a_segmentation_of_it(
    client: TestClient, tmp_path: Path, write_film: Callable[..., Path]
) -> None:
    highdicom = pytest.importorskip("highdicom")
    film = write_film(tmp_path / "a.dcm", np.arange(600, dtype=np.uint16).reshape(20, 30))
    answer = client.post("/api/tasks/lungs/predict", content=film.read_bytes(), headers={"Accept": "application/dicom"})
    assert answer.headers["content-type"] == "application/dicom"
    segmentation = highdicom.seg.segread(io.BytesIO(answer.content))
    mask = client.post("/api/tasks/lungs/predict", content=film.read_bytes())
    found = segmentation.pixel_array.reshape(20, 30)
    assert (found * 255 == np.asarray(Image.open(io.BytesIO(mask.content)))).all()


def test_several_files_come_back_as_a_zip_with_a_summary(client: TestClient, picture: Draw) -> None:
    files = [
        ("file", (name, content))
        for name, content in (("x/a.png", picture()), ("a.png", picture(seed=1)), ("b", b"no"))
    ]
    answer = client.post("/api/tasks/lungs/predict", files=files)
    assert answer.headers["content-type"] == "application/zip"
    archive = zipfile.ZipFile(io.BytesIO(answer.content))
    assert archive.namelist() == ["a.png", "a-2.png", "summary.json"]
    alone = client.post("/api/tasks/lungs/predict", content=picture(seed=1))
    assert archive.read("a-2.png") == alone.content
    summary = json.loads(archive.read("summary.json"))
    assert [entry.get("status") for entry in summary] == [None, None, 422]


def test_what_a_mask_has_to_be_like_is_held_against_it(client: TestClient, picture: Draw) -> None:
    facts = client.post(
        "/api/tasks/lungs/predict?require=lungs&measure=1", content=picture(), headers={"Accept": "application/json"}
    ).json()
    found = {finding["name"]: finding["value"] for finding in facts["findings"]}
    assert found["area_pixels"] == round(facts["foreground"] * 600)
    assert found["as_required"] is False
    refused = client.post("/api/tasks/lungs/predict?require=nonsense", content=picture())
    assert refused.json()["type"] == "urn:piggygan:problem:query"


def test_tasks_are_listed_with_all_that_a_card_says(client: TestClient, clinic: Path) -> None:
    listed = client.get("/api/tasks").json()
    assert listed["registry"] == TaskRegistry(clinic).digest
    assert [card["name"] for card in listed["tasks"]] == ["facades", "lungs"]
    lungs = client.get("/api/tasks/lungs").json()
    assert lungs == listed["tasks"][1]
    assert lungs["draws_on"] == ["facades"]
    assert lungs["networks"]["generator"]["kind"] == "mask"
    assert lungs["networks"]["generator"]["in_channels"] == 3
    assert 0 < lungs["networks"]["generator"]["cost"]["share"] < 1
    assert lungs["scores"] == {"dice": 0.5}
    assert client.get("/api/tasks/facades").json()["networks"]["generator"]["kind"] == "picture"


@pytest.mark.parametrize(
    ("path", "content", "accept", "status", "kind"),
    [
        ("/api/tasks/lung/predict", b"x", "*/*", 404, "TaskNotFoundError"),
        ("/api/tasks/lungs/predict", b"no image", "*/*", 422, "ImageError"),
        ("/api/tasks/lungs/predict", b"", "*/*", 400, "no-file"),
        ("/api/tasks/lungs/predict?size=0", b"x", "*/*", 400, "query"),
        ("/api/tasks/lungs/predict?size=3", None, "*/*", 400, "ConfigurationError"),
        ("/api/tasks/lungs/predict?fit=crop", b"x", "*/*", 400, "query"),
        ("/api/tasks/lungs/predict?colour=1", b"x", "*/*", 400, "query"),
        ("/api/tasks/lungs/predict?network=back", None, "*/*", 400, "ConfigurationError"),
        ("/api/tasks/lungs/predict", None, "text/html", 406, "not-acceptable"),
        ("/api/tasks/lungs/predict", None, "application/dicom", 406, "not-acceptable"),
        ("/api/tasks/facades/predict?show=values", None, "*/*", 406, "not-acceptable"),
        ("/api/tasks/lungs/predict", b"x" * (1 << 20 | 1), "*/*", 413, "too-large"),
        ("/api/preview", b"no image", "*/*", 422, "ImageError"),
    ],
)
def test_what_cannot_be_is_a_problem_of_its_kind(
    client: TestClient, picture: Draw, path: str, content: bytes | None, accept: str, status: int, kind: str
) -> None:
    answer = client.post(path, content=picture() if content is None else content, headers={"Accept": accept})
    problem = answer.json()
    assert answer.status_code == problem["status"] == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["type"] == f"urn:piggygan:problem:{kind}"
    assert problem["detail"]


def test_what_is_not_there_is_a_problem_too(client: TestClient) -> None:
    assert client.get("/api/nothing").json()["type"] == "urn:piggygan:problem:no-page"
    assert client.get("/api/tasks/lungs/predict").status_code == 405
    assert client.get("/page/../app.py").status_code == 404
    assert client.get("/api/examples/nobody").status_code == 404


def test_a_preview_shows_a_film_that_browsers_cannot_show(
    client: TestClient, tmp_path: Path, write_film: Callable[..., Path]
) -> None:
    film = write_film(tmp_path / "a.dcm", np.arange(600, dtype=np.uint16).reshape(20, 30))
    answer = client.post("/api/preview", content=film.read_bytes())
    assert Image.open(io.BytesIO(answer.content)).size == (30, 20)
    assert answer.headers["piggygan-format"] == "DICOM"


def test_examples_are_pictures_that_every_task_takes(client: TestClient) -> None:
    listed = client.get("/api/examples").json()["examples"]
    assert {example["of"] for example in listed} == {"facade", "film"}
    drawn = client.get(listed[-1]["url"])
    assert Image.open(io.BytesIO(drawn.content)).size == (512, 512)
    assert client.post("/api/tasks/lungs/predict", content=drawn.content).status_code == 200


def test_the_page_is_there_and_nothing_may_run_on_it_but_its_own(client: TestClient) -> None:
    page = client.get("/")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["content-security-policy"].startswith("default-src 'none'; script-src 'self';")
    assert client.get("/", headers={"If-None-Match": page.headers["etag"]}).status_code == 304
    assert client.get("/health").json()["status"] == "ok"
