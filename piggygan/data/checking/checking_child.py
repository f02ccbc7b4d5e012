"""The process that reads pairs for a check: an order in JSON on a line, a finding in JSON on a line.

python -m piggygan.data.checking.checking_child MEMORY SECONDS
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, BinaryIO

from piggygan.data.checking.finding import Fault, Finding
from piggygan.data.checking.inspecting import inspect
from piggygan.data.datasets.known import DATASETS
from piggygan.data.folders import PairFiles
from piggygan.data.mask_reader import MaskReader
from piggygan.data.untrusted.child import serve


def answer(order: dict[str, Any], answers: BinaryIO) -> None:
    """Inspect the pair of an order."""
    image, *masks = (Path(path) for path in order["files"])
    files = PairFiles(order["name"], image, masks[0] if masks else None, tuple(masks[1:]))
    try:
        reader = DATASETS[order["dataset"]].reader(channels=1)  # films are grey; sets in colour have no choice
        if isinstance(reader, MaskReader):
            reader = replace(reader, classes=tuple(map(tuple, order["classes"])))
        finding = inspect(files, reader, order["salt"])
    except Exception as error:  # what is wrong with one film must not end the check of the others
        text = f"reading it failed ({type(error).__name__})"  # other texts may quote values
        finding = Finding(files.name, faults=(Fault("unreadable", text),))
    answers.write(json.dumps(asdict(finding)).encode() + b"\n")


if __name__ == "__main__":
    serve(int(sys.argv[1]), float(sys.argv[2]), answer)
