"""Two generators learn facades, then lungs, without a single pair, in both directions, and forget nothing.

    python examples/cyclegan_facades_to_lungs.py                                  # generated data
    python examples/cyclegan_facades_to_lungs.py --facades DIR --xrays DIR        # your own

CycleGAN on pairs of facades and of films, whose sides are unpaired on purpose: pairs are used for scores alone.
``forward`` makes labels of photos and masks of films, ``backward`` photos of labels and films of masks. The result is
``report.html`` in ``--out``, with what comes back of a picture that goes there and back, and one registry with both
directions. A run that was stopped or killed goes on with the same command and ``--resume``, to the same result.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from as_command import run
from cyclegan_facades_to_lungs_data import Data, generate_missing_data
from cyclegan_facades_to_lungs_data import Options as PairedOptions
from cyclegan_facades_to_lungs_report import TASKS, Measured, Result, write_report
from torch import Tensor, nn
from verdict import PALETTE

import piggygan as pg
from piggygan.data import Pair, PairDataset, UnpairedDataset, batches
from piggygan.evaluation import l1, picture_label_scores, segmentation_scores
from piggygan.training import Checkpoints, CycleGANObjective, History, TrainingOptions, train


@dataclass(frozen=True)
class Options(PairedOptions):
    """What can be chosen on the command line."""

    out: Path = Path("runs/cyclegan_facades_to_lungs")
    """Folder for the report, the registry and the generated data."""
    blocks: int = 6
    """Residual blocks of each generator; CycleGAN has 9 for images of 256 pixels, 6 for 128."""
    width: int = 32
    """Channels of the generators at full size; CycleGAN has 64."""
    lungs_epochs: int = 60
    """Passes over the X-rays."""
    batch_size: int = 1
    """Images of each side a step."""
    interpolated: bool = False
    """Enlarge by interpolation and convolution in place of transposed convolution."""


def main(options: Options) -> None:
    """Learn both tasks in both directions, prove, and write the page."""
    started = time.perf_counter()
    if options.score_registry:
        print(json.dumps(score_registry(options)))
        return
    torch.manual_seed(options.seed)
    pair = pg.GeneratorPair(*(make_generator(options) for _ in range(2)))
    generate_missing_data(options)
    data = Data.read(options)
    data.describe()
    if not options.resume:
        for name in ("registry", "checkpoints"):
            move_away(options.out / name)
    registry = pg.TaskRegistry(options.out / "registry")
    result = Result(settings=asdict(options), fixed=data.fixed_scores())

    print("task 1: facades, without pairs")
    result.histories["facades"] = learn(pair, "facades", data.facades, options)
    result.measured["facades"] = settle(pair, "facades", data, registry, options.size)

    print("task 2: lungs, without pairs")
    pair.add_task("lungs", out_channels=1)
    result.histories["lungs"] = learn(pair, "lungs", data.lungs, options)
    result.measured["lungs"] = settle(pair, "lungs", data, registry, options.size)
    result.overheads = {name: model.overhead() for name, model in pair.networks.items()}

    print("both tasks again, in both directions, from the registry, in a fresh process")
    result.fresh = score_in_fresh_process(__file__, options)
    result.seconds = time.perf_counter() - started
    page = write_report(options.out, result, {"facades": data.facades_test, "lungs": data.lungs_test})
    print(result.summary())
    print(f"report: {page}")
    result.verdict.check()


def make_generator(options: Options) -> pg.MultiTaskGenerator:
    """Make one direction."""
    upsampling: pg.networks.Upsampling = "interpolated" if options.interpolated else "transposed"
    generator = pg.ResNetGenerator(blocks=options.blocks, width=options.width, upsampling=upsampling)
    return pg.MultiTaskGenerator(generator, base_task="facades")


def learn(pair: pg.GeneratorPair, task: str, dataset: PairDataset, options: Options) -> History:
    """Train one task as CycleGAN does: each direction against a discriminator of its own, there and back."""
    channels = 1 if task == "lungs" else 3
    objective = CycleGANObjective(
        pair.forward,
        pair.backward,
        pg.PatchDiscriminator(channels, width=options.width),
        pg.PatchDiscriminator(3, width=options.width),
        generator_parameters=pair.task_parameters(task),
        forward_arguments={"task": task},
        identity_weight=0.5 if channels == 3 else 0.0,  # a film is no mask: it cannot be left alone
    )
    unpaired = UnpairedDataset(dataset, dataset, seed=options.seed)
    loader = batches(unpaired, options.batch_size, seed=options.seed, drop_last=True)
    log = options.out / f"{task}.jsonl"
    if not options.resume:
        log.unlink(missing_ok=True)
    epochs = options.lungs_epochs if task == "lungs" else options.epochs
    training = TrainingOptions(epochs=epochs, learning_rate=options.learning_rate, seed=options.seed, log_path=log)
    checkpoints = Checkpoints(options.out / "checkpoints" / task, every_epochs=5, keep_last=1)
    return train(objective, loader, training, checkpoints=checkpoints)


def settle(pair: pg.GeneratorPair, task: str, data: Data, registry: pg.TaskRegistry, size: int) -> Measured:
    """Freeze a task, score it, and commit it in both directions at once."""
    pair.freeze_task(task)
    measured = measure(pair, data)
    if task not in registry.tasks:  # a run that was stopped later on had committed it
        registry.commit(pair.networks, task, scores=measured.scores[task], image_size=size)
    return measured


def measure(pair: pg.GeneratorPair, data: Data) -> Measured:
    """Translate both test sets there, back, and the targets by themselves; score, and digest every output's bytes."""
    measured = Measured({}, {}, {}, {})
    for task in pair.tasks:
        pairs = pairs_of(data.lungs_test if task == "lungs" else data.facades_test)
        inputs, targets = torch.stack([one.input for one in pairs]), torch.stack([one.target for one in pairs])
        made = translate(pair.forward, inputs, task)
        back = translate(pair.backward, made, task)
        from_targets = translate(pair.backward, targets, task)
        measured.outputs[task] = made
        measured.cycles[task] = back
        measured.digests[task] = {"forward": sha256(made), "backward": sha256(from_targets)}
        if task == "lungs":
            scores = segmentation_scores(made, targets).as_dict()
        else:
            scores = picture_label_scores(made, targets, PALETTE).as_dict()
        measured.scores[task] = {**scores, "cycle_l1": l1(back, inputs), "backward_l1": l1(from_targets, inputs)}
    return measured


def translate(model: pg.MultiTaskGenerator, images: Tensor, task: str) -> Tensor:
    """Run one task over pictures."""
    with torch.inference_mode():
        model.eval()
        return torch.cat([model(part.to(device_of(model)), task=task).cpu() for part in torch.split(images, 10)])


def score_registry(options: Options) -> dict[str, Any]:
    """Load each direction by itself, verify the certificates, and score."""
    registry = pg.TaskRegistry(options.out / "registry")
    pair = pg.GeneratorPair(registry.load(network="forward"), registry.load(network="backward"))
    measured = measure(pair, Data.read(options))
    verification = registry.verify()
    return {
        "scores": {task: measured.scores[task] for task in TASKS},
        "digests": measured.digests,
        "verified": [str(check) for check in verification],
        "is_sound": verification.is_sound,
    }


def score_in_fresh_process(script: str, options: Options) -> dict[str, Any]:
    """Start a script anew, so that nothing but the registry can carry the tasks over."""
    command = [sys.executable, script, "--score-registry", "--out", str(options.out), "--size", str(options.size)]
    for name in ("facades", "xrays"):
        if (folder := getattr(options, name)) is not None:
            command += [f"--{name}", str(folder)]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found: dict[str, Any] = json.loads(printed)
    return found


def sha256(outputs: Tensor) -> str:
    """Digest the bytes of outputs."""
    return hashlib.sha256(outputs.numpy().tobytes()).hexdigest()


def device_of(network: nn.Module) -> torch.device:
    """Say where a network is; a frozen one has buffers and no parameters."""
    return next(itertools.chain(network.parameters(), network.buffers())).device


def pairs_of(dataset: PairDataset) -> list[Pair]:
    """List all pairs in order."""
    return [dataset[index] for index in range(len(dataset))]


def move_away(folder: Path) -> None:
    """Move a former run's folder out of the way; nothing of it is deleted."""
    if folder.exists():
        number = 1
        while (former := folder.with_name(f"{folder.name}-{number}")).exists():
            number += 1
        folder.rename(former)


if __name__ == "__main__":
    run(main, Options, __doc__)
