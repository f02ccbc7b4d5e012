"""A program that trains in several processes as often as it is told to, and lets what it is told happen to one of them.

python several_processes.py. It says that it is ready; each line of input is a JSON object, see :func:`learn`; each is
answered by a JSON object with the exit code of each process and what they said. What is imported once costs nobody
anything: processes are forks. As under torchrun, which starts processes again, all meet in one store that lives on.
"""

import json
import os
import signal
import sys
import tempfile
import time
import traceback
from pathlib import Path
from typing import Any, NoReturn

import torch
from torch.distributed import TCPStore

from piggygan.errors import PiggyganError, TrainingInterruptedError
from piggygan.jobs.config import LearningConfig, NetworkConfig, TrainConfig
from piggygan.jobs.data import DataConfig
from piggygan.jobs.training.run import train_task
from piggygan.training import Checkpoints
from piggygan.training.checkpoints import folder
from piggygan.training.objectives.supervised import SupervisedObjective
from piggygan.training.processes import Processes
from tests.training import resumable_program as program


def main() -> None:
    torch.set_num_threads(1)
    store = TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
    answer("ready")
    for attempt, line in enumerate(sys.stdin):
        told = json.loads(line)
        with tempfile.TemporaryFile("w+") as said:
            started = time.monotonic()
            children = [start(number, store.port, attempt, told, said) for number in range(told["count"])]
            codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
            said.seek(0)
            answer(json.dumps({"codes": codes, "said": said.read(), "seconds": time.monotonic() - started}))


def start(number: int, port: int, attempt: int, told: dict[str, Any], said: Any) -> int:
    child = os.fork()
    if child == 0:
        signal.alarm(told.get("patience", 0))  # ends a process that waits for one that is no more
        time.sleep(told.get("late", 0) if number == 0 else 0)
        os.environ |= {
            "RANK": str(number),
            "LOCAL_RANK": str(number),
            "WORLD_SIZE": str(told["count"]),
            "LOCAL_WORLD_SIZE": str(told["count"]),
            "MASTER_ADDR": "127.0.0.1",
            "MASTER_PORT": str(port),
            "GROUP_WORLD_SIZE": "1",
            "TORCHELASTIC_USE_AGENT_STORE": "True",
            "TORCHELASTIC_RESTART_COUNT": str(attempt),
        }
        os.dup2(said.fileno(), 2)
        learn(number, told)
    return child


def learn(number: int, told: dict[str, Any]) -> NoReturn:
    """Train; ``at`` says at which step of this run something happens to which process, and ``what``."""
    code = 1
    try:
        (learn_task if "task" in told else learn_by_loop)(number, told)
        code = 0
    except TrainingInterruptedError as error:
        code = error.exit_code
    except PiggyganError as error:
        sys.stderr.write(f"{number}: {type(error).__name__}: {error}\n")
        code = 2
    except Exception:
        traceback.print_exc()
    finally:
        os._exit(code)


def learn_by_loop(number: int, told: dict[str, Any]) -> None:
    objective = program.make_objective(told.get("kind", "pix2pix"))
    objective.play = watched(objective.play, number, told)
    options = {"inexact": told.get("inexact", False), "every_steps": told.get("every_steps", 3)}
    checkpoints = Checkpoints(told["folder"], **options)
    score = (lambda record: -record.losses["generator.l1"]) if told.get("scored") else None
    program.run(
        objective,
        program.make_data(told.get("data", "shuffle")),
        checkpoints,
        on_epoch=score,
        epochs=told.get("epochs", 4),
    )


def learn_task(number: int, told: dict[str, Any]) -> None:
    SupervisedObjective.play = watched(SupervisedObjective.play, number, told)  # type: ignore[method-assign]
    learning = LearningConfig(epochs=told.get("epochs", 4), batch_size=1, validate_every=2, commit_anyway=True)
    config = TrainConfig(DataConfig(data=Path(told["data"])), NetworkConfig(width=2), training=learning)
    train_task(told["folder"], told["task"], config, progress=False)


def watched(play: Any, number: int, told: dict[str, Any]) -> Any:
    count = 0

    def playing(*batch: Any) -> Any:
        nonlocal count
        count += 1
        if told.get("at", {}).get(str(number)) == count:
            happen(told["what"])
        return play(*batch)

    return playing


def happen(what: str) -> None:
    if what == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif what == "terminate":
        os.kill(os.getpid(), signal.SIGTERM)
    elif what == "fail":
        raise PiggyganError("this film cannot be read.")
    elif what == "kill in a checkpoint":  # the next one that this process writes, or gives its share of
        folder.write_durably = write_half
        if os.environ["RANK"] != "0":
            Processes.gathered = lambda *_: happen("kill")  # type: ignore[method-assign, assignment]


def write_half(path: Path, data: bytes) -> NoReturn:
    """Die as a process that is killed while it writes a checkpoint."""
    path.with_name(f".{path.name}.{os.getpid()}.deadbeef.tmp").write_bytes(data[: len(data) // 2])
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("a process that is killed goes no further.")


def answer(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
