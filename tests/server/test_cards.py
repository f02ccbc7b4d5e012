"""What is told of each task."""

from __future__ import annotations

import json
from pathlib import Path

from piggygan.jobs.folder import RunFolder
from piggygan.jobs.training.beginning import Cost
from piggygan.jobs.training.result import TrainedTask, write_result
from piggygan.registry import TaskRegistry
from piggygan.server.cards import cards, ensembles
from piggygan.server.held import HeldTasks


def test_a_card_says_what_the_registry_says(clinic: Path) -> None:
    registry = TaskRegistry(clinic)
    facades, lungs = cards(HeldTasks(registry), None)
    part = registry.describe("lungs").networks["generator"]
    assert lungs["networks"]["generator"]["certificate"]["tensors_digest"] == part.certificate.tensors_digest
    assert (lungs["networks"]["generator"]["kind"], facades["networks"]["generator"]["kind"]) == ("mask", "picture")
    assert (lungs["networks"]["generator"]["rules"], facades["networks"]["generator"]["rules"]) == ("lungs", None)
    assert facades["networks"]["generator"]["cost"]["share"] == 1.0
    assert (lungs["draws_on"], lungs["image_size"], lungs["trained"]) == (["facades"], 16, None)
    json.dumps([facades, lungs], allow_nan=False)


def test_numbers_of_the_training_are_told_and_its_notes_are_not(clinic: Path, tmp_path: Path) -> None:
    run = RunFolder(tmp_path, clinic)
    run.task("lungs").root.mkdir(parents=True)
    result = TrainedTask(
        task="lungs", kind="masks", scores={"val": {"dice": 0.9}}, floor={"dice": 0.4}, epochs=3, kept=3, digests={},
        draws_on=("facades",), start_from="facades", relatedness={"facades": 0.5}, cost=Cost(1, 0.1, 4),
        fingerprint="", image_size=16, seconds=2.0, verified=(), notes=("/films/Plantagenet",), versions={},
        finished="2026-11-27T00:00:00+00:00",
    )  # fmt: skip
    write_result(run.task("lungs"), result)
    _, lungs = cards(HeldTasks(TaskRegistry(clinic)), run)
    assert lungs["trained"]["scores"] == {"val": {"dice": 0.9}}
    assert lungs["trained"]["is_learned"] is True
    assert "Plantagenet" not in json.dumps(lungs)
    run.task("lungs").result.write_text("damaged")
    assert cards(HeldTasks(TaskRegistry(clinic)), run)[1]["trained"] is None


def test_versions_and_ensembles_say_what_they_are(hospital: Path) -> None:
    held = HeldTasks(TaskRegistry(hospital))
    told = cards(held, None)
    assert [(card["pinned"], card["version"], card["is_newest"]) for card in told[:2]] == [
        ("lungs@1", 1, False),
        ("lungs@2", 2, True),
    ]
    assert told[2]["member"] == {"group": "hearts", "number": 1, "of": 2}
    (hearts,) = ensembles(held, told)
    assert (hearts["name"], hearts["members"]) == ("hearts", ["hearts-1", "hearts-2"])
    assert hearts["networks"] == {"generator": {"kind": "mask", "rules": "hearts", "can_predict": True}}
