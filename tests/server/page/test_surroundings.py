"""Where the page is looked at: in the dark, on a phone, by people whom motion disturbs."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from tests.server.page.visitor import TASKS, Visitor

Visit = Callable[..., Visitor]
Draw = Callable[..., bytes]
PHONE = {"viewport": {"width": 400, "height": 860}, "has_touch": True, "is_mobile": True}


def brightness(visitor: Visitor, name: str) -> int:
    found = visitor.page.evaluate(f"() => getComputedStyle(document.body).{name}")
    return sum(map(int, re.findall(r"\d+", found)))


@pytest.mark.parametrize(("scheme", "is_dark"), [("light", False), ("dark", True)])
def test_in_the_dark_the_page_is_dark(visit: Visit, scheme: str, is_dark: bool) -> None:
    visitor = visit(color_scheme=scheme)
    assert (brightness(visitor, "backgroundColor") < 100) == is_dark
    assert (brightness(visitor, "color") > 600) == is_dark


def test_on_a_phone_nothing_is_cut_off_and_everything_can_be_touched(visit: Visit, picture: Draw) -> None:
    visitor = visit(**PHONE)
    page = visitor.page
    visitor.drop((f"a film with {'a_long_name_' * 9}.png", picture(60, 90)))
    page.locator(".look[aria-busy=false]").nth(len(TASKS) - 1).wait_for()
    page.get_by_role("button", name="Compare answers").click()
    for details in page.locator("summary").all():
        details.click()
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 400
    outside = """() => [...document.querySelectorAll("button, input:not([hidden]), select, summary, canvas, h3")]
        .filter((one) => one.checkVisibility())
        .filter((one) => { const b = one.getBoundingClientRect(); return b.left < 0 || b.right > 400; })
        .map((one) => one.outerHTML)"""
    assert page.evaluate(outside) == []
    small = """() => [...document.querySelectorAll("button, select, summary, label:has(input)")]
        .filter((one) => one.checkVisibility() && one.getBoundingClientRect().height < 24)
        .map((one) => one.outerHTML)"""
    assert page.evaluate(small) == []
    letters = """() => Math.min(...[...document.querySelectorAll("body *")]
        .filter((one) => [...one.childNodes].some((n) => n.nodeType == 3 && n.data.trim()) && one.checkVisibility())
        .map((one) => parseFloat(getComputedStyle(one).fontSize)))"""
    assert page.evaluate(letters) >= 13


@pytest.mark.slow
def test_nothing_moves_for_those_whom_it_disturbs(visit: Visit) -> None:
    moving = """() => [getComputedStyle(document.documentElement).scrollBehavior,
        getComputedStyle(document.getElementById("choose")).transitionDuration]"""
    assert visit(reduced_motion="reduce").page.evaluate(moving) == ["auto", "0s"]
    assert visit(reduced_motion="no-preference").page.evaluate(moving) != ["auto", "0s"]
