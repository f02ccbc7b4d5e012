"""The page of an ensemble shows each member, what the mean scores, and who did not learn."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from piggygan.jobs.folder import RunFolder
from piggygan.jobs.pages.ensemble_page import write_ensemble_page
from piggygan.jobs.training.beginning import Cost
from piggygan.jobs.training.ensemble_result import TrainedEnsemble
from piggygan.jobs.training.result import TrainedTask


def test_the_page_has_every_member_and_names_those_that_learned_nothing(tmp_path: Path, straight: TrainedTask) -> None:
    files = RunFolder.at(tmp_path / "exp").task("lungs")
    files.root.mkdir(parents=True)
    scores = {"dice": 0.91}
    good = replace(straight, task="lungs-1", scores={"val": {"dice": 0.8}, "test": scores}, floor={"dice": 0.7})
    bad = replace(good, task="lungs-2", floor={"dice": 0.99})
    result = TrainedEnsemble(
        ensemble="lungs",
        members=("lungs-1", "lungs-2"),
        bank=("facades",),
        kind="masks",
        scores={"folds": {"dice": 0.8}, "test": {"dice": 0.93}},
        of_members={"lungs-1": scores, "lungs-2": scores},
        floor={"dice": 0.7},
        disagreement=0.0421,
        cost=Cost(1000, 0.58, 4000),
        notes=("Drawn by patient.",),
        finished="2026-11-27",
    )
    write_ensemble_page(files, result, [good, bad])
    text = files.page.read_text(encoding="utf-8")
    for shown in (
        "lungs-1",
        "lungs-2",
        "facades",
        "0.93",
        "0.0421",
        "0.58",
        "Not learned: lungs-2.",
        "Drawn by patient.",
    ):
        assert shown in text
    assert "they disagree by 0.0421" in str(result)
    assert "NOT LEARNED" not in str(result)
    assert "NOT LEARNED" in str(replace(result, floor={"dice": 0.95}))
