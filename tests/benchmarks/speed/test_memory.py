"""Peaks of processes of their own."""

import sys
from pathlib import Path

import pytest
import torch

from benchmarks import peaks
from benchmarks.speed import children, memory
from benchmarks.speed.children import Peak
from benchmarks.speed.subjects import Setting

MIB = 2**20
TINY = Setting("unet", 1, 16, torch.device("cpu"), "fp32", 2)


def test_a_child_measures_more_than_torch_alone_and_nothing_of_this_process() -> None:
    ballast = torch.ones(2**27)  # 512 MiB here, which the child must not see
    peak = children.measure_peak(memory.subject_of(TINY, "piggygan"))
    assert ballast[-1] == 1.0
    assert isinstance(peak, Peak), peak
    assert 0 < peak.own < peak.whole < 600 * MIB


def test_a_child_that_fails_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "child.py"
    monkeypatch.setattr(children, "COMMAND", (sys.executable, str(script)))
    script.write_text("import sys; sys.exit('Traceback\\nOutOfMemoryError: CUDA out of memory')", encoding="utf-8")
    assert children.measure_peak(memory.subject_of(TINY, "piggygan")) == "OutOfMemoryError: CUDA out of memory"
    script.write_text("import os; os.kill(os.getpid(), 9)", encoding="utf-8")
    assert children.measure_peak(memory.subject_of(TINY, "piggygan")) == "its process was ended by signal 9: no memory?"


def test_what_is_held_only_while_building_is_no_part_of_the_peak() -> None:
    if not Path("/proc/self/clear_refs").exists():
        pytest.skip("only Linux lets a process put its peak back")
    held = torch.ones(2**26)  # 256 MiB
    with_it = peaks.resident_peak()
    del held
    peaks.forget_peak(torch.device("cpu"))
    assert peaks.resident_peak() < with_it - 200 * MIB


def test_rows_are_set_against_fine_tuning_and_a_failed_child_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = [Peak(400 * MIB, 200 * MIB), Peak(300 * MIB, 100 * MIB), "killed"]
    monkeypatch.setattr(memory, "measure_peaks", lambda subjects: answers[: len(subjects)])
    skipped: list[str] = []
    rows = memory.measure(memory.Options(networks=("unet",), batches=(1,), size=16), skipped)
    assert [(row["step"], row["/ fine-tuning"], row["own / fine-tuning"]) for row in rows] == [
        ("fine-tuning", 1.0, 1.0),
        ("piggygan", 0.75, 0.5),
    ]
    assert skipped == ["naive composition on U-Net-256, batch 1, 16 px: killed"]
