"""Every block of code in README and the docs is run on small data, here or in a test named here, or says not."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import piggygan as pg
from piggygan.cli import main
from piggygan.data import read_image
from piggygan.data.synthetic import write_facades, write_xrays

ROOT = Path(__file__).parents[2]
NAMES = ["README.md", "CONTRIBUTING.md", "SECURITY.md", *sorted(f"docs/{path.name}" for path in ROOT.glob("docs/*.md"))]
BLOCK = re.compile(r"^( *)```(\w*)\n(.*?)^ *```$", re.DOTALL | re.MULTILINE)
NOT_RUN = "not run in the tests"
ELSEWHERE = {
    ("README.md", "python"): "test_readme.py",
    ("README.md", "sh"): "test_makefile.py",
    ("CONTRIBUTING.md", "sh"): "test_workflows.py",
    ("docs/features.md", "python"): "test_readme.py",
    ("docs/index.md", "sh"): "../cli/test_demo.py",
    ("docs/start-method.md", "python"): "test_start_pages.py",
    ("docs/tutorial.md", "python"): "test_tutorial.py",
    ("docs/tutorial.md", "console"): "test_tutorial.py",
    ("docs/your_method.md", "python"): "../benchmarks/evidence/test_recipe.py",
    ("docs/your_method.md", "toml"): "../benchmarks/evidence/test_recipe.py",
    ("docs/node.md", "toml"): "../server/node/test_rules.py",
}
"""What runs a page's blocks of a kind, if it is not a test below."""


def blocks(name: str) -> list[tuple[str, str]]:
    found = BLOCK.findall((ROOT / name).read_text("utf-8"))
    return [(kind, re.sub(rf"^{indent}", "", text, flags=re.MULTILINE)) for indent, kind, text in found]


def to_run(name: str, kind: str) -> list[str]:
    return [text for of, text in blocks(name) if of == kind and NOT_RUN not in text and (name, kind) not in ELSEWHERE]


PYTHON = [name for name in NAMES if to_run(name, "python")]
SHELL = [name for name in NAMES if to_run(name, "sh") + to_run(name, "console")]


def test_every_block_is_run_or_says_that_it_is_not() -> None:
    assert len(PYTHON) > 5
    assert len(SHELL) > 5
    for name in NAMES:
        for kind, text in blocks(name):
            run = (name, kind) in ELSEWHERE or kind in {"python", "text"} or NOT_RUN in text  # text is what was printed
            run = run or (kind in {"sh", "console"} and all(map(is_run, commands(text))))
            assert run, f"{name}: nothing runs this; say so in its first line, `# {NOT_RUN}: why`:\n{text}"
    assert all((Path(__file__).parent / test).is_file() for test in ELSEWHERE.values())


SMALLER = {
    "256": "32",
    "128": "32",
    "depth=7, width=32": "depth=5, width=4",
    "ResNetGenerator()": "ResNetGenerator(width=2, blocks=1)",
    "PatchDiscriminator(": "PatchDiscriminator(width=2, layers=1, in_channels=",
    "size=32)": "size=32, width=4)",
    "epochs=200": "epochs=1",
    "LearningConfig(epochs=100)": "LearningConfig(epochs=1, commit_anyway=True)",
    "file:///tmp": "file://{folder}",
}
LONG = {"docs/how-to.md"}  # ONNX is tested in test_leaving.py
COPIES = {
    "chests": "datasets/montgomery",
    "films": "new archive",
    "masks": "new_masks heart_masks",
    "facades/trainA": "night horses",
    "facades/trainB": "day zebras",
}
NETWORKS = """
import piggygan as pg


def small(in_channels: int, out_channels: int) -> pg.UNetGenerator:
    return pg.UNetGenerator(in_channels=in_channels, out_channels=out_channels, depth=5, width=4)
"""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, write_film: Callable[..., Path]) -> Path:
    """What the pages' commands and code find in the folder that they are run in: data, and a registry of two tasks."""
    folder = tmp_path_factory.mktemp("world")
    for number, side in enumerate(("train", "val", "test")):
        write_facades(folder / "datasets/facades" / side, 4, 32, seed=number)
    for name in ("facades/trainA", "facades/trainB", "films", "masks", "organs"):
        (folder / name).mkdir(parents=True)
    for number, path in enumerate(sorted((folder / "datasets/facades/train").iterdir())):
        photo, labels = np.split(np.asarray(Image.open(path)), 2, axis=1)
        Image.fromarray(photo).save(folder / f"facades/trainA/{number}.png")
        Image.fromarray(labels).save(folder / f"facades/trainB/{number}.png")
        Image.fromarray(photo).save(folder / "photo.jpg")
    for number, (film, mask) in enumerate(write_xrays(folder / "chests", 16, 32, seed=0)):
        pixels = ((read_image(film, channels=1)[0] + 1) * 127.5).numpy().astype(np.uint8)
        name = f"p{number:02}"  # a patient each: folds and their bank take many
        write_film(folder / f"films/{name}.dcm", pixels, PatientID=name, PixelSpacing=[0.2, 0.2], ViewPosition="PA")
        shutil.copy(mask, folder / f"masks/{name}.png")
        grey = np.asarray(Image.open(mask).convert("L"))
        Image.fromarray(np.where(np.arange(len(grey))[:, None] < 16, grey // 255 * 250, grey // 255 * 150)).save(
            folder / f"organs/{name}.png"
        )
    for name, others in COPIES.items():
        for other in others.split():
            shutil.copytree(folder / name, folder / other)
    shutil.copy(folder / "films/p00.dcm", folder / "film.dcm")
    torch.save(pg.UNetGenerator(depth=7, width=2, norm="batch").state_dict(), folder / "latest_net_G.pth")
    torch.save(pg.ResNetGenerator(width=2, blocks=6).state_dict(), folder / "latest_net_G_A.pth")
    registry = pg.TaskRegistry(folder / "runs/clinic")
    model = pg.MultiTaskGenerator(pg.UNetGenerator(depth=5, width=4), base_task="facades")
    (folder / "doors.toml").write_text('[data]\nimages = "films"\nmasks = "masks"\n', encoding="utf-8")
    (folder / "networks.py").write_text(NETWORKS, encoding="utf-8")
    for task in ("facades", "lungs", "lungs_2", "hearts", "windows"):
        if task != "facades":
            model.add_task(task, out_channels=1)
        model.freeze_task(task)
        registry.commit(model, task, image_size=32)
    return folder


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow) if name in LONG else name for name in PYTHON]
)
def test_the_python_of_a_page_runs_from_top_to_bottom(
    name: str, world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(shutil.copytree(world, tmp_path, dirs_exist_ok=True))
    if name == "docs/cyclegan.md":
        shutil.rmtree("runs/clinic")
    if name == "docs/evaluating.md":
        shutil.copytree("runs/clinic", "runs/exp/registry")
    names: dict[str, object] = {}
    for text in to_run(name, "python"):
        code = text
        for large, small in SMALLER.items():
            code = code.replace(large, small.format(folder=tmp_path))
        exec(compile(code, name, "exec"), names)  # noqa: S102 (our own pages)


def commands(text: str) -> list[str]:
    """The commands of a block, without what they print and what is said of them."""
    told = text.replace("\\\n", " ")
    lines = re.findall(r"^\$ (.*)", told, re.MULTILINE) if "$ " in told else told.splitlines()
    return [command for line in lines if (command := line.partition("  #")[0].strip()) and not command.startswith("#")]


def is_run(command: str) -> bool:
    """Whether it is one of ours; `make release` tries what is installed."""
    return command.startswith(("piggygan ", "pip install"))


BEFORE = {
    "docs/evaluating.md": [
        "piggygan train runs/exp --task lungs --images films --masks masks",
        "piggygan train runs/exp --task lungs_2 --images films --masks masks",
        "piggygan push runs/clinic file:///srv/exp",
        "piggygan pull file:///srv/exp runs/other",
    ],
    "docs/how-to.md": ["piggygan push runs/clinic file:///srv/exp", "piggygan pull file:///srv/exp runs/exp"],
    "docs/sharing.md": ["piggygan push runs/clinic file:///srv/exp", "piggygan pull file:///srv/exp runs/exp"],
    "docs/start-hospital.md": ["piggygan push runs/clinic file:///srv/share/lungs --task lungs"],
}
"""What a reader of the page has done already."""
WAITING = ("piggygan serve ", "piggygan node ", "pip install ")
"""Go on until Ctrl-C, as tests/server shows; and what `make release` does."""


def smaller(words: list[str], folder: Path) -> list[str]:
    """The words of a command for small data, and for places that are under a folder."""
    words = [re.sub(r"^(hf|file)://", f"file://{folder}/", word) for word in words]
    if words[0] == "sweep":
        return [*words, "--epochs", "1"]
    if words[0] != "train":
        return words
    is_new = not Path(words[1]).exists()
    return [*words, "--epochs", "1", "--commit-anyway", *(["--width", "4", "--size", "32"] if is_new else [])]


@pytest.mark.slow
@pytest.mark.parametrize("name", SHELL)
def test_the_commands_of_a_page_run_one_after_the_other(
    name: str, world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(shutil.copytree(world, tmp_path, dirs_exist_ok=True))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr("webbrowser.open", lambda _: True)
    told = [command for kind in ("sh", "console") for text in to_run(name, kind) for command in commands(text)]
    for command in [*BEFORE.get(name, []), *(one for one in told if not one.startswith(WAITING))]:
        words = shlex.split(command)[1:]
        if name == "docs/start-hospital.md" and (words[0] == "pull" or {"train", "lungs"} <= set(words)):
            shutil.rmtree("runs/clinic", ignore_errors=True)  # one pulls a task or trains it
        assert main(smaller(words, tmp_path)) == 0, command
