"""What goes wrong is said in words, beside the file that it is about."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from piggygan.server.limits import Limits
from tests.server.page.visitor import TASKS, Served, Visitor, serve

Visit = Callable[..., Visitor]
Draw = Callable[..., bytes]
SAID = "Failed to load resource: the server responded with a status of "
TOKEN = "0123456789abcdef"  # noqa: S105  # of this test's server


@pytest.fixture
def guarded(served: Served) -> Iterator[Served]:
    """The same registry behind a token."""
    guarded = serve(served.registry, token=TOKEN)
    yield guarded
    guarded.end()


def test_a_file_that_cannot_be_read_says_so_and_the_others_are_answered(visit: Visit, picture: Draw) -> None:
    visitor = visit(expected=(f"{SAID}422",))
    visitor.drop(("cut.png", picture()[:200]), ("<b>a</b>.png", picture()), ("empty.png", b""))
    visitor.expected += (f"{SAID}400",)
    visitor.look("<b>a</b>.png", "lungs")
    for name in ("cut.png", "empty.png"):
        film = visitor.film(name)
        film.get_by_role("button", name="Try again").wait_for()
        assert film.locator(".problem").first.inner_text().endswith(".")
        assert film.locator(".look").count() == 0
    assert visitor.page.get_by_role("heading", name="<b>a</b>.png").is_visible()


@pytest.mark.slow
def test_what_is_too_large_or_too_many_is_left_out_before_it_is_sent(visit: Visit) -> None:
    visitor = visit(expected=(f"{SAID}400",))
    sent = len(visitor.requests)
    visitor.drop(("large.tif", 2 * Limits(megabytes=1).bytes), *((f"{number}.png", 0) for number in range(65)))
    said = visitor.page.locator("#left-out").inner_text()
    assert said.startswith("large.tif has 2.1 MB, and the server takes 1.05 MB. 1 file left out: the page shows 64")
    assert visitor.page.locator(".film").count() == 64
    visitor.page.get_by_role("button", name="Remove all").click()
    assert visitor.page.locator(".film").count() == 0
    asked = [url for url in visitor.requests[sent:] if url.endswith("/preview")]
    assert len(asked) <= 64


def test_a_busy_server_is_asked_again(visit: Visit, picture: Draw) -> None:
    visitor = visit(expected=(f"{SAID}429",))
    refused: list[str] = []

    def answer(route: Any) -> None:
        if len(refused) >= 2:
            route.continue_()
            return
        refused.append(route.request.url)
        problem = '{"type": "urn:piggygan:problem:busy", "title": "busy", "status": 429, "detail": "try again."}'
        route.fulfill(status=429, body=problem, headers={"Retry-After": "0.01"})

    visitor.page.route("**/predict?*", answer)
    visitor.drop(("a.png", picture()))
    for task in TASKS:
        assert visitor.look("a.png", task).get_by_role("button", name=f"PNG of {task}").is_visible()
    assert len(refused) == 2


def test_a_task_that_fails_can_be_asked_again(visit: Visit, picture: Draw) -> None:
    visitor = visit(expected=(f"{SAID}503", "Failed to load resource: net::ERR_FAILED"))
    problem = '{"type": "urn:piggygan:problem:too-long", "title": "t", "status": 503, "detail": "it took too long"}'
    visitor.page.route("**/lungs*/predict?*", lambda route: route.fulfill(status=503, body=problem))
    visitor.page.route("**/hearts*/predict?*", lambda route: route.abort())
    visitor.drop(("a.png", picture()))
    assert visitor.look("a.png", "lungs").locator(".problem").inner_text() == "It took too long."
    assert "does not answer" in visitor.look("a.png", "hearts").locator(".problem").inner_text()
    said = visitor.page.locator("#said:has-text('could not')").inner_text()
    assert said == "a.png: facades answered; lungs and hearts could not."
    visitor.page.unroute_all()
    visitor.look("a.png", "lungs").get_by_role("button", name="Try again").click()
    visitor.look("a.png", "lungs").get_by_role("button", name="PNG of lungs").wait_for()


@pytest.mark.slow
def test_a_browser_that_alters_pictures_is_noticed(visit: Visit, picture: Draw) -> None:
    noise = """const read = CanvasRenderingContext2D.prototype.getImageData;
        CanvasRenderingContext2D.prototype.getImageData = function (...where) {
            const found = read.apply(this, where);
            found.data.forEach((_, at) => { if (at % 28 === 0) found.data[at] ^= 255; });
            return found;
        };"""
    visitor = visit(script=noise)
    visitor.drop(("a.png", picture()))
    assert "alters pictures" in visitor.look("a.png", "lungs").locator(".remarks").inner_text()


def test_what_the_server_remarks_and_doubts_stands_under_the_answer(visit: Visit, picture: Draw) -> None:
    visitor = visit()

    def answer(route: Any) -> None:
        response = route.fetch()
        findings = [{"name": "parts", "value": 1, "says": "One part."}, {"name": "expected_dice", "value": 0.75}]
        told = {"Piggygan-Remarks": '["A remark."]', "Piggygan-Findings": json.dumps(findings)}
        route.fulfill(response=response, headers={**response.headers, **told})

    visitor.page.route("**/lungs*/predict?*", answer)
    visitor.drop(("a.png", picture()))
    remarks = visitor.look("a.png", "lungs").locator(".remarks li").all_inner_texts()
    assert remarks == ["A remark.", "One part.", "Dice is expected to be 0.75."]


@pytest.mark.slow
def test_a_server_with_a_token_asks_for_it(browser: Any, guarded: Served) -> None:
    visitor = Visitor(browser.new_context().new_page(), guarded, expected=(f"{SAID}401",))
    page = visitor.page
    page.goto(guarded.address)
    page.get_by_role("textbox", name="Token").fill("not the token at all")
    page.keyboard.press("Enter")
    page.get_by_text("That is not the token.").wait_for()
    page.get_by_role("textbox", name="Token").fill(TOKEN)
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Example: film, film-1").and_(page.locator(":enabled")).click()
    visitor.look("film-1.png", "lungs")
    assert page.get_by_role("textbox", name="Token").is_hidden()
    page.reload()
    page.get_by_role("checkbox", name="lungs").wait_for()
    assert [url for url in visitor.requests if TOKEN in url] == []
    page.context.close()
    visitor.check()
