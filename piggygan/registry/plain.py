"""One task of a registry as an ordinary network, without building the tasks that it draws on.

Of those only the filters of their own that the task mixes are kept, from one file after another.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from piggygan.errors import BankMismatchError, ConfigurationError, InputError
from piggygan.files.tensors import Memory
from piggygan.layers.convolutions import PiggybackConvolution
from piggygan.layers.copying import copied
from piggygan.layers.deriving import for_keeping
from piggygan.layers.filters import compose, filters_first, join, native_layout
from piggygan.layers.starts import Start
from piggygan.layers.task_filters import TaskFilters
from piggygan.layers.tasks import Task
from piggygan.model.adding import new_parts
from piggygan.model.generator import MultiTaskGenerator
from piggygan.model.task_tensors import by_layer
from piggygan.registry.architectures import plain_generator
from piggygan.registry.building import check_bank, found, read_tensors
from piggygan.registry.manifest import Manifest, TaskRecord
from piggygan.registry.rebuilding import belonging, wrap_base
from piggygan.registry.store import ObjectStore
from piggygan.registry.task_parts import TaskSettings


def plain_network(
    manifest: Manifest, task: str, objects: ObjectStore, generator: nn.Module | None, network: str
) -> nn.Module:
    """Build a task's network, in evaluation mode; arguments as of the registry's ``load_plain``."""
    record = found(manifest, task)
    with torch.inference_mode(False):
        tensors = read_tensors(record, objects, network)
        model, mixed = _prepared(manifest, record, tensors, objects, generator, network)
        stored = by_layer(model.layers, task, tensors)
        tensors.clear()
        memo: dict[int, object] = {}
        for path, layer in model.eval().layers.items():
            if isinstance(layer, PiggybackConvolution):
                memo[id(layer)] = _convolution(layer, task, stored.pop(path), mixed.pop(path, None))
            else:
                layer.load_tensors(task, stored.pop(path))
                memo[id(layer)] = layer.fold_task(task)
        return copied(model.generator, memo)


def _prepared(
    manifest: Manifest,
    record: TaskRecord,
    tensors: Mapping[str, Tensor],
    objects: ObjectStore,
    generator: nn.Module | None,
    network: str,
) -> tuple[MultiTaskGenerator, dict[str, _Mixed]]:
    """Make a model whose convolutions have shapes and no values, and gather the filters that the task mixes.

    Raises:
        BankMismatchError: If tensors and generator do not belong together.
    """
    base, kept = manifest.by_name[manifest.base_task], manifest.networks[network]
    of_base = tensors if record is base else read_tensors(base, objects, network)
    plain = plain_generator(kept.architecture, of_base, generator)
    with belonging(base.name):
        model = wrap_base(plain, base.name, kept.wrapping, of_base)
        stored = by_layer(model.layers, base.name, of_base)
    if record is base:
        return model, {}
    check_bank(manifest, record.name, network)
    for path, layer in model.layers.items():
        if not isinstance(layer, PiggybackConvolution):
            layer.load_tensors(base.name, stored[path])
            layer.freeze_task(base.name)
    mixed = {
        path: _Mixed(layer, tensors.get(_dotted(path, "picked")), is_any=_dotted(path, "factors") in tensors)
        for path, layer in _convolutions(model).items()
    }
    memory = Memory()
    for source in record.draws_on:
        theirs = of_base if source == base.name else read_tensors(manifest.by_name[source], objects, network, memory)
        for path, filters in mixed.items():
            filters.add(source, theirs.get(_dotted(path, "weight" if source == base.name else "unconstrained")))
    try:
        _add_empty(model, record, record.networks[network].settings)
    except (ConfigurationError, InputError) as error:
        raise BankMismatchError(
            f"task {record.name!r} does not belong to this registry's generator: {error}"
        ) from error
    return model, mixed


class _Mixed:
    """The filters of earlier tasks that a task mixes in one convolution, gathered from one source after another.

    Args:
        layer: The convolution. Of a source it gets to know how many filters it has, and no values.
        picked: Which filters of all sources are mixed; None: all.
        is_any: Whether any are: a layer may be wholly the task's own.
    """

    def __init__(self, layer: PiggybackConvolution, picked: Tensor | None, *, is_any: bool) -> None:
        self._layer, self._picked, self._is_any = layer, picked, is_any
        self._width = 0
        self._parts: list[Tensor] = []

    def add(self, source: str, own: Tensor | None) -> None:
        """Take what a source adds to the bank, if it has filters of its own that see as many channels."""
        conv, transposed = self._layer.conv, self._layer.transposed
        if source == self._layer.base_task and own is not None:
            own = filters_first(own, groups=conv.groups, transposed=transposed)
        else:
            self._layer.attach(source, _shape_of(own, self._layer))
        if not self._is_any or own is None or own.shape[1] * conv.groups != conv.in_channels:
            return
        filters = own.reshape(conv.groups, -1, *own.shape[1:])
        first, self._width = self._width, self._width + filters.shape[1]
        if self._picked is None:
            taken = filters.clone()
        else:
            taken = filters[:, self._picked[(self._picked >= first) & (self._picked < self._width)] - first]
        self._parts.append(taken.flatten(0, 1))

    def bank(self) -> Tensor:
        """Return them, filters first."""
        return join(self._parts, groups=self._layer.conv.groups)


def _shape_of(own: Tensor | None, layer: PiggybackConvolution) -> TaskFilters:
    """Make what a source stores in a convolution, of its own filters alone, and without their values."""
    groups = layer.conv.groups
    shape = None if own is None else native_layout(own.to("meta"), groups=groups, transposed=layer.transposed)
    filters = TaskFilters(
        Start(None, shape, None),
        sources=(),
        factor_step=1.0,
        in_channels=layer.conv.in_channels if own is None else own.shape[1] * groups,
        out_channels=0 if own is None else len(own),
    )
    filters.freeze()
    return filters


def _add_empty(model: MultiTaskGenerator, record: TaskRecord, settings: TaskSettings) -> None:
    """Add a task whose tensors have their shapes and no values."""
    layers, wrapping = model.layers, model.wrapping
    shares = settings.unconstrained_fraction
    own = {wrapping.output_layer: 1.0} if settings.output_layer_unconstrained else {}
    added = Task(record.name, record.draws_on, shares, settings.in_channels, settings.out_channels, settings.max_bank)
    fractions = {**shares, **own}
    for add in new_parts(added, layers, wrapping, fractions=fractions, start_from=model.base_task, init="empty"):
        add()


def _convolution(
    layer: PiggybackConvolution, task: str, stored: Mapping[str, Tensor], mixed: _Mixed | None
) -> nn.Module:
    """Make a task's ordinary convolution, with the kernel that the layer would compose."""
    groups, device = layer.conv.groups, layer.conv.weight.device
    with for_keeping(device):
        own = {name: tensor.to(device) for name, tensor in stored.items()}
        if mixed is None:
            return layer.folded(task, own["weight"], own.get("bias"))
        parts = [compose(own["factors"], mixed.bank().to(device), groups=groups)] if "factors" in own else []
        parts += [own["unconstrained"]] if "unconstrained" in own else []
        kernel = native_layout(join(parts, groups=groups), groups=groups, transposed=layer.transposed)
        return layer.folded(task, kernel, own.get("bias"))


def _convolutions(model: MultiTaskGenerator) -> dict[str, PiggybackConvolution]:
    return {path: layer for path, layer in model.layers.items() if isinstance(layer, PiggybackConvolution)}


def _dotted(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
