"""What a commit brings: a task of a model, made ready to be stored, and whether a registry may take it."""

from __future__ import annotations

import math
import platform
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import SupportsFloat, SupportsIndex

import torch
from torch import Tensor, nn

from piggygan.errors import BankMismatchError, InputError, TaskExistsError, TaskStateError
from piggygan.files.precision import Precision, shortened
from piggygan.files.tensors import nonfinite_names, portable, tensors_to_bytes, unknown_kinds
from piggygan.model.generator import MultiTaskGenerator
from piggygan.model.task_tensors import constants
from piggygan.networks.pix2pix.namesakes import as_ours, computes_the_same
from piggygan.registry.architectures import (
    architecture_of,
    layers_of,
    network_difference,
    probe_side,
)
from piggygan.registry.certificates import Evidence, gather_evidence, probe_images
from piggygan.registry.described import Architecture, Network
from piggygan.registry.frozen_digests import digest_of_frozen
from piggygan.registry.manifest import MAX_SIDE, Manifest, TaskRecord, Versions
from piggygan.registry.probes import GivenProbe, checked_probe
from piggygan.registry.provenance import MAX_LICENCE, Member, TrainingData, check_line
from piggygan.registry.rebuilding import (
    building_order,
    needed_tasks,
    rebuild_base,
    rebuild_task,
    settings_of,
)
from piggygan.registry.task_parts import TaskSettings
from piggygan.terminal.about import __version__


@dataclass(frozen=True)
class Candidate:
    """A frozen task of a model, ready to be committed.

    Attributes:
        task: Its name.
        draws_on: What it draws on, in the order of its bank.
        base_task: The model's base task.
        network: What the model wraps.
        layers: The same by its layers alone, as registries of older versions may have it; None: nobody knows.
        settings: How the task is built.
        source_digests: For each other task that it needs, the digest of that task's tensors in the model.
        weights: Its tensors, as a safetensors file.
        evidence: What its certificate will say.
    """

    task: str
    draws_on: tuple[str, ...]
    base_task: str
    network: Network
    layers: Architecture | None
    settings: TaskSettings
    source_digests: Mapping[str, str]
    weights: bytes
    evidence: Evidence


def prepare(model: MultiTaskGenerator, task: str, probe: GivenProbe | None) -> Candidate:
    """Make a task ready: serialize it, build it anew from what will be stored, and run that on the probe.

    The model itself is not touched. Tasks that it draws on are not built anew: each was when it was committed.

    Raises:
        TaskNotFoundError, TaskStateError: If the model has no such task, or it is not frozen.
        FrozenTaskError: If a frozen task of it is no longer what it was.
        InputError: If its tensors or outputs are not finite, or its generator refuses the probe.
    """
    described = model.describe_task(task)
    if not described.is_frozen:
        raise TaskStateError(f"task {task!r} is still in training: call freeze_task({task!r}) before it is committed.")
    model.check_frozen()
    base = model.base_task
    sources = {name: model.describe_task(name).draws_on for name in model.tasks}
    needed = needed_tasks([base, task], sources)
    tensors = {name: portable(model.task_tensors(name)) for name in (base, task)}
    constant = constants(model.layers, task)
    if unknown := unknown_kinds(tensors[task]):
        raise InputError(f"task {task!r} has tensors of types that are not stored: {', '.join(unknown[:10])}.")
    if bad := nonfinite_names(tensors[task], constant):
        raise InputError(f"task {task!r} has NaN or infinity in {', '.join(bad[:10])}: its training diverged.")
    plain = model.fold_task(base).cpu()
    if probe is None:
        probe = _probe(model, task, plain, tensors[base])
    architecture = layers = layers_of(plain)
    namesake = as_ours(plain)
    if namesake is None or computes_the_same(namesake, plain.eval(), _probe(model, base, plain, tensors[base])):
        architecture = architecture_of(plain)
    rebuilt = rebuild_base(plain, base, model.wrapping, tensors[base])
    for name in needed if task != base else ():
        own = tensors[task] if name == task else model.task_tensors(name)
        if name not in (base, task) and all(tensor.is_cpu for tensor in own.values()):
            model.lend_task(name, rebuilt)  # the registry holds these very bits: their digests are held against its own
        elif name != base:
            rebuild_task(rebuilt, name, sources[name], settings_of(model, name), portable(own))
    digests = {name: digest_of_frozen(model, name) for name in needed}  # the task's own is known to later commits
    return Candidate(
        task=task,
        draws_on=described.draws_on,
        base_task=base,
        network=Network(architecture, model.wrapping),
        layers=layers,
        settings=settings_of(model, task),
        source_digests={name: digest for name, digest in digests.items() if name != task},
        weights=tensors_to_bytes(_written(tensors[task], constant, described.stored), constant),
        evidence=gather_evidence(rebuilt, task, checked_probe(probe, model.spatial_axes)),
    )


def new_record(
    task: str,
    draws_on: tuple[str, ...],
    *,
    scores: dict[str, float],
    image_size: int | None,
    data: TrainingData | None,
    licence: str | None,
    member: Member | None,
) -> TaskRecord:
    """Say what is recorded of a task that is committed here and now, but for its parts of the networks."""
    return TaskRecord(
        name=task,
        draws_on=draws_on,
        networks={},
        scores=scores,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        versions=Versions(__version__, str(torch.__version__), platform.python_version()),
        image_size=image_size,
        data=data,
        licence=licence,
        member=member,
    )


def check_recorded(data: object, licence: str | None, member: object) -> None:
    """Refuse what cannot be recorded of a task, before anything is computed.

    Raises:
        InputError: If one of them is of another type, or the licence is no line.
    """
    check_line("the licence", licence, MAX_LICENCE)
    for name, given, kind in (("data", data, TrainingData), ("member", member, Member)):
        if given is not None and not isinstance(given, kind):
            raise InputError(f"{name} is {repr(given)[:80]}; needed is a piggygan.registry.{kind.__name__}, or None.")


def check_belongs(candidates: Mapping[str, Candidate], manifest: Manifest | None) -> None:
    """Refuse a task that a registry cannot take, in any of its networks."""
    if manifest is not None and candidates.keys() != manifest.networks.keys():
        raise BankMismatchError(
            f"the registry holds the networks {_listed(manifest.networks)}, given is the task in "
            f"{_listed(candidates)}: a task is in all of them, or in none."
        )
    if len({(candidate.base_task, candidate.draws_on) for candidate in candidates.values()}) > 1:
        raise BankMismatchError(
            f"the networks {_listed(candidates)} do not agree on their base task or on what the task draws on: add a "
            f"task to all of them alike, as GeneratorPair does."
        )
    for network, candidate in candidates.items():
        _check_belongs(candidate, manifest, network)


def _check_belongs(candidate: Candidate, manifest: Manifest | None, network: str) -> None:
    """Refuse a task that one network of a registry cannot take.

    Args:
        candidate: The task.
        manifest: What the registry holds; None if nothing yet.
        network: Name of the network there.

    Raises:
        TaskExistsError: If it holds a task of this name.
        BankMismatchError: If its generator or the tasks that the candidate draws on are not the model's.
    """
    task = candidate.task
    if manifest is None:
        if task != candidate.base_task:
            raise BankMismatchError(
                f"the registry is empty, and {task!r} is not the base task: commit or import {candidate.base_task!r} "
                f"first."
            )
        return
    held = manifest.by_name
    if task in held:
        raise TaskExistsError(f"the registry holds a task {task!r} already, which is never overwritten.")
    here, there = candidate.network, manifest.networks[network]
    if candidate.layers and there.architecture.class_name is None:
        here = replace(here, architecture=candidate.layers)
    if problem := network_difference(here, there):
        raise BankMismatchError(f"task {task!r} is of another {network}: {problem}.")
    if candidate.base_task != manifest.base_task:
        raise BankMismatchError(
            f"the registry's base task is {manifest.base_task!r}, this model's is {candidate.base_task!r}."
        )
    if missing := [name for name in candidate.source_digests if name not in held]:
        raise BankMismatchError(
            f"task {task!r} needs {_listed(missing)}, which the registry does not hold: commit or import that first."
        )
    digests = {name: record.networks[network].certificate.tensors_digest for name, record in held.items()}
    if others := [name for name, digest in candidate.source_digests.items() if digests[name] != digest]:
        raise BankMismatchError(
            f"task {task!r} was trained on another {_listed(others)} than the registry's: the names are the same, the "
            f"tensors are not. It belongs into the registry that holds the bank it was trained on."
        )
    building_order({**manifest.sources, task: candidate.draws_on})


def _written(tensors: Mapping[str, Tensor], constant: Collection[str], stored: Precision | None) -> dict[str, Tensor]:
    learned = {name: tensor for name, tensor in tensors.items() if name not in constant}
    return {**shortened(learned, stored), **{name: tensors[name] for name in constant}}


def _listed(names: Iterable[str]) -> str:
    return ", ".join(map(repr, names))


def checked_scores(scores: Mapping[str, SupportsFloat] | None) -> dict[str, float]:
    """Return scores as plain floats.

    Raises:
        InputError: If one is no finite number, or its name no text.
    """
    checked: dict[str, float] = {}
    for name, score in (scores or {}).items():
        try:
            # float would read a text as well, and a score that is one was not meant so
            checked[name] = float(score) if isinstance(score, SupportsFloat) else math.nan
        except (TypeError, ValueError, OverflowError, RuntimeError):
            checked[name] = math.nan
        if not isinstance(name, str) or not name or not math.isfinite(checked[name]):
            raise InputError(f"score {name!r} is {score!r}; needed are finite numbers by name, such as dice=0.9.")
    return checked


def checked_image_size(size: SupportsIndex | None) -> int | None:
    """Return a side in pixels as a plain whole number.

    Raises:
        InputError: If it is none.
    """
    if size is None:
        return None
    side = size.__index__() if isinstance(size, SupportsIndex) and not isinstance(size, bool) else 0
    if not 1 <= side <= MAX_SIDE:
        raise InputError(
            f"image_size is {size!r}; needed is a side in pixels, 1 to {MAX_SIDE}, or None where nobody knows."
        )
    return side


def _probe(model: MultiTaskGenerator, task: str, plain: nn.Module, base_tensors: Mapping[str, Tensor]) -> Tensor:
    """Make probe images of the size, channels and type that the task takes."""
    dtype = next(tensor.dtype for tensor in base_tensors.values() if tensor.is_floating_point())
    axes = model.spatial_axes
    return probe_images(model.input_channels(task), probe_side(plain, axes), dtype, axes)
