"""Checkpoints of a training: how they are forged, and how a training goes on from them.

The digest in a checkpoint's name is that of its bytes, and whoever writes both can forge both. So each case is made of
a true one by someone who knows the format (its header, its document, its tensors), and named by its own digest.
"""

from __future__ import annotations

import hashlib
import json
import math
import random
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from piggygan.errors import PiggyganError, ResumeError
from piggygan.training import Checkpoints, CycleGANObjective, TrainingOptions, load_best, start_from, train
from piggygan.training.checkpoints.folder import CheckpointFolder
from tests.fuzz.driver import Format
from tests.fuzz.mutations import hostile_value, mutated_bytes

ODD_TYPES = ["F64", "F32", "F16", "BF16", "I64", "I32", "I8", "U8", "BOOL", "F8_E4M3", "C64", "U16", "F4", "", None, 3]
ODD_SHAPES = [[], [0], [1], [-1], [2**40], [2**63], [2, 2], [1, 1, 1, 1, 1], None, "x", [1.5]]


class Parts(NamedTuple):
    """A safetensors file: what its header says, the document in it, and the tensors' bytes."""

    header: dict[str, Any]
    document: Any
    data: bytearray

    @classmethod
    def of(cls, raw: bytes) -> Parts:
        (length,) = struct.unpack_from("<Q", raw)
        header = json.loads(raw[8 : 8 + length])
        return cls(header, json.loads(header["__metadata__"]["piggygan"]), bytearray(raw[8 + length :]))

    def to_bytes(self) -> bytes:
        header = dict(self.header)
        if isinstance(header.get("__metadata__"), dict) and "piggygan" in header["__metadata__"]:
            header["__metadata__"] = {**header["__metadata__"], "piggygan": json.dumps(self.document)}
        text = json.dumps(header).encode()
        return struct.pack("<Q", len(text)) + text + bytes(self.data)


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """List everything in a document that can be exchanged: each container with a key of it."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in list(items):
        yield value, key
        yield from places(item)


def change_document(parts: Parts, chance: random.Random) -> None:
    container, key = chance.choice(list(places(parts.document)))
    act = chance.randrange(4)
    if act == 0:
        del container[key]
    elif act == 1 and isinstance(container, dict):
        container[chance.choice(["new", "", "generator.l1", "x" * 300])] = container[key]
    elif act == 2 and isinstance(container[key], int | float):
        container[key] = chance.choice([-container[key], container[key] + 1, container[key] * 10**9, -1, math.nan])
    else:
        container[key] = hostile_value(chance)


def tensor_names(parts: Parts) -> list[str]:
    return [name for name in parts.header if name != "__metadata__"]


def change_header(parts: Parts, chance: random.Random) -> None:
    name = chance.choice(tensor_names(parts))
    entry = parts.header[name]
    act = chance.randrange(7)
    if act == 0 and isinstance(entry, dict):
        entry["dtype"] = chance.choice(ODD_TYPES)
    elif act == 1 and isinstance(entry, dict):
        entry["shape"] = chance.choice(ODD_SHAPES)
    elif act == 2 and isinstance(entry, dict):
        entry["data_offsets"] = [chance.randrange(-9, len(parts.data) + 9), chance.choice([0, 8, 2**63, -1])]
    elif act == 3:
        parts.header[chance.choice([f"{name}0", name[1:], "", f"objective.{name}", "optimizer.generator.-1.step"])] = (
            parts.header.pop(name)
        )
    elif act == 4:
        other = chance.choice(tensor_names(parts))
        parts.header[name], parts.header[other] = parts.header[other], entry
    elif act == 5:
        parts.header["__metadata__"] = chance.choice([{}, None, {"piggygan": ""}, {"piggygan": "[]"}, {"piggygan": 3}])
    else:
        parts.header[name] = hostile_value(chance)


def leave_out(parts: Parts, kind: str) -> None:
    data = bytearray()
    for name in tensor_names(parts):
        start, end = parts.header[name]["data_offsets"]
        if name.startswith(kind):
            del parts.header[name]
        else:
            parts.header[name]["data_offsets"] = [len(data), len(data) + end - start]
            data += parts.data[start:end]
    parts.data[:] = data


def without_tensors(parts: Parts, chance: random.Random) -> None:
    """Leave tensors out, all of one kind or one, in a file that is well formed all the same."""
    kind = chance.choice(tensor_names(parts))
    leave_out(parts, chance.choice([kind, kind.split(".")[0] + ".", ".".join(kind.split(".")[:2])]))
    if chance.random() < 0.5 and isinstance(parts.document, dict):
        parts.document["tensors"] = sorted(tensor_names(parts))


def change_values(parts: Parts, chance: random.Random) -> None:
    entry = parts.header[chance.choice(tensor_names(parts))]
    start, end = entry["data_offsets"]
    value = chance.choice([b"\x00", b"\xff", b"\x7f\x80\x00\x00"[::-1], b"\x01", bytes([chance.randrange(256)])])
    filled = (value * (end - start))[: end - start]
    first = chance.choice([0, (end - start) // 2])
    parts.data[start + first : end] = filled[first:]


def change_length(raw: bytes, chance: random.Random) -> bytes:
    return struct.pack("<Q", chance.choice([0, 1, 2**63, 2**64 - 1, len(raw), 100_000_001])) + raw[8:]


def forge(whole: bytes, chance: random.Random) -> bytes:
    """Change a checkpoint in one to three places, or its bytes where it has lost its form already."""
    try:
        parts = Parts.of(whole)
        for _ in range(chance.choice([1, 1, 1, 2, 3])):
            change = chance.choice([change_document, change_document, change_header, without_tensors, change_values])
            change(parts, chance)
        raw = parts.to_bytes()
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, struct.error):
        return mutated_bytes(whole, chance)
    return chance.choice([change_length, mutated_bytes])(raw, chance) if chance.random() < 0.15 else raw


class Pair(NamedTuple):
    input: Tensor
    target: Tensor


def make_judge() -> nn.Module:
    return nn.Sequential(nn.Conv2d(1, 2, 3), nn.Conv2d(2, 1, 1))


class Trained:
    """A CycleGAN on two pixels: it has every part that a checkpoint can have."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.checkpoints = Checkpoints(folder, every_steps=1, inexact=True)
        images = torch.rand(5, 1, 1, 4, 4, generator=torch.Generator().manual_seed(1)) * 2 - 1
        self.batches = [Pair(image, -image) for image in images]
        torch.manual_seed(3)
        self.objective = CycleGANObjective(
            *(nn.Sequential(nn.Conv2d(1, 2, 1), nn.BatchNorm2d(2), nn.Conv2d(2, 1, 1)) for _ in range(2)),
            *(make_judge() for _ in range(2)),
            pool_size=2,
        )

    def go_on(self, epochs: int = 2, **arguments: Any) -> None:
        options = TrainingOptions(epochs=epochs, progress=False, tolerated_bad_steps=0)
        train(self.objective, self.batches, options, checkpoints=self.checkpoints, **arguments)

    def bytes_now(self) -> dict[str, bytes]:
        networks = self.objective.modules().items()
        named = {f"{role}.{name}": t for role, network in networks for name, t in network.state_dict().items()}
        return {name: tensor.numpy().tobytes() for name, tensor in {**named, **self.objective.state()}.items()}

    def put(self, raw: bytes, kind: str, position: tuple[int, int]) -> None:
        for path in self.folder.iterdir():
            if path.suffix in (".safetensors", ".damaged"):
                path.unlink()
        name = f"{kind}-{position[0]:06d}-{position[1]:09d}-{hashlib.sha256(raw).hexdigest()}.safetensors"
        (self.folder / name).write_bytes(raw)


def cut_off(folder: Path) -> bytes:
    """Train, and return the checkpoint at the end of the second epoch, before it was counted."""
    trained = Trained(folder / "checkpoints")
    trained.go_on(on_epoch=lambda _: 0.5)
    (newest, before) = CheckpointFolder(trained.folder, 2).stored("last")
    assert (newest.position, before.position) == ((2, 0), (1, 5))
    return before.path.read_bytes()


def checkpoints(folder: Path, whole: bytes) -> Format:
    """Checkpoints that a training goes on from, that are its best ones, and that another network starts from."""
    trained = Trained(folder / "checkpoints")
    trained.folder.mkdir()

    def start() -> None:
        start_from(trained.checkpoints, "forward_discriminator", make_judge())

    def use(raw: bytes) -> None:
        before = trained.bytes_now()
        trained.put(raw, "last", (1, 5))
        of_start, of_training = refusal(start), refusal(trained.go_on)
        if isinstance(of_training, ResumeError):
            assert trained.bytes_now() == before, "a refused checkpoint changed something"
        trained.put(raw, "best", (1, 5))
        of_best = refusal(lambda: load_best(trained.checkpoints, trained.objective))
        for refused in (of_training, of_best, of_start):
            if refused is not None:
                assert len(str(refused)) < 2000, "a message that nobody reads"
                raise refused

    return Format("checkpoints", [whole], forge, use)


def refusal(act: Callable[[], object]) -> PiggyganError | None:
    """Return the error of ours that an act ends with, if it does."""
    try:
        act()
    except PiggyganError as error:
        return error
    return None
