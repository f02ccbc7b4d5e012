"""A step of every contender, and what is said where one is missing."""

import json
import sys
from pathlib import Path

import pytest
import torch
import training_step

TINY = {"size": 16, "width": 2, "seconds": 0.0, "batches": (1,)}


def test_every_contender_is_set_against_fine_tuning(tmp_path: Path) -> None:
    pytest.importorskip("peft", reason="peft is not installed: pip install 'piggygan[benchmarks]'")
    training_step.main(training_step.Options(**TINY, networks=("unet",), out=tmp_path))
    found = json.loads((tmp_path / "training_step_cpu_fp32.json").read_text(encoding="utf-8"))
    assert [row["step"] for row in found["rows"]] == [
        "fine-tuning",
        "piggygan",
        "naive composition",
        "LoRA (peft)",
    ]
    assert all(row["ms"] > 0 for row in found["rows"])
    assert found["not_run"] == []


def test_without_peft_the_others_are_run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(sys.modules, "peft", None)
    training_step.main(training_step.Options(**TINY, networks=("resnet",)))
    printed = capsys.readouterr().out
    assert "not run: LoRA (peft) on ResNet-9, batch 1, 16 px: import of peft halted" in printed
    assert "naive composition" in printed


def test_without_fine_tuning_there_is_nothing_to_set_against(monkeypatch: pytest.MonkeyPatch) -> None:
    def too_large(_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(training_step, "fine_tuning_step", too_large)
    skipped: list[str] = []
    assert training_step.measure(training_step.Options(**TINY, networks=("unet",)), skipped) == []
    assert skipped[0] == "fine-tuning on U-Net-256, batch 1, 16 px: CUDA out of memory"
