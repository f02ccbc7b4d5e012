"""Progress bars of one look."""

import io

import pytest
from rich.console import Console

from piggygan.progress import progress_bar


@pytest.mark.parametrize(
    ("visible", "terminal", "shown"), [(True, True, True), (False, True, False), (True, False, False)]
)
def test_a_bar_is_shown_on_a_terminal_and_when_it_is_wanted(visible: bool, terminal: bool, shown: bool) -> None:
    console = Console(file=io.StringIO(), force_terminal=terminal, width=120)
    with progress_bar(visible, console) as bar:
        bar.update(bar.add_task("reading", total=4, note=""), advance=1, note="2 refused")
    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()
    assert all(part in text for part in ("reading", "1/4", "2 refused")) is shown
    assert bool(text) is shown
