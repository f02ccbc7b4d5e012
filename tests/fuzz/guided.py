"""Fuzzing that is led by what it reaches: a forged file that comes to a new line of piggygan is kept and built on.

    python -m tests.fuzz.guided manifest 60

fuzzes a format for so many seconds with atheris (the extra ``fuzz``), from the sound samples and the corpus on, and
ends with an error at the first case that breaks a promise of :mod:`tests.fuzz.driver`.
"""

from __future__ import annotations

import random
import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["piggygan"]):  # before anything else imports it
    from tests.fuzz.driver import CORPUS, Format, Outcome, try_case
    from tests.fuzz.pth_format import pth_files
    from tests.fuzz.registry_formats import manifests, task_files


def formats(folder: Path) -> dict[str, Format]:
    """Make every format that can be guided."""
    return {
        "manifest": manifests(folder / "manifest", "unet"),
        "task_file": task_files(folder / "task_file", "unet"),
        "pth": pth_files(folder),
    }


def main(name: str, seconds: int) -> None:
    """Fuzz one format; atheris ends the process."""
    folder = Path(tempfile.mkdtemp(prefix="piggygan-fuzz-"))
    (folder / "kept").mkdir()
    tested, outcome = formats(folder)[name], Outcome()
    for index, data in enumerate(tested.samples):
        (folder / "kept" / f"sample-{index}").write_bytes(data)

    def forge(data: bytes, most: int, seed: int) -> bytes:
        return tested.forge(data, random.Random(seed))[:most]

    arguments = [
        sys.argv[0],
        str(folder / "kept"),
        *([str(CORPUS / name)] if (CORPUS / name).is_dir() else []),
        f"-max_total_time={seconds}",
        "-max_len=1000000",
        "-handle_alrm=0",  # the driver's own limit of time uses that signal
        "-rss_limit_mb=4096",
        f"-artifact_prefix={folder}/",
    ]
    atheris.Setup(arguments, lambda data: try_case(tested, data, outcome), custom_mutator=forge)
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
