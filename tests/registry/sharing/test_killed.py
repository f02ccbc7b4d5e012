"""A push or a pull that is killed leaves what was there, and the next one goes on."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

import piggygan as pg
from piggygan.registry import TaskRegistry, pull, push


def objects(folder: Path) -> int:
    return len(list(folder.glob("objects/**/*")))


@pytest.mark.slow
def test_killed_at_twenty_moments_nothing_counts_by_half(tmp_path: Path) -> None:
    model = pg.MultiTaskGenerator(pg.UNetGenerator(depth=5, width=8), "task-0")
    registry = TaskRegistry(tmp_path / "clinic")
    for number in range(20):
        if number:
            model.add_task(f"task-{number}", draws_on=["task-0"])
        model.freeze_task(f"task-{number}")
        registry.commit(model, f"task-{number}")
    share, there = f"file://{tmp_path}/share", tmp_path / "there"
    for action, source, target in (("push", str(registry.folder), share), ("pull", share, str(there))):
        landed, halfway = tmp_path / "share" if action == "push" else there, set()
        for seed in range(20):
            script = (
                f"from piggygan.registry import {action}; print('go', flush=True); {action}({source!r}, {target!r})"
            )
            with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as running:
                assert running.stdout is not None
                running.stdout.readline()
                before = objects(landed)
                while running.poll() is None and objects(landed) == before:  # cut off when it has moved something
                    time.sleep(0.0005)
                time.sleep(random.Random(seed).uniform(0, 0.005))
                running.kill()
            counted = TaskRegistry(landed)
            assert counted.tasks in ((), registry.tasks)
            assert not counted.tasks or counted.verify_files().is_sound
            halfway |= {objects(landed)} if not counted.tasks else set()
        assert len(halfway) > 3, halfway  # each went on from where the one before was killed
        done = push(source, target) if action == "push" else pull(source, target)
        assert done.head == registry.digest
        assert TaskRegistry(landed).verify_files().is_sound
