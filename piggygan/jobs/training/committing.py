"""From a learned task to a committed one: frozen, scored once, stored, built anew from what is stored, and compared."""

from __future__ import annotations

import platform
from dataclasses import replace
from datetime import UTC, datetime

import torch
from torch import Tensor

from piggygan.errors import RegistryError, TaskExistsError
from piggygan.evaluation.familiarity import FEATURES
from piggygan.evaluation.temperature import CALIBRATION, temperature_tensors
from piggygan.files.regular import shown
from piggygan.jobs.data import TaskData
from piggygan.jobs.evaluating.scoring import Scored, score_side
from piggygan.jobs.training.calibrating import fitted_temperature
from piggygan.jobs.training.descent import scores_on_older
from piggygan.jobs.training.features import NOT_KEPT, familiar_films
from piggygan.jobs.training.floor import floor_of
from piggygan.jobs.training.learner import Learner, generator_of_own
from piggygan.jobs.training.looking import validated
from piggygan.jobs.training.preparing import Prepared
from piggygan.jobs.training.result import TrainedTask, write_result
from piggygan.jobs.training.rounding import chosen_precision
from piggygan.registry import TrainingData
from piggygan.registry.verification import Verification
from piggygan.terminal.about import __version__
from piggygan.training.history import History


def commit_and_verify(prepared: Prepared, history: History, kept: int, notes: tuple[str, ...] = ()) -> TrainedTask:
    """Freeze a task, score it, commit it unless that is done, verify it, and write what came of it.

    Args:
        prepared: The task, learned.
        history: Of its epochs.
        kept: The epoch whose networks these are.
        notes: What a person should know besides what was known when it was begun.

    Raises:
        TaskExistsError: If another task of this name was committed meanwhile.
        RegistryError: If it cannot be committed, or does not verify; a new one is then taken out again, unless it is
            the first of its registry, which cannot be.
    """
    learner, registry, data = prepared.learner, prepared.registry, prepared.data
    batch_size = int(prepared.config.training.batch_size or 1)
    stored, said_of_bits = chosen_precision(prepared, kept)
    learner.freeze_task(stored)
    side = data.test if data.test is not None else data.validation
    scored = score_side(learner, data, side, batch_size)
    scores = {"val": validated(prepared, kept)}
    if data.test is not None:
        scores["test"] = scored.scores
    device = learner.device
    learner.to(torch.device("cpu"))
    size = prepared.config.network.size
    if learner.task not in registry.tasks:
        said = prepared.config.provenance
        trained_on = TrainingData(data.kind, data.fingerprint, prepared.beginning.pairs, said.data_statement)
        on_older, said_of_older = scores_on_older(prepared, batch_size)
        notes = (*notes, *said_of_older)
        registry.commit(
            learner.networks,
            learner.task,
            scores={**scored.scores, **on_older},
            image_size=size,
            data=trained_on,
            licence=said.licence,
            attachments=attachments_of(learner, data, batch_size),
            member=prepared.beginning.member,
        )
    if FEATURES not in registry.describe(learner.task).attachments:
        notes = (NOT_KEPT, *notes)
    verification = _verified(prepared, scored, device, batch_size)
    result = TrainedTask(
        task=learner.task,
        kind=data.kind,
        scores=scores,
        floor=floor_of(data, batch_size),
        epochs=len(history.epochs),
        kept=kept,
        digests={**learner.digests, "outputs": scored.outputs},
        draws_on=prepared.beginning.draws_on,
        start_from=prepared.beginning.start_from,
        relatedness=prepared.beginning.relatedness,
        cost=replace(prepared.beginning.cost, size=learner.size),
        fingerprint=data.fingerprint,
        image_size=int(size or 0),
        seconds=sum(record.seconds for record in history.epochs),
        verified=tuple(map(str, verification)),
        notes=(*prepared.beginning.notes, *filter(None, [said_of_bits]), *notes),
        versions={"piggygan": __version__, "torch": str(torch.__version__), "python": platform.python_version()},
        finished=datetime.now(UTC).isoformat(timespec="seconds"),
        stored=stored or "float32",
    )
    write_result(prepared.files, result)
    return result


def attachments_of(learner: Learner, data: TaskData, batch_size: int) -> dict[str, dict[str, Tensor]]:
    """Gather what is kept with a task beside its tensors: its features, and how sure to be of its masks.

    Args:
        learner: The networks, frozen, on the CPU.
        data: The sides.
        batch_size: How many pictures at once.
    """
    familiar, temperature = familiar_films(learner, data, batch_size), fitted_temperature(learner, data, batch_size)
    return {
        **({FEATURES: familiar.as_tensors()} if familiar is not None else {}),
        **({CALIBRATION: temperature_tensors(temperature)} if temperature is not None else {}),
    }


def _verified(prepared: Prepared, scored: Scored, device: torch.device, batch_size: int) -> Verification:
    """Build the task from what is stored, compare tensors and outputs, and compute all certificates again."""
    learner, registry = prepared.learner, prepared.registry
    own = {name: generator_of_own(registry, prepared.config.network.net, name) for name in registry.networks}
    models = {name: registry.load([learner.task], own[name], network=name) for name in registry.networks}
    stored = Learner(models, learner.task)
    if stored.digests != learner.digests:
        raise TaskExistsError(
            f"another task {learner.task!r} was committed to {shown(registry.folder)} meanwhile: learn this one under "
            f"another name."
        )
    verification = registry.verify(own)
    problems = [str(check) for check in verification if not check.is_sound]
    side = prepared.data.test if prepared.data.test is not None else prepared.data.validation
    again = score_side(stored.to(device), prepared.data, side, batch_size)
    if again.outputs != scored.outputs and device.type == "cpu":  # a GPU may sum in another order
        problems.append("what is stored gives other outputs than what was learned")
    if problems:
        raise RegistryError(_taken_out(prepared, problems, registry_is_base=registry.tasks[0] == learner.task))
    return verification


def _taken_out(prepared: Prepared, problems: list[str], *, registry_is_base: bool) -> str:
    task, registry = prepared.learner.task, prepared.registry
    said = f"{task!r} did not verify in {shown(registry.folder)}: {'; '.join(problems[:3])}."
    if registry_is_base:
        return f"{said} It is the first task, which cannot be taken out: look at the disk, and delete the folder."
    registry.remove_task(task)
    return f"{said} It was taken out again: look at the disk, and start the same again."
