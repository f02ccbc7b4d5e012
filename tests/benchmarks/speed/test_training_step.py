"""A step of every contender, and what is said where one is missing."""

import json
from pathlib import Path

import pytest

from benchmarks.speed import training_step
from benchmarks.speed.children import Child, ChildError, Subject

TINY = {"size": 16, "width": 2, "seconds": 0.0, "batches": (1,)}


def test_every_contender_is_set_against_fine_tuning(tmp_path: Path) -> None:
    pytest.importorskip("peft", reason="peft is not installed: pip install 'piggygan[benchmarks]'")
    training_step.main(training_step.Options(**TINY, networks=("unet",), out=tmp_path))
    found = json.loads((tmp_path / "training_step_cpu_fp32.json").read_text(encoding="utf-8"))
    assert [row["step"] for row in found["rows"]] == list(training_step.CONTENDERS)
    assert all(row["ms"] > 0 for row in found["rows"])
    assert found["not_run"] == []


class Paper:
    """A child that only pretends, and lacks one contender."""

    def __init__(self, subject: Subject) -> None:
        if subject.contender == self.lacking:
            raise ChildError("ModuleNotFoundError: No module named 'peft'")

    lacking = "LoRA (peft)"

    def step(self) -> None:
        pass

    def __enter__(self) -> "Paper":
        return self

    def __exit__(self, *_: object) -> None:
        pass


def test_without_peft_the_others_are_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training_step, "Child", Paper)
    skipped: list[str] = []
    rows = training_step.measure(training_step.Options(**TINY, networks=("resnet",)), skipped)
    assert skipped == ["LoRA (peft) on ResNet-9, batch 1, 16 px: ModuleNotFoundError: No module named 'peft'"]
    assert [row["step"] for row in rows] == [*training_step.CONTENDERS[:-1]]


def test_without_fine_tuning_there_is_nothing_to_set_against(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training_step, "Child", Paper)
    monkeypatch.setattr(Paper, "lacking", "fine-tuning")
    skipped: list[str] = []
    assert training_step.measure(training_step.Options(**TINY, networks=("unet",)), skipped) == []
    assert skipped[0].startswith("fine-tuning on U-Net-256, batch 1, 16 px: ")


def test_a_child_that_is_gone_says_so() -> None:
    subject = training_step.subject_of(training_step.Options(**TINY).setting("unet"), "piggygan")
    with Child(subject) as child:
        child.step()
        child._process.kill()
        child._process.wait()
        with pytest.raises(ChildError, match="it has ended"):
            child.step()
