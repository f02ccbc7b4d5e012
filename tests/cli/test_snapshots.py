"""Every command at 80 columns: its help, what it prints where all is well, and what it says of the usual mistakes.

What is printed is kept in ``golden/COMMAND.txt`` as it was last looked at. ``pytest tests/cli/test_snapshots.py
--regenerate`` writes it anew: read the difference before you commit it. Lines that begin with "! " went to the error
channel. What differs between machines and days is replaced, such as digests and dates.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from piggygan.cli import COMMANDS, main
from piggygan.cli.commands import Group
from piggygan.data.checking.finding import Finding
from piggygan.data.checking.inspecting import inspect
from piggygan.data.datasets import DatasetFolder
from piggygan.data.synthetic.xrays import write_xrays
from piggygan.model.generator import MultiTaskGenerator
from piggygan.networks import ResNetGenerator, UNetGenerator
from piggygan.networks.pix2pix import save_pix2pix_generator
from piggygan.registry import TaskRegistry
from piggygan.terminal.escaping import escaped

WIDTH = 80
PREDICT = "clinic films --task lungs --out"
TRAIN = "new --task lungs --data scored --size 32"
SWEEP = "clinic --task doors --data scored"
NODE = "clinic --queue queue --destination PACS@127.0.0.1:104"
EVALUATE = "clinic --task lungs --data scored --size 16"

CASES: dict[str, list[str]] = {
    "demo": ["--help", "films", "clinic", "latest_net_G.pth", "new --quik"],
    "piggygan": ["--help", "-h", "", "taks clinic", "pix2pix", "--jsn", "help"],
    "train": [
        "--help",
        "",
        "new --data scored",
        "new --task Lungs! --data scored",
        "new --task lungs",
        "new --task lungs --data nowhere",
        f"{TRAIN} --size 100",
        f"{TRAIN} --net unet_23",
        f"{TRAIN} --net unet_64",
        f"{TRAIN} --net mine:make",
        f"{TRAIN} --objective cyclegan",
        f"{TRAIN} --batch-size 9",
        f"{TRAIN} --learning-rate 0",
        f"{TRAIN} --epohcs 3",
        f"{TRAIN} --epochs three",
        f"{TRAIN} --config nowhere.toml",
        f"{TRAIN} --config typo.toml",
        "clinic --task lungs --data scored",
        "clinic --task doors --data scored --net unet_256",
        "clinic --task doors --data scored --start-from hand",
        "own --task doors --data scored",
        "damaged --task doors --data scored",
        "films --task lungs --data scored",
        "latest_net_G.pth --task lungs --data scored",
    ],
    "sweep": [
        "--help",
        "",
        f"{SWEEP} --set learning-rte=2e-4,8e-4",
        f"{SWEEP} --set learning-rate=fast",
        f"{SWEEP} --set learning-rate",
        f"{SWEEP} --set size=32,64",
        f"{SWEEP} --set epochs=1,2 --set epochs=3",
        f"{SWEEP} --seeds 0",
        f"{SWEEP} --engine dask",
        f"{SWEEP} --sets epochs=3",
        "clinic --task hands --data scored",
        "new --task lungs --data nowhere",
        "films --task lungs --data scored",
    ],
    "completion": ["--help", "csh", ""],
    "predict": [
        "--help",
        f"{PREDICT} out --size 16",
        f"{PREDICT} out --size 16",
        f"{PREDICT} out2 --size 16 --strict",
        f"{PREDICT} out3 --device gpu",
        f"{PREDICT} out3 --size 15",
        f"{PREDICT} out3 --size 0",
        f"{PREDICT} out3 --fit crop",
        f"{PREDICT} out3 --fitt pad",
        f"{PREDICT} films/a.png/out --size 16",
        "clini films --task lungs --out out3",
        "clinic nowhere --task lungs --out out3",
        "clinic empty --task lungs --out out3",
        "clinic films --task lung --out out3",
        "clinic films --out out3",
        "clinic --task lungs --out out3",
        "--from-environment",
    ],
    "measure": [
        "--help",
        "scored/masks --hearts scored/masks --out measured",
        "scored/masks --heart scored/masks --out measured2",
        "nowhere --out measured2",
        "scored/masks --out measured2 --dicom-sr",
        "scored/masks",
    ],
    "review": ["--help", "nowhere --out page.html", "scored/masks --out page.html", "scored"],
    "attach": [
        "--help",
        "clinic --task lungs",
        "clinic --task lung --data scored",
        "clinic --task lungs --data nowhere",
    ],
    "evaluate": [
        "--help",
        f"{EVALUATE} --out scores",
        f"{EVALUATE} --out scores",
        f"{EVALUATE} --compare-task hands --by-patient ^0 --spacing 0.4 --strict",
        "clinic --task lungs",
        "clinic --task lung --data scored",
        "clinic --task lungs --data nowhere",
        f"{EVALUATE} --compare-task lungs",
        f"{EVALUATE} --compare-registry nowhere",
        f"{EVALUATE} --by-patient ^p",
        f"{EVALUATE} --tolerance -1",
        f"{EVALUATE} --palette city",
        f"{EVALUATE} --outt scores",
        "own --task facades --data scored",
        "films --task lungs --data scored",
        "nowhere --task lungs --data scored",
        "clinic --data scored",
    ],
    "tasks": ["--help", "clinic", "clinic --json", "", "nowhere", "films", "damaged", "clinic films"],
    "verify": ["--help", "clinic", "clinic --json", "cut", "cut --json", "damaged", "own", "nowhere", "clinic --jsn"],
    "export": [
        "--help",
        "clinic hands hands.safetensors",
        "clinic hands hands.safetensors",
        "clinic hand x.safetensors",
        "clinic hands x.pth",
        "clinic hands nowhere/x.safetensors",
        "nowhere hands x.safetensors",
        "clinic hands",
    ],
    "import": [
        "--help",
        "new facades.safetensors",
        "new facades.safetensors --json",
        "clinic facades.safetensors",
        "newer lungs.safetensors",
        "newer cut.safetensors",
        "newer nowhere.safetensors",
        "newer latest_net_G.pth",
        "newer",
    ],
    "remove": [
        "--help",
        "clinic facades",
        "clinic hand",
        "clinic hands",
        "clinic hands --json",
        "nowhere hands",
        "clinic",
    ],
    "report": ["--help", "nowhere", ""],
    "serve": [
        "--help",
        "",
        "nowhere --port 0",
        "films --port 0",
        "damaged --port 0",
        "own --port 0",
        "clinic --port 70000",
        "clinic --port 0 --host 256.1.1.1",
        "clinic --port 0 --host 0.0.0.0",
        "clinic --port 0 --token-file nowhere",
        "clinic --port 0 --requests 0",
        "clinic --prt 0",
    ],
    "node": [
        "--help",
        "",
        f"{NODE} --task lungs --rules rules.toml",
        f"{NODE} --rules nowhere.toml",
        f"{NODE} --task lungs --title a\\b",
        f"{NODE} --task lungs --host 0.0.0.0",
        f"{NODE} --task lungs --waiting 0",
        "clinic --queue queue --destination PACS --task lungs",
        "nowhere --queue queue --destination PACS@127.0.0.1:104 --task lungs",
        f"{NODE} --task lung",
        f"{NODE} --task facades",
    ],
    "gc": ["--help", "clinic", "clinic --json", "nowhere", ""],
    "push": ["--help", "clinic s3://bucket", "clinic file:///nowhere --task hand", "nowhere file:///nowhere", "clinic"],
    "pull": ["--help", "s3://bucket nowhere", "file:///nowhere nowhere", ""],
    "card": ["--help", "clinic --task hand", "nowhere", "clinic --out clinic", "clinic --tsk hands"],
    "repair": ["--help", "clinic --from clinic", "clinic --from nowhere", "nowhere --from clinic", "clinic"],
    "sign": ["--help", "clinic facades --key nowhere.pem", "clinic facade --key nowhere.pem", "clinic facades"],
    "new-key": ["--help", "nowhere/signing.pem", "clinic/signing.pem", ""],
    "data": [
        "--help",
        "",
        "chek films",
        "list",
        "check --help",
        "check xrays",
        "check xrays --strict",
        "check incomplete --strict",
        "check renamed",
        "check nowhere",
        "check empty",
        "check xrays --dataset mnist",
        "check xrays --workers 0",
        "check xrays --worker 1",
    ],
    "import-pix2pix": [
        "--help",
        "latest_net_G.pth imported --task facades",
        "latest_net_G.pth imported --task facades",
        "latest_net_G.pth other --task Facades!",
        "latest_net_G.pth other",
        "nowhere.pth other --task facades",
        "films/c.png other --task facades",
        "cut.pth other --task facades",
        "clinic other --task facades",
        "latest_net_G.pth other --task facades --dropout",
    ],
    "export-pix2pix": [
        "--help",
        "pix2pix exported.pth --task facades",
        "pix2pix exported.pth --task facades",
        "pix2pix x.pth --task facade",
        "pix2pix nowhere/x.pth --task facades",
        "nowhere x.pth --task facades",
        "own x.pth --task facades",
    ],
}
"""What follows each command, run one after the other in one folder."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make what the commands are run on: sound and damaged registries, films, masks, task files and checkpoints."""
    folder = tmp_path_factory.mktemp("made")
    torch.manual_seed(0)
    model = MultiTaskGenerator(UNetGenerator(depth=2, width=4), "facades")
    model.freeze_task("facades")
    clinic = TaskRegistry(folder / "clinic")
    clinic.commit(
        model, "facades", scores={"class_iou": 0.21, "l1": 0.25, "per_pixel": 0.44, "mean": 0.3}, image_size=16
    )
    for task, scores in {"lungs": {"assd": 1.5, "dice": 0.953, "hd95": 4.25, "iou": 0.91}, "hands": {}}.items():
        model.add_task(task, out_channels=1)
        model.freeze_task(task)
        clinic.commit(model, task, scores=scores)
    for task in ("facades", "lungs"):
        clinic.export_task(task, folder / f"{task}.safetensors")
    own = MultiTaskGenerator(torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.Conv2d(4, 3, 1)), "facades")
    own.freeze_task("facades")
    TaskRegistry(folder / "own").commit(own, "facades")
    for name in ("cut", "damaged"):
        shutil.copytree(folder / "clinic", folder / name)
    digest = clinic.describe("lungs").networks["generator"].weights.digest
    with (folder / f"cut/objects/{digest}.safetensors").open("r+b") as file:
        file.truncate(100)
    (folder / "damaged/registry.json").write_bytes(b"{")
    (folder / "cut.safetensors").write_bytes((folder / "lungs.safetensors").read_bytes()[:2000])
    save_pix2pix_generator(ResNetGenerator(blocks=2, width=2, affine=False), folder / "latest_net_G.pth")
    assert main(["import-pix2pix", str(folder / "latest_net_G.pth"), str(folder / "pix2pix"), "--task", "facades"]) == 0
    (folder / "cut.pth").write_bytes((folder / "latest_net_G.pth").read_bytes()[:3000])
    make_pictures(folder)
    return folder


def make_pictures(folder: Path) -> None:
    (folder / "films").mkdir()
    for name in ("a", "b"):
        Image.fromarray(np.full((20, 30), 90, dtype=np.uint8)).save(folder / f"films/{name}.png")
    (folder / "films/c.png").write_bytes(b"no picture")
    write_xrays(folder / "xrays", 3, 64, seed=0)
    write_xrays(folder / "scored", 5, 64, seed=1)
    splits = {"train": ["000.dcm", "001.dcm"], "test": ["002.dcm", "003.dcm", "004.dcm"]}
    (folder / "scored/splits.json").write_text(json.dumps(splits), encoding="utf-8")
    for name in ("incomplete", "renamed"):
        shutil.copytree(folder / "xrays", folder / name)
    next(iter((folder / "incomplete/masks").iterdir())).unlink()
    (folder / "renamed/masks").rename(folder / "renamed/labels")
    (folder / "empty").mkdir()
    (folder / "typo.toml").write_text("[training]\nepoch = 3\n", encoding="utf-8")


@pytest.fixture
def here(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Be in a copy of all that; pictures are inspected in this process, not in one of its own."""

    def inspect_here(dataset: DatasetFolder, *_: object) -> list[Finding]:
        return [inspect(files, dataset.reader(channels=1), "salt") for files in dataset.files]

    monkeypatch.setattr("piggygan.data.checking.check.inspect_all", inspect_here)
    monkeypatch.setenv("COLUMNS", str(WIDTH))
    monkeypatch.setenv("TTY_COMPATIBLE", "0")  # no bars
    for module in ("commands", "registry"):  # before lines are broken, so that they break at the same places anywhere
        monkeypatch.setattr(f"piggygan.cli.{module}.escaped", lambda text: normalized(escaped(text)))
    shutil.copytree(made, tmp_path / "here")
    monkeypatch.chdir(tmp_path / "here")


def run(words: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[object, str, str]:
    """Run a command as at a terminal."""
    capsys.readouterr()
    try:
        code: object = main(words)
    except SystemExit as end:
        code = end.code
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def normalized(text: str) -> str:
    """Replace what differs between machines, days and versions of what piggygan stands on."""
    for pattern, name in (
        (re.escape(str(Path.cwd())), "/HERE"),
        (r"\b[0-9a-f]{64}\b", "DIGEST"),
        (r"\b20\d\d-\d\d-\d\d(T[\d:]+\+00:00)?", "DATE"),
        (r"\b\d+\.\d+\.\d+\+?(cpu|cu\d+)?\b", "VERSION"),
        (r"\b(x86_64|aarch64|arm64)\b", "MACHINE"),
        (r'("(instructions|matmul_precision)": )"[^"]*"', r'\1"..."'),
        (r'("threads": )\d+', r"\1N"),
    ):
        text = re.sub(pattern, name, text)
    return text


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("command", CASES)
def test_what_a_command_prints_is_as_it_was_last_looked_at(
    command: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    golden: Callable[[str, str], None],
) -> None:
    for channel in (sys.stdout, sys.stderr):
        monkeypatch.setattr(channel, "isatty", lambda: True)
    lines: list[str] = []
    for case in CASES[command]:
        words = case.split()
        code, out, err = run(words if command == "piggygan" else [command, *words], capsys)
        assert "Traceback" not in out + err
        too_long = [line for line in (out + err).splitlines() if len(line) > WIDTH and " " in line.strip()]
        assert not too_long or case.endswith("--json"), too_long
        lines.append(f"$ piggygan {'' if command == 'piggygan' else command + ' '}{case}".rstrip())
        lines += out.splitlines()
        lines += [f"! {line}".rstrip() for line in err.splitlines()]
        lines += [f"[exit code {code}]", ""]
    golden(f"{command}.txt", normalized("\n".join(lines)))


def test_no_command_is_without_its_snapshot() -> None:
    assert CASES.keys() == {"piggygan", *COMMANDS}
    for name, command in COMMANDS.items():
        for inner in command.commands if isinstance(command, Group) else ():
            assert any(case.split()[:1] == [inner] for case in CASES[name])
