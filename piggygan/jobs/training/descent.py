"""A newer version of a task on the test films of the older ones: whether it forgot what they could."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from piggygan.data.content import read_content
from piggygan.data.pairs import PairDataset
from piggygan.errors import PiggyganError
from piggygan.jobs.config_file import read_config
from piggygan.jobs.data import TaskData, open_test_data
from piggygan.jobs.evaluating.scoring import HEADLINES, score_side
from piggygan.jobs.folder import TaskFolder
from piggygan.jobs.training.preparing import Prepared
from piggygan.layers.tasks import older_versions


def scores_on_older(prepared: Prepared, batch_size: int) -> tuple[dict[str, float], list[str]]:
    """Score a newer version on the test films of each older one, without those that it learned from.

    Args:
        prepared: The newer version, learned and frozen.
        batch_size: How many pictures at once.

    Returns:
        Its headline score by such names as ``"dice on lungs"``, and what a person should know of them. An older version
        whose training folder or films are not here any more has none.
    """
    scores: dict[str, float] = {}
    notes: list[str] = []
    for older in older_versions(prepared.files.name, prepared.registry.tasks):
        files = TaskFolder(prepared.files.root.parent / older, older)
        try:
            data, kept = _films(prepared, files)
        except (PiggyganError, OSError) as error:
            notes.append(f"The test films of {older!r} cannot be scored again ({type(error).__name__}).")
            continue
        if data is None or not isinstance(kept, PairDataset) or data.kind != prepared.data.kind:
            notes.append(f"Of {older!r} no test film is here that was not learned from: nothing compares the two.")
            continue
        name, _ = HEADLINES[data.kind]
        found = score_side(prepared.learner, data, kept, batch_size).scores[name]
        before = score_side(replace(prepared.learner, task=older), data, kept, batch_size).scores[name]
        scores[f"{name} on {older}"] = found
        total = len(data.test) if data.test is not None else 0
        notes.append(
            f"On {len(kept)} of {total} test films of {older!r}, those that were not learned from, {name} is "
            f"{found:.4g}; that of {older!r} is {before:.4g}."
        )
    return scores, notes


def _films(prepared: Prepared, files: TaskFolder) -> tuple[TaskData | None, PairDataset | None]:
    if not (files.config.is_file() and files.splits.is_file()):
        return None, None
    size = int(prepared.config.network.size or 0)
    data = open_test_data(
        replace(read_config(files.config).data, splits=files.splits), size=size, in_channels=prepared.data.in_channels
    )
    if not isinstance(data.test, PairDataset):
        return None, None
    sides = [side for side in (prepared.data.train, prepared.data.validation) if isinstance(side, PairDataset)]
    learned = set(_digests(pair.image for side in sides for pair in side.files))
    kept = [pair for pair in data.test.files if not learned & set(_digests([pair.image]))]
    return data, PairDataset(kept, data.test.reader, size) if kept else None


def _digests(paths: Iterable[Path]) -> Iterable[str]:
    return (hashlib.sha256(read_content(path)).hexdigest() for path in paths)
