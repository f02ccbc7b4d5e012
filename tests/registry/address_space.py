"""Runs each command on a registry of a U-Net-256 in a bounded address space.

``python address_space.py FOLDER GIB`` runs all of them once and fails if one does; without ``GIB`` it finds the
least that each needs, to a quarter of a GiB, and says it.
"""

from __future__ import annotations

import resource
import shutil
import subprocess
import sys
from pathlib import Path

import torch
from PIL import Image

from piggygan.model.generator import MultiTaskGenerator
from piggygan.networks import UNetGenerator
from piggygan.registry import TaskRegistry

GIB = 2**30
COMMANDS = {
    "import": "import new base.safetensors",
    "import a second task": "import base second.safetensors",
    "load": "",
    "verify": "verify clinic",
    "predict": "predict clinic film.png --task lungs --size 256 --out out",
    "export": "export clinic lungs exported.safetensors",
}
LOAD = "from piggygan.registry import TaskRegistry; TaskRegistry('clinic').load()"


def prepare(folder: Path) -> None:
    """Make the registry, the files to import, and a film."""
    if (folder / "clinic").exists():
        return
    torch.manual_seed(0)
    model = MultiTaskGenerator(UNetGenerator(norm="batch"), "facades")
    model.freeze_task("facades")
    model.add_task("lungs", out_channels=1)
    model.freeze_task("lungs")
    clinic, base = TaskRegistry(folder / "clinic"), TaskRegistry(folder / "base")
    clinic.commit(model, "facades")
    base.commit(model, "facades")
    clinic.commit(model, "lungs")
    clinic.export_task("facades", folder / "base.safetensors")
    clinic.export_task("lungs", folder / "second.safetensors")
    Image.new("RGB", (256, 256), (90, 90, 90)).save(folder / "film.png")


def run(folder: Path, command: str, gib: float) -> str:
    """Run one command in so much address space; return what it says on its error channel if it fails."""
    for made in ("new", "out"):
        shutil.rmtree(folder / made, ignore_errors=True)
    (folder / "exported.safetensors").unlink(missing_ok=True)
    if command.startswith("import base") and "lungs" in (base := TaskRegistry(folder / "base")).tasks:
        base.remove_task("lungs")
    words = ["-m", "piggygan.cli", *command.split()] if command else ["-c", LOAD]
    limit = int(gib * GIB)

    def bounded() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))

    try:
        done = subprocess.run(
            [sys.executable, *words],
            cwd=folder,
            capture_output=True,
            text=True,
            preexec_fn=bounded,
            check=False,
            timeout=120,
        )
    except subprocess.TimeoutExpired:
        return "it hung"
    return "" if done.returncode == 0 else done.stderr or f"exit code {done.returncode}"


def least(folder: Path, command: str) -> float:
    """Return the least address space that a command needs, in GiB, to a quarter."""
    low, high = 0, 32
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if run(folder, command, middle / 4) else (low, middle)
    return high / 4


if __name__ == "__main__":
    place = Path(sys.argv[1])
    prepare(place)
    for name, command in COMMANDS.items():
        if len(sys.argv) > 2:
            if problem := run(place, command, float(sys.argv[2])):
                sys.exit(f"{name}: {problem}")
        else:
            sys.stdout.write(f"{name}: {least(place, command)} GiB\n")
            sys.stdout.flush()
