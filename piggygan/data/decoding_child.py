"""The process that decodes for UntrustedReader: an order in JSON on a line, an answer in JSON on a line, numbers.

python -m piggygan.data.decoding_child MEMORY
"""

from __future__ import annotations

import json
import os
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import torch

from piggygan.data.dicom_description import DicomRequirements
from piggygan.data.images import read_image
from piggygan.errors import DecoderCrashError, PiggyganError


def serve(memory: int, answer: Callable[[dict[str, Any], BinaryIO], None]) -> None:
    """Answer orders until the input ends.

    Args:
        memory: Bytes that this process may hold from now on.
        answer: Gets an order, and where to write what is found.
    """
    # Decoders may print; what this process says must not be mixed with that.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    _limit_memory(memory)
    answers.write(b"{}\n")
    answers.flush()
    for line in sys.stdin.buffer:
        answer(json.loads(line), answers)
        answers.flush()


def _answer(order: dict[str, Any], answers: BinaryIO) -> None:
    try:
        image = _read(order)
    except PiggyganError as error:
        answers.write(json.dumps({"error": type(error).__name__, "message": str(error)}).encode() + b"\n")
        return
    answers.write(json.dumps({"shape": list(image.shape)}).encode() + b"\n")
    answers.write(image.contiguous().numpy().data)


def _read(order: dict[str, Any]) -> torch.Tensor:
    path = Path(order["path"])
    try:
        return read_image(
            path,
            order["channels"],
            frame=order["frame"],
            requirements=DicomRequirements(**order["requirements"]),
            max_pixels=order["max_pixels"],
        )
    except PiggyganError as error:  # the caller wants the path that it gave
        raise type(error)(str(error).replace(repr(str(path)), repr(order["shown"]))) from None
    except MemoryError:
        raise DecoderCrashError(f"{order['shown']!r} cannot be used: decoding it takes too much memory.") from None
    except RuntimeError:  # torch's way of saying the same
        raise DecoderCrashError(f"{order['shown']!r} cannot be used: decoding it failed.") from None


def _limit_memory(memory: int) -> None:
    """Let the kernel refuse what is beyond: what is resident now counts, reserved address space does not."""
    if sys.platform != "linux":
        return
    import resource

    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines() if ":" in line)
    resident, data = (int(status[name].split()[0]) * 1024 for name in ("VmRSS", "VmData"))
    limit = data + max(memory - resident, 0)
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a dump would hold a patient's picture


if __name__ == "__main__":
    serve(int(sys.argv[1]), _answer)
