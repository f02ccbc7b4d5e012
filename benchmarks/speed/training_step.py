"""What a step of a new task costs, against fine-tuning the same generator, naive composition and LoRA.

    python -m benchmarks.speed.training_step --out docs/benchmarks

A step is forward, L1 loss, backward and Adam on the generator of a GAN; the discriminator's part is the same for all.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import get_args

import tyro

from benchmarks.reporting import Rows
from benchmarks.speed.children import Child, Contender, CycleContender, subject_of
from benchmarks.speed.measuring import attempt, run
from benchmarks.speed.options import CommonOptions
from benchmarks.speed.pairing import paired
from benchmarks.speed.subjects import Setting, Step

CONTENDERS: tuple[Contender, ...] = get_args(Contender)


@dataclass(frozen=True)
class Options(CommonOptions):
    """What can be chosen on the command line."""

    batches: tuple[int, ...] = (1, 4)
    """Images a step."""
    seconds: float = 40.0
    """How long to measure each setting."""


def main(options: Options) -> None:
    """Measure every setting and report."""
    run("training_step", options, lambda skipped: measure(options, skipped))


def measure(options: Options, skipped: list[str]) -> Rows:
    """Time every setting; say in ``skipped`` what cannot be run."""
    rows: Rows = []
    for network in options.networks:
        for batch in options.batches:
            rows += time_steps(CONTENDERS, options.setting(network, batch), options.seconds, skipped)
    return rows


def time_steps(
    names: Sequence[Contender | CycleContender], setting: Setting, seconds: float, skipped: list[str]
) -> Rows:
    """Time contenders in one setting, each in a process of its own; they take turns. The first is the reference."""
    with ExitStack() as stack:
        contenders: dict[str, Step] = {}
        for name in names:
            with attempt(f"{name} on {setting}", skipped):
                child = stack.enter_context(Child(subject_of(setting, name)))
                child.step()  # memory runs out in the first step, if it does
                contenders[name] = child.step
        if names[0] not in contenders:  # nothing to divide by
            return []
        timings = paired(contenders, reference=names[0], device=setting.device, seconds=seconds, lead_in=1, runs=2)
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
