"""Mistakes that people make with `piggygan train`: each is one line that says what, where and what to do.

Nothing is made, and nothing that was there is changed.
"""

from __future__ import annotations

import errno
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from piggygan.cli import main
from piggygan.data.synthetic.facades import write_facades

SMALL = "--size 32 --width 2 --batch-size 2 --commit-anyway --epochs 1"
FILMS = "new --task lungs --images films --masks"
THIRDS = "--split 0.5/0.25/0.25"
PAIRS = f"new --task facades --data facades {SMALL}"
LATER = "exp --task doors --data facades"

NEW_RUN: dict[str, tuple[str, str]] = {
    "a folder that is not there": (
        f"new --task facades --data facade {SMALL}",
        "Looked for a data set in '/HERE/facade': there is no such folder; near it is '/HERE/facades'.",
    ),
    "a folder that is a file": (
        f"new --task facades --data file.txt {SMALL}",
        "Looked for a data set in '/HERE/file.txt': that is a file, give its folder.",
    ),
    "a picture in place of its folder": (
        f"new --task lungs --images films/p0.png --masks masks {SMALL}",
        "Looked for pictures in '/HERE/films/p0.png': that is a file, give its folder.",
    ),
    "an empty folder": (
        f"new --task facades --data empty {SMALL}",
        "'/HERE/empty' and the folders below it have no file that ends in .bmp, .dcm,",
    ),
    "an empty side": (
        f"new --task facades --data half {SMALL}",
        "'/HERE/half/val' is empty: put pictures there, or remove it.",
    ),
    "single pictures in place of pairs": (
        f"new --task facades --data films {SMALL}",
        "'/HERE/films' has pictures and no targets, and 'p0.png' is 40 x 40 pixels, no pair side by side: needed are",
    ),
    "no data": (
        f"new --task facades {SMALL}",
        "no data are named: give --data FOLDER, or two folders: --inputs and --targets, --images and --masks, or",
    ),
    "data of two forms": (
        f"{FILMS} masks --data facades {SMALL}",
        "--data and --images and --masks are data of different forms: name one of them.",
    ),
    "images without masks": (f"new --task lungs --images films {SMALL}", "--images needs --masks as well."),
    "one folder for both": (
        f"{FILMS} films {SMALL}",
        "--images and --masks are one folder, '/HERE/films': name two.",
    ),
    "names that do not fit": (
        f"{FILMS} others {THIRDS} {SMALL}",
        "no file in '/HERE/films' has the name of one in '/HERE/others', such as 'p0', which has no mask: give both",
    ),
    "images and masks exchanged": (
        f"new --task lungs --images masks --masks films {THIRDS} {SMALL}",
        "the masks, such as '/HERE/films/p2.png', look like images, and the images, such as",
    ),
    "masks of another size": (
        f"{FILMS} small {THIRDS} {SMALL}",
        "3 of 3 pairs cannot be used; at most 5% may be left out, and not all. Repair or remove them",
    ),
    "grey masks": (
        f"{FILMS} grey {THIRDS} {SMALL}",
        "3 of 3 pairs cannot be used; at most 5% may be left out, and not all. Repair or remove them",
    ),
    "masks inverted": (
        f"{FILMS} inverted {THIRDS} {SMALL}",
        "3 of 3 masks that were looked at, such as '/HERE/inverted/p",
    ),
    "masks of one class only": (
        f"{FILMS} blank {THIRDS} {SMALL}",
        "none of the 3 masks in '/HERE' has any foreground: there is nothing to learn.",
    ),
    "a class that is not there": (
        f"{FILMS} masks --classes 3 {THIRDS} {SMALL}",
        "3 of 3 pairs cannot be used; at most 5% may be left out, and not all. Repair or remove them",
    ),
    "sides that do not add up": (
        f"{FILMS} masks --split 0.5/0.25/0.5 {SMALL}",
        "--split is '0.5/0.25/0.5'; needed are the shares of train, val and test that add up to 1, such as",
    ),
    "a pattern that is none": (
        f"{FILMS} masks --split-by (p {THIRDS} {SMALL}",
        "--split-by is '(p', which is no regular expression (missing ), unterminated subpattern at position 0):",
    ),
    "a pattern that finds nobody": (
        f"{FILMS} masks --split-by (z) {THIRDS} {SMALL}",
        "--split-by is '(z)', which finds no patient in 6 of 6 names, such as 'p0', 'p1', 'p2' and 3 more.",
    ),
    "a name on two sides": (
        f"{FILMS} masks --splits twice.json {SMALL}",
        "'/HERE/twice.json' has 'p1.png' on two sides, train and val: keep it on one.",
    ),
    "a name of no file on a side": (
        f"{FILMS} masks --splits absent.json {SMALL}",
        "1 of the names are no pairs in '/HERE': 'zz'; there is 'p0'. If splits.json names them, mend it.",
    ),
    "sides that are no JSON": (
        f"{FILMS} masks --splits file.txt {SMALL}",
        "'/HERE/file.txt' is no JSON: write one such as",
    ),
    "a direction of masks": (
        f"{FILMS} masks --direction BtoA {THIRDS} {SMALL}",
        "direction BtoA is of pairs, and these are images with masks: to make images of masks, give --inputs MASKS",
    ),
    "no epochs": (f"{PAIRS} --epochs 0", "--epochs is 0; give a whole number of at least 1."),
    "a batch that is too large": (
        f"{PAIRS} --batch-size 9",
        "--batch-size is 9, and there are 2 pairs to learn from; a last batch that is smaller is left out, so nothing",
    ),
    "a learning rate of 0": (f"{PAIRS} --learning-rate 0", "--learning-rate is 0.0; give a finite number above 0."),
    "a share above 1": (
        f"{PAIRS} --unconstrained-fraction 25",
        "--unconstrained-fraction is 25.0; give a number from 0 to 1.",
    ),
    "no bank": (f"{PAIRS} --max-bank 0", "--max-bank is 0.0; give a finite number above 0."),
    "a size that does not fit": (
        f"{PAIRS} --size 33",
        "a U-Net halves pictures at least 5 times, and --size 33 is no multiple of 32: take --size 32, or --net resnet",
    ),
    "a network that does not fit": (
        f"{PAIRS} --net unet_256",
        "unet_256 takes pictures whose side is a multiple of 256, and --size is 32: take --size 256 or another --net.",
    ),
    "a network that is not there": (
        f"{PAIRS} --net unet256",
        "there is no network 'unet256': did you mean 'unet_256'?",
    ),
    "no GPU": (
        f"{PAIRS} --device cuda",
        "--device cuda: PyTorch finds no GPU here. Take --device cpu, or see its installation.",
    ),
    "an objective of other data": (
        f"new --task doors --side-a films --side-b others --objective pix2pix {THIRDS} {SMALL}",
        "the data are two unpaired sides, and --objective pix2pix learns from others: take --objective cyclegan, or",
    ),
    "a first task that builds on another": (
        f"{PAIRS} --start-from facade",
        "--start-from facade: '/HERE/new/registry' holds no task yet, and the first one builds on nothing. Name the",
    ),
    "a first task that draws on others": (
        f"{PAIRS} --draws-on lungs hearts",
        "--draws-on lungs hearts: '/HERE/new/registry' holds no task yet, and the first one builds on nothing. Name",
    ),
    "capitals in a name": (f"new --task Lungs --data facades {SMALL}", "'Lungs' cannot name a task: use 1 to 64 of"),
    "spaces in a name": (f"new --task my_~lungs --data facades {SMALL}", "'my_ lungs' cannot name a task: use 1 to 64"),
    "a task that is a path": (f"new --task ../x --data facades {SMALL}", "'../x' cannot name a task: use 1 to 64 of"),
    "a file as the run": (
        f"file.txt --task facades --data facades {SMALL}",
        "'file.txt' is a file: name a folder for the run, a new one or one of a run.",
    ),
    "a run below a file": (
        f"file.txt/new --task facades --data facades {SMALL}",
        "'/HERE/file.txt' is a file, and 'new' is to be below it: name another folder.",
    ),
    "the data as the run": (
        f"facades --task facades --data facades {SMALL}",
        "'facades' is the folder of no run and no registry, and is not empty ('test', 'train', 'val'): name a new",
    ),
    "a configuration that is not there": (
        f"{PAIRS} --config nowhere.toml",
        "there is no configuration 'nowhere.toml': check the path.",
    ),
    "a configuration that is no TOML": (f"{PAIRS} --config file.txt", "'file.txt' is no TOML: Expected '='"),
    "a typo in a key": (
        f"{PAIRS} --config key.toml",
        "in 'key.toml' there is no option epoch in [training]: did you mean 'epochs'?",
    ),
    "a typo in a table": (
        f"{PAIRS} --config table.toml",
        "in 'table.toml' there is no option [trainning]: did you mean 'training'?",
    ),
    "a word for a number": (
        f"{PAIRS} --config type.toml",
        "in 'type.toml', epochs in [training] is 'many'; needed is a whole number.",
    ),
    "a typo in an option": (f"{PAIRS} --epoch 3", "there is no option '--epoch': did you mean '--epochs'? Or see"),
}

OLD_RUN: dict[str, tuple[str, str]] = {
    "a task that is frozen, longer": (
        f"exp --task facades --data facades {SMALL} --epochs 2",
        "'facades' is committed, and frozen for ever (--epochs was 1, is 2): learn it otherwise under another name.",
    ),
    "a task that is taken, for other data": (
        "exp --task facades --images films --masks masks",
        "'facades' is committed, and frozen for ever (--images was not given, is '/HERE/films'; --masks was not",
    ),
    "another network": (
        f"{LATER} --net unet_64",
        "the network of '/HERE/exp/registry' is unet_32 of width 2 (batch norm, dropout True), and all of",
    ),
    "a start that is not there": (
        f"{LATER} --start-from facade --epochs 1",
        "'doors' cannot start from 'facade': did you mean 'facades'? It draws on facades.",
    ),
    "a registry of one network for unpaired sides": (
        "exp --task doors --side-a films --side-b others",
        "'/HERE/exp/registry' holds one network, which learn pairs or masks, and the data are unpaired: name",
    ),
}


def png(path: Path, pixels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mistakes")
    for seed, side in enumerate(("train", "val", "test")):
        write_facades(folder / "facades" / side, 2, 32, seed=seed)
    shutil.copytree(folder / "facades/train", folder / "half/train")
    draw, mask = np.random.default_rng(0), np.zeros((40, 40), np.uint8)
    mask[10:20, 5:20] = 255
    for number in range(6):
        noise = draw.integers(0, 255, (2, 40, 40), dtype=np.uint8)
        png(folder / f"films/p{number}.png", noise[0])
        png(folder / f"grey/p{number}.png", noise[1])
        png(folder / f"masks/p{number}.png", mask)
        png(folder / f"blank/p{number}.png", mask * 0)
        png(folder / f"inverted/p{number}.png", 255 - mask)
        png(folder / f"small/p{number}.png", mask[:20, :30])
        png(folder / f"others/q{number}.png", mask)
    for name in ("empty", "half/val"):
        (folder / name).mkdir()
    for name, text in {
        "file.txt": "some words",
        "key.toml": "[training]\nepoch = 3\n",
        "table.toml": "[trainning]\nepochs = 3\n",
        "type.toml": "[training]\nepochs = 'many'\n",
        "twice.json": '{"train": ["p0.png", "p1.png"], "val": ["p1.png"], "test": ["p3.png"]}',
        "absent.json": '{"train": ["p0.png"], "val": ["p1.png"], "test": ["zz.png"]}',
    }.items():
        (folder / name).write_text(text, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(folder)
        assert main(f"train exp --task facades --data facades {SMALL}".split()) == 0
    return folder


def everything(folder: Path) -> dict[Path, bytes | None]:
    return {path: path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


def refused(line: str, here: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """Run a line that must be refused, and return the one line that it prints; where it ran reads /HERE."""
    before = everything(here)
    try:
        code: object = main(["train", *(word.replace("~", " ") for word in line.split())])
    except SystemExit as end:
        code = end.code
    printed = capsys.readouterr()
    assert code == 2
    assert printed.err.count("\n") == 1, printed.err
    assert everything(here) == before
    unquoted = re.sub(r"'[^']*'", "", printed.err)
    assert re.findall(r"(?<![-\w])[a-z]+_[a-z_]+", unquoted) in ([], ["in_channels", "out_channels"]), (
        "of Python, not of the line"
    )
    return printed.err.removeprefix("piggygan: ").replace(str(here), "/HERE")


@pytest.mark.parametrize("mistake", NEW_RUN | OLD_RUN)
def test_a_mistake_is_one_line_and_leaves_nothing_behind(
    mistake: str, made: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(made)
    line, said = (NEW_RUN | OLD_RUN)[mistake]
    assert refused(line, made, capsys).startswith(said)


@pytest.mark.parametrize(("number", "said"), [(errno.ENOSPC, "No space left"), (errno.EACCES, "Permission denied")])
def test_a_disk_that_takes_nothing_is_one_line_and_leaves_nothing_behind(
    number: int, said: str, made: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(path: Path, *_: object) -> None:
        raise OSError(number, said, str(path))

    monkeypatch.chdir(made)
    monkeypatch.setattr("piggygan.jobs.training.run.make_folder", full)
    assert said in refused(PAIRS, made, capsys)
