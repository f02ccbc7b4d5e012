"""The most memory that training steps of one contender hold, measured in a process of its own.

A peak is a process's: what other contenders held before would be counted with it. On the CPU it is the resident
memory; on Linux that of the steps alone, since the peak can be put back after building. On an accelerator it is what
torch's allocator counts.
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
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:  # the child is to see what torch alone takes, before anything else is there
    import torch
    from subjects import Network, Precision, Setting, Step

Contender = Literal["fine-tuning", "piggygan", "naive composition"]

STEPS = 3
"""The optimizer's state is made in the first."""


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

    contender: Contender
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


def measure_peaks(subjects: Sequence[Subject]) -> list[Peak | str]:
    """Return each subject's peak, or why it could not be measured.

    Nothing is timed here, so where there are cores enough several children run at once.
    """
    with ThreadPoolExecutor(max_workers=max(1, (os.cpu_count() or 1) // 4)) as pool:
        return list(pool.map(measure_peak, subjects))


def measure_peak(subject: Subject) -> Peak | str:
    """Return the peak of a fresh process, or why there is none."""
    command = [sys.executable, str(Path(__file__).resolve()), json.dumps(asdict(subject))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        if done.returncode < 0:
            return f"its process was ended by signal {-done.returncode}: no memory?"
        return next(reversed(done.stderr.strip().splitlines()), f"its process ended with {done.returncode}")
    return Peak(**json.loads(done.stdout.splitlines()[-1]))


def resident_peak() -> int:
    """Return the most bytes this process had resident."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    except OSError:
        import resource

        # In kilobytes, on macOS in bytes. On Linux it would count the parent too, as large as that was at the fork.
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))


def _forget_peak(device: torch.device) -> None:
    """Start anew from what is held now, where the system lets us."""
    if device.type == "cpu":
        try:
            Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
        except OSError:  # then the peak is that of building and steps
            return
    else:
        import torch

        torch.accelerator.reset_peak_memory_stats(device)


def main(subject: Subject) -> None:
    """Take some steps and print the peak."""
    import torch

    after_torch = resident_peak()
    from pairing import wait_for
    from subjects import Setting

    torch.manual_seed(0)
    device = torch.device(subject.device)
    setting = Setting(subject.network, subject.batch, subject.size, device, subject.precision, subject.width)
    step = _make_step(subject, setting)
    _forget_peak(device)
    for _ in range(STEPS):
        step()
    wait_for(device)
    peak = Peak(resident_peak(), resident_peak() - after_torch)
    if device.type != "cpu":
        peak = Peak(torch.accelerator.max_memory_reserved(device), torch.accelerator.max_memory_allocated(device))
    print(json.dumps(asdict(peak)))


def _make_step(subject: Subject, setting: Setting) -> Step:
    from subjects import fine_tuning_step, last_task_step, model_with_frozen, naive_step

    if subject.contender == "fine-tuning":
        return fine_tuning_step(setting)
    if subject.contender == "naive composition":
        return naive_step(setting, subject.tasks)
    model = model_with_frozen(setting, subject.tasks - 1)
    model.add_task("new", max_bank=subject.max_bank)
    return last_task_step(model.train(), setting)


if __name__ == "__main__":
    main(Subject(**json.loads(sys.argv[1])))
