"""A CycleGAN step of both contenders, and that it is the step the objective describes."""

import json
from pathlib import Path

import pytest
import torch

from benchmarks.speed import cyclegan_step, subjects, training_step

TINY = {"size": 16, "width": 2, "seconds": 0.0}


def test_a_new_task_is_set_against_fine_tuning_both_generators(tmp_path: Path) -> None:
    cyclegan_step.main(cyclegan_step.Options(**TINY, out=tmp_path))  # type: ignore[arg-type]
    found = json.loads((tmp_path / "cyclegan_step_cpu_fp32.json").read_text(encoding="utf-8"))
    assert [row["step"] for row in found["rows"]] == list(cyclegan_step.CONTENDERS)
    assert all(row["ms"] > 0 for row in found["rows"])
    assert found["not_run"] == []


def test_without_its_reference_there_is_nothing_to_say(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*_: object) -> None:
        raise RuntimeError("no memory")

    monkeypatch.setattr(training_step, "Child", none)
    skipped: list[str] = []
    assert cyclegan_step.measure(cyclegan_step.Options(**TINY), skipped) == []  # type: ignore[arg-type]
    assert [line.partition(" on ")[0] for line in skipped] == list(cyclegan_step.CONTENDERS)


@pytest.mark.parametrize("make", [subjects.cyclegan_fine_tuning_step, subjects.cyclegan_step])
def test_a_step_moves_generators_and_discriminators(make: object, monkeypatch: pytest.MonkeyPatch) -> None:
    moved: list[torch.nn.Parameter] = []
    adam = torch.optim.Adam

    def watched(parameters: list[torch.nn.Parameter], **arguments: object) -> torch.optim.Adam:
        moved.extend(parameters)
        return adam(parameters, **arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(torch.optim, "Adam", watched)
    step = make(cyclegan_step.Options(**TINY).setting("resnet"))  # type: ignore[operator, arg-type]
    before = [parameter.detach().clone() for parameter in moved]
    step()
    still = [index for index, one in enumerate(moved) if torch.equal(one, before[index])]
    assert len(still) < len(moved) / 2  # kernels' biases before a norm have no gradient worth a step


def test_both_pages_say_what_was_measured() -> None:
    docs = Path(__file__).parents[3] / "docs"
    rows = json.loads((docs / "benchmarks" / "cyclegan_step_cpu_fp32.json").read_text(encoding="utf-8"))["rows"]
    for row in rows:
        if row["/ fine-tuning"] != 1.0:
            shown = f"{row['/ fine-tuning']:.2f} [{row['from']:.2f}, {row['to']:.2f}]"
            assert shown in (docs / "cyclegan.md").read_text(encoding="utf-8")
            if not row["step"].endswith("calibrated"):
                assert shown in (docs / "performance.md").read_text(encoding="utf-8")
