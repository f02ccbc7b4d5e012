"""The subcommand that adds to a committed task what train keeps beside new ones."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from piggygan.cli.commands import DONE, AsJson, show_result
from piggygan.jobs.data import DataConfig
from piggygan.jobs.training.attaching import attach_to_task

RunOrRegistry = Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="RUN|REGISTRY")]
Folder = Annotated[Path | None, tyro.conf.arg(metavar="DIR", help_behavior_hint="")]


@dataclass(frozen=True)
class Attach:
    """Add what train keeps beside a task to one that lacks it: features that tell unlike films, and a calibration.

    Both are computed from the data that the task was trained on. Its tensors and its certificate stay what they are;
    sign it again afterwards. What it has already is left as it is.
    """

    registry: RunOrRegistry
    """Folder of the run or registry."""
    task: Annotated[str, tyro.conf.arg(metavar="TASK")]
    """Which task, or ensemble."""
    data: Folder = None
    """Its data. By default those that its training folder names."""
    images: Folder = None
    """Or images, with --masks of the same names."""
    masks: Folder = None
    """Their masks."""
    splits: Annotated[Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint="")] = None
    """A splits.json that names its sides, if its training folder is gone."""
    net: Annotated[str | None, tyro.conf.arg(metavar="MODULE:FUNCTION", help_behavior_hint="")] = None
    """Makes a network of your own: code that is run."""
    json: AsJson = False

    def run(self) -> int:
        """Attach, and print what."""
        named = any(path is not None for path in (self.data, self.images, self.masks))
        data = DataConfig(data=self.data, images=self.images, masks=self.masks, splits=self.splits) if named else None
        added = attach_to_task(self.registry, self.task, data, net=self.net)
        nothing = "nothing was lacking that can be said of its films"
        lines = [f"{task}: {', '.join(names) or nothing}" for task, names in added.items()]
        show_result(lines, {"added": {task: list(names) for task, names in added.items()}}, self.json)
        return DONE
