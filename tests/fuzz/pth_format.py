"""``.pth`` files of pytorch-CycleGAN-and-pix2pix: how they are forged, and how they are read."""

from __future__ import annotations

import io
import random
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from piggygan.networks import ResNetGenerator, UNetGenerator
from piggygan.networks.pix2pix import load_pix2pix_generator
from tests.fuzz.driver import Format
from tests.fuzz.mutations import HOSTILE_TEXTS, hostile_value, mutated_bytes


def pth_files(folder: Path) -> Format:
    """Files of ``torch.save``, in its format of today and in that of before torch 1.6."""
    path = folder / "latest_net_G.pth"

    def use(data: bytes) -> None:
        path.write_bytes(data)
        load_pix2pix_generator(path)

    samples = [saved(tensors, as_zip=as_zip) for tensors in state_dicts() for as_zip in (True, True, False)]
    return Format("pth", samples, forged_file, use)


def state_dicts() -> list[dict[str, Tensor]]:
    torch.manual_seed(0)
    generators = (
        UNetGenerator(depth=5, width=2, norm="batch"),
        ResNetGenerator(blocks=2, width=2, affine=False),
        ResNetGenerator(blocks=1, width=2),
    )
    return [generator.state_dict() for generator in generators]


def hostile_tensor(source: random.Random, like: Tensor) -> Any:
    """Make a tensor that is not what a generator has at this place."""
    if like.layout != torch.strided or like.numel() > 2**16:  # forged before: a few bytes that stand for gigabytes
        return hostile_value(source)
    shape = [source.choice((0, 1, 2, 3, 4, 7)) for _ in range(source.randrange(6))]
    return source.choice(
        (
            lambda: like.to(source.choice((torch.float64, torch.float16, torch.int8, torch.bool, torch.complex64))),
            lambda: like.to(torch.float8_e4m3fn),
            lambda: like.flatten()[: source.randrange(like.numel() + 1)],
            lambda: like.mT if like.ndim > 1 else like.reshape(-1)[:0],
            lambda: torch.zeros(1).expand([2**20, 2**10]),
            lambda: like * source.choice((float("nan"), float("inf"), 1e30)),
            lambda: like.to_sparse(),
            lambda: torch.zeros(shape),
            lambda: torch.nn.Parameter(torch.zeros(shape)),
            lambda: torch.empty(shape, device="meta"),
            lambda: hostile_value(source),
        )
    )()


def forged_dict(tensors: dict[str, Tensor], source: random.Random) -> Any:
    changed: dict[Any, Any] = OrderedDict(tensors)
    for _ in range(source.choice((1, 1, 2, 4))):
        name = source.choice(list(changed))
        match source.randrange(6):
            case 0:
                del changed[name]
            case 1:
                changed[source.choice((*HOSTILE_TEXTS, 7, None, str(name) + "\x1b", "model.9999999999.weight"))] = (
                    changed.pop(name)
                )
            case 2:
                changed[name] = changed[source.choice(list(changed))]
            case _ if isinstance(changed[name], Tensor):
                changed[name] = hostile_tensor(source, changed[name])
            case _:
                changed[name] = hostile_value(source)
        if not changed:
            break
    wraps = (
        {"state_dict": changed},
        {"model": changed, "params": tensors},
        [changed],
        {"state_dict": {"model": tensors}},
    )
    return source.choice((changed, changed, changed, changed, *wraps))


def saved(value: Any, *, as_zip: bool = True) -> bytes:
    buffer = io.BytesIO()
    torch.save(value, buffer, _use_new_zipfile_serialization=as_zip)
    return buffer.getvalue()


def forged_archive(data: bytes, source: random.Random) -> bytes:
    """Damage one member of the zip, or its name, and write the checksums anew."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as archive, zipfile.ZipFile(buffer, "w") as forged:
        names = archive.namelist()
        chosen = source.choice((*names, *[name for name in names if name.endswith("data.pkl")] * len(names)))
        for name in names:
            member = archive.read(name)
            if name != chosen:
                forged.writestr(name, member)
                continue
            match source.randrange(8):
                case 0:
                    continue
                case 1:
                    forged.writestr(name + source.choice(("x", "/../y", "\u202e")), member)
                case _:
                    forged.writestr(name, mutated_bytes(member, source))
    return buffer.getvalue()


def forged_file(data: bytes, source: random.Random) -> bytes:
    """Damage what is in a file, a member of its archive, or its bytes."""
    choice = source.random()
    try:
        if choice < 0.5:
            tensors = torch.load(io.BytesIO(data), weights_only=True)
            return saved(forged_dict(tensors, source), as_zip=source.random() < 0.9)
        if choice < 0.8:
            return forged_archive(data, source)
    except Exception:  # noqa: S110  # it is damaged already
        pass
    return mutated_bytes(data, source)
