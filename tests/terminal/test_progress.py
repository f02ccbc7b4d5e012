"""Progress of one look: at every width, and without a terminal."""

import io
import re

import pytest
from rich.console import Console

from piggygan.terminal.progress import SECONDS_BETWEEN_LINES, progress_bar

LOSSES = "generator.adversarial 0.693  generator.l1 12.345  discriminator.real 0.346  discriminator.fake 0.347"
BRIEF = "adversarial 0.693  l1 12.345  real 0.346  fake 0.347"


def shown(width: int, description: str = "epoch 12/200", note: str = LOSSES, brief: str = BRIEF) -> str:
    """Return the last state of the bar, as a terminal of this width shows it."""
    console = Console(file=io.StringIO(), force_terminal=True, width=width, color_system="standard")
    now = 0.0
    with progress_bar(console=console) as bar:
        bar.get_time = lambda: now
        task = bar.add_task(description, total=64000, note="", brief="")
        for step in range(1, 6):
            now = step * 0.5
            bar.update(task, advance=700, note=note, brief=brief)
    assert isinstance(console.file, io.StringIO)
    lines = re.split(r"[\r\n]+", re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", console.file.getvalue()))
    return [line for line in lines if line.strip()][-1]


@pytest.mark.parametrize("width", [60, 80, 110, 200])
@pytest.mark.parametrize("note", [LOSSES, "", "generators.forward_adversarial 0.123  " * 8])
def test_bar_count_and_time_left_are_there_at_every_width(width: int, note: str) -> None:
    line = shown(width, note=note, brief="")
    assert len(line) <= width
    assert re.match("epoch 12/200 [━╸╺]{8}", line)
    assert "  3500/64000 " in line
    assert re.search(r"\d:\d\d:\d\d \d:\d\d:\d\d", line)


@pytest.mark.parametrize(
    ("width", "expected"), [(60, ""), (80, "adversarial 0.693  l1 12.345"), (110, BRIEF), (200, LOSSES)]
)
def test_losses_are_shown_as_there_is_room_and_never_cut(width: int, expected: str) -> None:
    assert re.split(r"\d:\d\d:\d\d ", shown(width))[-1].strip() == expected


@pytest.mark.parametrize(
    ("width", "expected"), [(30, "━  3500/64000 0:00:44"), (50, "epoch 12/200 ━  3500/64000 0:00:02 0:00:44")]
)
def test_a_narrow_terminal_keeps_the_count_and_the_time_left(width: int, expected: str) -> None:
    line = shown(width)
    assert len(line) <= width
    assert re.sub("[━╸╺]+", "━", line).strip().endswith(expected)


def lines_without_terminal(visible: bool = True, environment: dict[str, str] | None = None) -> list[str]:
    file = io.StringIO()
    terminal = {"force_terminal": True, "_environ": environment} if environment else {"force_terminal": False}
    console = Console(file=file, width=40, **terminal)  # type: ignore[arg-type]
    now = 0.0
    with progress_bar(visible, console) as bar:
        bar.get_time = lambda: now
        task = bar.add_task("epoch 1/2", total=100, note="")
        bar._said = 0.0  # type: ignore[attr-defined]  # by the clock of this test
        for step in range(1, 96):
            now = float(step)
            bar.update(task, advance=1, note=LOSSES)
    return file.getvalue().splitlines()


def test_without_a_terminal_a_line_says_the_same_every_30_seconds() -> None:
    lines = lines_without_terminal()
    assert [line.split("  ")[1] for line in lines] == ["30/100", "60/100", "90/100"]
    assert lines[1] == f"epoch 1/2  60/100  0:01:00  0:00:40 left  {LOSSES}"
    assert SECONDS_BETWEEN_LINES == 30


def test_a_terminal_that_cannot_move_its_cursor_gets_lines_too() -> None:
    assert len(lines_without_terminal(environment={"TERM": "dumb"})) == 3


def test_nothing_is_shown_where_it_is_not_wanted() -> None:
    assert lines_without_terminal(visible=False) == []


@pytest.mark.parametrize(
    ("visible", "terminal", "is_shown"), [(True, True, True), (False, True, False), (True, False, False)]
)
def test_a_bar_is_shown_on_a_terminal_and_when_it_is_wanted(visible: bool, terminal: bool, is_shown: bool) -> None:
    console = Console(file=io.StringIO(), force_terminal=terminal, width=120)
    with progress_bar(visible, console) as bar:
        bar.update(bar.add_task("reading", total=4, note=""), advance=1, note="2 refused")
    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()
    assert all(part in text for part in ("reading", "1/4", "2 refused")) is is_shown
    assert bool(text) is is_shown
