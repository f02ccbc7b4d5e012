"""Which generators a registry can build by itself, and what it must know of one that it cannot.

Only the classes listed here are ever built from a manifest; a name that is not among them is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from piggygan.errors import BankMismatchError, ConfigurationError, CorruptFileError, PiggyganError, RegistryError
from piggygan.layers.copying import copied
from piggygan.networks import ResNetGenerator, UNetGenerator
from piggygan.networks.fingerprints import are_first_written, as_first_written, layer_lines
from piggygan.networks.pix2pix.namesakes import as_ours
from piggygan.registry.described import Architecture, Network

OURS: Mapping[str, Callable[..., UNetGenerator | ResNetGenerator]] = {
    "ResNetGenerator": ResNetGenerator,
    "UNetGenerator": UNetGenerator,
}
PROBE_SIDE = 64
"""Side in pixels of a probe image for a user's generator."""
PROBE_VOLUME_SIDE = 32
"""The same of a volume, which has as many voxels as two such images."""


def architecture_of(generator: nn.Module) -> Architecture:
    """Describe a plain generator: one of ours by class and arguments, if those make the same layers again.

    So is one of pytorch-CycleGAN-and-pix2pix's own classes that has the layers of one of ours.
    """
    name = type(generator).__name__
    known = as_ours(generator)
    if OURS.get(name) is type(generator) and isinstance(generator, (UNetGenerator, ResNetGenerator)):
        known = generator
    if known is None:
        return layers_of(generator)
    try:
        ours = Architecture(type(known).__name__, dict(known.arguments), ())
    except ValueError:  # too large to be built by a manifest's word
        return layers_of(generator)
    same = known is not generator or layer_lines(_without_values(ours)) == layer_lines(generator)
    return ours if same else layers_of(generator)


def layers_of(generator: nn.Module) -> Architecture:
    """Describe a plain generator by its layers alone, whatever it is."""
    return Architecture(None, {}, layer_lines(generator))


def plain_generator(
    architecture: Architecture, base_tensors: Mapping[str, Tensor], given: nn.Module | None
) -> nn.Module:
    """Return a generator that stored tensors can be put into.

    Args:
        architecture: What it must be.
        base_tensors: The base task's tensors, to know its size before it is built.
        given: The caller's generator, which is copied and stays as it is; None: build one of ours.

    Raises:
        ConfigurationError: If none is given and it is none of ours.
        BankMismatchError: If it is another one.
        RegistryError: If this version does not know the class.
    """
    if given is not None:
        if problem := _difference(_described_alike(given, architecture), architecture):
            raise BankMismatchError(f"the given generator is not the registry's: {problem}.")
        return copied(given)
    if architecture.class_name is None:
        raise ConfigurationError(
            "the registry holds tasks of a generator of your own, which it cannot build: give generator=, one made as "
            "the first was; its weights do not matter."
        )
    # A damaged number could ask for more memory than there is.
    planned = sum(tensor.numel() for tensor in _without_values(architecture).state_dict().values())
    stored = sum(tensor.numel() for tensor in base_tensors.values())
    if planned != stored:
        raise BankMismatchError(
            f"{_shown(architecture)} has {planned} numbers, the base task {stored}: the manifest and the base task do "
            f"not belong together."
        )
    # Empty memory: stored tensors fill all of it, and drawing first weights would take longer than reading them.
    built = _without_values(architecture)
    floats = {tensor.dtype for tensor in base_tensors.values() if tensor.is_floating_point()}
    return (built.to(floats.pop()) if len(floats) == 1 else built).to_empty(device="cpu")


def network_difference(here: Network, there: Network) -> str:
    """Say what tells a model's network from a registry's, or nothing if they are the same."""
    problem = _difference(here.architecture, there.architecture)
    if not problem and here.wrapping != there.wrapping:
        return f"the model is wrapped by {here.wrapping}, the registry's by {there.wrapping}"
    return problem


def probe_side(generator: nn.Module, axes: int = 2) -> int:
    """Return a side in pixels, as small as may be, of images that a generator takes; ``axes`` is 3 for volumes."""
    generator = as_ours(generator) or generator
    if isinstance(generator, UNetGenerator):
        return int(2 ** generator.arguments["depth"])  # one pixel is left at the bottom
    if isinstance(generator, ResNetGenerator):
        return 32
    return PROBE_VOLUME_SIDE if axes == 3 else PROBE_SIDE


def _without_values(architecture: Architecture) -> nn.Module:
    """Build one of ours without memory for its values."""
    ours = OURS.get(architecture.class_name or "")
    if ours is None:
        raise RegistryError(
            f"registry.json names the generator {architecture.class_name!r}; this piggygan builds only "
            f"{', '.join(OURS)}: update piggygan, or see who changed the file."
        )
    try:
        with torch.device("meta"):
            return ours(**architecture.arguments).float()  # whatever the process's default type is
    except (TypeError, ValueError, RuntimeError, PiggyganError) as error:
        raise CorruptFileError(f"registry.json asks for {_shown(architecture)}, which cannot be: {error}") from error


def _described_alike(generator: nn.Module, architecture: Architecture) -> Architecture:
    """Describe a generator in the manner of an architecture, by class or by layers."""
    return layers_of(generator) if architecture.class_name is None else architecture_of(generator)


def _difference(here: Architecture, there: Architecture) -> str:
    if here.layers and there.layers and are_first_written(here.layers) != are_first_written(there.layers):
        # One of them is of a registry that an older piggygan wrote, which had fewer words for a layer.
        here, there = (Architecture(None, {}, as_first_written(each.layers)) for each in (here, there))
    if here == there:
        return ""
    if here.class_name != there.class_name or not here.layers:
        return f"here is {_shown(here)}, the registry holds tasks of {_shown(there)}"
    only_here, only_there = set(here.layers) - set(there.layers), set(there.layers) - set(here.layers)
    lines = [f"here is {line}" for line in sorted(only_here)] + [f"there is {line}" for line in sorted(only_there)]
    lines = [line.removesuffix("\t{}").replace("\t", " ") for line in lines]
    more = f"; and {len(lines) - 10} lines more" if len(lines) > 10 else ""
    return "; ".join(lines[:10]) + more


def _shown(architecture: Architecture) -> str:
    if architecture.class_name is None:
        return f"a generator of {len(architecture.layers)} modules, fingerprint {architecture.fingerprint[:12]}"
    arguments = ", ".join(f"{name}={value!r}" for name, value in architecture.arguments.items())
    return f"{architecture.class_name}({arguments})"
