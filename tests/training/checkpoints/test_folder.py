"""Checkpoints that are there whole or not at all, and are noticed when they are damaged."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from piggygan.errors import ConfigurationError, ResumeError
from piggygan.training import Checkpoints
from piggygan.training.checkpoints.folder import CheckpointFolder, to_bytes

TENSORS = {"network.weight": torch.arange(6.0), "random.torch": torch.arange(4, dtype=torch.uint8)}


def fill(folder: Path, *positions: int, keep: int = 9) -> CheckpointFolder:
    checkpoints = CheckpointFolder(folder, keep)
    folder.mkdir(exist_ok=True)
    for position in positions:
        checkpoints.save("last", (position, 0), {"number": position}, TENSORS)
    return checkpoints


def number(checkpoints: CheckpointFolder) -> Any:
    found = checkpoints.newest_whole("last")
    assert found is not None
    return found[1]["number"]


def test_equal_states_have_equal_bytes() -> None:
    other = {name: TENSORS[name].clone() for name in reversed(TENSORS)}
    assert to_bytes({"a": 1, "b": [0.1]}, TENSORS) == to_bytes({"b": [0.1], "a": 1}, other)


def test_a_flip_of_any_bit_is_noticed(tmp_path: Path) -> None:
    checkpoints = fill(tmp_path, 1)
    (path,) = (checkpoint.path for checkpoint in checkpoints.stored("last"))
    whole = path.read_bytes()
    for bit in range(8 * len(whole)):
        damaged = bytearray(whole)
        damaged[bit // 8] ^= 1 << bit % 8
        path.write_bytes(damaged)
        with pytest.raises(ResumeError, match="damaged"):
            checkpoints.newest_whole("last")
    path.write_bytes(whole)
    assert number(checkpoints) == 1


def test_a_cut_at_any_byte_is_noticed(tmp_path: Path) -> None:
    checkpoints = fill(tmp_path, 1)
    (path,) = (checkpoint.path for checkpoint in checkpoints.stored("last"))
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(ResumeError, match="damaged"):
            checkpoints.newest_whole("last")


def test_e07_a_damaged_latest_checkpoint_falls_back_to_the_one_before(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    checkpoints = fill(tmp_path, 1, 2, 3)
    for checkpoint in checkpoints.stored("last")[:2]:
        checkpoint.path.write_bytes(b"damaged")
    assert number(checkpoints) == 1
    (message,) = (record.getMessage() for record in caplog.records)
    assert "last-000003" in message
    assert "2 damaged" in message
    assert "going on from last-000001" in message
    assert len(list(tmp_path.glob("*.damaged"))) == 2  # set aside, so that they do not count as the last ones kept
    checkpoints = CheckpointFolder(tmp_path, 2)
    checkpoints.save("last", (2, 0), {"number": 2}, TENSORS)
    assert [checkpoint.position[0] for checkpoint in checkpoints.stored("last")] == [2, 1]


def test_e07_when_all_are_damaged_that_is_said_and_nothing_is_changed(tmp_path: Path) -> None:
    checkpoints = fill(tmp_path, 1, 2)
    for checkpoint in checkpoints.stored("last"):
        checkpoint.path.write_bytes(b"damaged")
    files = sorted(tmp_path.iterdir())
    with pytest.raises(ResumeError, match=r"last-000002.* is damaged.*no other checkpoint"):
        checkpoints.newest_whole("last")
    assert sorted(tmp_path.iterdir()) == files


def test_a_link_in_place_of_a_checkpoint_is_not_followed(tmp_path: Path) -> None:
    checkpoints = fill(tmp_path / "here", 1)
    (path,) = (checkpoint.path for checkpoint in checkpoints.stored("last"))
    path.rename(tmp_path / "there")
    path.symlink_to(tmp_path / "there")
    with pytest.raises(ResumeError, match="not a regular file"):
        checkpoints.newest_whole("last")


def test_e18_the_last_ones_and_the_best_are_kept_and_none_is_deleted_before_the_new_one_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoints = fill(tmp_path, 1, 2, keep=2)
    checkpoints.save("best", (1, 0), {}, TENSORS)
    seen: list[list[int]] = []
    unlink = Path.unlink

    def watched(path: Path, *args: Any, **kwargs: Any) -> None:
        seen.append([checkpoint.position[0] for checkpoint in checkpoints.stored("last")])
        unlink(path, *args, **kwargs)

    monkeypatch.setattr(Path, "unlink", watched)
    checkpoints.save("last", (3, 0), {}, TENSORS)
    checkpoints.save("best", (3, 0), {}, TENSORS)
    assert seen == [[3, 2, 1], [3, 2]]
    assert [checkpoint.position[0] for checkpoint in checkpoints.stored("last")] == [3, 2]
    assert [checkpoint.position[0] for checkpoint in checkpoints.stored("best")] == [3]


@pytest.mark.parametrize("code", [28, 5, 13])
def test_e03_e04_an_error_at_any_file_operation_leaves_the_old_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    happened: list[str] = []
    for fail_at in range(1, 50):
        folder = tmp_path / str(fail_at)
        checkpoints = fill(folder, 1, 2, keep=2)
        count = 0

        def counted(name: str, original: Callable[..., Any]) -> Callable[..., Any]:
            def operation(*args: Any, **kwargs: Any) -> Any:
                nonlocal count
                count += 1
                if count == fail_at:  # noqa: B023  # called within this turn of the loop only
                    happened.append(name)
                    raise OSError(code, os.strerror(code))
                return original(*args, **kwargs)

            return operation

        with monkeypatch.context() as patch:
            for name in ("open", "fsync", "replace", "unlink", "close", "fdopen"):
                patch.setattr(os, name, counted(name, getattr(os, name)))
            try:
                checkpoints.save("last", (3, 0), {"number": 3}, TENSORS)
                break
            except ResumeError as error:
                message = str(error)
        assert os.strerror(code) in message
        assert number(checkpoints) in (2, 3)
        assert {checkpoint.position[0] for checkpoint in checkpoints.stored("last")} >= {2}
        with checkpoints.locked():  # the next start sweeps
            assert [path.name for path in folder.iterdir() if path.name.endswith(".tmp")] == []
        assert number(fill(folder, 4, keep=2)) == 4
    assert {"open", "fsync", "replace", "unlink", "close", "fdopen"} == set(happened)


def test_e03_a_full_disk_ends_the_training_with_an_error_and_the_old_checkpoint_whole(
    program: Any, tmp_path: Path
) -> None:
    import resource

    program.run(program.make_objective(), program.make_data("list"), Checkpoints(tmp_path), epochs=1)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    former = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, former[1]))  # a real EFBIG in the middle of the write
    try:
        with pytest.raises(ResumeError, match="File too large"):
            program.run(
                program.make_objective(), program.make_data("list"), Checkpoints(tmp_path, inexact=True), epochs=2
            )
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, former)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_two_trainings_cannot_share_a_folder(program: Any, tmp_path: Path) -> None:
    with CheckpointFolder(tmp_path, 2).locked(), pytest.raises(ResumeError, match="another training"):
        program.run(program.make_objective(), program.make_data("list"), Checkpoints(tmp_path))


def test_a_folder_that_cannot_be_made_is_an_error_before_any_step(program: Any, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ResumeError, match="cannot be written"):
        program.run(program.make_objective(), program.make_data("list"), Checkpoints(tmp_path / "file" / "folder"))


@pytest.mark.parametrize("bad", [{"every_steps": 0}, {"every_epochs": 0}, {"keep_last": 0}])
def test_a_number_below_1_is_refused_by_name(bad: dict[str, int]) -> None:
    with pytest.raises(ConfigurationError, match=next(iter(bad))):
        Checkpoints("folder", **bad)  # type: ignore[arg-type]


SAVE_FOREVER = """
import itertools, sys, torch
from pathlib import Path
from piggygan.training.checkpoints.folder import CheckpointFolder
folder = CheckpointFolder(Path(sys.argv[1]), 2)
tensors = {"network.weight": torch.arange(4_000_000.0)}
with folder.locked():
    newest = folder.newest_whole("last")
    first = newest[1]["number"] + 1 if newest else 1
    for number in itertools.count(first):
        folder.save("last", (number, 0), {"number": number}, tensors)
        print(number, flush=True)
"""


def written(folder: Path) -> bool:
    """Say whether a file is half written now, or was when its process died."""
    return any(path.name.endswith(".tmp") for path in folder.iterdir())


def kill_while_saving(folder: Path, times: int) -> int:
    """Kill a process that saves all the time; return how often it died inside the write."""
    root = str(Path(__file__).parents[2])
    chance = random.Random(0)
    inside = 0
    for _ in range(times):
        process = subprocess.Popen(
            [sys.executable, "-c", SAVE_FOREVER, str(folder)],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": root, "CUDA_VISIBLE_DEVICES": ""},
        )
        assert process.stdout is not None
        committed = int(process.stdout.readline())
        time.sleep(chance.random() * 0.1)
        deadline = time.monotonic() + 10
        while not written(folder) and time.monotonic() < deadline:
            time.sleep(0)
        time.sleep(chance.random() * 0.005)  # anywhere in the write, not only where it begins
        process.send_signal(signal.SIGKILL)
        rest = process.communicate()[0].splitlines()
        committed = max([committed, *(int(line) for line in rest if line.strip())])
        inside += written(folder)
        assert number(CheckpointFolder(folder, 2)) in (committed, committed + 1)
    return inside


def test_e01_a_process_killed_while_it_saves_loses_nothing(tmp_path: Path) -> None:
    assert kill_while_saving(tmp_path, 3) >= 1


@pytest.mark.slow
def test_e01_a_process_killed_50_times_inside_the_write_loses_nothing(tmp_path: Path) -> None:
    inside = 0
    for round_ in range(20):
        inside += kill_while_saving(tmp_path / str(round_), 10)
        if inside >= 50:
            break
    assert inside >= 50
