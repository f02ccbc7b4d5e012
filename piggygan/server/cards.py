"""What is told of each task: what it takes and makes, what it was trained on, scores, costs, certificate, descent."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict
from typing import Any

from piggygan.errors import ConfigurationError, PiggyganError
from piggygan.jobs.folder import RunFolder
from piggygan.layers.tasks import version_of
from piggygan.model.generator import MultiTaskGenerator
from piggygan.prediction.rules import NAMED
from piggygan.registry import TaskRecord
from piggygan.server.held import HeldTasks, pinned

READABLE = (1, 3)
"""Channels that a file is read with, and an answer is written with."""


def cards(held: HeldTasks, run: RunFolder | None) -> list[dict[str, Any]]:
    """Describe every task, in the order of their commits.

    Args:
        held: The tasks.
        run: Where their training left its results; None: nowhere.
    """
    costs = {network: model.overhead() for network, model in held.models.items()}
    described = []
    for record in held.records:
        name, networks = record.name, {}
        stem, version = version_of(name)
        for network, model in held.models.items():
            cost, part = costs[network][name], record.networks[network]
            networks[network] = {
                **_ends(model, record, network),
                "cost": {"parameters": cost.parameters, "share": cost.share, "bytes": cost.size},
                "certificate": {
                    "tensors_digest": part.certificate.tensors_digest,
                    "outputs_digest": part.certificate.outputs_digest,
                    "recipe": asdict(part.certificate.recipe),
                },
            }
        described.append(
            {
                "name": name,
                "version": version,
                "pinned": pinned(name),
                "is_newest": held.resolve(stem) == name,
                "member": None if record.member is None else asdict(record.member),
                "draws_on": list(record.draws_on),
                "image_size": record.image_size,
                "scores": record.scores,
                "created": record.created,
                "versions": asdict(record.versions),
                "networks": networks,
                "trained": None if run is None else _trained(run, name),
            }
        )
    return described


def ensembles(held: HeldTasks, cards: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Describe every ensemble that has all its members.

    Args:
        held: The tasks.
        cards: Theirs.
    """
    described = []
    for name in held.ensembles:
        (stem, version), tasks = version_of(name), held.members(name)
        first = next(card for card in cards if card["name"] == tasks[0])
        networks = {
            network: {"kind": part["kind"], "rules": _rules(stem, part["kind"]), "can_predict": part["can_predict"]}
            for network, part in first["networks"].items()
        }
        described.append(
            {
                "name": name,
                "version": version,
                "pinned": pinned(name),
                "is_newest": held.resolve(stem) == name,
                "members": list(tasks),
                "networks": networks,
            }
        )
    return described


def _ends(model: MultiTaskGenerator, record: TaskRecord, network: str) -> dict[str, Any]:
    """Say what a task takes and makes in one network."""
    output = getattr(model.layers[model.wrapping.output_layer], "conv", None)
    out_channels = record.networks[network].settings.out_channels or getattr(output, "out_channels", None)
    in_channels = None
    with suppress(ConfigurationError):
        in_channels = model.input_channels(record.name)
    can_predict = model.spatial_axes == 2 and in_channels in READABLE and out_channels in READABLE
    kind = ("mask" if out_channels == 1 else "picture") if can_predict else None
    stem, _ = version_of(record.name)
    return {
        "kind": kind,
        "rules": _rules(stem, kind),
        "in_channels": in_channels,
        "out_channels": out_channels,
        "can_predict": can_predict,
    }


def _rules(stem: str, kind: str | None) -> str | None:
    return stem if kind == "mask" and stem in NAMED else None


def _trained(run: RunFolder, task: str) -> dict[str, Any] | None:
    """Say how a task was trained, where that is written beside the registry; numbers only, no names of files."""
    if not run.task(task).root.is_dir():
        return None
    from piggygan.jobs.training.beginning import read_beginning  # they bring all that training needs
    from piggygan.jobs.training.result import read_result

    try:
        result, beginning = read_result(run.task(task)), read_beginning(run.task(task))
    except (PiggyganError, OSError):  # it is no part of the registry: without it there is less to tell
        return None
    if result is None:
        return None
    return {
        "data": result.kind,
        "pairs": dict(beginning.pairs) if beginning is not None else {},
        "epochs": result.epochs,
        "seconds": result.seconds,
        "start_from": result.start_from,
        "relatedness": result.relatedness,
        "scores": result.scores,
        "floor": result.floor,
        "is_learned": result.is_learned,
        "finished": result.finished,
    }
