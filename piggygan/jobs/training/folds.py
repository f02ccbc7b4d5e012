"""Folds: the films of a task divided into parts by patient, each kept back from one member of an ensemble."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from piggygan.data.drawing import SHARES, Drawing, parse_shares
from piggygan.data.splits import write_splits
from piggygan.data.task_sides import learned_sides
from piggygan.errors import ConfigurationError, DatasetError, ResumeError, TaskExistsError, TaskStateError
from piggygan.files.durable import write_durably
from piggygan.files.regular import make_folder, shown
from piggygan.jobs.config import TrainConfig
from piggygan.jobs.config_file import config_to_toml
from piggygan.jobs.data import MAX_SKIPPED, named_folders
from piggygan.jobs.folder import TaskFolder
from piggygan.jobs.records import read_record, write_record
from piggygan.jobs.source import Source
from piggygan.layers.tasks import version_of
from piggygan.registry import TaskRegistry
from piggygan.registry.provenance import MAX_MEMBERS

_BANK = "bank"


@dataclass(frozen=True)
class Folds:
    """What was decided when an ensemble was begun.

    Attributes:
        folds: How many members there are.
        bank: Tasks whose filters all of them mix.
        has_own_bank: Whether that is a task of its own, learned from films that are in no fold.
        counts: How many films are in each part, and on the test side.
        notes: What a person should know of how they were divided.
        began: When, UTC, ISO 8601.
    """

    folds: int
    bank: tuple[str, ...]
    has_own_bank: bool
    counts: dict[str, int]
    notes: tuple[str, ...]
    began: str


def member_name(ensemble: str, number: int) -> str:
    """Name a member.

    Example:
        >>> member_name("lungs", 2)
        'lungs-2'
    """
    return f"{ensemble}-{number}"


def bank_name(ensemble: str) -> str:
    """Name the task that the members of an ensemble draw on in a registry that had none.

    Example:
        >>> bank_name("lungs")
        'lungs-bank'
    """
    return f"{ensemble}-{_BANK}"


def sides_of(files: TaskFolder, part: int | str) -> Path:
    """Return the list of the sides of one member, or of the bank."""
    return files.root / "folds" / f"{part}.json"


def check_folds(registry: TaskRegistry, ensemble: str, folds: int, config: TrainConfig) -> None:
    """Refuse an ensemble that cannot be learned.

    Raises:
        ConfigurationError: If there are too few or too many folds, or it is to be a newer version of another.
        TaskExistsError: If a task has its name.
    """
    if not 2 <= folds <= MAX_MEMBERS:
        raise ConfigurationError(f"folds is {folds}; needed are 2 to {MAX_MEMBERS}, such as 5.")
    if version_of(ensemble)[1] > 1:
        raise ConfigurationError(
            f"{ensemble!r} is a newer version, which is learned as one task: leave folds out, or learn the folds under "
            f"a name without '@'."
        )
    if ensemble in registry.tasks:
        raise TaskExistsError(
            f"{shown(registry.folder)} holds a task {ensemble!r}, and an ensemble is called otherwise than tasks: "
            f"choose another name."
        )
    if config.training.objective == "cyclegan":
        raise ConfigurationError(
            "folds are of pairs or masks: cyclegan learns two networks, of which there is no mean."
        )


def take_back(files: TaskFolder) -> None:
    """Take away what was written of an ensemble of which nothing was begun, and the folders that are empty then."""
    shutil.rmtree(files.root, ignore_errors=True)
    for folder in (files.root.parent, files.root.parent.parent):
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()


def begin_folds(files: TaskFolder, registry: TaskRegistry, config: TrainConfig, ensemble: str, folds: int) -> Folds:
    """Divide the films, and write down what each member learns from.

    The training and the validation side are put together and divided by patient: each part is the validation side of
    one member, which learns from the others. If the registry holds no task yet, one part more is what the bank learns
    from, and each member too: so no filter has seen a film of a member's own fold.

    Raises:
        ConfigurationError, DataError, TaskError: If it cannot be learned so; nothing is written then.
    """
    check_folds(registry, ensemble, folds, config)
    named = config.data
    source = Source.opened(named_folders(named), MAX_SKIPPED if named.max_skipped is None else named.max_skipped)
    if source.kind == "unpaired":
        raise ConfigurationError(
            "folds are of pairs or masks: of what nobody paired two networks learn, without a mean."
        )
    seed = config.training.seed
    sides, notes = learned_sides(source.dataset, source.patients, named.splits, named.split, named.split_by, seed)
    pool, test = [*sides["train"], *sides["val"]], sides.get("test", [])
    bank = config.method.draws_on or tuple(record.name for record in registry.records if record.member is None)
    parts = [*([] if bank else [_BANK]), *(str(number) for number in range(1, folds + 1))]
    try:
        divided, how = Drawing(dict.fromkeys(parts, 1 / len(parts)), named.split_by, seed).sides(pool, source.patients)
        if not bank:  # which has a validation side of its own
            Drawing(parse_shares(SHARES), named.split_by, seed).validation(divided[_BANK], source.patients)
    except DatasetError as error:
        own_bank = "" if bank else " and a bank, which the registry does not hold yet,"
        raise DatasetError(f"{folds} folds{own_bank} need more films: {error} Take fewer folds.") from error
    make_folder(files.root)
    for number in range(1, folds + 1):
        own = divided[str(number)]
        learned = [name for part in parts if part != str(number) for name in divided[part]]
        write_splits(sides_of(files, number), _listed(learned, own, test))
    if not bank:
        write_splits(sides_of(files, _BANK), _listed(divided[_BANK], [], test))
    write_durably(files.splits, (json.dumps(_listed(pool, [], test), indent=1) + "\n").encode())
    write_durably(files.config, config_to_toml(config).encode())
    counts = {part: len(names) for part, names in divided.items()} | {"test": len(test)}
    found = Folds(
        folds=folds,
        bank=bank or (bank_name(ensemble),),
        has_own_bank=not bank,
        counts=counts,
        notes=(*notes, f"The training and the validation side, {len(pool)} files, were divided into folds {how}."),
        began=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    write_record(files.folds, found)
    return found


def read_folds(files: TaskFolder, folds: int | None) -> Folds | None:
    """Read what was decided; None if the ensemble was not begun.

    Raises:
        ConfigurationError: If it cannot be read.
        ResumeError: If it was begun with another number of folds.
    """
    found = read_record(Folds, files.folds, f"Put it back from a copy, or remove {shown(files.root)} to begin anew.")
    if found is not None and folds not in (None, found.folds):
        raise ResumeError(
            f"{files.name!r} was begun with {found.folds} folds, and folds is {folds}: start it as it was, or learn it "
            f"under another name."
        )
    return found


def config_of_member(files: TaskFolder, found: Folds, config: TrainConfig, number: int) -> TrainConfig:
    """Say how a member is learned: on its sides, on the bank, and with a seed of its own."""
    return replace(
        config,
        data=replace(config.data, splits=sides_of(files, number), split=None),
        method=replace(config.method, draws_on=found.bank),
        training=replace(config.training, seed=config.training.seed + number - 1),
    )


def config_of_bank(files: TaskFolder, config: TrainConfig) -> TrainConfig:
    """Say how the bank is learned."""
    return replace(config, data=replace(config.data, splits=sides_of(files, _BANK), split=None))


def check_no_ensemble(files: TaskFolder, registry: TaskRegistry) -> None:
    """Refuse to learn one task under the name of an ensemble.

    Raises:
        TaskStateError: If so.
    """
    if files.name in registry.ensembles or files.folds.exists():
        raise TaskStateError(
            f"{files.name!r} is an ensemble: go on with it by train_ensemble, or learn one task under another name."
        )


def _listed(train: list[str], val: list[str], test: list[str]) -> dict[str, list[str]]:
    return {side: names for side, names in (("train", train), ("val", val), ("test", test)) if names}
