"""One page for all tasks of a registry: what each is and costs, whether it still is what it was, and what was lost."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from torch import nn

from piggygan.errors import TaskNotFoundError
from piggygan.evaluation.report.blocks import Block, Code, Facts, KeyFigure, Note, Picture, Table, Text, Tone
from piggygan.evaluation.report.figures import loss_chart
from piggygan.evaluation.report.page import Page, Section, write_page
from piggygan.evaluation.report.score_map import HUES, ScoreMap
from piggygan.files.regular import make_folder, shown
from piggygan.jobs.comparing.comparison import Rivalled, rivals_of
from piggygan.jobs.comparing.page_blocks import OURS, blocks_beside, figures_beside
from piggygan.jobs.config_file import read_config
from piggygan.jobs.evaluating.scoring import HEADLINES
from piggygan.jobs.folder import RunFolder, TaskFolder
from piggygan.jobs.training.learner import generator_of_own
from piggygan.jobs.training.looking import lines_of
from piggygan.jobs.training.result import TrainedTask, read_result
from piggygan.model.overhead import Overhead
from piggygan.registry import TaskRecord, TaskRegistry
from piggygan.registry.verification import Verification
from piggygan.terminal.about import __version__

SCALES: Mapping[str, tuple[float, float]] = {"dice": (0.0, 1.0), "l1": (1.0, 0.0), "cycle_l1": (1.0, 0.0)}
"""The ends of the colours of each score, worst first: the same on every page."""


@dataclass(frozen=True)
class KnownTask:
    """What is known of one task.

    Attributes:
        record: What the registry says.
        files: Its private folder, which may not be there.
        result: What came of its learning, if that was here.
        rivals: The same task learned by other methods.
    """

    record: TaskRecord
    files: TaskFolder
    result: TrainedTask | None
    rivals: tuple[Rivalled, ...]


def write_registry_page(folder: str | os.PathLike[str]) -> Path:
    """Verify a registry and write its page beside it; the page shows samples, so it is private.

    Args:
        folder: Of a run, or a registry.

    Returns:
        Where the page is.

    Raises:
        TaskNotFoundError: If the registry holds no task.
        RegistryError: If it cannot be read.
        OSError: If the system refused.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> import piggygan as pg
        >>> model = pg.MultiTaskGenerator(pg.UNetGenerator(depth=4, width=2), "facades")
        >>> model.freeze_task("facades")
        >>> with TemporaryDirectory() as folder:
        ...     pg.TaskRegistry(f"{folder}/registry").commit(model, "facades")
        ...     write_registry_page(folder).name
        'report.html'
    """
    run = RunFolder.at(folder)
    registry = TaskRegistry(run.registry_folder)
    if not registry.tasks:
        raise TaskNotFoundError(f"{shown(run.registry_folder)} holds no task: train one first.")
    tasks = [_known(run, registry, name) for name in registry.tasks]
    own = _own(registry, tasks)
    verification = registry.verify(own)
    costs = []
    if verification.is_sound:  # what is damaged cannot be loaded, and its page is wanted all the more
        costs = [registry.load(generator=own[name], network=name).overhead() for name in registry.networks]
    make_folder(run.root)
    write_page(run.report, _page(registry, tasks, verification, costs))
    return run.report


def _known(run: RunFolder, registry: TaskRegistry, name: str) -> KnownTask:
    files = run.task(name)
    return KnownTask(registry.describe(name), files, read_result(files), tuple(rivals_of(files)))


def _own(registry: TaskRegistry, tasks: Sequence[KnownTask]) -> dict[str, nn.Module | None]:
    """Make the generators that a registry cannot build, if a task of this run says how."""
    nets = [read_config(task.files.config).network.net for task in tasks if task.files.config.exists()]
    return {name: generator_of_own(registry, nets[0] if nets else None, name) for name in registry.networks}


def _page(
    registry: TaskRegistry, tasks: Sequence[KnownTask], verification: Verification, costs: Sequence[Overhead]
) -> Page:
    names = ", then ".join(task.record.name for task in tasks)
    sound, not_learned = verification.is_sound, [task for task in tasks if _is_learned(task) is False]
    kept = [found.same_bytes for task in tasks for rival in task.rivals for found in rival.earlier.values()]
    networks = "one network" if len(registry.networks) == 1 else f"{len(registry.networks)} networks"
    return Page(
        title=f"{len(tasks)} {'task' if len(tasks) == 1 else 'tasks'} in {networks}",
        lead=f"{names}. Written from {registry.folder.name}, whose digest is {registry.digest}.",
        notes=[
            *([] if sound and all(kept) else [Note("A task is not what it was: see the certificates below.", "bad")]),
            *(Note(f"{task.record.name} was not learned: {_why(task)}", "bad") for task in not_learned),
        ],
        key_figures=[
            KeyFigure(
                "Certificates",
                "all sound" if sound else "NOT SOUND",
                f"{sum(check.is_sound for check in verification)} of {len(list(verification))} computed again just now",
                "bad" if not sound else "plain" if not_learned else "good",
            ),
            *([KeyFigure("Stored", f"{_share(costs):.0%}", "of as many separate networks")] if costs else []),
            *(_figure(task.record.name, task.result) for task in tasks if task.result is not None),
            *(figure for task in tasks for figure in figures_beside(task.rivals)),
        ],
        sections=[
            section
            for section in (
                Section("Tasks", [*_overview(tasks, costs), *_ensembles(registry)]),
                Section("What later tasks did to earlier ones", list(_matrices(tasks))),
                *(Section(task.record.name, list(_task(task))) for task in tasks),
                Section("Certificates", list(_certificates(verification))),
                Section("How to use a task", [Code(_usage(registry, tasks[-1].record))]),
            )
            if section.blocks
        ],
        footer=f"piggygan {__version__}. Private where it shows samples.",
    )


def _is_learned(task: KnownTask) -> bool | None:
    return None if task.result is None else task.result.is_learned


def _why(task: KnownTask) -> str:
    if task.result is None:
        return ""
    name, _ = HEADLINES[task.result.kind]
    score, floor = task.result.scores[task.result.side][name], task.result.floor[name]
    return (
        f"{name} {score:.4g}, where one and the same answer for every input scores {floor:.4g}. Train for more epochs."
    )


def _share(costs: Sequence[Overhead]) -> float:
    return sum(cost.share_of_separate_networks for cost in costs) / len(costs)


def _figure(task: str, result: TrainedTask) -> KeyFigure:
    name, better = HEADLINES[result.kind]
    tone: Tone = "bad" if result.is_learned is False else "plain"
    note = f"{result.side} side, {better} is better"
    return KeyFigure(f"{task}, {name}", f"{result.scores[result.side][name]:.3f}", note, tone)


def _overview(tasks: Sequence[KnownTask], costs: Sequence[Overhead]) -> Iterator[Block]:
    rows = []
    for task in tasks:
        name, result = task.record.name, task.result
        stored = [cost[name] for cost in costs]
        rows.append(
            [
                name,
                result.kind if result else "learned elsewhere",
                ", ".join(task.record.draws_on) or "nothing",
                (result.start_from if result else None) or "",
                f"{sum(one.parameters for one in stored):,}" if stored else "",
                f"{sum(one.share for one in stored) / len(stored):.1%}" if stored else "",
                f"{result.epochs}" if result else "",
                f"{result.seconds / 60:.1f}" if result else "",
                task.record.created[:10],
            ]
        )
    header = ["task", "data", "draws on", "started as", "parameters", "of a network", "epochs", "minutes", "committed"]
    yield Table(header, rows)


def _ensembles(registry: TaskRegistry) -> Iterator[Block]:
    for group, members in registry.ensembles.items():
        yield Text(f"{group} is an ensemble of {', '.join(members)}: predict takes the mean of their outputs.")


def _matrices(tasks: Sequence[KnownTask]) -> Iterator[Block]:
    """Show the score of each earlier task after each later one, for ours and for every method that was tried."""
    names = [task.record.name for task in tasks]
    compared = [rival for task in tasks for rival in task.rivals if rival.earlier]
    for place, task in enumerate(tasks):
        seen = [rival for rival in compared if task.record.name in rival.earlier]
        if task.result is None or not seen:
            continue
        name, better = HEADLINES[task.result.kind]
        columns = names[place:]
        own = {rival.task: rival.earlier[task.record.name].kept[name] for rival in seen}
        own[task.record.name] = task.result.scores[task.result.side][name]
        rows: dict[str, list[float | None]] = {OURS: [own.get(column) for column in columns]}
        for method in dict.fromkeys(rival.method for rival in seen):
            left = {rival.task: rival.earlier[task.record.name].left[name] for rival in seen if rival.method == method}
            rows[method] = [left.get(column) for column in columns]
        yield ScoreMap(
            f"{task.record.name}, {name} ({better} is better)",
            list(rows),
            [f"after {column}" for column in columns],
            list(rows.values()),
            SCALES[name],
            HUES[place % len(HUES)],
        )
    if compared:
        yield Text("A dash: not measured. Each score has its own colours, and one scale wherever it stands.")


def _task(task: KnownTask) -> Iterator[Block]:
    if said := task.record.said:
        yield Facts(list(said.items()))
    if task.result is None:
        return
    looks = lines_of(task.files.validation)
    name, _ = HEADLINES[task.result.kind]
    if len(looks) > 1:
        found = {name: [float(look["scores"][name]) for look in looks]}
        yield loss_chart(
            found, f"{task.record.name}: {name} on the validation side", x_axis="look", y_axis=name, smoothing=0.0
        )
    samples = sorted(task.files.samples.glob("*.png")) if task.files.samples.is_dir() else []
    if samples:
        caption = f"{task.record.name}: pairs of the validation side after {int(samples[-1].stem)} epochs"
        yield Picture(samples[-1].read_bytes(), caption, f"input, target and output; {caption}")
    yield from blocks_beside(task.files, task.result, task.rivals)


def _certificates(verification: Verification) -> Iterator[Block]:
    yield Table(["certificate"], [[str(check)] for check in verification])
    if verification.notes:
        yield Text("\n\n".join(verification.notes))


def _usage(registry: TaskRegistry, record: TaskRecord) -> str:
    task, together = record.name, record.member.group if record.member is not None else record.name
    folder = shlex.quote(str(registry.folder))
    return (
        f"piggygan predict {folder} FILES --task {together} --out FOLDER\n"
        f"piggygan verify {folder}\n\n"
        "import piggygan as pg\n\n"
        f"model = pg.TaskRegistry({str(registry.folder)!r}).load([{task!r}])\n"
        f"outputs = model(images, task={task!r})  # images in [-1, 1]\n"
        f"network = model.fold_task({task!r})  # an ordinary torch.nn.Module\n"
    )
