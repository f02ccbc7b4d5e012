"""Faults C, F and H that concern the registry as a whole; the other rows are tested beside what they concern."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from torch import nn

from piggygan.cli import main
from piggygan.errors import CorruptFileError, PiggyganError, RegistryError
from piggygan.model.generator import MultiTaskGenerator
from piggygan.registry import TaskRegistry, leftovers, upkeep

MakeGenerator = Callable[[], nn.Sequential]
MakeModel = Callable[[int], MultiTaskGenerator]
Learn = Callable[[MultiTaskGenerator, str], None]

TRAVERSALS = [
    "..",
    ".",
    "/",
    "../x",
    "../../etc/passwd",
    "/etc/passwd",
    "//etc/passwd",
    "x/../../y",
    "x/..",
    "./x",
    "x/",
    "..\\x",
    "..\\..\\windows\\system32",
    "C:\\x",
    "C:x",
    "\\\\server\\share",
    "file:///etc/passwd",
    "~/x",
    "$HOME/x",
    "%2e%2e%2fx",
    "..%2fx",
    "%252e%252e/x",
    "x\0.safetensors",
    "x\n../y",
    "\u2025/x",
    "\uff0e\uff0e\uff0fx",
    "\u2215etc\u2215passwd",
    ".lock",
    "objects/x",
]


def files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != ".lock"
    }


@pytest.mark.parametrize("name", TRAVERSALS, ids=ascii)
def test_h02_no_form_of_a_path_gets_through_where_a_name_is_taken(
    registry: TaskRegistry, model: MultiTaskGenerator, make_generator: MakeGenerator, tmp_path: Path, name: str
) -> None:
    before = files(tmp_path)
    target = tmp_path / "x.safetensors"

    def leased() -> None:
        with registry.lease([name]):
            pytest.fail("no task is called so")

    for entry in (
        lambda: MultiTaskGenerator(make_generator(), name),
        lambda: model.add_task(name),
        lambda: model.add_task("new", draws_on=[name]),
        lambda: registry.describe(name),
        lambda: registry.load([name], make_generator()),
        lambda: registry.commit(model, name),
        lambda: registry.remove_task(name),
        lambda: registry.export_task(name, target),
        leased,
    ):
        with pytest.raises(PiggyganError):
            entry()
    if "\0" not in name:  # which no command line can carry
        for arguments in (
            ["export", str(registry.folder), name, str(target)],
            ["remove", str(registry.folder), name],
        ):
            assert main(arguments) == 2
    assert files(tmp_path) == before


@pytest.mark.parametrize("name", TRAVERSALS, ids=ascii)
def test_h02_no_form_of_a_path_gets_through_a_manifest(
    registry: TaskRegistry, make_generator: MakeGenerator, name: str
) -> None:
    path = registry.folder / "registry.json"
    plain = json.loads(path.read_bytes())
    task = "['tasks'][2]"
    for place in (
        f"{task}['name']",
        f"{task}['draws_on'][0]",
        "['base_task']",
        f"{task}['networks']['generator']['weights']['digest']",
        f"{task}['networks']['generator']['certificate']['probe']['digest']",
        f"{task}['networks']['generator']['certificate']['tensors_digest']",
        f"{task}['networks']['generator']['bank']['edges']",
        "['networks']['generator']['architecture']['class_name']",
    ):
        fields = json.loads(json.dumps(plain))
        *parents, last = place.strip("[]").replace("'", "").split("][")
        holder = fields
        for step in parents:
            holder = holder[int(step)] if step.isdigit() else holder[step]
        holder[int(last) if last.isdigit() else last] = name
        fields.pop("checksum")
        text = json.dumps(fields, sort_keys=True, separators=(",", ":"))
        path.write_text(json.dumps({**fields, "checksum": sha256(text.encode()).hexdigest()}))
        with pytest.raises(PiggyganError):
            registry.load(generator=make_generator())


@pytest.mark.parametrize("kind", ["objects", "registry.json"])
def test_c17_h03_a_link_out_of_the_registry_is_refused(
    registry: TaskRegistry, model: MultiTaskGenerator, make_generator: MakeGenerator, learn: Learn, kind: str
) -> None:
    inside, outside = registry.folder / kind, registry.folder.parent / "outside"
    inside.rename(outside)
    inside.symlink_to(outside)
    before = files(registry.folder.parent)
    model.add_task("hands")
    learn(model, "hands")
    for use in (lambda: registry.load(generator=make_generator()), lambda: registry.commit(model, "hands")):
        with pytest.raises(RegistryError):
            use()
    assert files(registry.folder.parent) == before


def test_h03_a_folder_exchanged_for_a_link_after_it_was_opened_is_not_followed(
    registry: TaskRegistry, make_generator: MakeGenerator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The swap happens between the opening of the folder and that of the first file in it."""
    (tmp_path / "evil").mkdir()
    objects = registry.folder / "objects"
    real = os.open
    swapped: list[int] = []

    def swapping(path: object, flags: int, *args: int, **kwargs: int | None) -> int:
        descriptor = real(path, flags, *args, **kwargs)  # type: ignore[call-overload]
        if str(path).endswith("objects") and not swapped:
            swapped.append(1)
            objects.rename(tmp_path / "moved")
            objects.symlink_to(tmp_path / "evil")
        return int(descriptor)

    monkeypatch.setattr(os, "open", swapping)
    with pytest.raises(RegistryError, match="or a link"):  # of the second file: the first came from the real folder
        registry.load(["edges"], make_generator())
    assert swapped


def test_17_14_objects_exchanged_for_a_link_in_mid_commit_gets_nothing_outside(
    registry: TaskRegistry, model: MultiTaskGenerator, learn: Learn, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The swap happens at each writing step in turn: the file comes into the folder that was opened, or nowhere."""
    objects, evil, moved = registry.folder / "objects", tmp_path / "evil", tmp_path / "moved"
    model.add_task("hands")
    learn(model, "hands")
    real = os.fsync
    before = registry.tasks
    for swap_at in range(5):  # two for an object, one for the probe, which is there already
        evil.mkdir()
        calls = iter(range(100))

        def swapping(descriptor: int, calls: object = calls, swap_at: int = swap_at) -> None:
            if next(calls) == swap_at:  # type: ignore[call-overload]
                objects.rename(moved)
                objects.symlink_to(evil)
            real(descriptor)

        with monkeypatch.context() as patched:
            patched.setattr(os, "fsync", swapping)
            with pytest.raises(RegistryError, match="a link"):
                registry.commit(model, "hands")
        assert not list(evil.iterdir())
        objects.unlink()
        moved.rename(objects)
        evil.rmdir()
        assert registry.tasks == before
        registry.gc()


@pytest.mark.parametrize("part", ["objects", "leases"])
def test_17_14_gc_deletes_nothing_through_a_link(
    registry: TaskRegistry, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, part: str
) -> None:
    inside, moved = registry.folder / part, tmp_path / "moved"
    inside.mkdir(exist_ok=True)
    names = [f"{'0' * 64}.safetensors", ".x.tmp"]
    for name in names:
        (inside / name).write_bytes(b"orphan")
    shutil.copytree(inside, tmp_path / "precious")
    real = leftovers.survey

    def swapping(*args: Any) -> leftovers.Leftovers:
        found = real(*args)
        inside.rename(moved)
        inside.symlink_to(tmp_path / "precious")
        return found

    monkeypatch.setattr(upkeep, "survey", swapping)
    with pytest.raises(RegistryError):
        registry.gc()
    assert all((tmp_path / "precious" / name).exists() for name in names)


def test_c17_a_hard_link_is_read_by_its_digest_and_never_written_through(
    registry: TaskRegistry, make_generator: MakeGenerator, tmp_path: Path
) -> None:
    """Backups are made of hard links; nothing is ever changed in place, so what is outside stays."""
    objects = sorted((registry.folder / "objects").iterdir())
    for path in objects:
        os.link(path, tmp_path / path.name)
    assert registry.verify(make_generator()).is_sound
    registry.remove_task("lungs")
    registry.gc()
    assert all((tmp_path / path.name).exists() for path in objects)
    assert len(list((registry.folder / "objects").iterdir())) < len(objects)


def test_h07_the_digest_of_the_manifest_pins_the_whole_registry(
    registry: TaskRegistry, make_model: MakeModel, make_generator: MakeGenerator, tmp_path: Path
) -> None:
    """A registry of the right form and another origin is sound in itself, and has another registry.json."""
    other = TaskRegistry(tmp_path / "other")
    for task in registry.tasks:
        other.commit(make_model(1), task)
    assert other.verify(make_generator()).is_sound
    pinned, theirs = ((each.folder / "registry.json").read_bytes() for each in (registry, other))
    assert sha256(pinned).digest() != sha256(theirs).digest()
    for path in (registry.folder / "objects").iterdir():
        path.unlink()
    for path in (other.folder / "objects").iterdir():
        (registry.folder / "objects" / path.name).write_bytes(path.read_bytes())
    with pytest.raises(CorruptFileError):  # under the pinned manifest no other weights are taken
        registry.load(generator=make_generator())


def test_h09_files_are_made_with_the_mode_that_the_umask_leaves(tmp_path: Path, model: MultiTaskGenerator) -> None:
    before = os.umask(0o027)
    try:
        registry = TaskRegistry(tmp_path / "clinic")
        registry.commit(model, "facades")
        registry.export_task("facades", tmp_path / "facades.safetensors")
    finally:
        os.umask(before)
    made = [path for path in registry.folder.rglob("*") if path.is_file()] + [tmp_path / "facades.safetensors"]
    assert {path.stat().st_mode & 0o777 for path in made} == {0o640}


def test_h12_a_task_holds_no_image_but_the_probe_of_its_certificate(registry: TaskRegistry) -> None:
    from safetensors.torch import load_file

    known = {"inputs", "outputs"}
    for path in (registry.folder / "objects").iterdir():
        tensors = load_file(path)
        images = {name for name, tensor in tensors.items() if tensor.dim() == 4 and tensor.shape[-1] > 4}
        assert images <= known


def test_what_one_task_costs_to_load_does_not_grow_with_the_others(
    registry: TaskRegistry, make_generator: MakeGenerator, learn: Learn, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    real = os.open

    def noted(path: os.PathLike[str] | str, *args: int, **kwargs: int) -> int:
        opened.append(Path(path).name)
        return real(path, *args, **kwargs)

    def opened_for(task: str) -> int:
        opened.clear()
        registry.load([task], make_generator())
        return len(opened)

    monkeypatch.setattr(os, "open", noted)
    before = opened_for("edges")
    for number in range(12):
        model = registry.load(["facades"], make_generator())
        model.add_task(f"more{number}")
        learn(model, f"more{number}")
        registry.commit(model, f"more{number}")
    assert opened_for("edges") == before
    opened.clear()
    assert len(registry.records) == 15
    assert opened == ["registry.json"]
