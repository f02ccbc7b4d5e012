"""A program that kills processes inside one writing call of a registry, and checks after each what is left.

    killed_writer.py FOLDER commit|migrate|remove|gc|export|import KILLS SEED

It prints how many processes were killed inside the call, and fails with a traceback at the first thing that is lost.
Processes are forked from here, where torch is loaded already and no other thread runs.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch

from piggygan.errors import RegistryError
from piggygan.model.generator import MultiTaskGenerator
from piggygan.networks import UNetGenerator
from piggygan.registry import TaskRegistry, TrainingData


class Program:
    """A registry of two tasks, a third that comes and goes, and one writing call to be killed in."""

    def __init__(self, folder: Path, call: str) -> None:
        torch.set_num_threads(1)
        torch.manual_seed(0)
        self.folder, self.file, self.call = folder / "registry", folder / "hands.safetensors", call
        self.target = folder / "out.safetensors"
        self.model = MultiTaskGenerator(UNetGenerator(depth=3, width=4, norm="instance"), "facades")
        self.model.freeze_task("facades")
        self.registry.commit(self.model, "facades")
        for task in ("edges", "hands"):
            self.model.add_task(task, draws_on=["facades"], init="normal", max_bank=1.25)  # of format 1
            self.model.freeze_task(task)
            self.registry.commit(self.model, task)
        self.registry.export_task("hands", self.file)
        self.whole = self.file.read_bytes()

    @property
    def registry(self) -> TaskRegistry:
        """The registry as a new process would open it."""
        return TaskRegistry(self.folder, lock_timeout=5)

    def prepare(self) -> None:
        """Bring about the state that the call starts from."""
        has_hands = "hands" in self.registry.tasks
        if self.call in ("commit", "migrate", "import", "gc") and has_hands:
            self.registry.remove_task("hands")
        if self.call == "remove" and not has_hands:
            self.registry.commit(self.model, "hands")
        if self.call in ("commit", "migrate", "import"):
            self.registry.gc()
        self.target.unlink(missing_ok=True)

    def write(self) -> None:
        """Make the call."""
        calls: dict[str, Callable[[], object]] = {
            "commit": lambda: self.registry.commit(self.model, "hands"),
            "migrate": lambda: self.registry.commit(
                self.model, "hands", data=TrainingData("masks"), attachments={"features": {"mean": torch.zeros(3)}}
            ),
            "remove": lambda: self.registry.remove_task("hands"),
            "gc": lambda: self.registry.gc(),
            "export": lambda: self.registry.export_task("edges", self.target),
            "import": lambda: self.registry.import_task(self.file),
        }
        calls[self.call]()

    def check(self) -> None:
        """Fail if something is lost, half there, or left over after ``gc``."""
        verification = self.registry.verify_files()
        if not verification.is_sound or self.registry.tasks[:2] != ("facades", "edges"):
            raise AssertionError(f"{self.registry.tasks}: {list(verification)}")
        version = json.loads((self.folder / "registry.json").read_bytes())["schema_version"]
        if version != (2 if self.call == "migrate" and "hands" in self.registry.tasks else 1):
            raise AssertionError(f"it is of format {version}")
        if self.target.exists():  # whole, or it would be refused for what it is and not for being there
            try:
                self.registry.import_task(self.target)
            except RegistryError as error:
                raise AssertionError("a half-written export") from error
            except Exception as error:
                if "edges" not in str(error):
                    raise
        self.registry.gc()
        litter = self.registry.verify_files().notes
        if litter or list(self.folder.rglob("*.tmp")):
            raise AssertionError(f"left over: {litter}")


def killed_inside(program: Program, after: float) -> bool:
    """Start the call in a new process, kill that after some seconds, and say whether it was still in the call."""
    reading, writing = os.pipe()
    process = os.fork()
    if process == 0:
        os.write(writing, b"<")
        program.write()
        os.write(writing, b">")
        os._exit(0)
    os.close(writing)
    os.read(reading, 1)
    time.sleep(after)
    os.kill(process, signal.SIGKILL)
    os.waitpid(process, 0)
    ended = os.read(reading, 1)
    os.close(reading)
    return not ended


def main(folder: str, call: str, kills: str, seed: str) -> None:
    """Kill until so many have landed inside the call."""
    program, chance, inside = Program(Path(folder), call), random.Random(int(seed)), 0
    program.prepare()
    start = time.perf_counter()
    program.write()
    lasts = time.perf_counter() - start
    for _ in range(20 * int(kills)):
        if inside == int(kills):
            break
        program.prepare()
        inside += killed_inside(program, chance.uniform(0, lasts))
        program.check()
    if not all(check.state == "equal" for check in program.registry.verify()):
        raise AssertionError("a certificate does not hold any more")
    sys.stdout.write(f"{inside}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
