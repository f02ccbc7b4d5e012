"""One contender's training steps, in a process of its own that takes a step when it is told to.

Several contenders in one process would share its heap: whether a freed gradient goes back to the system, and is paid
for anew in the next step, then depends on what the others keep (it moved fine-tuning by a third). And a peak is a
process's. On the CPU it is the resident memory; on Linux that of the steps alone, since the peak can be put back after
building. On an accelerator it is what torch's allocator counts.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from benchmarks.peaks import forget_peak, resident_peak

if TYPE_CHECKING:  # the child is to see what torch alone takes, before anything else is there
    from benchmarks.speed.subjects import Network, Precision, Setting, Step

Contender = Literal[
    "fine-tuning",
    "piggygan",
    "piggygan, calibrated",
    "piggygan, the whole bank",
    "naive composition",
    "LoRA (peft)",
]

CycleContender = Literal["CycleGAN, fine-tuning", "CycleGAN, piggygan", "CycleGAN, piggygan, calibrated"]

STEPS = 3
"""The optimizer's state is made in the first."""

ROOT = Path(__file__).resolve().parents[2]
"""Where a child finds ``benchmarks``."""

COMMAND = (sys.executable, "-m", "benchmarks.speed.children")
"""What starts a child; its subject follows."""

ANSWER = "answer: "
"""What a line of a child begins with."""


@dataclass(frozen=True)
class Subject:
    """What a child builds, in words that can be handed to it.

    Attributes:
        contender: What takes the steps.
        network: Which generator.
        batch: Images a step.
        size: Side of the images in pixels.
        width: Channels of the first level.
        device: Where it runs.
        precision: ``bf16``: under autocast.
        tasks: Tasks of the model, the last of them in training; fine-tuning has none.
        max_bank: Bound on the last task's bank.
    """

    contender: Contender | CycleContender
    network: Network
    batch: int
    size: int
    width: int
    device: str
    precision: Precision
    tasks: int
    max_bank: float | None


@dataclass(frozen=True)
class Peak:
    """The most memory held during the steps.

    Attributes:
        whole: Bytes of the whole process; on an accelerator what the allocator took from the device.
        own: Bytes beyond those after ``import torch``; on an accelerator those of tensors.
    """

    whole: int
    own: int


def subject_of(
    setting: Setting, contender: Contender | CycleContender, *, tasks: int = 2, max_bank: float | None = 0.25
) -> Subject:
    """Describe what a child is to build; the bound is the package's default."""
    return Subject(
        contender=contender,
        network=setting.network,
        batch=setting.batch,
        size=setting.size,
        width=setting.width,
        device=str(setting.device),
        precision=setting.precision,
        tasks=tasks,
        max_bank=max_bank,
    )


def measure_peaks(subjects: Sequence[Subject]) -> list[Peak | str]:
    """Return each subject's peak, or why it could not be measured.

    Nothing is timed here, so where there are cores enough several children run at once.
    """
    with ThreadPoolExecutor(max_workers=max(1, (os.cpu_count() or 1) // 4)) as pool:
        return list(pool.map(measure_peak, subjects))


def measure_peak(subject: Subject) -> Peak | str:
    """Return the peak of a fresh process, or why there is none."""
    try:
        with Child(subject) as child:
            for _ in range(STEPS):
                child.step()
            return child.peak()
    except ChildError as error:
        return str(error)


class ChildError(RuntimeError):
    """A child that ended before it was told to; the message says why."""


class Child:
    """A process that has built a subject.

    Args:
        subject: What it builds.

    Raises:
        ChildError: If it could not be built, or in any call if it has ended since.
    """

    def __init__(self, subject: Subject) -> None:
        command = [*COMMAND, json.dumps(asdict(subject))]
        self._process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self._read()

    def step(self) -> None:
        """Take one step, and wait for it."""
        self._ask("step")

    def peak(self) -> Peak:
        """Return the most memory held since it was built."""
        return Peak(**self._ask("peak"))

    def _ask(self, what: str) -> Any:
        if self._process.stdin is None or self._process.poll() is not None:
            raise ChildError("it has ended")
        self._process.stdin.write(what + "\n")
        self._process.stdin.flush()
        return self._read()

    def _read(self) -> Any:
        line = "" if self._process.stdout is None else self._process.stdout.readline()
        if line.startswith(ANSWER):
            return json.loads(line.removeprefix(ANSWER))
        if line:  # something else was printed
            return self._read()
        _, errors = self._process.communicate()
        code = self._process.returncode
        if code < 0:
            raise ChildError(f"its process was ended by signal {-code}: no memory?")
        raise ChildError(next(reversed(errors.strip().splitlines()), f"its process ended with {code}"))

    def __enter__(self) -> Child:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()


def main(subject: Subject) -> None:
    """Build a subject, then take a step or tell the peak as each line asks for."""
    import torch

    after_torch = resident_peak()
    from benchmarks.speed.pairing import wait_for
    from benchmarks.speed.subjects import Setting

    torch.manual_seed(0)
    device = torch.device(subject.device)
    setting = Setting(subject.network, subject.batch, subject.size, device, subject.precision, subject.width)
    step = _make_step(subject, setting)
    forget_peak(device)
    _answer("ready")
    for line in sys.stdin:
        if line.strip() == "step":
            step()
            wait_for(device)
            _answer("done")
        elif device.type == "cpu":
            _answer(asdict(Peak(resident_peak(), resident_peak() - after_torch)))
        else:
            reserved, allocated = torch.accelerator.max_memory_reserved, torch.accelerator.max_memory_allocated
            _answer(asdict(Peak(reserved(device), allocated(device))))


def _answer(what: object) -> None:
    print(f"{ANSWER}{json.dumps(what)}", flush=True)


def _make_step(subject: Subject, setting: Setting) -> Step:
    import piggygan as pg
    from benchmarks.speed.subjects import (
        cyclegan_fine_tuning_step,
        cyclegan_step,
        fine_tuning_step,
        last_task_step,
        lora_step,
        model_with_frozen,
        naive_step,
    )

    if subject.contender == "fine-tuning":
        return fine_tuning_step(setting)
    if subject.contender == "CycleGAN, fine-tuning":
        return cyclegan_fine_tuning_step(setting)
    if subject.contender in ("CycleGAN, piggygan", "CycleGAN, piggygan, calibrated"):
        return cyclegan_step(setting, subject.tasks, calibrated=subject.contender.endswith("calibrated"))
    if subject.contender == "LoRA (peft)":
        return lora_step(setting)
    if subject.contender == "naive composition":
        return naive_step(setting, subject.tasks)
    model = model_with_frozen(setting, subject.tasks - 1)
    model.add_task("new", max_bank=None if subject.contender.endswith("the whole bank") else subject.max_bank)
    if subject.contender == "piggygan, calibrated":
        pg.calibrate(model, setting.images(), "new")
    return last_task_step(model.train(), setting)


if __name__ == "__main__":
    main(Subject(**json.loads(sys.argv[1])))
