"""What cannot be run is said, and stops nothing."""

from pathlib import Path

import pytest
import torch

from benchmarks.reporting import Rows
from benchmarks.speed import measuring
from benchmarks.speed.options import CommonOptions


@pytest.mark.parametrize(
    "error",
    [
        ImportError("No module named 'peft'"),
        torch.OutOfMemoryError("CUDA out of memory.\nTried"),
        RuntimeError("not implemented for 'BFloat16'"),
    ],
)
def test_what_cannot_be_run_is_remembered_in_one_line(error: Exception) -> None:
    skipped: list[str] = []
    with measuring.attempt("LoRA", skipped):
        raise error
    assert skipped == [f"LoRA: {str(error).splitlines()[0]}"]


def test_a_fault_of_the_benchmark_is_not_passed_over() -> None:
    with pytest.raises(KeyError), measuring.attempt("LoRA", []):
        raise KeyError("fine-tuning")


def test_a_missing_device_is_one_line_and_overwrites_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(torch.accelerator, "current_accelerator", lambda **_: None)
    earlier = tmp_path / "memory_cuda_fp32.json"
    earlier.write_text("measured elsewhere", encoding="utf-8")

    def measure(_: list[str]) -> Rows:
        pytest.fail("nothing can be measured")

    measuring.run("memory", CommonOptions(device="cuda", out=tmp_path), measure)
    assert earlier.read_text(encoding="utf-8") == "measured elsewhere"
    assert capsys.readouterr().out.splitlines()[-1] == f"not run: torch {torch.__version__} sees no cuda device here"
