"""Where a run keeps what: the registry, which may be shared, and beside it what may show patients.

runs/exp/
  registry/             all that may be shared, and nothing else
  tasks/NAME/           private: settings, log, checkpoints, samples, page, result
  sweeps/NAME/          private: the same of each run of a sweep, and their ranking
  report.html           private too: it shows samples
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from piggygan.errors import ConfigurationError
from piggygan.files.regular import shown
from piggygan.layers.tasks import check_task_name
from piggygan.registry.sealing import FILE_NAME

REGISTRY, TASKS, SWEEPS = "registry", "tasks", "sweeps"
PRIVATE_SUFFIX = "-work"
"""What the folder beside a bare registry has behind the registry's name."""
_MOST_NAMED = 3


@dataclass(frozen=True)
class TaskFolder:
    """What one task leaves behind while it is learned and scored; it may show patients.

    Attributes:
        root: The folder.
        name: The task's.

    Example:
        >>> RunFolder.at("runs/exp").task("lungs").page.as_posix()
        'runs/exp/tasks/lungs/index.html'
    """

    root: Path
    name: str

    @property
    def config(self) -> Path:
        """Every option, written at the start."""
        return self.root / "config.toml"

    @property
    def start(self) -> Path:
        """What was found and decided before anything was learned."""
        return self.root / "start.json"

    @property
    def splits(self) -> Path:
        """The names of each side, as they were used."""
        return self.root / "splits.json"

    @property
    def folds(self) -> Path:
        """Of an ensemble what was decided when it was begun; the sides of its members are in the folder ``folds``."""
        return self.root / "ensemble.json"

    @property
    def log(self) -> Path:
        """One JSON line an epoch."""
        return self.root / "log.jsonl"

    @property
    def validation(self) -> Path:
        """One JSON line a validation."""
        return self.root / "validation.jsonl"

    @property
    def warnings(self) -> Path:
        """One JSON line for each thing that was noticed while learning."""
        return self.root / "warnings.jsonl"

    @property
    def checkpoints(self) -> Path:
        """All state of the training; removed once the task is committed, unless it is to be kept."""
        return self.root / "checkpoints"

    @property
    def samples(self) -> Path:
        """Pictures of validation pairs."""
        return self.root / "samples"

    def sample(self, epoch: int) -> Path:
        """Return the picture of some validation pairs after an epoch."""
        return self.samples / f"{epoch:06d}.png"

    @property
    def tracker(self) -> Path:
        """Which tracker follows, and what it has heard of."""
        return self.root / "tracker.json"

    @property
    def page(self) -> Path:
        """What a person looks at."""
        return self.root / "index.html"

    @property
    def result(self) -> Path:
        """Scores, digests, costs and versions; written last."""
        return self.root / "result.json"

    def earlier(self, task: str) -> Path:
        """Return the picture of an earlier task before and after another method learned this one."""
        return self.root / "earlier" / f"{task}.png"

    def rival(self, method: str) -> Path:
        """Return the folder of another method that learned the task for comparison."""
        return self.root / "compare" / method


@dataclass(frozen=True)
class RunFolder:
    """A registry, and beside it what learning its tasks leaves behind.

    Attributes:
        root: Of what is private.
        registry_folder: Of the registry, which holds nothing private.

    Example:
        >>> run = RunFolder.at("runs/exp")
        >>> run.registry_folder.as_posix(), run.task("lungs").log.as_posix()
        ('runs/exp/registry', 'runs/exp/tasks/lungs/log.jsonl')
    """

    root: Path
    registry_folder: Path

    @classmethod
    def at(cls, path: str | os.PathLike[str]) -> RunFolder:
        """Say what is where; nothing is made or changed.

        Args:
            path: Such a folder, its ``registry``, a registry that stands alone (what is private then goes into the
                folder beside it, whose name ends in ``-work``), or a folder that is new or empty.

        Raises:
            ConfigurationError: If it is a file, or a folder that holds other things.
        """
        path = Path(path)
        if path.name == REGISTRY and (path.parent / TASKS).is_dir():
            return cls(path.parent, path)
        if os.path.lexists(path / FILE_NAME):
            whole = path.resolve() if path.name in ("", "..") else path
            return cls(whole.with_name(whole.name + PRIVATE_SUFFIX), path)
        _check_is_run_folder(path)
        return cls(path, path / REGISTRY)

    def task(self, name: str) -> TaskFolder:
        """Return the private folder of a task, which may not be there yet.

        Raises:
            TaskNameError: If no task may be called so.
        """
        return TaskFolder(self.root / TASKS / check_task_name(name), name)

    def sweep(self, name: str) -> Path:
        """Return the private folder of a sweep over a task, which may not be there yet.

        Raises:
            TaskNameError: If no task may be called so.
        """
        return self.root / SWEEPS / check_task_name(name)

    @property
    def report(self) -> Path:
        """The page of all tasks."""
        return self.root / "report.html"


def registry_at(path: Path) -> Path:
    """Return the registry that a path means to a command that reads one: itself, or that of a run."""
    inside = path / REGISTRY
    return inside if (inside / FILE_NAME).is_file() and not (path / FILE_NAME).exists() else path


def _check_is_run_folder(path: Path) -> None:
    if not path.is_dir():
        if os.path.lexists(path):
            raise ConfigurationError(f"{shown(path)} is a file: name a folder for the run, a new one or one of a run.")
        above = next(folder for folder in path.absolute().parents if os.path.lexists(folder))
        if not above.is_dir():
            raise ConfigurationError(
                f"{shown(above)} is a file, and {path.name!r} is to be below it: name another folder."
            )
        return
    if any((path / inside).is_dir() for inside in (REGISTRY, TASKS, SWEEPS)):
        return
    found = sorted(entry.name for entry in path.iterdir() if not entry.name.startswith("."))
    if found:
        more = f" and {len(found) - _MOST_NAMED} more" if len(found) > _MOST_NAMED else ""
        listed = ", ".join(map(repr, found[:_MOST_NAMED]))
        raise ConfigurationError(
            f"{shown(path)} is the folder of no run and no registry, and is not empty ({listed}{more}): name a new "
            f"folder, or the one that was meant."
        )
