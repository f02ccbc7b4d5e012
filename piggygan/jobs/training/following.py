"""A tracker follows what is written down: it gets the lines of the log and of the validation, and nothing else."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from piggygan.files.durable import write_durably
from piggygan.jobs.folder import TaskFolder
from piggygan.jobs.training.course import choose_device
from piggygan.jobs.training.looking import lines_of
from piggygan.jobs.training.preparing import Prepared
from piggygan.jobs.training.trackers import asked_tracker, open_tracker, picture_form
from piggygan.training.processes import Processes

_LOG = logging.getLogger(__name__)


class Follower:
    """Tells a tracker of each epoch once, also over stops; where it fails, it is left alone from then on.

    Args:
        name: Of the tracker.
        files: Of the task.
        pictures: Show it the pictures of validation pairs, too.
    """

    def __init__(self, name: str, files: TaskFolder, *, pictures: bool) -> None:
        self._name, self._files, self._pictures = name, files, pictures
        known = _known(files.tracker, name)
        self._run: str | None = known.get("run")
        self._told: int = known.get("told", 0)
        self._tracker: Any = None
        self._is_lost = False

    def open(self) -> None:
        """Open the tracker, where it asks who one is, before anything is learned."""
        self._guarded(self._open)

    def __call__(self) -> None:
        """Tell it of the epochs that it has not heard of."""
        self._guarded(self._tell)

    def close(self) -> None:
        """Tell it that this is all."""
        self._guarded(self._finish)

    def _open(self) -> None:
        self._tracker, self._run = open_tracker(self._name, self._files, self._run)
        self._note()

    def _tell(self) -> None:
        for epoch, values in sorted(_values(self._files, self._told).items()):
            self._tracker.log(values, step=epoch)
            picture = self._files.sample(epoch)
            if self._pictures and picture.is_file():
                with Image.open(picture) as opened:
                    shown = np.asarray(opened.convert("RGB"))[None]
                self._tracker.log_images({"validation": shown}, step=epoch, **picture_form(self._name))
            self._told = epoch
            self._note()

    def _finish(self) -> None:
        self._tracker.finish()

    def _note(self) -> None:
        known = {"tracker": self._name, "run": self._run, "told": self._told}
        write_durably(self._files.tracker, (json.dumps(known) + "\n").encode())

    def _guarded(self, act: Callable[[], None]) -> None:
        """Act, unless it failed before; its words are no part of what a command prints."""
        if self._is_lost:
            return
        try:
            with redirect_stdout(sys.stderr):
                act()
        except Exception as error:  # whatever another program or the network comes up with
            self._is_lost = True
            said = (str(error).strip().splitlines() or [""])[0][:200]
            _LOG.warning(
                "%s failed (%s: %s). The training goes on without it, and sends what is missing if it goes on after a "
                "stop; all of it is in %s.",
                self._name,
                type(error).__name__,
                said,
                self._files.log,
            )


@contextmanager
def followed(prepared: Prepared) -> Iterator[Callable[[], None]]:
    """Open the tracker that was asked for, if any, and close it at the end.

    Yields:
        To be called after each epoch.
    """
    chosen = prepared.config.training
    name = asked_tracker(chosen)
    if name is None:
        yield lambda: None
        return
    choose_device(chosen.device)
    Processes(chosen.seed)  # without which accelerate's trackers cannot speak
    follower = Follower(name, prepared.files, pictures=chosen.track == "pictures")
    follower.open()
    try:
        yield follower
    finally:
        follower.close()


def _values(files: TaskFolder, told: int) -> dict[int, dict[str, float]]:
    """Gather what was written down of each epoch after those that were told."""
    found: dict[int, dict[str, float]] = {}
    for line in lines_of(files.log):
        if line["epoch"] > told:
            losses = {f"loss/{name}": value for name, value in line["losses"].items()}
            found[line["epoch"]] = {**losses, "learning_rate": line["learning_rate"]}
    for line in lines_of(files.validation):
        if line["epoch"] in found:
            found[line["epoch"]] |= {f"validation/{name}": value for name, value in line["scores"].items()}
    return found


def _known(path: Path, name: str) -> dict[str, Any]:
    """Read what a tracker knows; if that is gone, or another followed, the training is a new one to it."""
    known = (lines_of(path) or [{}])[-1]
    is_whole = known.get("tracker") == name and isinstance(known.get("run"), str) and isinstance(known.get("told"), int)
    return known if is_whole else {}
