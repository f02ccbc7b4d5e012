"""Draws the pictures of docs/serving.md: the served page, on a screen, in the dark, and on a phone.

piggygan demo runs/demo && piggygan serve runs/demo
python -m tools.page_pictures http://127.0.0.1:8765/ docs/images

The page is shown on the server's own examples, which are generated.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any


def pictures(address: str) -> dict[str, bytes]:
    """Look at a served page as three visitors do.

    Args:
        address: Of a page whose registry holds a task of masks.

    Returns:
        PNG files, by name.
    """
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        wide = _answered(browser, address, ["film-1"], {"width": 760, "height": 1040}, "light")
        wide.locator("#try").evaluate("(section) => section.scrollIntoView({ behavior: 'instant' })")
        shots = {"serve_page.png": wide.screenshot()}
        dark = _answered(browser, address, ["film-2"], {"width": 560, "height": 720}, "dark")
        dark.get_by_role("button", name="Compare").click()
        dark.locator(".comparison").evaluate("(shown) => shown.scrollIntoView({ behavior: 'instant', block: 'end' })")
        shots["serve_dark.png"] = dark.screenshot()
        phone = _answered(browser, address, ["film-3"], {"width": 400, "height": 860}, "light")
        phone.locator("#answers").evaluate("(section) => section.scrollIntoView({ behavior: 'instant' })")
        shots["serve_phone.png"] = phone.screenshot()
        browser.close()
    return shots


def _answered(browser: Any, address: str, examples: list[str], viewport: dict[str, int], scheme: str) -> Any:
    """Open the page, click on examples, and wait for every answer."""
    page = browser.new_page(viewport=viewport, color_scheme=scheme, reduced_motion="reduce")
    page.set_default_timeout(120_000)  # drawing the examples takes a while where others work, too
    page.goto(address)
    page.locator(".examples button:disabled").first.wait_for(state="detached")
    for example in examples:
        page.get_by_role("button", name=example).click()
        page.locator(f".film[aria-label='{example}.png'] .look[aria-busy=false]").last.wait_for()
    page.locator(".look[aria-busy=true]").first.wait_for(state="detached")
    return page


if __name__ == "__main__":
    for name, png in pictures(sys.argv[1]).items():
        (Path(sys.argv[2]) / name).write_bytes(png)
