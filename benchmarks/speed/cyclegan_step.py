"""What a CycleGAN step of a new task costs, against the same step on two plain generators that are fine-tuned.

    python -m benchmarks.speed.cyclegan_step --sizes 128 256 --out docs/benchmarks

A step is all that CycleGAN does with one image of each side: both generators there, back and on their own side, both
discriminators, the pools, and Adam on everything that moves. The discriminators' part is the same for both.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import get_args

import tyro

from benchmarks.reporting import Rows
from benchmarks.speed.children import CycleContender
from benchmarks.speed.measuring import run
from benchmarks.speed.options import CommonOptions
from benchmarks.speed.subjects import Network
from benchmarks.speed.training_step import time_steps

CONTENDERS: tuple[CycleContender, ...] = get_args(CycleContender)


@dataclass(frozen=True)
class Options(CommonOptions):
    """What can be chosen on the command line."""

    networks: tuple[Network, ...] = ("resnet",)
    """Which generators."""
    sizes: tuple[int, ...] = ()
    """Sides of the images in pixels; none: that of ``size``."""
    batches: tuple[int, ...] = (1,)
    """Images of each side a step."""
    seconds: float = 120.0
    """How long to measure each setting."""


def main(options: Options) -> None:
    """Measure every setting and report."""
    run("cyclegan_step", options, lambda skipped: measure(options, skipped))


def measure(options: Options, skipped: list[str]) -> Rows:
    """Time every setting; say in ``skipped`` what cannot be run."""
    rows: Rows = []
    for network, size, batch in itertools.product(options.networks, options.sizes or (options.size,), options.batches):
        setting = replace(options, size=size).setting(network, batch)
        rows += time_steps(CONTENDERS, setting, options.seconds, skipped)
    return rows


if __name__ == "__main__":
    main(tyro.cli(Options, description=__doc__))
