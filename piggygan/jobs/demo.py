"""The whole of it on generated data: facades, then lungs in chest films, with fine-tuning beside it, and a page."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from piggygan.data.synthetic.facades import write_facades
from piggygan.data.synthetic.xrays import write_xrays
from piggygan.errors import ConfigurationError
from piggygan.files.durable import write_durably
from piggygan.files.regular import make_folder, shown
from piggygan.jobs.comparing.comparison import Rivalled
from piggygan.jobs.comparing.run import compare_task
from piggygan.jobs.config import LearningConfig, NetworkConfig, TrainConfig
from piggygan.jobs.data import DataConfig
from piggygan.jobs.evaluating.scoring import HEADLINES
from piggygan.jobs.folder import TASKS, RunFolder
from piggygan.jobs.pages.registry_page import write_registry_page
from piggygan.jobs.training.result import TrainedTask
from piggygan.jobs.training.run import train_task
from piggygan.registry import TaskRegistry


@dataclass(frozen=True)
class DemoScale:
    """How much is generated and learned.

    Attributes:
        size: Side of the pictures in pixels.
        width: Channels of the network's first level.
        facades: Facades to learn from.
        facades_kept_back: Facades to be scored on at the end; half as many are looked at on the way.
        films: Chest films; a third of them is kept back.
        epochs: Passes over the facades.
        lungs_epochs: Passes over the films.
        learning_rate: Of every training; few steps learn more at four times the usual (docs/evidence.md).

    Example:
        >>> DemoScale(epochs=40).size
        128
    """

    size: int = 128
    width: int = 32
    facades: int = 160
    facades_kept_back: int = 20
    films: int = 60
    epochs: int = 20
    lungs_epochs: int = 30
    learning_rate: float = 2e-4

    def config(self, data: Path, epochs: int, network: NetworkConfig) -> TrainConfig:
        """Say what is to be learned of a folder."""
        learning = LearningConfig(
            epochs=epochs,
            learning_rate=self.learning_rate,
            commit_anyway=True,  # it says by itself what was learned
        )
        return TrainConfig(data=DataConfig(data=data), network=network, training=learning)


QUICK = DemoScale(
    size=64, width=16, facades=80, facades_kept_back=10, films=36, epochs=10, lungs_epochs=30, learning_rate=8e-4
)


@dataclass(frozen=True)
class Demonstrated:
    """What was found.

    Attributes:
        page: Of all of it.
        facades: What came of the first task.
        lungs: What came of the second.
        fine_tuning: What fine-tuning made of the second, and left of the first.
    """

    page: Path
    facades: TrainedTask
    lungs: TrainedTask
    fine_tuning: Rivalled

    def __str__(self) -> str:
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        for result in (self.facades, self.lungs):
            name, better = HEADLINES[result.kind]
            score, floor = result.scores[result.side][name], result.floor[name]
            learned = "" if result.is_learned else "NOT LEARNED: "
            said = f"{result.task}: {learned}{name} {score:.3f} ({better} is better; no look at the input: {floor:.3f})"
            yield said
        tuned, (name, _) = self.fine_tuning, HEADLINES[self.lungs.kind]
        yield f"lungs by fine-tuning: {name} {tuned.scores[self.lungs.side][name]:.3f}"
        for task, found in tuned.earlier.items():
            name, _ = HEADLINES[found.kind]
            kept = "the same bytes as before" if found.same_bytes else "NOT the bytes of before"
            yield f"{task} after lungs: piggygan {name} {found.kept[name]:.3f}, {kept}"
            yield f"{task} after lungs: fine-tuning {name} {found.left[name]:.3f}"
        yield from tuned.notes
        cost, size = self.lungs.cost, self.lungs.cost.size / self.facades.cost.size
        yield (
            f"lungs store {cost.share:.1%} of a network's numbers, in {self.lungs.stored} {size:.1%} of its bytes; a "
            f"network kept for each task stores all of it"
        )


def run_demo(
    folder: str | os.PathLike[str],
    scale: DemoScale | None = None,
    *,
    progress: bool = True,
    tell: Callable[[str], None] | None = None,
) -> Demonstrated:
    """Generate facades and films, learn one after the other, compare with fine-tuning, and write the page.

    The same call after a stop goes on.

    Args:
        folder: Of the run; made if it is new. The data go into ``data`` in it.
        scale: How much; by default what takes some minutes on two cores.
        progress: Show a bar on the error channel.
        tell: Called with what is done, line by line.

    Returns:
        What was found.

    Raises:
        ConfigurationError: If the folder holds something else, or a demo of another scale.
        PiggyganError: As of :func:`~piggygan.jobs.training.run.train_task`.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     Path(folder, "letters.txt").touch()
        ...     try:
        ...         run_demo(folder)
        ...     except ConfigurationError as error:
        ...         print("is not empty" in str(error))
        True
    """
    scale, run = scale or DemoScale(), RunFolder.at(folder)
    _generate(run, scale, tell)
    data = run.root / "data"
    facades = scale.config(data / "facades", scale.epochs, NetworkConfig(size=scale.size, width=scale.width))
    lungs = scale.config(data / "films", scale.lungs_epochs, NetworkConfig())
    first = train_task(folder, "facades", facades, progress=progress, tell=tell)
    second = train_task(folder, "lungs", lungs, progress=progress, tell=tell)
    (tuned,) = compare_task(folder, "lungs", ("fine-tuning",), progress=progress, tell=tell)
    return Demonstrated(write_registry_page(folder), first, second, tuned)


def _generate(run: RunFolder, scale: DemoScale, tell: Callable[[str], None] | None) -> None:
    """Write the data, unless that is done; what says so is written last."""
    done = run.root / "data" / "generated.json"
    if done.is_file():
        _check_is_the_same(done, scale)
        return
    if TaskRegistry(run.registry_folder).tasks:
        raise ConfigurationError(
            f"{shown(run.registry_folder)} holds tasks that no demo learned: name a new folder for it."
        )
    if tell is not None:
        kept_back = scale.facades_kept_back
        tell(f"generating {scale.facades} facades, {kept_back} to be scored on, and {scale.films} chest films")
    make_folder(run.root / TASKS)  # by which the folder is one of a run
    facades, films = done.parent / "facades", done.parent / "films"
    write_facades(facades / "train", scale.facades, scale.size, seed=0)
    write_facades(facades / "val", scale.facades_kept_back // 2, scale.size, seed=2)
    write_facades(facades / "test", scale.facades_kept_back, scale.size, seed=1)
    names = [image.name for image, _ in write_xrays(films, scale.films, scale.size, seed=0)]
    learned = len(names) - len(names) // 3
    sides = {"train": names[:learned], "test": names[learned:]}
    write_durably(films / "splits.json", json.dumps(sides, indent=1).encode())
    write_durably(done, json.dumps(asdict(scale), indent=1).encode())


def _check_is_the_same(done: Path, scale: DemoScale) -> None:
    try:
        former = json.loads(done.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ConfigurationError(f"{shown(done)} is damaged: name a new folder for the demo.") from error
    if former != asdict(scale):
        raise ConfigurationError(
            f"{shown(done.parent.parent)} holds a demo of another scale, --quick or not: say it as it was, or name a "
            f"new folder."
        )
