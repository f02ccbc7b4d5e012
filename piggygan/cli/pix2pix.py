"""Subcommands that read and write generators of pytorch-CycleGAN-and-pix2pix."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import tyro

from piggygan.cli.commands import DONE, RegistryFolder, show
from piggygan.cli.trust import Required, Requirements
from piggygan.errors import CheckpointError, RegistryError
from piggygan.layers.tasks import check_task_name
from piggygan.model.generator import MultiTaskGenerator
from piggygan.networks.pix2pix import load_pix2pix_generator, pix2pix_options, save_pix2pix_generator
from piggygan.networks.pix2pix.layout import described
from piggygan.registry import TaskRegistry
from piggygan.registry.manifest import GENERATOR

CheckpointFile = Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="FILE.pth")]


@dataclass(frozen=True)
class ImportPix2pix:
    """Make a generator of pytorch-CycleGAN-and-pix2pix the base task of a new registry.

    Takes a saved unet_128, unet_256, resnet_6blocks or resnet_9blocks (`*_net_G*.pth`); its architecture is read off
    the file. ONLY FOR FILES FROM PEOPLE YOU TRUST: such a file is a pickle, and one made to do harm can run programs on
    this machine (CVE-2025-32434, CVE-2026-24747). The registry holds no pickle: convert once, then share that.
    """

    file: CheckpointFile
    """The .pth file."""
    registry: RegistryFolder
    """Folder of the registry; made if it is not there."""
    task: str
    """Name of the base task: 1 to 64 of a-z, 0-9, _ and -."""
    image_size: int | None = None
    """Side in pixels of the pictures that it was trained on, pix2pix's --crop_size: what predict brings pictures to."""
    backward: Annotated[str | None, tyro.conf.arg(metavar="FILE.pth|same", help_behavior_hint="")] = None
    """For CycleGAN, a registry of two networks: the generator of the other way, or same, which gives that way a copy of
    these weights. Such a copy is no translation back, only filters to draw on."""
    dropout: bool = False
    """Give a U-Net dropout while it trains further; its file cannot tell. Of a ResNet it is read."""

    def run(self) -> int:
        """Convert the file; nothing is made unless all of it is right."""
        check_task_name(self.task)
        registry = TaskRegistry(self.registry)
        if held := registry.tasks:
            raise RegistryError(
                f"{self.registry} has the base task {held[0]!r} already; an imported generator begins a registry of "
                f"its own: name a new folder."
            )
        files = {GENERATOR: self.file}
        if self.backward is not None:
            files = {"forward": self.file, "backward": self.file if self.backward == "same" else Path(self.backward)}
        generators = {name: load_pix2pix_generator(file, dropout=self.dropout) for name, file in files.items()}
        architectures = {name: described(generator) for name, generator in generators.items()}
        models = {name: MultiTaskGenerator(generator, self.task) for name, generator in generators.items()}
        for model in models.values():
            model.freeze_task(self.task)
        registry.commit(models.get(GENERATOR) or models, self.task, image_size=self.image_size)
        for name, model in models.items():
            cost = model.overhead()[self.task]
            way = "" if name == GENERATOR else f" {name}"
            show(
                f"{self.task}{way}: {architectures[name]}, {cost.parameters:,} parameters, "
                f"{cost.size / 1e6:.1f} MB, in {self.registry}"
            )
        return DONE


@dataclass(frozen=True)
class ExportPix2pix:
    """Write a task of a registry as a file that pytorch-CycleGAN-and-pix2pix loads, and say how.

    Put it there as checkpoints/NAME/latest_net_G.pth. The options that are printed are for its test.py; without --eval
    it normalizes by the test image's own statistics, and gives another picture than here.
    """

    registry: RegistryFolder
    """Folder of the registry."""
    file: CheckpointFile
    """The .pth file to write; it must not be there yet."""
    task: str
    """Which task."""
    affine_instance_norms: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Write instance norms that learned a scale too, for a repository changed to affine=True in its get_norm_layer; as
    it is, it refuses them."""
    required: Required = field(default_factory=Requirements)

    def run(self) -> int:
        """Fold the task and write it."""
        if self.file.exists():
            raise CheckpointError(f"{self.file} is there already: name another file, or move that one away.")
        plain = self.required.opened(self.registry).load([self.task]).fold_task(self.task)
        options = pix2pix_options(plain)
        save_pix2pix_generator(plain, self.file, affine_instance_norms=self.affine_instance_norms)
        show(f"{self.task}: {self.file}, to be loaded with {options}")
        return DONE
