"""What a training step has to do at least: multiply-adds of convolutions, and bytes of weights and optimizer state.

    python -m benchmarks.speed.floor --out docs/benchmarks

Nothing is timed; it is derived from the shapes. Fine-tuning convolves three times a layer: forward, to the input, to
the kernel. A new task's layer is computed in the way with the fewest multiply-adds. A weight that is trained is read
forward and backward, its gradient written, and the optimizer reads and writes it, the gradient and two moments: ten
numbers; a frozen one is read twice.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import tyro
from torch import Tensor, nn

from benchmarks.reporting import Rows
from benchmarks.speed.measuring import run
from benchmarks.speed.options import CommonOptions
from benchmarks.speed.subjects import Setting, model_with_tasks
from piggygan.layers.convolutions import PiggybackConvolution
from piggygan.layers.ways.choice import estimate, possible_ways

TRAINED, FROZEN = 10, 2
"""How often a step moves a number of each kind."""


@dataclass(frozen=True)
class Options(CommonOptions):
    """What can be chosen on the command line; ``seconds`` has no meaning here."""

    batches: tuple[int, ...] = (1, 4)
    """Images a step."""


@dataclass
class Work:
    """What a step does.

    Attributes:
        multiplied: Multiply-adds.
        bytes: Moved for weights, gradients and optimizer.
    """

    multiplied: float = 0.0
    bytes: float = 0.0


def main(options: Options) -> None:
    """Derive both for every setting and report."""
    run("floor", options, lambda _: measure(options))


def measure(options: Options) -> Rows:
    """Derive what fine-tuning and a second task do in every setting."""
    rows: Rows = []
    for network in options.networks:
        for batch in options.batches:
            setting = options.setting(network, batch)
            tuned, ours = floor(setting)
            for name, work in (("fine-tuning", tuned), ("piggygan", ours)):
                rows.append(
                    {
                        "setting": str(setting),
                        "step": name,
                        "10^9 multiply-adds": work.multiplied / 1e9,
                        "multiply-adds / fine-tuning": work.multiplied / tuned.multiplied,
                        "MB of weights": work.bytes / 1e6,
                        "MB / fine-tuning": work.bytes / tuned.bytes,
                    }
                )
    return rows


def floor(setting: Setting) -> tuple[Work, Work]:
    """Return what a step of fine-tuning and one of a second task do."""
    model = model_with_tasks(setting, 2)
    task = model.tasks[-1]
    tuned, ours = Work(), Work()

    def count(layer: nn.Module, arguments: tuple[Tensor, ...], output: Tensor) -> None:
        if isinstance(layer, PiggybackConvolution):
            _add_layer(layer, task, arguments[0], output, tuned, ours)

    hooks = [layer.register_forward_hook(count) for layer in model.layers.values()]
    with torch.enable_grad():
        model(setting.images(), task=task)
    for hook in hooks:
        hook.remove()
    return tuned, ours


def _add_layer(
    layer: PiggybackConvolution, task: str, features: Tensor, output: Tensor, tuned: Work, ours: Work
) -> None:
    weight: Tensor = layer.conv.weight
    places = features if layer.transposed else output
    once = weight.numel() * (places.numel() // places.shape[1])
    in_full = once * (2 + features.requires_grad)
    tuned.multiplied += in_full
    tuned.bytes += 4 * TRAINED * weight.numel()
    call = layer.describe_call(task, features)
    if call is None:  # wholly unconstrained
        ours.multiplied += in_full
    else:
        plain = call._replace(device="none")  # by multiply-adds alone
        ours.multiplied += min(estimate(plain, way) for way in possible_ways(plain))
        ours.bytes += 4 * FROZEN * layer.bank(task).numel()
    ours.bytes += 4 * TRAINED * sum(tensor.numel() for tensor in _trained(layer, task))


def _trained(layer: PiggybackConvolution, task: str) -> list[Tensor]:
    return [tensor for name, tensor in layer.tensors(task).items() if name in ("factors", "unconstrained")]


if __name__ == "__main__":
    main(tyro.cli(Options, description=__doc__))
