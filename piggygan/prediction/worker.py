"""The process that reads films and makes their files beside the network: orders and answers, a line of JSON each.

python -m piggygan.prediction.worker

The first line is the job. ``read`` is answered by the canvas, or by what is wrong with the film; ``make``, with what
the network gave, by what was made; ``drop`` by nothing. Numbers follow their line as they lie in memory. Nothing is
pickled.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import warnings
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import torch
from torch import Tensor

from piggygan.data.untrusted.confinement import end_with_the_caller
from piggygan.errors import PredictionError
from piggygan.prediction.films import reading
from piggygan.prediction.findings import Finding
from piggygan.prediction.inputs import InputFile
from piggygan.prediction.job import Job
from piggygan.prediction.making import Made, Maker, Opened
from piggygan.prediction.summary import RefusedFile


def serve(orders: BinaryIO, answers: BinaryIO) -> None:
    """Answer orders until there are no more.

    Args:
        orders: The job's line, and then orders.
        answers: Where to.
    """
    setup = json.loads(orders.readline())
    job = Job.of_dict(setup["job"])
    with reading(job.options) as source:
        maker = Maker(job, source, Path(os.fsdecode(bytes.fromhex(setup["staging"]))))
        opened: dict[int, Opened] = {}
        for line in iter(orders.readline, b""):
            order = json.loads(line)
            if order["what"] == "read":
                _read(maker, order, opened, answers)
            elif order["what"] == "make":
                _make(maker, opened.pop(order["film"]), order, receive(order["shape"], orders), answers)
            else:
                opened.pop(order["film"])  # of which the network made nothing
            answers.flush()


def _read(maker: Maker, order: dict[str, Any], opened: dict[int, Opened], answers: BinaryIO) -> None:
    file = InputFile(Path(os.fsdecode(bytes.fromhex(order["path"]))), order["name"], order["may_be_dicom"])
    found = maker.read(file)
    if isinstance(found, RefusedFile):
        _say(answers, {"refused": asdict(found)})
        return
    canvas = found.film.canvas
    opened[order["film"]] = found
    bands = canvas[:1] if canvas.stride(0) == 0 else canvas
    _say(answers, {"shape": list(bands.shape), "channels": canvas.shape[0]})
    send(bands, answers)


def _make(maker: Maker, opened: Opened, order: dict[str, Any], output: Tensor, answers: BinaryIO) -> None:
    try:
        made = maker.make(opened, output, tuple(Finding(**finding) for finding in order["findings"]))
    except PredictionError as error:
        _say(answers, {"stop": str(error)})
        return
    key = "made" if isinstance(made, Made) else "refused"
    _say(answers, {key: asdict(made)})


def _say(answers: BinaryIO, answer: dict[str, Any]) -> None:
    answers.write(json.dumps(answer).encode("ascii") + b"\n")


def send(numbers: Tensor, to: BinaryIO) -> None:
    """Write numbers of 32 bits as they lie in memory."""
    to.write(numbers.contiguous().numpy().data.cast("B"))


def receive(shape: list[int], source: BinaryIO) -> Tensor:
    """Read numbers that :func:`send` wrote.

    Raises:
        EOFError: If there are fewer.
    """
    numbers = np.empty(shape, dtype=np.float32)
    place = numbers.data.cast("B")
    while place:
        count = source.readinto(place)  # type: ignore[attr-defined]
        if not count:
            raise EOFError
        place = place[count:]
    return torch.from_numpy(numbers)


def main() -> None:
    """Serve the process that started this one."""
    # Decoders may print; what this process says must not be mixed with that.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    warnings.simplefilter("ignore")
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends it to all; whoever started this one ends it
    torch.set_num_threads(1)
    end_with_the_caller(sys.stdin.fileno())
    answers.write(b"{}\n")
    answers.flush()
    serve(sys.stdin.buffer, answers)


if __name__ == "__main__":
    main()
