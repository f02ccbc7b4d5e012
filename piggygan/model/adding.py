"""What a new task has in each layer: how much of it is its own, and all of it made before any of it is added."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from piggygan.layers.convolutions import PiggybackConvolution
from piggygan.layers.deriving import for_keeping
from piggygan.layers.new_filters import Init, bank_size, new_filters
from piggygan.layers.per_task import PerTask
from piggygan.layers.tasks import Task
from piggygan.model.allocation import Fraction, layer_fractions, worth_mixing
from piggygan.model.wrapping import Layer, Wrapping


def shares_of_layers(
    convolutions: Mapping[str, PiggybackConvolution],
    fraction: Fraction,
    sources: tuple[str, ...],
    max_bank: float | None,
    *,
    are_settled: bool,
) -> dict[str, float]:
    """Return the share of unconstrained filters of each layer.

    Args:
        convolutions: The layers, by path.
        fraction: What was asked for, see :func:`~piggygan.model.allocation.layer_fractions`.
        sources: What the task draws on.
        max_bank: Most bank filters of a layer, as a multiple of its filters.
        are_settled: Whether the shares are of a task that is built again: they were weighed up then.

    Raises:
        ConfigurationError: If a share is outside 0..1, or a pattern matches nothing.
    """
    sizes = {path: convolution.conv.weight.numel() for path, convolution in convolutions.items()}
    shares = layer_fractions(fraction, sizes)
    if not are_settled:
        for path, layer in convolutions.items():
            bank, filter_size = bank_size(layer, sources, max_bank), sizes[path] // layer.conv.out_channels
            shares[path] = worth_mixing(shares[path], filter_size=filter_size, bank=bank)
    return shares


def new_parts(
    added: Task,
    layers: Mapping[str, Layer],
    wrapping: Wrapping,
    *,
    fractions: Mapping[str, float],
    start_from: str,
    init: Init,
) -> list[Callable[[], None]]:
    """Make everything that a task has, and return what adds each part: if one cannot be made, none is added.

    Args:
        added: The task.
        layers: Everything that is to hold it, by path.
        wrapping: Which of them take the input and make the output.
        fractions: Share of unconstrained filters of each convolution.
        start_from: The task that it starts as.
        init: As of :meth:`piggygan.MultiTaskGenerator.add_task`.

    Raises:
        ConfigurationError, UnsupportedModuleError: As of :meth:`piggygan.MultiTaskGenerator.add_task`.
    """
    made: list[Callable[[], None]] = []
    convolutions = {path: layer for path, layer in layers.items() if isinstance(layer, PiggybackConvolution)}
    with for_keeping(convolutions[wrapping.output_layer].conv.weight.device):
        for path, convolution in convolutions.items():
            conv = convolution.conv
            filters = new_filters(
                convolution,
                sources=added.draws_on,
                start_from=start_from,
                fraction=fractions[path],
                max_bank=added.max_bank,
                c_in=(added.in_channels if path == wrapping.input_layer else None) or conv.in_channels,
                c_out=(added.out_channels if path == wrapping.output_layer else None) or conv.out_channels,
                init=init,
                factor_step=added.factor_step,
            )
            made.append(partial(convolution.attach, added.name, filters))
        for layer in layers.values():
            if isinstance(layer, PerTask):
                # What is to be filled needs no values of its own: the base task's copy is in every model.
                copied_from = {"normal": None, "empty": layer.base_task}.get(init, start_from)
                made.append(partial(layer.attach, added.name, layer.new_copy(copied_from)))
    return made
