"""The process that decodes for UntrustedReader: an order in JSON on a line, an answer in JSON on a line, numbers.

Behind an order stand the bytes of the file, if it says their number; else the file is opened here.

python -m piggygan.data.untrusted.child MEMORY SECONDS
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

from piggygan.data.dicom.description import DicomRequirements
from piggygan.data.dicom.image import is_dicom_file
from piggygan.data.image_file import ImageFile, image_of, read_image_file
from piggygan.data.untrusted.answers import answer_of, error_answer
from piggygan.data.untrusted.confinement import end_with_the_caller, give_up, limit_processor
from piggygan.errors import PiggyganError


def serve(memory: int, seconds: float, answer: Callable[[dict[str, Any], BinaryIO], None]) -> None:
    """Answer orders until nobody can give any more.

    Args:
        memory: Bytes that this process may hold from now on.
        seconds: Of computing that one order may take.
        answer: Gets an order, and where to write what is found.
    """
    # Decoders may print; what this process says must not be mixed with that.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    end_with_the_caller(sys.stdin.fileno())
    given_up = give_up(memory)
    answers.write(json.dumps({"given_up": given_up}).encode() + b"\n")
    answers.flush()
    for line in sys.stdin.buffer:
        limit_processor(seconds)
        answer(json.loads(line), answers)
        answers.flush()


def _answer(order: dict[str, Any], answers: BinaryIO) -> None:
    path = Path(order["path"])
    if order["what"] == "kind":
        answers.write(json.dumps({"is_dicom": is_dicom_file(path)}).encode() + b"\n")
        return
    try:
        said, bands = answer_of(_read(path, order))
    except PiggyganError as error:
        # The caller wants the path that it gave.
        plain = type(error)(str(error).replace(repr(str(path)), repr(order["shown"])))
        answers.write(json.dumps(error_answer(plain)).encode() + b"\n")
        return
    answers.write(json.dumps(said).encode() + b"\n")
    answers.write(bands.contiguous().numpy().data)


def _read(path: Path, order: dict[str, Any]) -> ImageFile:
    how = {
        "frame": order["frame"],
        "requirements": DicomRequirements(**order["requirements"]),
        "identify": order["identify"],
        "max_pixels": order["max_pixels"],
    }
    if order.get("size") is None:
        return read_image_file(path, order["channels"], **how)
    return image_of(sys.stdin.buffer.read(order["size"]), path, order["channels"], **how)


if __name__ == "__main__":
    serve(int(sys.argv[1]), float(sys.argv[2]), _answer)
