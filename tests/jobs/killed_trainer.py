"""A program that learns a task in a child as often as it is told to, so that a test can kill the child.

python killed_trainer.py DATA. It says that it is ready; each line of input has the seconds after which to kill the
child, or the function that kills it when it is called, and a folder; each is answered by the child's exit code and how
long it ran. What is imported once costs no child anything.
"""

import math
import os
import pkgutil
import signal
import sys
import time
import traceback
from pathlib import Path
from typing import NoReturn

import torch

from piggygan.jobs.config import LearningConfig, NetworkConfig, TrainConfig
from piggygan.jobs.data import DataConfig
from piggygan.jobs.training.run import train_task

CONFIG = TrainConfig(
    DataConfig(data=Path(sys.argv[1]) if sys.argv[1:] else None),  # none where it is only imported
    NetworkConfig(width=2),
    training=LearningConfig(epochs=8, batch_size=2, validate_every=2, commit_anyway=True),
)


def main() -> None:
    torch.set_num_threads(1)
    answer("ready")
    for line in sys.stdin:
        moment, folder = line.rstrip("\n").split(" ", 1)
        seconds = math.inf if ":" in moment else float(moment)
        started = time.monotonic()
        child = os.fork()
        if child == 0:
            if ":" in moment:
                kill_at(moment)
            learn(folder)
        while (status := os.waitpid(child, os.WNOHANG))[0] == 0:
            if time.monotonic() - started >= seconds:
                os.kill(child, signal.SIGKILL)
                status = os.waitpid(child, 0)
                break
            time.sleep(0.002)
        answer(f"{os.waitstatus_to_exitcode(status[1])} {time.monotonic() - started}")


def kill_at(function: str) -> None:
    """Let a function, ``module:name`` or ``module:class.name``, kill the process that calls it."""
    place, _, name = function.replace(":", ".").rpartition(".")
    setattr(pkgutil.resolve_name(place), name, lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL))


def learn(folder: str) -> NoReturn:
    code = 1
    try:
        train_task(folder, "lungs", CONFIG, progress=False)
        code = 0
    except Exception:
        traceback.print_exc()
    finally:
        os._exit(code)


def answer(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
