"""Generators of pytorch-CycleGAN-and-pix2pix as ours, and ours as its files."""

from __future__ import annotations

import os
from pathlib import Path

from torch import nn

from piggygan.errors import CheckpointError, ConfigurationError
from piggygan.files.tensors import portable
from piggygan.networks import ResNetGenerator, UNetGenerator
from piggygan.networks.pix2pix.layout import fitted, plain_names, read_architecture
from piggygan.networks.pix2pix.namesakes import as_ours
from piggygan.networks.pix2pix.pickles import read_checkpoint, write_checkpoint

_NETG_OF_DEPTH = {7: "unet_128", 8: "unet_256"}
_NETG_OF_BLOCKS = {6: "resnet_6blocks", 9: "resnet_9blocks"}


def load_pix2pix_generator(path: str | os.PathLike[str], *, dropout: bool = False) -> UNetGenerator | ResNetGenerator:
    """Read a generator that pytorch-CycleGAN-and-pix2pix saved (``*_net_G*.pth``).

    **Only open files from people you trust.** Such a file is a pickle. It is opened with ``weights_only=True``,
    which is no security boundary: files that broke out of it were CVE-2025-32434 and CVE-2026-24747. Convert a file
    once, and commit it to a :class:`~piggygan.TaskRegistry`, which holds safetensors.

    The architecture is read off names and shapes. Understood besides the repository's own files: prefixes of
    DataParallel and torch.compile; a state dict under ``"state_dict"``, ``"model"`` or ``"params"``; residual blocks
    called ``block``; instance norm with weights; statistics that old torch versions saved for instance norm (dropped);
    tensors saved on a GPU; float16, bfloat16 and float64, which become float32. Padding by replication has the same
    names as padding by reflection, which is taken to be meant: the repository offers no other.

    The repository tests in training mode unless told ``--eval``: with the batch's own statistics, and with dropout. The
    network here is in evaluation mode.

    Args:
        path: The file.
        dropout: Whether a U-Net is to have dropout while it is trained further, which its file cannot tell (the
            repository has it unless told ``--no_dropout``). Whether a ResNet has it is read.

    Returns:
        The network in evaluation mode, on the CPU.

    Raises:
        CheckpointError: If the file is missing, no state dict, damaged, of another architecture, or holds NaN.
        ConfigurationError: If ``dropout`` is asked of a ResNet without.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> folder = tempfile.TemporaryDirectory()
        >>> path = Path(folder.name) / "latest_net_G.pth"
        >>> save_pix2pix_generator(UNetGenerator(depth=7, width=4, norm="batch"), path)
        >>> load_pix2pix_generator(path).arguments["depth"]
        7
        >>> folder.cleanup()
    """
    try:
        tensors = plain_names(read_checkpoint(path))
        generator = read_architecture(tensors, dropout=dropout)
        # assign: the network takes the tensors as its own, and no first weights are drawn
        generator.load_state_dict(fitted(tensors, generator), strict=True, assign=True)
    except CheckpointError as error:
        raise CheckpointError(f"{Path(path).name} cannot be imported: {error}") from error
    return generator.eval()


def save_pix2pix_generator(
    generator: nn.Module, path: str | os.PathLike[str], *, affine_instance_norms: bool = False
) -> None:
    """Write a generator as a file that pytorch-CycleGAN-and-pix2pix loads.

    The file is an ordered dict of tensors in the repository's order, on the CPU, in float32. There it belongs at
    ``checkpoints/<name>/latest_net_G.pth``, and :func:`pix2pix_options` says what must be told to load it.

    Args:
        generator: One of ours, or of that repository's own classes; of a :class:`~piggygan.MultiTaskGenerator`, what
            ``fold_task`` returns.
        path: The file; one of this name is replaced, as a whole or not at all.
        affine_instance_norms: Write instance norms that learned a scale and a shift, which the repository as it is
            refuses to load: for one whose ``get_norm_layer`` was changed to ``affine=True``.

    Raises:
        ConfigurationError: If it is no plain generator of these classes, or its instance norms learned a scale.
        CheckpointError: If it holds NaN or infinity, or the file could not be written.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> from piggygan.networks import ResNetGenerator
        >>> with TemporaryDirectory() as folder:
        ...     network = ResNetGenerator(width=4, blocks=1, norm="batch")
        ...     save_pix2pix_generator(network, f"{folder}/latest_net_G.pth")
        ...     type(load_pix2pix_generator(f"{folder}/latest_net_G.pth")).__name__
        'ResNetGenerator'
    """
    read = _read_back(generator)
    if read.arguments["norm"] == "instance" and read.arguments["affine"] and not affine_instance_norms:
        raise ConfigurationError(
            "its instance norms learned a scale and a shift (affine=True), which the repository's loader refuses and "
            "no other layer can take over: train it with affine=False or norm='batch', or, where get_norm_layer there "
            "was changed to affine=True, ask for affine_instance_norms."
        )
    write_checkpoint(path, generator.state_dict())


def pix2pix_options(generator: nn.Module) -> str:
    """Say what pytorch-CycleGAN-and-pix2pix's ``test.py`` must be told to compute what the network here computes.

    Its ``train.py`` takes the same but ``--eval``, without which ``test.py`` normalizes by the test image's own
    statistics.

    Args:
        generator: As for :func:`save_pix2pix_generator`.

    Raises:
        ConfigurationError: If it is no plain generator of these classes.

    Example:
        >>> pix2pix_options(UNetGenerator(depth=7, width=4, norm="batch"))
        '--netG unet_128 --ngf 4 --input_nc 3 --output_nc 3 --norm batch --no_dropout --eval'
    """
    # Not the generator's own arguments: a folded task may have other channels than the base task.
    arguments = _read_back(generator).arguments
    if "depth" in arguments:
        netg = _NETG_OF_DEPTH.get(arguments["depth"])
        unlisted = f"its UnetGenerator built with num_downs={arguments['depth']}, which no --netG gives"
    else:
        netg = _NETG_OF_BLOCKS.get(arguments["blocks"])
        unlisted = f"its ResnetGenerator built with n_blocks={arguments['blocks']}, which no --netG gives"
    options = [
        *([f"--netG {netg}"] if netg else []),
        f"--ngf {arguments['width']}",
        f"--input_nc {arguments['in_channels']}",
        f"--output_nc {arguments['out_channels']}",
        f"--norm {arguments['norm']}",
        *([] if arguments["dropout"] else ["--no_dropout"]),
        "--eval",
    ]
    besides = [] if netg else [unlisted]
    if arguments["norm"] == "instance" and arguments["affine"]:
        besides.append("affine=True for InstanceNorm2d in its get_norm_layer")
    return " ".join(options) + "".join(f"; and {change}" for change in besides)


def _read_back(generator: nn.Module) -> UNetGenerator | ResNetGenerator:
    """Return, without values, the network that a reader of the generator's tensors will build."""
    # Of one of theirs that a task folded, whose channels may be other ones, class and layers are the same.
    known = generator if type(generator) in (UNetGenerator, ResNetGenerator) else as_ours(generator)
    if not isinstance(known, (UNetGenerator, ResNetGenerator)):
        raise ConfigurationError(
            f"a {type(generator).__name__} cannot be exported; give a UNetGenerator or a ResNetGenerator, or one of "
            f"that repository's own, such as fold_task() of a MultiTaskGenerator returns."
        )
    tensors = portable(generator.state_dict())
    try:
        read = read_architecture(tensors, dropout=known.arguments["dropout"])
        fitted(tensors, read)
    except CheckpointError as error:
        raise ConfigurationError(
            f"this {type(generator).__name__} cannot be exported: {error} Was it wrapped? Then give fold_task() of its "
            f"MultiTaskGenerator."
        ) from error
    return read
