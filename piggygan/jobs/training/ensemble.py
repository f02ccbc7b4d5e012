"""An ensemble learned fold by fold: tasks on one bank, each with a fold kept back, and what their mean scores."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from statistics import fmean

import torch
from torch import Tensor

from piggygan.errors import PiggyganError
from piggygan.evaluation.doubt import disagreement, spread
from piggygan.jobs.config import TrainConfig
from piggygan.jobs.config_file import read_config, with_paths_from
from piggygan.jobs.data import TaskData, open_test_data
from piggygan.jobs.evaluating.scoring import score_side
from piggygan.jobs.folder import RunFolder, TaskFolder
from piggygan.jobs.pages.ensemble_page import write_ensemble_page
from piggygan.jobs.records import write_record
from piggygan.jobs.training.beginning import Cost
from piggygan.jobs.training.ensemble_result import TrainedEnsemble, read_ensemble
from piggygan.jobs.training.folds import (
    Folds,
    bank_name,
    begin_folds,
    check_folds,
    config_of_bank,
    config_of_member,
    member_name,
    read_folds,
    take_back,
)
from piggygan.jobs.training.learner import Learner, loaded_learner
from piggygan.jobs.training.plan import planned
from piggygan.jobs.training.preparing import prepare
from piggygan.jobs.training.result import TrainedTask
from piggygan.jobs.training.run import train_task
from piggygan.jobs.training.several import check_one_process
from piggygan.registry import Member, TaskRegistry

USUAL_FOLDS = 5
Tell = Callable[[str], None]


@dataclass(frozen=True)
class _MeanOf(Learner):
    """Gives the mean of several tasks' outputs, and notes how far they differ.

    Attributes:
        members: The tasks.
        apart: How far they differ on each picture so far.
    """

    members: tuple[str, ...]
    apart: list[float] = field(default_factory=list)

    def translate(self, images: Tensor) -> Tensor:
        """Make targets of inputs."""
        outputs = torch.stack([self.generator(images, task=member) for member in self.members])
        for one in outputs.unbind(1):
            is_mask = one.shape[1] == 1
            self.apart.append(disagreement(one[:, 0] > 0) if is_mask else float(spread(one).mean()))
        return outputs.double().mean(0).float()


def train_ensemble(
    folder: str | os.PathLike[str],
    ensemble: str,
    config: TrainConfig | None = None,
    *,
    folds: int | None = None,
    progress: bool = True,
    tell: Tell | None = None,
) -> TrainedEnsemble:
    """Learn the members of an ensemble, each from all folds but one, and commit each as it is learned.

    The training and the validation side are divided by patient. Each member is an ordinary task, ``lungs-1`` to
    ``lungs-5``, that draws on the tasks that were in the registry before; its validation side is its own fold, so its
    calibration is of films that it did not learn from. A registry without a task first learns ``lungs-bank``, from one
    part more that is in no fold.

    The same call after a stop of any kind goes on: each member finds out by itself whether it is done. With more
    ``epochs`` members go on that are not committed yet.

    Args:
        folder: Of the run, or a registry.
        ensemble: Its name, which is no task's.
        config: As of :func:`~piggygan.jobs.training.run.train_task`; member number N has the seed of that plus N - 1.
        folds: How many members; None: 5, or as it was begun.
        progress: Show a bar on the error channel.
        tell: Called with what a person should know, line by line.

    Raises:
        PiggyganError: As of :func:`~piggygan.jobs.training.run.train_task`; and if a task has that name, the data are
            not paired, or there are too few patients.

    Example:
        >>> import tempfile
        >>> from piggygan.data.synthetic.xrays import write_xrays
        >>> from piggygan.jobs import DataConfig, LearningConfig, NetworkConfig
        >>> folder = tempfile.TemporaryDirectory()
        >>> _ = write_xrays(f"{folder.name}/films", 8, 32, seed=0)
        >>> briefly = LearningConfig(epochs=1, batch_size=1, commit_anyway=True)
        >>> small = NetworkConfig(size=32, width=2)
        >>> config = TrainConfig(DataConfig(Path(folder.name, "films")), small, training=briefly)
        >>> train_ensemble(f"{folder.name}/exp", "lungs", config, folds=2, progress=False).members
        ('lungs-1', 'lungs-2')
        >>> TaskRegistry(f"{folder.name}/exp/registry").tasks
        ('lungs-bank', 'lungs-1', 'lungs-2')
        >>> folder.cleanup()
    """
    check_one_process("an ensemble")
    run = RunFolder.at(folder)
    files, registry = run.task(ensemble), TaskRegistry(run.registry_folder)
    config = with_paths_from(config or TrainConfig(), Path.cwd())
    found = read_folds(files, folds) if files.folds.exists() and _is_begun(run, ensemble) else None
    if found is None:
        found = begin_folds(files, registry, config, ensemble, folds or USUAL_FOLDS)
    if tell is not None:
        tell(f"{ensemble}: {found.folds} members on one bank: {', '.join(found.bank)}")
        for note in found.notes:
            tell(f"note: {note}")
    bank, members = None, []
    try:
        if found.has_own_bank:
            name = bank_name(ensemble)
            own = _with_its_epochs(run.task(name), registry, config_of_bank(files, config))
            bank = train_task(folder, name, own, progress=progress, tell=tell)
        for number in range(1, found.folds + 1):
            name = member_name(ensemble, number)
            own = _with_its_epochs(run.task(name), registry, config_of_member(files, found, config, number))
            place = Member(ensemble, number, found.folds)
            members.append(train_task(folder, name, own, progress=progress, tell=tell, member=place))
    except PiggyganError:
        if not _is_begun(run, ensemble):
            take_back(files)
        raise
    return _finished(files, registry, found, members, bank)


def plan_ensemble(
    folder: str | os.PathLike[str], ensemble: str, config: TrainConfig | None = None, *, folds: int | None = None
) -> list[str]:
    """Say what :func:`train_ensemble` would do and cost; nothing is written.

    Raises:
        PiggyganError: As of :func:`train_ensemble`, if it can be known beforehand.
    """
    run, config = RunFolder.at(folder), config or TrainConfig()
    registry = TaskRegistry(run.registry_folder)
    found = read_folds(run.task(ensemble), folds)
    count = found.folds if found is not None else folds or USUAL_FOLDS
    if found is None:
        check_folds(registry, ensemble, count, config)
    free = tuple(record.name for record in registry.records if record.member is None)
    method = replace(config.method, draws_on=config.method.draws_on or free or None)
    prepared = prepare(run, member_name(ensemble, 1), replace(config, method=method))
    share = prepared.beginning.cost.share
    if prepared.beginning.is_first:
        said = f"then {count} members that draw on it, each of about 0.29 networks: about {1 + 0.29 * count:.1f} in all"
    else:
        said = f"then {count - 1} more members: {count * share:.2f} networks in all"
    return [
        *planned(prepared),
        f"{said}; each learns from all folds but its own, and all take as long as that many tasks",
    ]


def _is_begun(run: RunFolder, ensemble: str) -> bool:
    """Say whether the first task that is learned for an ensemble was begun."""
    return any(run.task(name).config.exists() for name in (bank_name(ensemble), member_name(ensemble, 1)))


def _with_its_epochs(files: TaskFolder, registry: TaskRegistry, config: TrainConfig) -> TrainConfig:
    """Leave a task that is committed as long as it was learned: more epochs are for those that are not."""
    if files.name not in registry.tasks or not files.config.is_file():
        return config
    return replace(config, training=replace(config.training, epochs=read_config(files.config).training.epochs))


def _finished(
    files: TaskFolder, registry: TaskRegistry, found: Folds, members: list[TrainedTask], bank: TrainedTask | None
) -> TrainedEnsemble:
    """Score the mean of all members, and write down what came of them, unless that is done."""
    if (former := read_ensemble(files)) is not None:
        return former
    names = tuple(member.task for member in members)
    scores = {"folds": _averaged([member.scores["val"] for member in members])}
    side, apart = members[0].side, None
    if side == "test":
        mean, data = _opened(files, registry, names)
        scores["test"] = score_side(mean, data, data.validation, 1).scores
        apart = fmean(mean.apart)
    costs = [member.cost for member in [*members, *([bank] if bank else [])]]
    notes = [f"{name}: {note}" for name, member in zip(names, members, strict=True) for note in member.notes]
    result = TrainedEnsemble(
        ensemble=files.name,
        members=names,
        bank=found.bank,
        kind=members[0].kind,
        scores=scores,
        of_members={member.task: member.scores[side] for member in members},
        floor=members[0].floor if side == "test" else {},
        disagreement=apart,
        cost=Cost(*(sum(getattr(cost, one) for cost in costs) for one in ("parameters", "share", "size"))),
        notes=(*found.notes, *notes),
        finished=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    write_ensemble_page(files, result, members)
    write_record(files.result, result)
    return result


def _opened(files: TaskFolder, registry: TaskRegistry, names: tuple[str, ...]) -> tuple[_MeanOf, TaskData]:
    """Load all members, and the test side that they have in common."""
    config = read_config(files.root.parent / names[0] / files.config.name)
    loaded = loaded_learner(registry, names[0], names, config.network.net)
    mean = _MeanOf(loaded.models, names[0], names)
    data = open_test_data(
        replace(config.data, splits=files.splits),
        size=int(config.network.size or 0),
        in_channels=mean.generator.input_channels(names[0]),
    )
    return mean, data


def _averaged(scores: list[dict[str, float]]) -> dict[str, float]:
    return {name: fmean(one[name] for one in scores) for name in scores[0]}
