"""What an experiment is: tasks, orders, methods and seeds, read from one TOML file; and the cells that it is made of.

A file that says ``like = "small"`` has everything of that preset but what it says itself.

A *cell* is one method learning one task of one order from one seed: the smallest piece that is run, kept and joined.
What does not depend on an order is one cell for all orders: a network learned from scratch, and so the first task of
every order, which all methods learn alike.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from itertools import combinations, product
from pathlib import Path
from typing import Any, Literal

from benchmarks.evidence.methods import FROM_SCRATCH, MASKS_ONLY, METHODS, POOLING
from benchmarks.evidence.sources import FORMS, Source
from piggygan.errors import ConfigurationError

FOLDER = Path(__file__).parent / "presets"
ALONE = "alone"
"""Stands for the order where a cell is the same in all orders."""
Kind = Literal["labels", "windows", "photo", "mask"]
Objective = Literal["pix2pix", "supervised"]


@dataclass(frozen=True)
class TaskSetting:
    """One task: where its pairs come from, and how much of it is learned from."""

    source: str
    """Which of the preset's sources."""
    kind: Kind
    """What the target is, and so how it is scored."""
    films: int | None = None
    """Learn from so many pairs only, another choice for each seed; None: from all."""
    learning_rate: float = 2e-4
    """Step size of generator and discriminator; unless said, that of pix2pix."""
    objective: Objective = "pix2pix"
    """What is learned by; ``supervised``, for masks, is without a discriminator."""
    steps: int | None = None
    """Steps of the optimizer; None: as many as the setting says."""
    draw: int = 0
    """Which draw of the films, where there are several from one seed."""
    variations: Literal["films", "wide"] = "films"
    """How far films are turned, scaled, moved, lightened and darkened while they are learned from."""


@dataclass(frozen=True)
class Setting:
    """What all methods have in common."""

    size: int
    """Side of the images in pixels."""
    width: int
    """Channels of the generator's and the discriminator's first level."""
    depth: int
    """How often the generator halves an image."""
    steps: int
    """Steps of the optimizer a task, to whole passes over the data."""
    batch_size: int
    """Images a step."""
    readings: int
    """Points of the learning curve, each a reading of the validation side."""
    validation: float = 0.2
    """Share of the training side that is kept back for learning curves and choices."""
    most_validated: int = 40
    """Most pairs of a validation side."""
    scored: Literal["test", "validation"] = "test"
    """Which side is scored when a cell is done. With ``validation`` the test side is never read: for choosing."""
    norm: Literal["batch", "instance"] = "batch"
    """Of generator and discriminator."""
    max_bank: float = 1.25
    """Most filters that a layer of ours mixes, as a multiple of its own; older cells do not say it, and had this."""


@dataclass(frozen=True, order=True)
class Cell:
    """One method learns one task."""

    method: str
    order: str
    task: str
    seed: int

    @property
    def name(self) -> str:
        """The name of its files, and what ``--cells`` is matched with."""
        return f"{self.method}.{self.order}.{self.task}.{self.seed}"


@dataclass(frozen=True)
class Stage:
    """Cells that are run before those of the next stage."""

    orders: tuple[str, ...]
    methods: tuple[str, ...]
    seeds: tuple[int, ...]


@dataclass(frozen=True)
class Preset:
    """A whole experiment."""

    name: str
    setting: Setting
    sources: Mapping[str, Source]
    tasks: Mapping[str, TaskSetting]
    orders: Mapping[str, tuple[str, ...]]
    stages: tuple[Stage, ...]
    pools: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Tasks whose targets mean the same, by what they are: learned together by those who need all data at once."""

    def cells(self) -> list[Cell]:
        """List every cell once, the most telling first and each after those that it starts from."""
        cells: dict[Cell, None] = {}
        for stage in self.stages:
            for seed, order, method in product(stage.seeds, stage.orders, stage.methods):
                cells |= dict.fromkeys(self.chain(method, order, seed))
        return list(cells)

    def chain(self, method: str, order: str, seed: int) -> list[Cell]:
        """List what a method learns in an order; the first task is learned by a whole network for every method.

        Orders that begin with the same tasks have those cells in common, under the name of the first such order.
        """
        first, *later = tasks = self.orders[order]
        cells = [Cell(FROM_SCRATCH[0], ALONE, first, seed)]
        for place, task in enumerate(later, 2):
            same = next(name for name, others in self.orders.items() if others[:place] == tasks[:place])
            cells.append(Cell(method, ALONE if method in FROM_SCRATCH else same, task, seed))
        return cells

    def before(self, cell: Cell) -> list[Cell]:
        """List the cells that one starts from, oldest first."""
        if cell.order == ALONE:
            return []
        chain = self.chain(cell.method, cell.order, cell.seed)
        return chain[: chain.index(cell)]

    def needed(self, tasks: Iterable[str]) -> set[str]:
        """Name the sources that some tasks need."""
        return {self.tasks[task].source for task in tasks}

    def described(self, cell: Cell) -> dict[str, Any]:
        """Say all that a cell's result depends on, for its JSON; results of other settings are not joined."""
        learned = [*(earlier.task for earlier in self.before(cell)), cell.task]
        found = {"setting": asdict(self.setting), "tasks": {task: asdict(self.tasks[task]) for task in learned}}
        if cell.method not in POOLING:
            return found
        return found | {"pools": [[task for task in learned if task in pool] for pool in self.pools.values()]}

    def made(self, cell: Cell, found: Mapping[str, Any]) -> bool:
        """Say whether a cell's JSON was made under this preset; what an older one does not say was the default."""
        tasks = {task: TaskSetting(**setting) for task, setting in found["tasks"].items()}
        needed = self.described(cell)
        return (
            Setting(**found["setting"]) == self.setting
            and tasks == {task: self.tasks[task] for task in needed["tasks"]}
            and found.get("pools") == needed.get("pools")
        )


def read_preset(given: str) -> Preset:
    """Read a preset by its name, or from a file of one's own.

    Raises:
        ConfigurationError: If there is no such file, it is no such TOML, or it names a method, task, source or order
            that is not there.
    """
    try:
        found = _read(given)
        preset = Preset(
            name=Path(given).stem,
            setting=Setting(**found["setting"]),
            sources={name: Source(**source) for name, source in found["sources"].items()},
            tasks={name: TaskSetting(**task) for name, task in found["tasks"].items()},
            orders={name: tuple(tasks) for name, tasks in found["orders"].items()},
            stages=tuple(
                Stage(tuple(stage["orders"]), tuple(stage["methods"]), tuple(stage["seeds"]))
                for stage in found["stages"]
            ),
            pools={name: tuple(tasks) for name, tasks in found.get("pools", {}).items()},
        )
    except KeyError as error:
        raise ConfigurationError(
            f"preset {given!r} lacks {error}: take one of {FOLDER.name} as the pattern."
        ) from error
    except (TypeError, AttributeError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationError(f"preset {given!r} cannot be read: {error}.") from error
    if problems := list(_problems(preset)):
        raise ConfigurationError(f"preset {preset.name!r}: {'; '.join(problems)}.")
    return preset


def _read(given: str) -> dict[str, Any]:
    path = Path(given) if given.endswith(".toml") else FOLDER / f"{given}.toml"
    if not path.is_file():
        known = ", ".join(sorted(file.stem for file in FOLDER.glob("*.toml")))
        raise ConfigurationError(f"there is no preset {given!r}: give one of {known}, or a .toml file.")
    found = tomllib.loads(path.read_text(encoding="utf-8"))
    if "like" not in found:
        return found
    inherited = _read(found["like"])
    if "tasks" in found:
        inherited.pop("pools", None)  # they are of the tasks that are replaced
    return inherited | found


def _problems(preset: Preset) -> Iterator[str]:
    yield from _unlearnable(preset)
    yield from _unpoolable(preset)
    for name, tasks in preset.orders.items():
        if strangers := [task for task in tasks if task not in preset.tasks]:
            yield f"order {name!r} has no such task as {', '.join(strangers)}"
    for number, stage in enumerate(preset.stages, 1):
        if strangers := [order for order in stage.orders if order not in preset.orders]:
            yield f"stage {number} has no such order as {', '.join(strangers)}"
        if strangers := [method for method in stage.methods if method not in METHODS]:
            yield f"stage {number} has no such method as {', '.join(strangers)}: there are {', '.join(METHODS)}"
        else:
            yield from _unsuited(preset, number, stage)


def _unsuited(preset: Preset, number: int, stage: Stage) -> Iterator[str]:
    for method in stage.methods:
        if method in POOLING and not preset.pools:
            yield f"stage {number} has {method}, and there are no [pools] that say which tasks are learned together"
        later = {task for order in stage.orders for task in preset.orders.get(order, ())[1:] if task in preset.tasks}
        if method in MASKS_ONLY and (others := sorted(t for t in later if preset.tasks[t].kind != "mask")):
            yield f"stage {number} has {method}, which learns masks, for {', '.join(others)}"


def _unpoolable(preset: Preset) -> Iterator[str]:
    for name, pool in preset.pools.items():
        if strangers := [task for task in pool if task not in preset.tasks]:
            yield f"pool {name!r} has no such task as {', '.join(strangers)}"
        elif len(kinds := {preset.tasks[task].kind for task in pool}) > 1:
            yield f"pool {name!r} has tasks of several kinds, {', '.join(sorted(kinds))}: no network learns them as one"
    for (one, tasks), (other, others) in combinations(preset.pools.items(), 2):
        if shared := sorted(set(tasks) & set(others)):
            yield f"{', '.join(shared)} are in both pools {one!r} and {other!r}"


def _unlearnable(preset: Preset) -> Iterator[str]:
    for name, source in preset.sources.items():
        if source.form not in FORMS:
            yield f"source {name!r} has the form {source.form!r}: there are {', '.join(FORMS)}"
    for name, task in preset.tasks.items():
        if task.source not in preset.sources:
            yield f"task {name!r} has no such source as {task.source}: there are {', '.join(preset.sources)}"
        elif (task.kind == "mask") != (preset.sources[task.source].form == "masks"):
            yield f"task {name!r} is of the kind {task.kind}, which a source of that form does not have"
        if task.objective == "supervised" and task.kind != "mask":
            yield f"task {name!r} is supervised, and only masks are learned so"
