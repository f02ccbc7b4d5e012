"""Runs one cell: what it starts from is loaded, its task is learned, and all that is asked of it goes into JSON."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any, cast

import torch
from PIL import Image
from safetensors.torch import load_file, save
from torch import Tensor, nn

import piggygan as pg
from benchmarks.evidence.baselines.contender import Contender
from benchmarks.evidence.baselines.joint import Joint
from benchmarks.evidence.distances import FeatureNetwork
from benchmarks.evidence.methods import FROM_SCRATCH, METHODS, Ours
from benchmarks.evidence.preset import Cell, Kind, Preset, Setting, TaskSetting
from benchmarks.evidence.quality import score
from benchmarks.evidence.sources import Folders
from benchmarks.evidence.stored_sizes import size_of
from benchmarks.evidence.task_data import PooledPairs, TaskData
from benchmarks.peaks import forget_peak, resident_peak
from benchmarks.reporting import describe_machine
from piggygan.data import PairDataset, batches
from piggygan.files.durable import write_durably
from piggygan.training import (
    Batch,
    EpochRecord,
    Objective,
    Pix2PixObjective,
    SupervisedObjective,
    TrainingOptions,
    Turn,
)

FORMAT = 1
SAMPLES = 12
"""Pictures of the scored side that are kept of each task, evenly spaced by name."""
INFERENCE_CALLS = 10


@dataclass(frozen=True)
class Place:
    """Where cells leave what they found: ``cells`` as JSON, ``weights`` and ``samples``."""

    folder: Path

    def result(self, cell: Cell) -> Path:
        """The cell's JSON; written last, it says that the cell is done."""
        return self.folder / "cells" / f"{cell.name}.json"

    def weights(self, cell: Cell) -> Path:
        """What the cell's task stores."""
        return self.folder / "weights" / f"{cell.name}.safetensors"

    def samples(self, cell: Cell, task: str) -> Path:
        """Pictures of a task after the cell, one below the other."""
        return self.folder / "samples" / f"{cell.name}.{task}.png"

    def make(self) -> None:
        """Make the folders."""
        for name in ("cells", "weights", "samples"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)


class AsMask(nn.Module):
    """A generator whose three output channels are read as one: so every method has the same network for every task."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        """Translate."""
        output: Tensor = self.network(images)
        return output.mean(1, keepdim=True)


class ContenderObjective:
    """An objective, with whatever losses a contender adds."""

    def __init__(self, objective: Objective, contender: Contender, task: str) -> None:
        self._objective = objective
        self._contender = contender
        self._task = task
        self.players, self.modules, self.use = objective.players, objective.modules, objective.use

    def play(self, batch: Batch) -> Iterator[Turn]:
        """Give each player its turn."""
        return self._contender.turns(self._task, batch, self._objective.play(batch))


def run_cell(cell: Cell, preset: Preset, folders: Folders, place: Place, features: FeatureNetwork | None) -> None:
    """Learn a cell's task and write down what came of it.

    Args:
        cell: Which; those that it starts from must be done.
        preset: The experiment.
        folders: Where the data are.
        place: Where results go.
        features: For the distances of photos.
    """
    place.make()
    earlier = preset.before(cell)
    data = {step.task: TaskData(preset, step.task, folders, cell.seed) for step in [*earlier, cell]}
    contender = restored(cell, preset, place, data)
    torch.manual_seed(cell.seed)
    if earlier or cell.method != FROM_SCRATCH[0]:
        contender.meet(cell.task, data[cell.task].whole)
        contender.begin(cell.task)
    learned = _learn(contender, cell, preset, data)
    contender.finish(cell.task)
    contender.remember(cell.task, data[cell.task].whole)
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in contender.stored(cell.task).items()}
    write_durably(place.weights(cell), save({name: tensor.clone() for name, tensor in tensors.items()}))
    found = {
        "format": FORMAT,
        "preset": preset.name,
        "cell": asdict(cell),
        "learned": [*(step.name for step in earlier), cell.name],
        **preset.described(cell),
        **learned,
        "stored": asdict(size_of(tensors)),
        "stores_all": contender.stores_all,
        preset.setting.scored: {
            task: _scored(contender, task, cell, preset.tasks[task], data[task], place, features) for task in data
        },
        "machine": asdict(describe_machine(_device())),
    }
    write_durably(place.result(cell), (json.dumps(found, indent=1) + "\n").encode())


def restored(cell: Cell, preset: Preset, place: Place, data: Mapping[str, TaskData]) -> Contender:
    """Make the contender as it was when the cells before this one were done."""
    setting, earlier = preset.setting, preset.before(cell)
    first = earlier[0].task if earlier else cell.task
    torch.manual_seed(cell.seed)
    generator = pg.UNetGenerator(depth=setting.depth, width=setting.width, norm=setting.norm, dropout=True)
    contender = METHODS[cell.method](generator.to(_device()), first)
    if isinstance(contender, Ours):
        contender.bound(setting.max_bank)
    if isinstance(contender, Joint):
        contender.pool(preset.pools.values())
    for number, step in enumerate(earlier):
        if number:
            contender.meet(step.task, data[step.task].whole)
            contender.begin(step.task)
        contender.restore(step.task, load_file(place.weights(step), device=str(_device())))
        contender.finish(step.task)
        contender.remember(step.task, data[step.task].whole)
    return contender


def _learn(contender: Contender, cell: Cell, preset: Preset, data: Mapping[str, TaskData]) -> dict[str, Any]:
    """Train; return the learning curve and what it cost."""
    setting, task = preset.setting, preset.tasks[cell.task]
    together = (*contender.practises(cell.task), cell.task)
    dataset, validated = _pooled([data[name].learned() for name in together]), data[cell.task].validated()
    steps = sum(preset.tasks[name].steps or setting.steps for name in together)
    network = network_of(contender, cell.task, task.kind)
    loader = batches(dataset, setting.batch_size, seed=cell.seed, drop_last=True)
    epochs = max(setting.readings, round(steps / len(loader)))
    reading_epochs = {round(epochs * (number + 1) / setting.readings) for number in range(setting.readings)}
    curve: list[dict[str, float]] = []
    watching = 0.0

    def read(record: EpochRecord) -> None:
        nonlocal watching
        started = time.process_time()
        if record.epoch in reading_epochs:
            outputs, targets = translate(network, validated)
            found = score(task.kind, outputs, targets).scores["headline"]
            curve.append({"step": record.epoch * len(loader), "score": found})
        watching += time.process_time() - started

    forget_peak(_device())
    wall, processor = time.perf_counter(), time.process_time()
    objective = ContenderObjective(_objective(contender, cell.task, task, setting), contender, cell.task)
    options = TrainingOptions(epochs=epochs, learning_rate=task.learning_rate, seed=cell.seed, progress=False)
    history = contender.learn(cell.task, objective, loader, options, read)
    processor, wall = time.process_time() - processor - watching, time.perf_counter() - wall
    return {
        "pairs": {side: len(names) for side, names in asdict(data[cell.task].names).items()}
        | {"learned": len(dataset)},
        "steps": epochs * len(loader),
        "curve": curve,
        "losses": history.epochs[-1].losses,
        "seconds": sum(record.seconds for record in history.epochs),
        "processor_seconds": processor,
        "whole_seconds": wall,
        "peak_bytes": _peak(),
        "moved": sum(parameter.numel() for parameter in contender.moving(cell.task)),
    }


def _pooled(parts: list[PairDataset]) -> PairDataset:
    """Return the pairs of several tasks as one data set, which has of one what batches are made with."""
    return parts[0] if len(parts) == 1 else cast("PairDataset", PooledPairs(parts))


def _objective(contender: Contender, name: str, task: TaskSetting, setting: Setting) -> Objective:
    """Make what a task is learned by, as ``piggygan train`` would."""
    network, moving = network_of(contender, name, task.kind), contender.moving(name)
    if task.objective == "supervised":
        return SupervisedObjective(network, generator_parameters=moving, l1_weight=1.0, dice_weight=1.0)
    discriminator = pg.PatchDiscriminator(
        4 if task.kind == "mask" else 6, width=setting.width, norm=setting.norm, layers=_layers(setting.size)
    )
    return Pix2PixObjective(network, discriminator, generator_parameters=moving)


def _scored(
    contender: Contender,
    task: str,
    cell: Cell,
    setting: TaskSetting,
    data: TaskData,
    place: Place,
    features: FeatureNetwork | None,
) -> dict[str, Any]:
    """Read the scored side of a task once."""
    dataset = data.scored()
    network = network_of(contender, task, setting.kind)
    outputs, targets = translate(network, dataset)
    found = score(setting.kind, outputs, targets, features)
    kept = sorted({round(number * (len(dataset) - 1) / (SAMPLES - 1)) for number in range(SAMPLES)})
    _write_samples(place.samples(cell, task), outputs[kept])
    if cell.method == FROM_SCRATCH[0]:  # once for all methods
        _write_samples(place.folder / "samples" / f"input.{task}.png", torch.stack([dataset[i].input for i in kept]))
        _write_samples(place.folder / "samples" / f"truth.{task}.png", torch.stack([dataset[i].target for i in kept]))
    return {
        "scores": found.scores,
        "by_image": found.by_image,
        "samples": kept,
        "sha256": hashlib.sha256(outputs.numpy().tobytes()).hexdigest(),
        "milliseconds": _inference_milliseconds(network, dataset[0].input[None]),
    }


def network_of(contender: Contender, task: str, kind: Kind) -> nn.Module:
    """Return what translates a task's images to pictures of as many channels as its targets."""
    network = contender.network(task)
    return AsMask(network) if kind == "mask" else network


def translate(network: nn.Module, dataset: PairDataset) -> tuple[Tensor, Tensor]:
    """Return a network's outputs on a data set, and the targets."""
    outputs, targets = [], []
    with torch.inference_mode():
        network.eval()
        for batch in batches(dataset, 10, shuffle=False):
            outputs.append(network(batch.input.to(_device())).float().cpu())
            targets.append(batch.target)
    return torch.cat(outputs), torch.cat(targets)


def _write_samples(path: Path, pictures: Tensor) -> None:
    levels = ((pictures + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
    column = torch.cat(list(levels), dim=1).movedim(0, -1).numpy()
    Image.fromarray(column[..., 0] if column.shape[-1] == 1 else column).save(path, optimize=True)


def _inference_milliseconds(network: nn.Module, image: Tensor) -> float:
    device = _device()
    image = image.to(device)

    def call() -> float:
        started = time.perf_counter()
        network(image)
        if device.type != "cpu":
            torch.accelerator.synchronize(device)
        return (time.perf_counter() - started) * 1e3

    with torch.inference_mode():
        call()
        return median(call() for _ in range(INFERENCE_CALLS))


def _layers(size: int) -> int:
    return 3 if size >= 64 else 1


def _device() -> torch.device:
    found = torch.accelerator.current_accelerator(check_available=True)
    return found if found is not None else torch.device("cpu")


def _peak() -> int:
    device = _device()
    return resident_peak() if device.type == "cpu" else torch.accelerator.max_memory_allocated(device)
