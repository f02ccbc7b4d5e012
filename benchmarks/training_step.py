"""What a step of a new task costs, against fine-tuning the same generator, naive composition and LoRA.

    python benchmarks/training_step.py --out docs/benchmarks

A step is forward, L1 loss, backward and Adam on the generator of a GAN; the discriminator's part is the same for all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import tyro
from pairing import paired
from reporting import describe_machine, report
from subjects import (
    Network,
    Precision,
    Setting,
    Step,
    fine_tuning_step,
    last_task_step,
    lora_step,
    model_with_tasks,
    naive_step,
)


@dataclass(frozen=True)
class Options:
    """What can be chosen on the command line."""

    networks: tuple[Network, ...] = ("unet", "resnet")
    """Which generators."""
    batches: tuple[int, ...] = (1, 4)
    """Images a step."""
    size: int = 256
    """Side of the images in pixels."""
    device: str = "cpu"
    """Where to run: cpu or cuda."""
    dtype: Precision = "fp32"
    """Precision of the networks."""
    seconds: float = 40.0
    """How long to measure each setting."""
    out: Path | None = None
    """Folder for the JSON."""


def main(options: Options) -> None:
    """Measure every setting and report."""
    device = torch.device(options.device)
    rows: list[dict[str, Any]] = []
    skipped: list[str] = []
    for network in options.networks:
        for batch in options.batches:
            setting = Setting(network, batch, options.size, device, options.dtype)
            rows += measure(setting, options.seconds, skipped)
    title = f"training_step_{options.device}_{options.dtype}"
    report(title, rows, machine=describe_machine(device), skipped=skipped, out=options.out)


def measure(setting: Setting, seconds: float, skipped: list[str]) -> list[dict[str, Any]]:
    """Time the contenders in one setting; say in ``skipped`` what cannot be run."""
    torch.manual_seed(0)
    makers: dict[str, Callable[[], Step]] = {
        "fine-tuning": lambda: fine_tuning_step(setting),
        "piggygan": lambda: last_task_step(model_with_tasks(setting, 2), setting),
        "naive composition": lambda: naive_step(setting),
        "LoRA (peft)": lambda: lora_step(setting),
    }
    contenders = {}
    for name, make in makers.items():
        try:
            contenders[name] = make()
        except (ImportError, ValueError, torch.cuda.OutOfMemoryError) as error:
            skipped.append(f"{name} on {setting}: {error}")
    timings = paired(contenders, reference="fine-tuning", device=setting.device, seconds=seconds)
    return [
        {
            "setting": str(setting),
            "step": name,
            "ms": timing.milliseconds,
            "/ fine-tuning": timing.ratio,
            "from": timing.low,
            "to": timing.high,
            "rounds": timing.rounds,
        }
        for name, timing in timings.items()
    ]


if __name__ == "__main__":
    main(tyro.cli(Options, description=__doc__))
