"""One task of a registry as an ordinary network, without building the tasks that it draws on.

Of those only the filters of their own are needed, and they are let go when the task's kernels are made.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from piggygan.errors import BankMismatchError, ConfigurationError, InputError
from piggygan.layers.convolutions import PiggybackConvolution
from piggygan.layers.copying import copied
from piggygan.layers.filters import native_layout
from piggygan.layers.starts import Start
from piggygan.layers.task_filters import TaskFilters
from piggygan.layers.tasks import Task
from piggygan.model.adding import new_parts
from piggygan.model.generator import MultiTaskGenerator
from piggygan.model.task_tensors import load_tensors
from piggygan.registry.building import base_model, check_bank, found, read_tensors
from piggygan.registry.manifest import Manifest
from piggygan.registry.store import ObjectStore
from piggygan.registry.task_parts import TaskSettings

_OWN = "unconstrained"


def plain_network(
    manifest: Manifest, task: str, objects: ObjectStore, generator: nn.Module | None, network: str
) -> nn.Module:
    """Build a task's network, in evaluation mode; arguments as of the registry's ``load_plain``."""
    record, base = found(manifest, task), manifest.base_task
    model = base_model(manifest, read_tensors(manifest.by_name[base], objects, network), generator, network).eval()
    if task == base:
        return model.fold_task(base)
    check_bank(manifest, task, network)
    for source in record.draws_on:
        if source != base:
            _attach_own(model, source, read_tensors(manifest.by_name[source], objects, network))
    tensors = read_tensors(record, objects, network)
    try:
        return _folded(model, task, record.draws_on, record.networks[network].settings, tensors)
    except (ConfigurationError, InputError) as error:
        raise BankMismatchError(f"task {task!r} does not belong to this registry's generator: {error}") from error


def _attach_own(model: MultiTaskGenerator, source: str, tensors: Mapping[str, Tensor]) -> None:
    """Give every convolution the filters that a task adds to the bank, and nothing else of the task."""
    for path, layer in _convolutions(model).items():
        own = tensors.get(f"{path}.{_OWN}" if path else _OWN)
        groups = layer.conv.groups
        filters = TaskFilters(
            Start(None, None if own is None else native_layout(own, groups=groups, transposed=layer.transposed), None),
            sources=(),
            factor_step=1.0,
            in_channels=layer.conv.in_channels if own is None else own.shape[1] * groups,
            out_channels=0 if own is None else len(own),
        )
        layer.attach(source, filters)
        filters.freeze()


def _folded(
    model: MultiTaskGenerator,
    task: str,
    draws_on: tuple[str, ...],
    settings: TaskSettings,
    tensors: Mapping[str, Tensor],
) -> nn.Module:
    layers, wrapping = model.layers, model.wrapping
    shares = settings.unconstrained_fraction
    own = {wrapping.output_layer: 1.0} if settings.output_layer_unconstrained else {}
    added = Task(task, draws_on, shares, settings.in_channels, settings.out_channels, settings.max_bank)
    parts = new_parts(added, layers, wrapping, fractions={**shares, **own}, start_from=model.base_task, init="empty")
    for add in parts:
        add()
    load_tensors(layers, task, tensors)
    with torch.inference_mode(False):
        memo: dict[int, object] = {id(layer): layer.eval().fold_task(task) for layer in layers.values()}
        return copied(model.generator, memo)


def _convolutions(model: MultiTaskGenerator) -> dict[str, PiggybackConvolution]:
    return {path: layer for path, layer in model.layers.items() if isinstance(layer, PiggybackConvolution)}
