"""One loop for every fuzzer: makes cases from a seed, and holds each to the same four promises.

Whatever a case is, reading it gives a result or a PiggyganError, takes less than 10 s and less than 1 GiB, and nothing
that is printed or raised holds a character that a terminal would obey. A case that breaks one is written to a file, so
that it can become a member of the corpus: ``corpus/NAME/`` holds what was found before, and is read again by every run.
"""

from __future__ import annotations

import hashlib
import io
import os
import random
import resource
import signal
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from piggygan.errors import PiggyganError

MOST_SECONDS = 10.0
MOST_BYTES = 2**30
MOST_FORGED = 2**22
"""Bytes of a case that is forged further: they grow, and what is large is slow and shows nothing new."""
CORPUS = Path(__file__).parent / "corpus"
MANY = {
    "dicom": 60_000,
    "png": 60_000,
    "jpeg": 60_000,
    "tiff": 20_000,
    "webp": 20_000,
    "bmp": 8_000,
    "numpy": 8_000,
    "pth": 15_000,
    "checkpoints": 6_000,
    "manifest": 4_500,
    "task_file": 3_000,
}
"""How many cases of each format the slow suite tries: more than 200,000, in half an hour."""


@dataclass(frozen=True)
class Format:
    """A format that is read, and how to damage what is written in it.

    Attributes:
        name: Also of its folder in the corpus.
        samples: Sound files.
        forge: Damages one, sound or not, by a source of randomness: where it can, so that checksums hold again and
            the damage gets past the first look.
        use: Reads one in every way there is; what it returns, if anything, is counted.
    """

    name: str
    samples: Sequence[bytes]
    forge: Callable[[bytes, random.Random], bytes]
    use: Callable[[bytes], object]


class TooSlowError(BaseException):
    """A case took too long; no ``except Exception`` of what is tested may swallow it."""


class BrokenPromiseError(AssertionError):
    """A case gave neither a result nor a PiggyganError, or too late, or printed what a terminal obeys.

    Args:
        message: What happened, and where the case is.
        kind: Alike for cases that break the same place.
    """

    def __init__(self, message: str, kind: str) -> None:
        super().__init__(message)
        self.kind = kind


@dataclass
class Outcome:
    """What came of a run: how many cases gave a result, and how many were refused by which error."""

    counts: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0

    @property
    def cases(self) -> int:
        return self.counts.total()


def fuzz(tested: Format, *, cases: int, seed: int = 0) -> Outcome:
    """Make and try so many cases, the same ones at any time.

    Raises:
        BrokenPromiseError: At the end, if any case broke one; it names one case of each kind, and where it was written.
    """
    outcome = Outcome()
    broken: dict[str, str] = {}
    for index in range(cases):
        source = random.Random(f"{tested.name}/{seed}/{index}")  # the case can be made again by these three alone
        data = tested.forge(source.choice(tested.samples), source)
        while source.random() < 0.2 and len(data) < MOST_FORGED:
            data = tested.forge(data, source)
        try:
            try_case(tested, data, outcome)
        except BrokenPromiseError as error:
            broken.setdefault(error.kind, str(error))
    if broken:
        raise BrokenPromiseError("\n\n".join(broken.values()), f"{len(broken)} kinds")
    return outcome


def replay(tested: Format) -> Outcome:
    """Try the sound samples, and all cases that were found before."""
    outcome = Outcome()
    for data in tested.samples:
        try_case(tested, data, outcome)
    folder = CORPUS / tested.name
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        try_case(tested, path.read_bytes(), outcome)
    return outcome


def try_case(tested: Format, data: bytes, outcome: Outcome) -> None:
    """Hold one case to the promises.

    Raises:
        BrokenPromiseError: If it breaks one.
    """
    printed, started = io.StringIO(), time.monotonic()
    try:
        with redirect_stdout(printed), redirect_stderr(printed), _memory_limited(), _time_limited():
            result = str(tested.use(data) or "result")
    except PiggyganError as error:
        result = type(error).__name__
        printed.write(str(error))
    except (TooSlowError, Exception) as error:  # pytest's own failures and Ctrl-C are none of these
        frames = traceback.extract_tb(error.__traceback__)
        ours = [f"{frame.filename}:{frame.lineno}" for frame in frames if "piggygan/" in frame.filename]
        where = "".join(traceback.format_list(frames)[-6:])
        problem = f"{type(error).__name__}: {str(error)[:500]}"
        raise BrokenPromiseError(
            f"{_kept(tested.name, data)}: {problem}\n{where}", f"{type(error)} {ours[-1:]}"
        ) from None
    for swallowed in ("there is too little memory", "the system refused"):  # what the command line makes of the untyped
        if swallowed in printed.getvalue():
            raise BrokenPromiseError(f"{_kept(tested.name, data)}: {printed.getvalue()[-500:]}", swallowed)
    outcome.slowest = max(outcome.slowest, time.monotonic() - started)
    outcome.counts[result] += 1
    if bad := sorted({letter for letter in printed.getvalue() if not letter.isprintable() and letter != "\n"}):
        raise BrokenPromiseError(f"{_kept(tested.name, data)}: printed {bad}: {printed.getvalue()[:500]!r}", "printed")


def _kept(name: str, data: bytes) -> str:
    """Write a case to a file, and say where."""
    folder = Path(os.environ.get("PIGGYGAN_FUZZ_FOUND", tempfile.gettempdir()))
    path = folder / f"fuzz-{name}-{hashlib.sha256(data).hexdigest()[:16]}"
    path.write_bytes(data)
    return f"{path} (belongs in {CORPUS / name} once it is mended)"


@contextmanager
def _memory_limited() -> Iterator[None]:
    """Let no allocation through that would take the process a GiB further; what asks for it fails, untyped."""
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    now = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (now + MOST_BYTES, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


@contextmanager
def _time_limited() -> Iterator[None]:
    def stop(_: int, __: FrameType | None) -> None:
        raise TooSlowError(f"after {MOST_SECONDS} s")

    former = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, MOST_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, former)
