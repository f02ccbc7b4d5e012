"""One generator learns facades, then lungs, and forgets nothing; fine-tuning beside it does forget.

    python examples/facades_to_lungs.py                                  # generated data, some minutes on 2 cores
    python examples/facades_to_lungs.py --facades DIR --xrays DIR        # your own

``--facades`` is a folder with ``train`` and ``val`` (or ``test``) of side-by-side pairs, photo left and labels
right; ``--xrays`` one with ``images``, ``masks`` and ``splits.json``, which lists the names of its ``train`` and
``test`` sides. The result is ``report.html`` in ``--out``, and a registry that holds both tasks. A run that was
stopped or killed goes on with the same command and ``--resume``, to the same result.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from as_command import run
from facades_to_lungs_data import Data, Options, generate_missing_data
from facades_to_lungs_report import write_report
from facades_to_lungs_result import OURS, RIVAL, Measured, Result
from torch import Tensor, nn
from verdict import HEADLINE, PALETTE, targets_of

import piggygan as pg
from piggygan.data import Pair, PairDataset, batches
from piggygan.evaluation import l1, picture_label_scores, segmentation_scores
from piggygan.evaluation.report import picture_grid
from piggygan.training import Checkpoints, History, Pix2PixObjective, TrainingOptions, train

SMALLEST_DEPTH = 5
"""Halvings of an image below which a U-Net of this family has no room to learn: 5,267 parameters at a size of 100."""


def main(options: Options) -> None:
    """Learn both tasks, compare, prove, and write the page."""
    started = time.perf_counter()
    if options.score_registry:
        print(json.dumps(score_registry(options)))
        return
    torch.manual_seed(options.seed)
    generator = pg.UNetGenerator(depth=unet_depth(options.size), width=options.width, norm="batch", dropout=True)
    model = pg.MultiTaskGenerator(generator, base_task="facades")
    generate_missing_data(options)
    data = Data.read(options)
    data.describe()
    if not options.resume:
        for name in ("registry", "checkpoints"):
            move_away(options.out / name)
    registry = pg.TaskRegistry(options.out / "registry")
    result = Result(settings=asdict(options), fixed=data.fixed_scores())

    print("task 1: facades")
    result.histories["facades"] = learn(model, "facades", data.facades, options)
    model.freeze_task("facades")
    result.measured[OURS, "facades"] = measure(model, data)
    commit_once(registry, model, "facades", result.scores(OURS, "facades", "facades"), options.size)
    rival = Rival(model.fold_task("facades"))  # what fine-tuning starts from: an ordinary network
    result.measured[RIVAL, "facades"] = measure(rival, data)

    print("task 2: lungs, with piggygan")
    model.add_task("lungs", out_channels=1)
    result.histories["lungs"] = learn(model, "lungs", data.lungs, options)
    model.freeze_task("lungs")
    result.measured[OURS, "lungs"] = measure(model, data)
    commit_once(registry, model, "lungs", result.scores(OURS, "lungs", "lungs"), options.size)
    result.overhead = model.overhead()

    print("task 2: lungs, by fine-tuning the whole network")
    result.histories["lungs, fine-tuning"] = learn(rival, "lungs", data.lungs, options)
    result.measured[RIVAL, "lungs"] = measure(rival, data)

    print("both tasks again, from the registry, in a fresh process")
    result.fresh = score_in_fresh_process(__file__, options)
    result.seconds = time.perf_counter() - started
    page = write_report(options.out, result, {"facades": data.facades_test, "lungs": data.lungs_test})
    print(result.summary())
    print(f"report: {page}")
    result.verdict.check()


class Rival(nn.Module):
    """Fine-tuning: the whole facade generator learns masks with its three output channels, read as their mean."""

    def __init__(self, generator: nn.Module) -> None:
        super().__init__()
        self.generator = generator

    def forward(self, images: Tensor, task: str) -> Tensor:
        """Translate; whatever the task, it is the same network."""
        output: Tensor = self.generator(images)
        return output.mean(1, keepdim=True) if task == "lungs" else output


def measure(network: nn.Module, data: Data) -> Measured:
    """Translate both test sets in evaluation mode; a task that the network does not have yet is left out."""
    outputs, scores = {}, {}
    known = network.tasks if isinstance(network, pg.MultiTaskGenerator) else tuple(HEADLINE)
    if "facades" in known:
        targets = targets_of(data.facades_test)
        outputs["facades"] = translate(network, data.facades_test, "facades")
        scores["facades"] = picture_label_scores(outputs["facades"], targets, PALETTE).as_dict()
        scores["facades"]["l1"] = l1(outputs["facades"], targets)
    if "lungs" in known:
        targets = targets_of(data.lungs_test)
        outputs["lungs"] = translate(network, data.lungs_test, "lungs")
        scores["lungs"] = segmentation_scores(outputs["lungs"], targets).as_dict()
    return Measured(outputs, scores, {task: sha256(output) for task, output in outputs.items()})


def translate(network: nn.Module, dataset: PairDataset, task: str) -> Tensor:
    """Run one task over a data set."""
    with torch.inference_mode():
        network.eval()
        return torch.cat(
            [
                network(batch.input.to(device_of(network)), task=task).cpu()
                for batch in batches(dataset, 10, shuffle=False)
            ]
        )


def sha256(outputs: Tensor) -> str:
    """Digest the bytes of outputs."""
    return hashlib.sha256(outputs.numpy().tobytes()).hexdigest()


def device_of(network: nn.Module) -> torch.device:
    """Say where a network is; a frozen one has buffers and no parameters."""
    return next(itertools.chain(network.parameters(), network.buffers())).device


def pairs_of(dataset: PairDataset) -> list[Pair]:
    """List all pairs in order."""
    return [dataset[index] for index in range(len(dataset))]


def learn(network: nn.Module, task: str, dataset: PairDataset, options: Options) -> History:
    """Train one task as pix2pix does: against a discriminator of its own, and towards the target."""
    channels = 3 + (1 if task == "lungs" else 3)
    parameters = network.task_parameters(task) if isinstance(network, pg.MultiTaskGenerator) else None
    objective = Pix2PixObjective(
        network,
        pg.PatchDiscriminator(channels, width=options.width, norm="batch"),
        generator_parameters=parameters,
        forward_arguments={"task": task},
    )
    method = OURS if isinstance(network, pg.MultiTaskGenerator) else RIVAL
    log = options.out / f"{task}-{method}.jsonl"
    if not options.resume:
        log.unlink(missing_ok=True)
    epochs = options.lungs_epochs if task == "lungs" else options.epochs
    loader = batches(dataset, options.batch_size, seed=options.seed, drop_last=True)
    sampled = options.out / "samples"
    sampled.mkdir(parents=True, exist_ok=True)

    def sample(epoch: int) -> None:
        pairs = [dataset[index] for index in range(min(3, len(dataset)))]
        inputs = torch.stack([pair.input for pair in pairs])
        outputs = network(inputs.to(device_of(network)), task=task)
        rows = [[pair.input, pair.target, output] for pair, output in zip(pairs, outputs, strict=True)]
        png = picture_grid(rows, [pair.name for pair in pairs], ["input", "target", f"after {epoch} epochs"])
        (sampled / f"{task}-{method}-{epoch:03d}.png").write_bytes(png)

    training = TrainingOptions(
        epochs=epochs, learning_rate=options.learning_rate, seed=options.seed, log_path=log, sample_every=10
    )
    checkpoints = Checkpoints(options.out / "checkpoints" / f"{task}-{method}", every_epochs=5, keep_last=1)
    return train(objective, loader, training, sample=sample, checkpoints=checkpoints)


def commit_once(
    registry: pg.TaskRegistry, model: pg.MultiTaskGenerator, task: str, scores: dict[str, float], size: int
) -> None:
    """Commit a task, unless a run that was stopped later on had done so."""
    if task not in registry.tasks:
        registry.commit(model, task, scores=scores, image_size=size)


def score_in_fresh_process(script: str, options: Options) -> dict[str, Any]:
    """Start a script anew, so that nothing but the registry can carry the tasks over."""
    command = [sys.executable, script, "--score-registry", "--out", str(options.out), "--size", str(options.size)]
    for name in ("facades", "xrays"):
        if (folder := getattr(options, name)) is not None:
            command += [f"--{name}", str(folder)]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found: dict[str, Any] = json.loads(printed)
    return found


def score_registry(options: Options) -> dict[str, Any]:
    """Load both tasks, verify their certificates, and score them."""
    registry = pg.TaskRegistry(options.out / "registry")
    measured = measure(registry.load(), Data.read(options))
    verification = registry.verify()
    return {
        "scores": measured.scores,
        "digests": measured.digests,
        "verified": [str(check) for check in verification],
        "is_sound": verification.is_sound,
    }


def unet_depth(size: int) -> int:
    """Choose how often the U-Net halves an image: down to one pixel if the size allows, 8 times at most.

    Raises:
        ConfigurationError: If the size cannot be halved often enough for a network that learns anything.
    """
    depth = 0
    while size > 0 and size % 2 ** (depth + 1) == 0 and depth < 8:
        depth += 1
    if depth < SMALLEST_DEPTH:
        unit = 2**SMALLEST_DEPTH
        near = max(unit, round(size / unit) * unit)
        raise pg.errors.ConfigurationError(
            f"--size {size} can be halved {depth} times, which makes a U-Net too small to learn from pictures: "
            f"take a multiple of {unit}, such as --size {near}."
        )
    return depth


def move_away(folder: Path) -> None:
    """Move a former run's folder out of the way; nothing of it is deleted."""
    if folder.exists():
        number = 1
        while (former := folder.with_name(f"{folder.name}-{number}")).exists():
            number += 1
        folder.rename(former)


if __name__ == "__main__":
    run(main, Options, __doc__)
