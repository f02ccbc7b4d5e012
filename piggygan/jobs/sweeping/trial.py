"""Trial: one training of a sweep, in a run folder of its own with a copy of the registry that costs no bytes.

What a trial is told lies beside its folder, so that a process on another machine needs nothing but paths::

    runs/exp/sweeps/lungs/
      learning_rate=0.0008.seed-0.3f2a91c4.toml    every option
      learning_rate=0.0008.seed-0.3f2a91c4/        a run folder, as of `piggygan train`
      learning_rate=0.0008.seed-0.3f2a91c4.json    why it failed, if it did
"""

from __future__ import annotations

import hashlib
import re
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from piggygan.errors import PiggyganError, TrainingInterruptedError
from piggygan.files.durable import write_durably
from piggygan.files.regular import make_folder
from piggygan.jobs.config import TrainConfig
from piggygan.jobs.config_file import config_to_toml, read_config
from piggygan.jobs.folder import REGISTRY, RunFolder
from piggygan.jobs.records import read_record, write_record
from piggygan.jobs.sweeping.settings import Setting, setting_words
from piggygan.jobs.training.result import TrainedTask, read_result
from piggygan.jobs.training.run import train_task
from piggygan.registry.leases import FOLDER_NAME as LEASES
from piggygan.registry.sealing import FILE_NAME

OBJECTS = "objects"
_LONGEST = 80


@dataclass(frozen=True)
class Failure:
    """Why a trial has no result.

    Attributes:
        error: Kind of the error.
        reason: Its text.
    """

    error: str
    reason: str


@dataclass(frozen=True)
class Trial:
    """One training.

    Attributes:
        task: What is learned.
        setting: What it varies.
        seed: Its seed.
        folder: Its run folder, absolute.
    """

    task: str
    setting: Setting = field(hash=False)
    seed: int
    folder: Path

    @classmethod
    def of(cls, sweep: Path, task: str, setting: Setting, config: TrainConfig, origin: str) -> Trial:
        """Name a trial by all that decides what comes of it, so that no other has its folder.

        Args:
            sweep: Folder of the sweep.
            task: What is learned.
            setting: What it varies.
            config: Every option, its own seed among them.
            origin: Digests of the data and of the registry that it starts from.
        """
        seed = config.training.seed
        digest = hashlib.sha256(f"{task}\n{origin}\n{config_to_toml(config)}".encode()).hexdigest()
        plain = re.sub(r"[^\w.=+-]+", "_", setting_words(setting).replace(" ", ","), flags=re.ASCII)
        return cls(task, setting, seed, sweep / f"{plain[:_LONGEST]}.seed-{seed}.{digest[:8]}")

    @property
    def words(self) -> str:
        """What it is called for people."""
        return f"{setting_words(self.setting)}, seed {self.seed}"

    @property
    def result(self) -> TrainedTask | None:
        """What came of it; None as long as it is not learned to its end."""
        return read_result(RunFolder.at(self.folder).task(self.task))

    @property
    def failure(self) -> Failure | None:
        """Why it has no result, if that is known."""
        return read_record(Failure, self._beside(".json"), "Remove it, and start the same again.")

    def write_options(self, config: TrainConfig) -> None:
        """Write down what it is told.

        Raises:
            OSError: If the system refused.
        """
        write_durably(self._beside(".toml"), config_to_toml(config).encode())

    def note(self, error: BaseException) -> None:
        """Write down why it has no result."""
        write_record(self._beside(".json"), Failure(type(error).__name__, str(error) or "it ended without a word"))

    def _beside(self, suffix: str) -> Path:
        return self.folder.with_name(self.folder.name + suffix)


def learn_trial(task: str, folder: str, registry: str, progress: bool = False) -> None:
    """Learn one trial, or go on with it; what goes wrong with it is written down, and ends no other.

    A process on another machine may be told to call this: it needs nothing but paths that it can see.

    Args:
        task: What is learned.
        folder: The trial's run folder.
        registry: Of the run; it is read only.
        progress: Show a bar.

    Raises:
        TrainingInterruptedError: If a signal asked for the end; all is saved.
    """
    trial = Trial(task, {}, 0, Path(folder))
    trial._beside(".json").unlink(missing_ok=True)
    try:
        make_folder(trial.folder)
        copy_registry(Path(registry), trial.folder / REGISTRY)
        train_task(trial.folder, task, read_config(trial._beside(".toml")), progress=progress)
    except TrainingInterruptedError:
        raise
    except (PiggyganError, OSError, MemoryError) as error:
        trial.note(error)


def copy_registry(registry: Path, copy: Path) -> None:
    """Copy a registry, unless that is done; its objects, which never change, are linked where the disk is the same.

    Args:
        registry: Is read only; it may not be there, as before a first task.
        copy: Whole or not there, whatever ends this.

    Raises:
        OSError: If the system refused.
    """
    if not (registry / FILE_NAME).is_file() or copy.exists():
        return
    unfinished = copy.with_name(f".{copy.name}-unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)  # of a process that was killed
    unfinished.mkdir()
    # The head first: whatever is committed meanwhile adds files, and takes none away that this head names.
    shutil.copy2(registry / FILE_NAME, unfinished / FILE_NAME)
    for path in sorted(registry.rglob("*")):
        inside = path.relative_to(registry)
        if inside.parts[0] in (FILE_NAME, LEASES) or inside.parts[0].startswith(".") or not path.is_file():
            continue
        (unfinished / inside).parent.mkdir(parents=True, exist_ok=True)
        if inside.parts[0] == OBJECTS:
            _link(path, unfinished / inside)
        else:
            shutil.copy2(path, unfinished / inside)
    unfinished.rename(copy)


def _link(path: Path, to: Path) -> None:
    try:
        to.hardlink_to(path)
    except OSError:  # another disk, or one without links
        shutil.copy2(path, to)
