"""The log of a training: whatever lies at its path, nothing waits and nothing of others is lost."""

import os
import threading
from pathlib import Path
from typing import Any

import pytest

from piggygan.errors import ConfigurationError
from piggygan.training import Checkpoints, EpochRecord
from piggygan.training.history import append_record, open_log, rewind_log

RECORD = EpochRecord(1, {"generator.l1": 0.5}, 1e-3, 1.0, 0)


@pytest.mark.parametrize("kind", ["pipe", "pipe that is read", "link to a pipe", "folder", "device"])
def test_a_log_that_is_no_regular_file_is_refused_at_once(program: Any, tmp_path: Path, kind: str) -> None:
    path = tmp_path / "log.jsonl"
    if kind == "folder":
        path.mkdir()
    elif kind == "device":
        path = Path("/dev/null")
    else:
        target = tmp_path / "pipe" if kind == "link to a pipe" else path
        os.mkfifo(target)
        if target != path:
            path.symlink_to(target)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK) if kind == "pipe that is read" else None
    outcome: list[BaseException] = []

    def start() -> None:
        try:
            program.run(program.make_objective(), program.make_data("list"), None, log_path=path)
        except ConfigurationError as error:
            outcome.append(error)

    thread = threading.Thread(target=start, daemon=True)
    thread.start()
    thread.join(20)
    assert "cannot be written to: it is not a regular file" in str(outcome)
    if reader is not None:
        os.close(reader)


def test_a_log_may_be_a_link_and_its_folder_may_be_absent(tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").symlink_to(tmp_path / "elsewhere.jsonl")
    for path in (tmp_path / "log.jsonl", tmp_path / "new" / "log.jsonl"):
        open_log(path)
        append_record(path, RECORD)
        assert path.read_text().startswith('{"epoch": 1')


def test_a_log_that_becomes_a_pipe_or_cannot_be_written_any_more_ends_no_training(
    program: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "log.jsonl"

    def exchange(record: EpochRecord) -> None:
        if record.epoch == 1:
            path.unlink()
            os.mkfifo(path)

    run = program.run
    history = run(program.make_objective(), program.make_data("list"), None, log_path=path, on_epoch=exchange)
    assert len(history.epochs) == 4
    said = [record.getMessage() for record in caplog.records]
    assert said == [
        f"epoch {epoch} is not in {path}: it is not a regular file. The training goes on." for epoch in (2, 3, 4)
    ]


@pytest.mark.parametrize(
    "former", [b"my notes\n", b"\xff\xfe\n", b"[" * 100_000 + b"\n", b'{"epoch": "' + b"9" * 400 + b'"}\n']
)
def test_lines_of_others_stay_when_a_training_goes_on(program: Any, tmp_path: Path, former: bytes) -> None:
    path, data = tmp_path / "log.jsonl", program.make_data("list")[:1]
    path.write_bytes(former)
    checkpoints = Checkpoints(tmp_path / "checkpoints", inexact=True)
    for epochs in (1, 2):
        program.run(program.make_objective("supervised"), data, checkpoints, log_path=path, epochs=epochs)
    assert path.read_bytes().startswith(former)
    assert path.read_bytes().count(b"\n") == 3


def test_only_what_no_checkpoint_knows_is_taken_out(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_bytes(b'notes\n{"epoch": 1}\n{"epoch": 2}\n{"epoch": 3}\n{"epo')
    rewind_log(path, 1)
    assert path.read_bytes() == b'notes\n{"epoch": 1}\n'
