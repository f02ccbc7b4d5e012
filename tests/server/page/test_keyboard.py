"""The whole path of a visitor who has no mouse, and of one who hears the page."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.server.page.visitor import TASKS, Visitor

Visit = Callable[..., Visitor]
Draw = Callable[..., bytes]
FOCUSED = (
    "() => { const at = document.activeElement; return at.getAttribute('aria-label') || at.id || at.textContent; }"
)


def tab_to(visitor: Visitor, wanted: str, key: str = "Tab") -> None:
    """Press a key until something has the focus; whatever has it on the way can be seen to have it."""
    outlined = """() => {
        const at = document.activeElement, shown = [at, at.nextElementSibling, at.parentElement];
        return shown.some((one) => one && getComputedStyle(one).outlineStyle !== "none");
    }"""
    for _ in range(60):
        visitor.page.keyboard.press(key)
        assert visitor.page.evaluate(outlined), visitor.page.evaluate(FOCUSED)
        if visitor.page.evaluate(FOCUSED).startswith(wanted):
            return
    raise AssertionError(f"{wanted} cannot be reached by {key}")


@pytest.mark.slow
def test_everything_is_done_with_keys_alone(visit: Visit) -> None:
    visitor = visit()
    page, press = visitor.page, visitor.page.keyboard.press
    page.get_by_role("button", name="Example: film, film-1").and_(page.locator(":enabled")).wait_for()
    tab_to(visitor, "Skip to the pictures")
    press("Enter")
    assert page.evaluate(FOCUSED) == "try"
    tab_to(visitor, "Example: film, film-1")
    press("Enter")
    for task in TASKS:
        visitor.look("film-1.png", task)
    tab_to(visitor, "tint")
    press("ArrowRight")
    assert page.locator("#tint-shown").inner_text() == "26%"
    tab_to(visitor, "cut")
    before = visitor.look("film-1.png", "lungs").locator(".measure").inner_text()
    for _ in range(4):
        press("PageDown")
    assert page.locator("#cut").get_attribute("aria-valuetext") == page.locator("#cut-shown").inner_text() != "0.50"
    visitor.look("film-1.png", "lungs").locator(f".measure:not(:text-is('{before}'))").wait_for()
    tab_to(visitor, "Compare answers to film-1.png")
    press("Enter")
    tab_to(visitor, "Line between the two answers")
    press("Home")
    press("ArrowRight")
    line = visitor.film("film-1.png").get_by_role("slider")
    assert line.input_value() == "0.5"
    assert "width" in line.get_attribute("aria-valuetext")
    tab_to(visitor, "Remove film-1.png", "Shift+Tab")
    press("Enter")
    assert page.evaluate(FOCUSED) == "choose"
    assert page.locator("#said").inner_text() == "film-1.png was removed."
    tab_to(visitor, "All scores")
    press("Enter")
    assert page.get_by_role("region", name="Scores of facades").is_visible()


def test_what_happens_is_said_and_what_is_shown_has_words(visit: Visit, picture: Draw) -> None:
    visitor = visit(expected=("Failed to load resource: the server responded with a status of 422",))
    assert visitor.page.get_by_role("status").get_attribute("aria-live") == "polite"
    visitor.drop(("a.png", picture()), ("b.txt", b"words"))
    for task in TASKS:
        visitor.look("a.png", task)
    visitor.film("b.txt").get_by_role("button", name="Try again: b.txt").wait_for()
    assert "b.txt" in visitor.page.locator("#said").inner_text() + visitor.film("b.txt").inner_text()
    unnamed = """() => [...document.querySelectorAll("canvas, svg[role=img]")]
        .filter((one) => one.checkVisibility() && !one.getAttribute("aria-label")).length"""
    assert visitor.page.evaluate(unnamed) == 0
    assert visitor.page.get_by_role("img", name="lungs draws on facades.").is_visible()
    assert visitor.page.get_by_role("img", name="hearts draws on facades and lungs.").is_visible()
