import io

from rich.console import Console

from piggygan.training.progress_bar import TrainingProgress


def shown(visible: bool, terminal: bool, steps: int | None = 4) -> str:
    console = Console(file=io.StringIO(), force_terminal=terminal, width=120)
    with TrainingProgress(3, steps, visible, console) as progress:
        progress.start_epoch(2)
        progress.advance({"generator.l1": 1.25})
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_a_terminal_shows_epoch_steps_and_losses() -> None:
    text = shown(visible=True, terminal=True)
    assert "epoch 2/3" in text
    assert "1/12" in text
    assert "generator.l1 1.250" in text


def test_nothing_is_shown_without_a_terminal_or_on_request() -> None:
    assert shown(visible=True, terminal=False) == ""
    assert shown(visible=False, terminal=True) == ""


def test_a_stream_of_unknown_length_has_a_bar_too() -> None:
    assert "1/?" in shown(visible=True, terminal=True, steps=None)
