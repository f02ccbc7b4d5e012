"""From what was asked for to networks, data and settled options; nothing is written here."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, replace
from typing import Any

import torch

from piggygan.errors import ConfigurationError, DatasetError, ResumeError, TaskNotFoundError
from piggygan.files.regular import shown
from piggygan.jobs.config import AUTO, LAST, MethodConfig, ProvenanceConfig, TrainConfig
from piggygan.jobs.config_file import read_config
from piggygan.jobs.data import NAMED, DataConfig, TaskData, open_task_data
from piggygan.jobs.defaults import SIZE, settled_learning, settled_network, variations
from piggygan.jobs.folder import RunFolder, TaskFolder
from piggygan.jobs.networks import WIDTH, check_size, side_of
from piggygan.jobs.training.beginning import Beginning, ChosenStart, begin, choose_start, read_beginning
from piggygan.jobs.training.folds import check_no_ensemble
from piggygan.jobs.training.learner import BACKWARD, Learner, loaded_learner, network_of, new_learner
from piggygan.jobs.training.trackers import check_tracker
from piggygan.registry import Member, TaskRegistry

_MAY_CHANGE = {"epochs", "workers", "validate_every", "device", "commit_anyway", "keep_checkpoints", "tracker", "track"}
"""Options of a task that was begun which may be others when it goes on; what the device is, its checkpoints know."""


@dataclass(frozen=True)
class Prepared:
    """All that a training needs.

    Attributes:
        files: The task's private folder.
        registry: Where it will be committed.
        config: Every option, settled.
        data: Its sides.
        learner: The networks with the task, seeded and ready to learn.
        beginning: What was found and decided.
        goes_on: Whether the task was begun before.
        former_epochs: How many it was begun with, if these are others.
    """

    files: TaskFolder
    registry: TaskRegistry
    config: TrainConfig
    data: TaskData
    learner: Learner
    beginning: Beginning
    goes_on: bool
    former_epochs: int | None


def prepare(run: RunFolder, task: str, config: TrainConfig, member: Member | None = None) -> Prepared:
    """Check everything, and make or load the networks.

    Args:
        run: Where.
        task: Its name.
        config: What was asked for.
        member: Its place in an ensemble, if it is begun now; of one that was begun that is known.

    Raises:
        PiggyganError: If the task cannot be learned so; says why.
    """
    files, registry = run.task(task), TaskRegistry(run.registry_folder)
    check_no_ensemble(files, registry)
    beginning = read_beginning(files)
    former = read_config(files.config) if beginning is not None else None
    if former is not None:
        config = filled_in(config, former)
    is_first = beginning.is_first if beginning is not None else not registry.tasks
    if is_first:
        _check_not_rounded(config.method.stored)
        _check_is_first(registry, task, files)
        prepared = _first(files, registry, config, beginning)
    else:
        prepared = _later(files, registry, config, beginning)
    _check_device(prepared.config)
    check_tracker(prepared.config.training)
    if beginning is None or former is None:
        return replace(prepared, beginning=replace(prepared.beginning, member=member))
    _check_is_the_same(prepared, former)
    changed = former.training.epochs if former.training.epochs != prepared.config.training.epochs else None
    return replace(prepared, beginning=beginning, goes_on=True, former_epochs=changed)


def _first(files: TaskFolder, registry: TaskRegistry, config: TrainConfig, earlier: Beginning | None) -> Prepared:
    _check_builds_on_nothing(registry, config.method)
    size = config.network.size or SIZE
    if config.network.net is not None:
        check_size(config.network.net, size)
    data = opened(files, config, size, None, earlier)
    network = settled_network(config.network, size, unpaired=data.is_unpaired)
    check_size(str(network.net), size)
    settled = replace(config, network=network, training=settled_learning(config.training, data, size))
    torch.manual_seed(settled.training.seed)
    learner = new_learner(files.name, data, network)
    return Prepared(files, registry, settled, data, learner, begin(learner, data, (), None), False, None)


def _later(files: TaskFolder, registry: TaskRegistry, config: TrainConfig, earlier: Beginning | None) -> Prepared:
    draws_on = earlier.draws_on if earlier is not None else _drawn_on(registry, config)
    learner = loaded_learner(registry, files.name, draws_on, config.network.net)
    known = config.network.size or registry.records[0].image_size
    size = known or side_of(network_of(learner).net) or SIZE
    network = _network_there(registry, learner, config, size)
    check_size(str(network.net), size)
    data = opened(files, config, size, learner.generator.input_channels(learner.generator.base_task), earlier)
    if known is None:
        data.notes.append(
            f"Nobody said at what size {registry.tasks[0]!r} was learned: pictures become {size} px, or as --size says."
        )
    _check_directions(registry, learner, data)
    if earlier is None:
        chosen = choose_start(learner, data, config.method, draws_on)
    else:
        chosen = ChosenStart(earlier.start_from, earlier.relatedness, "")
    method = replace(config.method, draws_on=draws_on, start_from=chosen.start_from or config.method.start_from)
    if earlier is not None and config.method.draws_on not in (None, draws_on):
        method = replace(method, draws_on=config.method.draws_on)  # which is refused as another option
    settled = replace(config, network=network, method=method, training=settled_learning(config.training, data, size))
    torch.manual_seed(settled.training.seed)
    learner.add_task(data, method, draws_on, chosen.start_from)
    return Prepared(files, registry, settled, data, learner, begin(learner, data, draws_on, chosen), False, None)


def opened(
    files: TaskFolder, config: TrainConfig, size: int, in_channels: int | None, earlier: Beginning | None
) -> TaskData:
    """Read the data; of a task that was begun, the files that are on its sides already.

    Raises:
        DataError: If they cannot be used, or are others than when the task was begun.
    """
    named = config.data
    if earlier is not None:
        named = replace(named, splits=files.splits, split=None, split_by=None)
    data = open_task_data(
        named,
        size=size,
        seed=config.training.seed,
        augmentation=variations(config.training.augmentation),
        in_channels=in_channels,
        unpaired=config.training.objective == "cyclegan",
    )
    if earlier is not None and data.fingerprint != earlier.fingerprint:
        raise DatasetError(
            f"the data of {files.name!r} are others than when it was begun: files were changed, or are read otherwise "
            f"(size, channels). Put them back, or learn it anew under another name."
        )
    return data


def _drawn_on(registry: TaskRegistry, config: TrainConfig) -> tuple[str, ...]:
    held = registry.tasks
    wanted = config.method.draws_on
    if wanted is None:
        return held
    for name in wanted:
        registry.describe(name)
    if not wanted:
        raise TaskNotFoundError(f"draws_on names no task: name some of {', '.join(held)}, or leave it out for all.")
    return tuple(name for name in held if name in wanted)


def _network_there(registry: TaskRegistry, learner: Learner, config: TrainConfig, size: int) -> Any:
    """Return the registry's network, and refuse another one."""
    asked, there = config.network, network_of(learner)
    if there.net is None:  # of one's own: it was named, built and found to be the registry's
        return replace(asked, size=size, width=asked.width or WIDTH)
    for name in ("net", "width", "norm", "dropout"):
        wanted, found = getattr(asked, name), getattr(there, name)
        if wanted is not None and wanted != found:
            raise ConfigurationError(
                f"the network of {shown(registry.folder)} is {there.net} of width {there.width} ({there.norm} norm, "
                f"dropout {there.dropout}), and all of its tasks are: --{name} {wanted} is another. Leave it out, or "
                f"name a new folder."
            )
    return replace(there, size=size)


def _check_directions(registry: TaskRegistry, learner: Learner, data: TaskData) -> None:
    both = BACKWARD in learner.models
    if both == data.is_unpaired:
        return
    held = "two networks, there and back" if both else "one network"
    if both and data.kind != "unpaired":
        raise ConfigurationError(
            f"{shown(registry.folder)} holds {held}, which learn from unpaired sides: say --objective cyclegan, which "
            f"takes pairs apart, name other data, or a new folder."
        )
    if data.kind != "unpaired":
        raise ConfigurationError(
            f"{shown(registry.folder)} holds {held}, and --objective cyclegan learns two, there and back: take "
            f"--objective pix2pix or supervised, or name a new folder."
        )
    raise ConfigurationError(
        f"{shown(registry.folder)} holds {held}, which learn pairs or masks, and the data are {data.kind}: name other "
        f"data, or a new folder."
    )


def _check_not_rounded(stored: str) -> None:
    """Refuse to round a registry's first task, which is the network that it was."""
    if stored not in ("auto", "float32"):
        raise ConfigurationError(
            f"--stored {stored} is for tasks that build on others; a registry's first one is kept to the bit: leave "
            f"the option out."
        )


def _check_is_first(registry: TaskRegistry, task: str, files: TaskFolder) -> None:
    held = registry.tasks
    if held and held[0] != task:
        raise ResumeError(
            f"{task!r} was begun as the first task of {shown(registry.folder)}, whose first task now is {held[0]!r}: "
            f"learn it under another name, or move {shown(files.root)} away."
        )


def _check_builds_on_nothing(registry: TaskRegistry, method: MethodConfig) -> None:
    """Refuse a first task that is to build on others: the folder is probably not the one that was meant."""
    named = {"--start-from": [method.start_from], "--draws-on": list(method.draws_on or ())}
    for option, tasks in named.items():
        if tasks not in ([], [AUTO], [LAST]):
            raise ConfigurationError(
                f"{option} {' '.join(tasks)}: {shown(registry.folder)} holds no task yet, and the first one builds on "
                f"nothing. Name the folder of the run that has {tasks[0]!r}, or leave {option} out."
            )


def _check_device(config: TrainConfig) -> None:
    if config.training.device == "cuda" and not torch.cuda.is_available():
        raise ConfigurationError(
            "--device cuda: PyTorch finds no GPU here. Take --device cpu, or see its installation."
        )


def filled_in(config: TrainConfig, former: TrainConfig) -> TrainConfig:
    """Take what is not said from what a task was begun with."""
    parts = {}
    for part in dataclasses.fields(config):
        now, before = getattr(config, part.name), getattr(former, part.name)
        unsaid = [field.name for field in dataclasses.fields(now) if getattr(now, field.name) is None]
        parts[part.name] = replace(now, **{name: getattr(before, name) for name in unsaid})
    default = type(config.method)()
    if config.method.start_from == default.start_from:
        parts["method"] = replace(parts["method"], start_from=former.method.start_from)
    return TrainConfig(**parts)


def differences(now: TrainConfig, former: TrainConfig) -> list[str]:
    """Say in words which options that matter are others than before."""
    free = _MAY_CHANGE if now.training.keep == "last" else _MAY_CHANGE - {"validate_every"}
    return [
        f"{name} was {getattr(before, name)}, is {getattr(part, name)}"
        for part, before in (
            (now.network, former.network),
            (now.method, former.method),
            (now.training, former.training),
        )
        for name in (field.name for field in dataclasses.fields(part))
        if name not in free and getattr(part, name) != getattr(before, name)
    ]


def other_data(now: DataConfig, former: DataConfig) -> list[str]:
    """Say in words which folders of data are others than before."""
    return [
        f"{name} was {shown(before) if before else 'not given'}, is {shown(getattr(now, name))}"
        for name in NAMED
        if getattr(now, name) != (before := getattr(former, name))
    ]


def other_words(now: ProvenanceConfig, former: ProvenanceConfig) -> list[str]:
    """Say which of the words on data and weights are others than before."""
    return [
        f"{name} was {before or 'not given'}, is {getattr(now, name)}"
        for name, before in vars(former).items()
        if getattr(now, name) != before
    ]


def _check_is_the_same(prepared: Prepared, former: TrainConfig) -> None:
    """Refuse to go on with other options; nothing that was learned would fit them."""
    if others := differences(prepared.config, former):
        raise ResumeError(
            f"{prepared.files.name!r} was begun with other options: {'; '.join(others[:5])}. Start it as it was, learn "
            f"it under another name, or remove {shown(prepared.files.root)} to begin anew."
        )
