"""What must be the same for a training to go on as if it had never been interrupted."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import torch
from torch.utils.data import DataLoader

from piggygan.errors import ConfigurationError
from piggygan.networks.fingerprints import layer_lines
from piggygan.terminal.about import __version__
from piggygan.training.guard import models_of
from piggygan.training.objectives.protocol import Batch, HasSettings, Objective
from piggygan.training.options import TrainingOptions
from piggygan.training.schedules import constant_then_linear

PROCESSES = "number of processes"
OF_DATA = ("batch", "data", "order of the data")
"""What facts about the data begin with: processes may have been given different ones on purpose."""
WITHOUT_EFFECT = ("sample_every", "log_path", "progress")
"""Options that change nothing in the networks."""


@runtime_checkable
class HasFingerprint(Protocol):
    """Data, or an order of data, that can say whether it is the same as before."""

    @property
    def fingerprint(self) -> str:
        """A text that is equal where the contents are."""


def make_recipe(
    objective: Objective,
    batches: Iterable[Batch],
    count: int | None,
    options: TrainingOptions,
    device: torch.device,
    processes: int = 1,
) -> dict[str, str]:
    """Describe a training, one fact a name; equal descriptions, data and networks end in the same bytes.

    Args:
        objective: What is learned.
        batches: As the caller gave them.
        count: Batches an epoch, in each process, if that is known.
        options: How.
        device: On which.
        processes: How many train together.
    """
    chosen = {field.name: getattr(options, field.name) for field in dataclasses.fields(options)}
    recipe = {f"option {name}": value for name, value in chosen.items() if name not in WITHOUT_EFFECT}
    recipe |= {
        "piggygan version": __version__,
        "torch version": torch.__version__,
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else device.type,
        "number of threads": torch.get_num_threads(),
        PROCESSES: processes,
        "objective": type(objective).__qualname__,
        "batches an epoch": count,
    }
    if isinstance(objective, HasSettings):
        recipe |= {f"objective's {name}": value for name, value in objective.settings().items()}
    for role, module in objective.modules().items():
        recipe[f"layers of the {role}"] = hashlib.sha256("\n".join(layer_lines(module)).encode()).hexdigest()[:16]
    for role, model in models_of(objective):
        if model.costs.measured:
            ways = sorted(f"{call} {way}" for call, way in model.costs.measured.items())
            recipe[f"calibrated ways of the {role}"] = hashlib.sha256("\n".join(ways).encode()).hexdigest()[:16]
    recipe |= task_facts(objective)
    for player, parameters in objective.players().items():
        recipe[f"numbers that the {player} learns"] = sum(parameter.numel() for parameter in parameters)
    return {name: str(value) for name, value in (recipe | _of_data(batches)).items()}


_OF_TASKS = ("draws_on of ", "factor_step of ")


def task_facts(objective: Objective) -> dict[str, str]:
    """Say of each task of an objective's networks what its tensors mean, which their names and shapes do not tell."""
    facts: dict[str, str] = {}
    for path, model in models_of(objective):
        for task in map(model.describe_task, model.tasks):
            for name, fact in zip(_OF_TASKS, (", ".join(task.draws_on) or "nothing", task.factor_step), strict=True):
                facts[f"{name}{task.name!r} of the {path}"] = str(fact)
    return facts


def tasks_of(recipe: Mapping[str, str]) -> dict[str, str]:
    """Return what a recipe has of :func:`task_facts`."""
    return {name: fact for name, fact in recipe.items() if name.startswith(_OF_TASKS)}


_SCHEDULE = ("option epochs", "option decay_from")


@dataclass(frozen=True)
class Schedule:
    """How the learning rate goes over a training: what is needed to know it of each epoch."""

    epochs: int
    decay_from: float

    def rate(self, epoch: int) -> float:
        """Return the share of the learning rate that an epoch has, counted from 0."""
        return constant_then_linear(epoch, self.epochs, self.decay_from)


def schedule_of(recipe: Mapping[str, str]) -> Schedule | None:
    """Read the schedule off a recipe; None if it does not say."""
    try:
        return Schedule(int(recipe["option epochs"]), float(recipe["option decay_from"]))
    except (KeyError, ValueError):
        return None


def with_schedule_of(recipe: Mapping[str, str], other: Mapping[str, str]) -> dict[str, str]:
    """Return a recipe with the schedule of another one."""
    return {**recipe, **{name: other[name] for name in _SCHEDULE}}


def differences(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Say in words what tells two recipes apart."""
    return [
        f"{name} was {before.get(name, 'not there')}, is {now.get(name, 'not there')}"
        for name in [*now, *(before.keys() - now.keys())]
        if before.get(name) != now.get(name)
    ]


def check_alike(main: Mapping[str, str], own: Mapping[str, str], process: int) -> None:
    """Refuse to train in processes that are not alike; of data each may have its own.

    Args:
        main: Recipe of the main process.
        own: Of this one.
        process: Its number.

    Raises:
        ConfigurationError: Says what differs.
    """
    names = [name for name in sorted(main.keys() | own.keys()) if not name.startswith(OF_DATA)]
    if others := [name for name in names if main.get(name) != own.get(name)]:
        shown = "; ".join(
            f"{name} is {main.get(name, 'not there')}, here {own.get(name, 'not there')}" for name in others[:3]
        )
        raise ConfigurationError(
            f"process {process} is not like the main one: there {shown}. Start all alike, with the same packages."
        )


def frozen_differences(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Say which tensors that a training leaves as they are have other digests, or are gone."""
    other = [f"{name} (frozen) has other values" for name in now if now[name] != before.get(name)]
    return other + [f"{name} (frozen) is no longer there" for name in before if name not in now]


def _of_data(batches: Iterable[Batch]) -> dict[str, Any]:
    if not isinstance(batches, DataLoader):
        return {"data": _fingerprint(batches)}
    return {
        "batch size": batches.batch_size,
        "drop_last": batches.drop_last,
        "workers": batches.num_workers,
        "data": _fingerprint(batches.dataset),
        "order of the data": _fingerprint(batches.sampler),
        "batches of the data": _fingerprint(batches.batch_sampler),
    }


def _fingerprint(part: object) -> str:
    return part.fingerprint if isinstance(part, HasFingerprint) else type(part).__qualname__
