"""A browser, a served registry, and visitors."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest

from tests.server.page.visitor import TINY, Served, Visitor, commit_ward, posted, serve

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@pytest.fixture(scope="package")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Three tasks, served."""
    folder = tmp_path_factory.mktemp("ward") / "ward"
    commit_ward(folder)
    served = serve(folder)
    posted(f"{served.address}api/preview", TINY)  # the process that decodes begins with the first file
    yield served
    served.end()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A Chromium without a window. It ends with its module: its event loop runs until then, and nobody else's can."""
    if BROWSER is None:
        pytest.skip("no Chromium here: apt-get install chromium")
    api: ModuleType = pytest.importorskip("playwright.sync_api", reason="no playwright here: pip install playwright")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def visit(browser: Any, served: Served) -> Iterator[Callable[..., Visitor]]:
    """Let somebody come; how the browser is set goes to playwright's ``new_context``."""
    visitors: list[Visitor] = []

    def come(
        to: Served = served, expected: tuple[str, ...] = (), script: str | None = None, **settings: Any
    ) -> Visitor:
        context = browser.new_context(**settings)
        if script is not None:
            context.add_init_script(script)
        visitors.append(Visitor(context.new_page(), to, expected))
        visitors[-1].come()
        return visitors[-1]

    yield come
    for visitor in visitors:
        visitor.page.context.close()
        visitor.check()


@pytest.fixture
def asked(served: Served) -> Callable[..., bytes]:
    """Ask the server as a program does, without the page."""
    return lambda path, *wanted: posted(served.address + path, *wanted)
