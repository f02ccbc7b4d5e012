"""The whole path of a visitor, with a mouse."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.server.page.visitor import PATIENCE, TASKS, Visitor, parsed, pixels

Visit = Callable[..., Visitor]
Draw = Callable[..., bytes]
Ask = Callable[..., bytes]


def test_a_film_is_dropped_and_every_task_answers(visit: Visit, picture: Draw, asked: Ask) -> None:
    visitor = visit()
    assert visitor.page.get_by_role("heading", level=1).inner_text() == "3 tasks in one network"
    visitor.drop(("a film.png", picture()))
    for task in TASKS:
        visitor.look("a film.png", task)
    assert visitor.film("a film.png").locator(".about").inner_text().startswith("PNG, 30 × 20, ")
    mask = pixels(asked("api/tasks/lungs/predict", picture()))
    assert visitor.look("a film.png", "lungs").locator(".measure").inner_text() == f"{(mask > 0).mean():.1%}"
    assert visitor.page.locator("#said").inner_text() == "a film.png: facades, lungs and hearts answered."


def test_what_is_saved_is_what_the_server_predicts(visit: Visit, picture: Draw, asked: Ask) -> None:
    visitor = visit()
    visitor.drop(("a.png", picture()))
    name, saved = visitor.saved(visitor.look("a.png", "lungs").get_by_role("button", name="PNG of"))
    assert name == "a-lungs.png"
    assert (pixels(saved) == pixels(asked("api/tasks/lungs/predict", picture()))).all()
    name, saved = visitor.saved(visitor.look("a.png", "facades").get_by_role("button", name="PNG of"))
    assert (name, saved) == ("a-facades.png", asked("api/tasks/facades/predict", picture()))


def test_what_is_found_out_about_a_mask_stands_under_it(visit: Visit, picture: Draw, asked: Ask) -> None:
    visitor = visit()
    visitor.drop(("a.png", picture()))
    facts = parsed(asked("api/tasks/lungs/predict?require=lungs", picture(), "application/json"))
    said = [finding["says"] for finding in facts["findings"] if finding["says"]]
    assert said
    assert visitor.look("a.png", "lungs").locator(".remarks li").all_inner_texts() == said
    assert visitor.look("a.png", "facades").locator(".remarks").is_hidden()


def test_the_threshold_is_moved_in_the_browser(visit: Visit, picture: Draw, asked: Ask) -> None:
    visitor = visit()
    visitor.drop(("a.png", picture()))
    look = visitor.look("a.png", "lungs")
    sent = len(visitor.requests)
    levels = pixels(asked("api/tasks/lungs/predict?show=values", picture()))
    cut = int(np.median(levels)) + 3
    visitor.page.locator("#cut").fill(str(cut))
    share = (levels >= cut).mean()
    look.locator(f".measure:text-is('{share:.1%}')").wait_for()
    assert visitor.page.locator("#cut-shown").inner_text() == f"{cut / 256:.2f}"
    saved = pixels(visitor.saved(look.get_by_role("button", name="PNG of"))[1])
    assert (saved == np.where(levels >= cut, 255, 0)).all()
    assert look.get_by_role("img").get_attribute("aria-label") == f"Mask of lungs on a.png: {share:.1%} of it"
    assert [url for url in visitor.requests[sent:] if not url.startswith("blob:")] == []
    visitor.page.get_by_role("button", name="Reset").click()
    look.locator(f".measure:text-is('{(levels >= 128).mean():.1%}')").wait_for()


@pytest.mark.slow
def test_a_dicom_film_is_shown_and_its_segmentation_saved(
    visit: Visit, write_film: Callable[..., Path], tmp_path: Path
) -> None:
    from pydicom import dcmread

    film = write_film(tmp_path / "a.dcm", np.arange(600, dtype=np.uint16).reshape(20, 30)).read_bytes()
    visitor = visit()
    visitor.drop(("IM000001", film))
    look = visitor.look("IM000001", "lungs")
    assert visitor.film("IM000001").locator(".about").inner_text().startswith("DICOM, 30 × 20, ")
    name, saved = visitor.saved(look.get_by_role("button", name="DICOM SEG"))
    assert name == "IM000001-lungs.dcm"
    assert dcmread(io.BytesIO(saved)).Modality == "SEG"
    visitor.page.locator("#cut").fill("64")
    look.get_by_text("DICOM SEG at 0.50").wait_for()


def test_everything_is_saved_as_one_zip(visit: Visit, picture: Draw, asked: Ask) -> None:
    visitor = visit()
    visitor.drop(("ä/a.png", picture()), ("b", b"no picture"), ("a.png", picture(seed=1)))
    visitor.expected = ("Failed to load resource: the server responded with a status of 422",)
    for task in TASKS:
        visitor.look("a.png", task)
    visitor.film("b").locator(".problem").first.wait_for()
    for film in visitor.page.locator(".film").all():
        film.and_(visitor.page.locator("[aria-busy=false]")).wait_for()
    visitor.page.locator(".look[aria-busy=true]").first.wait_for(state="detached")
    name, saved = visitor.saved(visitor.page.get_by_role("button", name="Save all (zip)"))
    archive = zipfile.ZipFile(io.BytesIO(saved))
    assert name == "piggygan.zip"
    assert archive.testzip() is None
    pictures = [f"{folder}/{task}.png" for folder in ("a", "a-2") for task in TASKS]
    assert sorted(archive.namelist()) == sorted([*pictures, "summary.json"])
    assert (pixels(archive.read("a-2/hearts.png")) == pixels(asked("api/tasks/hearts/predict", picture(seed=1)))).all()
    summary = parsed(archive.read("summary.json"))
    facts = parsed(asked("api/tasks/hearts/predict", picture(seed=1), "application/json"))
    (entry,) = (entry for entry in summary["files"] if entry.get("sha256") == facts["input_sha256"])
    hearts = entry["answers"][-1]
    assert hearts["certificate"] == facts["certificate"]
    assert hearts["foreground"] == facts["foreground"]
    assert hearts["threshold"] == "0.50"
    (refused,) = (entry for entry in summary["files"] if entry["file"] == "b")
    assert refused["error"] == visitor.film("b").locator(".problem").first.inner_text()
    assert "research only" in summary["intended_use"]


def test_two_answers_are_compared_under_a_line(visit: Visit, picture: Draw) -> None:
    visitor = visit()
    visitor.drop(("a.png", picture()))
    for task in TASKS:
        visitor.look("a.png", task)
    film = visitor.film("a.png")
    film.get_by_role("button", name="Compare").click()
    assert [film.get_by_role("combobox", name=side).input_value() for side in ("Left", "Right")] == [
        "lungs/generator",
        "hearts/generator",
    ]
    film.get_by_role("combobox", name="Left").select_option("facades")
    line = film.get_by_role("slider")
    line.scroll_into_view_if_needed()
    box = line.bounding_box()
    visitor.page.mouse.click(box["x"] + 0.25 * box["width"], box["y"] + 0.5 * box["height"])
    assert abs(float(line.input_value()) - 25) <= 1
    above = film.locator(".above").evaluate("(canvas) => getComputedStyle(canvas).clipPath")
    edge = film.locator(".edge").bounding_box()
    assert float(above.split()[-1].removesuffix("%)")) == float(line.input_value())
    assert abs(edge["x"] + 1 - box["x"] - 0.25 * box["width"]) < 0.02 * box["width"]
    drawn = "(canvas) => Array.from(canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data)"
    looks: dict[str, Any] = {task: visitor.look("a.png", task).locator("canvas").evaluate(drawn) for task in TASKS}
    assert film.locator(".below").evaluate(drawn) == looks["facades"]
    assert film.locator(".above").evaluate(drawn) == looks["hearts"]


@pytest.mark.slow
def test_an_example_is_a_click_away_and_tasks_can_be_left_out(visit: Visit) -> None:
    visitor = visit()
    visitor.page.get_by_role("checkbox", name="facades").uncheck()
    visitor.page.get_by_role("button", name="film-1", exact=False).click()
    visitor.look("film-1.png", "lungs")
    visitor.look("film-1.png", "hearts")
    assert visitor.film("film-1.png").locator(".look .name").all_inner_texts() == ["input", "lungs", "hearts"]
    visitor.page.get_by_role("checkbox", name="facades").check()
    visitor.look("film-1.png", "facades")
    assert visitor.film("film-1.png").locator(".look .name").all_inner_texts() == ["input", *TASKS]
    visitor.page.get_by_role("button", name="Remove film-1.png").click()
    assert visitor.page.locator("#answers").is_hidden()


@pytest.mark.slow
def test_files_are_chosen_and_pasted(visit: Visit, picture: Draw) -> None:
    visitor = visit()
    with visitor.page.expect_file_chooser() as chooser:
        visitor.page.get_by_role("button", name="Choose files").click()
    assert chooser.value.is_multiple()
    chooser.value.set_files([{"name": "c.png", "mimeType": "image/png", "buffer": picture()}])
    visitor.look("c.png", "lungs")
    visitor.page.evaluate(
        """(bytes) => {
            const clipboardData = new DataTransfer();
            clipboardData.items.add(new File([new Uint8Array(bytes)], "image.png"));
            document.dispatchEvent(new ClipboardEvent("paste", { clipboardData }));
        }""",
        list(picture(seed=2)),
    )
    visitor.look("image.png", "lungs")
    assert [film.get_attribute("aria-label") for film in visitor.page.locator(".film").all()] == ["image.png", "c.png"]


@pytest.mark.slow
def test_the_certificates_are_computed_again_at_a_click(visit: Visit) -> None:
    visitor = visit()
    visitor.page.get_by_role("button", name="Verify now").click()
    visitor.page.locator(".note-box.good").wait_for(timeout=5 * PATIENCE)  # a process of its own
    assert visitor.page.locator(".note-box.good").inner_text().startswith("All is sound: 3 certificates")
    assert visitor.page.locator(".proof .label").all_inner_texts() == list(TASKS)
    assert set(visitor.page.locator(".proof .verdict").all_inner_texts()) == {"✓ equal"}
