"""Whether a frozen task gives the same bytes on a device: called twice, after a later task was added, and on the CPU.

    python -m benchmarks.speed.same_bits --device cuda

A row says whether the bytes are equal, and by how much outputs in [-1, 1] differ at most. ``deterministic`` is under
``torch.backends.cudnn.flags(deterministic=True)``, which a promise of the same bytes on CUDA needs.
"""

from __future__ import annotations

import copy

import torch
import tyro
from torch import Tensor

from benchmarks.reporting import Rows
from benchmarks.speed.measuring import attempt, run
from benchmarks.speed.options import CommonOptions
from benchmarks.speed.subjects import Network, model_with_frozen


def main(options: CommonOptions) -> None:
    """Compare every network's outputs and report."""
    run("same_bits", options, lambda skipped: measure(options, skipped))


def measure(options: CommonOptions, skipped: list[str]) -> Rows:
    """Call a frozen task in every way."""
    rows: Rows = []
    for network in options.networks:
        for is_deterministic in (False, True):
            how = f"{network}, {'deterministic' if is_deterministic else 'as by default'}"
            flags = torch.backends.cudnn.flags(enabled=True, deterministic=is_deterministic)
            with attempt(how, skipped), flags, torch.inference_mode():
                rows += [{"outputs": how, **row} for row in compared(options, network)]
    return rows


def compared(options: CommonOptions, network: Network) -> Rows:
    """Compare what one task of a network gives with what it gave at first."""
    setting = options.setting(network)
    model = model_with_frozen(setting, 2).eval()
    images, task = setting.images(), model.tasks[1]
    first = model(images, task=task)
    rows = [_row("called twice", first, model(images, task=task))]
    model.add_task("later")
    model.freeze_task("later")
    rows.append(_row("after a later task", first, model.eval()(images, task=task)))
    apart = copy.deepcopy(model).to("cpu")
    return [*rows, _row("on the CPU", first, apart(images.to("cpu"), task=task))]


def _row(what: str, first: Tensor, again: Tensor) -> dict[str, object]:
    first, again = first.cpu().float(), again.cpu().float()
    is_equal = first.numpy().tobytes() == again.numpy().tobytes()
    return {"against": what, "equal bytes": is_equal, "differ by": (first - again).abs().max().item()}


if __name__ == "__main__":
    main(tyro.cli(CommonOptions, description=__doc__))
