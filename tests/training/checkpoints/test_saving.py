"""When a training saves, and with how many epochs it may go on."""

import contextlib
import logging
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from piggygan.errors import ConfigurationError, ResumeError
from piggygan.training import Checkpoints


def digest(objective: Any) -> list[bytes]:
    return [t.numpy().tobytes() for module in objective.modules().values() for t in module.state_dict().values()]


def learned(program: Any, folder: Path | None, *, steps: int | None = None, **options: Any) -> Any:
    """Train, and if so asked be stopped after so many steps."""
    given = {name: options.pop(name) for name in ("reschedule", "inexact", "share") if name in options}
    objective = program.make_objective()
    play, count = objective.play, 0

    def cut(batch: Any) -> Any:
        nonlocal count
        count += 1
        if steps is not None and count > steps:
            raise KeyboardInterrupt
        return play(batch)

    objective.play = cut
    checkpoints = Checkpoints(folder, every_steps=1, **given) if folder is not None else None
    with contextlib.suppress(KeyboardInterrupt):
        program.run(objective, program.make_data("shuffle"), checkpoints, **options)
    return objective


@pytest.mark.parametrize(
    ("steps", "before", "now"),
    [
        (15, {"epochs": 4}, {"epochs": 6}),  # in the second epoch, the rate of both is still the full one
        (20, {"epochs": 4}, {"epochs": 6}),
        (20, {"epochs": 6}, {"epochs": 4}),
        (35, {"epochs": 4, "decay_from": 1.0}, {"epochs": 6, "decay_from": 0.9}),
    ],
)
def test_other_epochs_go_on_to_the_bytes_of_a_training_that_had_them_from_the_start(
    program: Any, tmp_path: Path, steps: int, before: dict[str, Any], now: dict[str, Any]
) -> None:
    learned(program, tmp_path, steps=steps, **before)
    assert digest(learned(program, tmp_path, **now)) == digest(learned(program, None, **now))


def test_a_finished_training_that_never_lowered_its_rate_goes_on_exactly(program: Any, tmp_path: Path) -> None:
    learned(program, tmp_path, epochs=2, decay_from=1.0)
    longer = learned(program, tmp_path, epochs=3, decay_from=1.0)
    assert digest(longer) == digest(learned(program, None, epochs=3, decay_from=1.0))


def test_where_learned_epochs_had_other_rates_more_epochs_are_refused_unless_that_is_asked_for(
    program: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    learned(program, tmp_path, steps=35, epochs=4)
    files = sorted(tmp_path.iterdir())
    with pytest.raises(ResumeError, match=r"of the 3 epochs learned, those from 3 on had other learning rates"):
        learned(program, tmp_path, epochs=8)
    assert sorted(tmp_path.iterdir()) == files
    longer = learned(program, tmp_path, epochs=8, reschedule=True)
    assert "the end is that of no training of 8 epochs from the start" in caplog.text
    assert digest(longer) != digest(learned(program, None, epochs=8))


def test_a_rescheduled_training_that_is_stopped_goes_on_to_the_same_bytes(program: Any, tmp_path: Path) -> None:
    for name in ("a", "b"):
        learned(program, tmp_path / name, steps=35, epochs=4)
    learned(program, tmp_path / "a", steps=12, epochs=8, reschedule=True)
    stopped = learned(program, tmp_path / "a", epochs=8)  # by now it is a training of 8 epochs
    assert digest(stopped) == digest(learned(program, tmp_path / "b", epochs=8, reschedule=True))


@pytest.mark.parametrize("reschedule", [False, True])
def test_fewer_epochs_than_are_learned_are_refused(program: Any, tmp_path: Path, reschedule: bool) -> None:
    learned(program, tmp_path, steps=25, epochs=6)
    with pytest.raises(ResumeError, match=r"2 epochs and 5 batches, more than the 2 epochs .* at least 3"):
        learned(program, tmp_path, epochs=2, reschedule=reschedule)


def test_another_option_beside_the_epochs_is_refused_all_the_same(program: Any, tmp_path: Path) -> None:
    learned(program, tmp_path, steps=15, epochs=4)
    with pytest.raises(ResumeError, match=r"another training: option weight_decay was 0\.0, is 0\.1\. "):
        learned(program, tmp_path, epochs=6, weight_decay=0.1)


def test_saving_keeps_to_its_share_of_the_time(program: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now, saved = 0.0, []
    monkeypatch.setattr("piggygan.training.checkpoints.saving.time", SimpleNamespace(monotonic=lambda: now))
    objective = program.make_objective()
    play = objective.play

    def timed(batch: Any) -> Any:
        nonlocal now
        now += 1.0
        return play(batch)

    class Folder:
        def __init__(self, folder: Path, keep_last: int) -> None: ...

        @contextlib.contextmanager
        def locked(self) -> Any:
            yield

        def newest_whole(self, _: str) -> None: ...

        def save(self, _: str, position: tuple[int, int], *__: Any) -> Path:
            nonlocal now
            saved.append(position)
            now += 0.5
            return Path("saved")

    objective.play = timed
    monkeypatch.setattr("piggygan.training.checkpoints.saving.CheckpointFolder", Folder)
    program.run(objective, program.make_data("shuffle"), Checkpoints(tmp_path, every_steps=1, share=0.1), epochs=2)
    # The first when it is due; then 0.5 seconds of saving after 5 of learning; and the end.
    assert saved == [(0, 1), (0, 6), (1, 1), (1, 6), (2, 0)]


@pytest.mark.parametrize("share", [0.0, -1.0, 1.5, float("nan")])
def test_a_share_that_is_none_is_refused(share: float) -> None:
    with pytest.raises(ConfigurationError, match="share is"):
        Checkpoints("folder", share=share)


def test_that_the_rates_are_kept_is_no_warning(program: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "piggygan")
    learned(program, tmp_path, steps=15, epochs=4)
    learned(program, tmp_path, epochs=6)
    assert not caplog.records
