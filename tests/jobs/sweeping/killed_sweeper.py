"""A program that sweeps in a child as often as it is told to, and kills the child where it is told to.

python -m tests.jobs.sweeping.killed_sweeper. It says that it is ready; each line of input is a JSON object: the
``words`` after ``piggygan``, the ``log`` of trainings that came to their end, and, if the child is to be killed, the
function ``at`` whose call number ``count`` kills it. With ``twice`` the same words are said once more, by another
process, while a training is under way. Each is answered by the exit codes and what was said.
"""

import itertools
import json
import os
import pkgutil
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import torch

from piggygan.cli import main as piggygan
from piggygan.jobs.sweeping import engines, trial


def main() -> None:
    torch.set_num_threads(1)
    answer("ready")
    for line in sys.stdin:
        told = json.loads(line)
        with tempfile.TemporaryFile("w+") as said:
            code = code_of(lambda told=told, said=said: sweep(told, said))
            said.seek(0)
            answer(json.dumps({"code": code, "said": said.read()}))


def code_of(call: Callable[[], NoReturn]) -> int:
    """Call in another process; return its exit code."""
    child = os.fork()
    if child == 0:
        call()
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def sweep(told: dict[str, Any], said: Any) -> NoReturn:
    os.dup2(said.fileno(), 1)
    os.dup2(said.fileno(), 2)
    log_trainings(Path(told["log"]))
    if told.get("twice"):
        say_again(told["words"])
    if "at" in told:
        kill_at(told["at"], told.get("count", 1))
    say(told["words"])


def say(words: list[str]) -> NoReturn:
    code = 70
    try:
        code = piggygan(words)
    except Exception:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        os._exit(code)


def log_trainings(log: Path) -> None:
    train = trial.train_task

    def logged(folder: Path, *arguments: Any, **named: Any) -> Any:
        result = train(folder, *arguments, **named)
        with log.open("a", encoding="utf-8") as file:
            file.write(f"{folder.name}\n")
        return result

    trial.train_task = logged


def say_again(words: list[str]) -> None:
    learn = engines.learn_trial

    def while_others_try(*arguments: Any) -> None:
        sys.stdout.write(f"the second: {code_of(lambda: say(words))}\n")
        sys.stdout.flush()
        learn(*arguments)

    engines.learn_trial = while_others_try


def kill_at(function: str, count: int) -> None:
    """Let one call of a function, ``module:name`` or ``module:class.name``, kill the process."""
    place, _, name = function.replace(":", ".").rpartition(".")
    owner = pkgutil.resolve_name(place)
    own, calls = getattr(owner, name), itertools.count(1)

    def called(*arguments: Any, **named: Any) -> Any:
        if next(calls) == count:
            os.kill(os.getpid(), signal.SIGKILL)
        return own(*arguments, **named)

    setattr(owner, name, called)


def answer(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
