"""What a training would do and cost, in words, before anything is done."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

import torch

from piggygan.data.batches import batches
from piggygan.jobs.config import TrainConfig
from piggygan.jobs.folder import RunFolder
from piggygan.jobs.training.learner import make_objective
from piggygan.jobs.training.preparing import Prepared, prepare
from piggygan.jobs.training.trackers import asked_tracker
from piggygan.terminal.launched import launched_processes
from piggygan.training.processes import Processes

FEW_STEPS = 5000
"""Steps below which 2e-4 has not finished learning pictures; 1000 were measured (docs/evidence.md)."""
_TIMED = 2


def plan_task(folder: str | os.PathLike[str], task: str, config: TrainConfig | None = None) -> list[str]:
    """Say what :func:`~piggygan.jobs.training.run.train_task` would do and cost; nothing is written.

    Reads all data, and takes some steps with networks that are thrown away, to say how long one takes.

    Raises:
        PiggyganError: As of :func:`~piggygan.jobs.training.run.train_task`, where it can be known beforehand.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> from piggygan.data.synthetic.facades import write_facades
        >>> from piggygan.jobs import DataConfig, LearningConfig, NetworkConfig
        >>> folder = tempfile.TemporaryDirectory()
        >>> for seed, side in enumerate(("train", "val")):
        ...     _ = write_facades(Path(folder.name, "data", side), 2, 32, seed=seed)
        >>> small = NetworkConfig(size=32, width=2)
        >>> config = TrainConfig(DataConfig(Path(folder.name, "data")), small, training=LearningConfig(epochs=1))
        >>> plan_task(Path(folder.name, "exp"), "facades", config)[1]
        'data: pairs, 2 train, 2 val; 3 to 3 channels at 32 px'
        >>> folder.cleanup()
    """
    return planned(prepare(RunFolder.at(folder), task, config or TrainConfig()))


def planned(prepared: Prepared) -> list[str]:
    """Say what will be learned, and how long it takes."""
    seconds, steps = _seconds_of_a_step(prepared), _steps(prepared)
    took = f"a step takes about {seconds:.2g} s here, {steps:,} steps about {spoken(steps * seconds)}"
    return [*describe_plan(prepared), f"{took}, besides reading, validation and checkpoints"]


def training_seconds(prepared: Prepared) -> float:
    """Say how long the steps of a training take here, by two of them."""
    return _steps(prepared) * _seconds_of_a_step(prepared)


def describe_plan(prepared: Prepared) -> Iterator[str]:
    """Say what will be learned, from what, how, and what it costs."""
    beginning, data, chosen = prepared.beginning, prepared.data, prepared.config.training
    network, task = prepared.config.network, prepared.files.name
    where = f"the first task of {prepared.registry.folder}"
    if not beginning.is_first:
        where = f"a task of {prepared.registry.folder}, built on {', '.join(beginning.draws_on)}"
    yield f"{task}: {where}"
    counts = ", ".join(f"{count} {side}" for side, count in beginning.pairs.items())
    yield f"data: {data.kind}, {counts}; {data.in_channels} to {data.out_channels} channels at {network.size} px"
    yield from (f"note: {note}" for note in beginning.notes)
    shape = f" of width {network.width}, {network.norm} norm" if network.norm else ""
    yield f"network: {network.net or 'the one of the registry'}{shape}"
    cost = beginning.cost
    yield f"cost: {cost.parameters:,} parameters stored, {cost.share:.1%} of a network, {cost.size / 1e6:.1f} MB"
    steps = _steps(prepared)
    count = launched_processes()
    together = f" in each of {count} processes" if count > 1 else ""
    yield (
        f"learning: {chosen.objective}, {chosen.epochs} epochs of {_steps_an_epoch(prepared)} steps of "
        f"{chosen.batch_size}{together}, rate {chosen.learning_rate:g}, seed {chosen.seed}"
    )
    if chosen.objective == "pix2pix" and steps < FEW_STEPS and chosen.learning_rate == 2e-4:
        yield (
            f"note: in trainings as short as {steps:,} steps pictures were learned better at --learning-rate 8e-4 "
            f"(docs/evidence.md)"
        )
    if (tracker := asked_tracker(chosen)) is not None:
        shown = ", and pictures of validation pairs" if chosen.track == "pictures" else ""
        yield f"tracker: {tracker} gets each epoch's losses, learning rate and scores{shown}"
    said = prepared.config.provenance
    licence = f"licence {said.licence}" if said.licence else "no licence (--licence)"
    yield f"said: {licence}; {said.data_statement or 'nothing of the data (--data-statement)'}"
    if prepared.goes_on:
        changed = f" with {chosen.epochs} epochs in place of {prepared.former_epochs}" if prepared.former_epochs else ""
        yield f"it was begun before, and goes on{changed}"


def _steps_an_epoch(prepared: Prepared) -> int:
    """Say how many steps each process takes."""
    return len(prepared.data.train) // int(prepared.config.training.batch_size or 1) // launched_processes()


def _steps(prepared: Prepared) -> int:
    """Say how many that are in all."""
    return _steps_an_epoch(prepared) * int(prepared.config.training.epochs or 1)


def _seconds_of_a_step(prepared: Prepared) -> float:
    """Take some steps without an optimizer, on the device that would be used, and time the fastest."""
    device = Processes(prepared.config.training.seed).device
    prepared.learner.to(device)
    objective = make_objective(prepared.learner, prepared.config, prepared.data)
    for module in objective.modules().values():
        module.to(device).train()
    taken = []
    loader = batches(prepared.data.train, int(prepared.config.training.batch_size or 1), drop_last=True)
    for _ in range(_TIMED):
        batch = next(iter(loader))
        batch = batch._replace(input=batch.input.to(device), target=batch.target.to(device))
        started = time.perf_counter()
        for turn in objective.play(batch):
            torch.autograd.backward([torch.stack(list(turn.losses.values())).sum()])
        if device.type == "cuda":
            torch.cuda.synchronize()
        taken.append(time.perf_counter() - started)
    return min(taken)


def spoken(seconds: float) -> str:
    """Say a time in the unit that fits it.

    Example:
        >>> spoken(90), spoken(5400)
        ('1.5 minutes', '1.5 hours')
    """
    for unit, length in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= length:
            return f"{seconds / length:.1f} {unit}"
    return f"{seconds:.0f} seconds"
