"""Whatever a file says, the terminal shows it and obeys none of it: texts planted everywhere, all output looked at."""

from __future__ import annotations

import hashlib
import io
import json
import re
import shutil
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout, suppress
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image
from safetensors.torch import load_file, save
from torch import nn

from piggygan.cli import main
from piggygan.errors import PiggyganError
from piggygan.model.generator import MultiTaskGenerator
from piggygan.networks import ResNetGenerator, UNetGenerator
from piggygan.registry import TaskRegistry
from piggygan.registry.certificates import TaskCheck
from piggygan.registry.sealing import MAX_MANIFEST_SIZE
from piggygan.terminal.escaping import escaped

FORGED = "FORGED: equal"
OBEYED = ("\x1b[2J", "\x1b]0;title\x07", "\x9b31m", "\r", "\b", "\x00", "\x7f", "\u202e", "\u200f", "\u2066", "\u061c",
          "\ud800", "\udfff", "\u2028", "\x85", "\ufeff", f"\n{FORGED}", f"\u2029{FORGED}", "\x1c")  # fmt: skip
hostile = st.lists(st.sampled_from(OBEYED) | st.text(max_size=3), min_size=1, max_size=4).map("".join)
inside_a_name = hostile.map(lambda text: re.sub(r"[/\x00\ud800-\udfff]", "_", text)).filter(lambda text: text.strip())


def output(*commands: list[str]) -> str:
    """Run commands and give what they print, on both channels, once it was found harmless."""
    printed = io.StringIO()
    with redirect_stdout(printed), redirect_stderr(printed):
        for command in commands:
            with suppress(SystemExit):  # words that are no command
                main(command)
    text = printed.getvalue()
    assert not [letter for letter in text if not letter.isprintable() and letter != "\n"]
    assert not [line for line in text.splitlines() if line.startswith(FORGED)]
    return text


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Make registries of our generator and of a user's, whose manifest describes its layers in texts."""
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("sound")
    for name, generator in {
        "ours": UNetGenerator(depth=2, width=4),
        "users": nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(4, 3, 1)),
    }.items():
        model = MultiTaskGenerator(generator, "facades")
        model.freeze_task("facades")
        registry = TaskRegistry(folder / name)
        registry.commit(model, "facades", scores={"l1": 0.25})
        model.add_task("lungs")
        model.freeze_task("lungs")
        registry.commit(model, "lungs", scores={"dice": 0.5})
    return {name: folder / name for name in ("ours", "users")}


def texts(tree: Any) -> Iterator[tuple[Any, Any, bool]]:
    """Give every text of a tree of JSON: what holds it, where, and whether it is a name."""
    for place, value in list(tree.items() if isinstance(tree, dict) else enumerate(tree)):
        if isinstance(tree, dict):
            yield tree, place, True
        if isinstance(value, str):
            yield tree, place, False
        elif isinstance(value, (dict, list)):
            yield from texts(value)


def write_manifest(path: Path, fields: Any) -> None:
    fields.pop("checksum", None)
    text = json.dumps(fields, sort_keys=True, separators=(",", ":"))
    data = json.dumps({**fields, "checksum": hashlib.sha256(text.encode()).hexdigest()})
    assert len(data) < MAX_MANIFEST_SIZE
    path.write_text(data)


def commands_on(registry: Path) -> list[list[str]]:
    folder = str(registry)
    file = str(registry.with_name("task.safetensors"))
    return [
        ["tasks", folder],
        ["tasks", folder, "--json"],
        ["verify", folder],
        ["gc", folder],
        ["export", folder, "lungs", file],
        ["import", f"{folder}-2", file],
        ["export-pix2pix", folder, str(registry.with_name("x.pth")), "--task", "lungs"],
        ["remove", folder, "lungs"],
    ]


@settings(max_examples=30)
@given(st.sampled_from(["ours", "users"]), st.integers(0, 10**6), hostile, st.booleans())
@example("ours", 0, "\x1b[2J\n" + FORGED, True)
def test_no_text_of_a_manifest_is_obeyed(
    tmp_path_factory: pytest.TempPathFactory, sound: dict[str, Path], kind: str, where: int, text: str, whole: bool
) -> None:
    folder = tmp_path_factory.mktemp("registry")
    shutil.copytree(sound[kind], folder / "clinic")
    fields = json.loads((folder / "clinic/registry.json").read_bytes())
    places = list(texts(fields))
    tree, place, is_name = places[where % len(places)]
    planted = text if whole else f"{place if is_name else tree[place]}{text}"
    if is_name:
        tree[planted] = tree.pop(place)
    else:
        tree[place] = planted
    write_manifest(folder / "clinic/registry.json", fields)
    output(*commands_on(folder / "clinic"))
    shutil.rmtree(folder)


@settings(max_examples=8)
@given(hostile)
def test_what_a_manifest_may_say_freely_is_shown_escaped(
    tmp_path_factory: pytest.TempPathFactory, sound: dict[str, Path], text: str
) -> None:
    """A sound registry whose scores and recipe hold the texts: nothing is refused, and the table shows them."""
    folder = tmp_path_factory.mktemp("registry")
    shutil.copytree(sound["ours"], folder / "clinic")
    fields = json.loads((folder / "clinic/registry.json").read_bytes())
    record = fields["tasks"][1]
    record["scores"] = {f"dice{text}": 0.5}
    recipe = record["networks"]["generator"]["certificate"]["recipe"]
    recipe.update({name: f"{value}{text}" for name, value in recipe.items() if isinstance(value, str)})
    record["created"] = record["created"].replace("T", "\x1b")
    write_manifest(folder / "clinic/registry.json", fields)
    assert escaped(f"dice{text} 0.5") in output(["tasks", str(folder / "clinic")])
    assert "lungs: equal" in output(["verify", str(folder / "clinic")])
    shutil.rmtree(folder)


@settings(max_examples=8)
@given(hostile.filter(lambda text: text and (text.isascii() or not re.search("[\ud800-\udfff]", text))))
def test_no_name_of_a_tensor_is_obeyed(
    tmp_path_factory: pytest.TempPathFactory, sound: dict[str, Path], text: str
) -> None:
    folder = tmp_path_factory.mktemp("registry")
    shutil.copytree(sound["ours"], folder / "clinic")
    fields = json.loads((folder / "clinic/registry.json").read_bytes())
    weights = fields["tasks"][1]["networks"]["generator"]["weights"]
    tensors = load_file(folder / f"clinic/objects/{weights['digest']}.safetensors")
    first = next(iter(tensors))
    data = save({f"{name}{text}" if name == first else name: tensor for name, tensor in tensors.items()})
    weights.update(digest=hashlib.sha256(data).hexdigest(), size=len(data))
    (folder / f"clinic/objects/{weights['digest']}.safetensors").write_bytes(data)
    write_manifest(folder / "clinic/registry.json", fields)
    printed = output(*commands_on(folder / "clinic"))
    assert "lungs: damaged" in printed
    shutil.rmtree(folder)


@settings(max_examples=8)
@given(hostile)
def test_no_name_in_a_pth_file_is_obeyed(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    folder = tmp_path_factory.mktemp("pth")
    tensors = ResNetGenerator(blocks=1, width=2).state_dict()
    torch.save({f"model.1{text}": tensors.pop("model.1.weight"), **tensors}, folder / "x.pth")
    assert "x.pth" in output(["import-pix2pix", str(folder / "x.pth"), str(folder / "clinic"), "--task", "facades"])


@settings(max_examples=8)
@given(inside_a_name)
def test_no_name_of_a_file_is_obeyed(
    tmp_path_factory: pytest.TempPathFactory, sound: dict[str, Path], text: str
) -> None:
    folder = tmp_path_factory.mktemp("files") / f"a{text}"
    shutil.copytree(sound["ours"], folder / "clinic")
    films = folder / f"films{text}"
    films.mkdir()
    Image.new("L", (4, 4)).save(films / f"{text}.png", format="PNG")
    (films / f"{text} 2.png").write_bytes(b"no picture")
    (folder / "clinic/objects" / f"{text}.tmp").write_bytes(b"")
    (folder / "clinic" / f"{text}.json").mkdir()
    predict = ["predict", str(folder / "clinic"), str(films), "--task", "lungs", "--size", "4", "--out"]
    output(
        ["verify", str(folder / "clinic")],
        ["gc", str(folder / "clinic")],
        [*predict, str(folder / f"out{text}")],
        [*predict, str(films)],
        ["tasks", str(films)],
        ["data", "check", str(films), "--dataset", text],
        ["import", str(folder / "clinic"), str(films / f"{text}.png")],
        ["import-pix2pix", str(films / f"{text}.png"), str(folder / "new"), "--task", "facades"],
        [text, str(films)],
        ["verify", text, text],
        ["verify", str(folder), f"--{text}"],
        ["predict", str(folder), "--fit", text],
    )


@given(hostile)
def test_no_error_is_obeyed_by_whoever_prints_it(text: str) -> None:
    shown = str(PiggyganError(f"lungs{text} is damaged"))
    assert all(letter.isprintable() or letter == "\n" for letter in shown)
    assert PiggyganError(text).args == (text,)


@given(hostile)
def test_no_line_of_a_verification_is_obeyed(text: str) -> None:
    for state in ("damaged", "recipe differs"):
        assert str(TaskCheck("lungs", state, 0.5, text, text)).isprintable()


@given(st.text())
def test_escaping_twice_is_escaping_once(text: str) -> None:
    once = escaped(text)
    assert once.isprintable()
    assert escaped(once) == once
    once.encode("utf-8")  # a terminal can show it
