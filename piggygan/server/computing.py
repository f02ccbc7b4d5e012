"""Where requests are worked on: processes that decode files, one thread that computes, threads that write answers."""

from __future__ import annotations

import asyncio
import queue
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from piggygan.data.dicom.description import DicomRequirements
from piggygan.data.dicom.source import Identify
from piggygan.data.image_file import ImageFile
from piggygan.data.untrusted.reader import UntrustedReader
from piggygan.prediction.films import Film, read_film
from piggygan.prediction.inputs import InputFile
from piggygan.prediction.job import Job
from piggygan.prediction.options import PredictionOptions
from piggygan.server.batching import Computing, Made
from piggygan.server.held import Ready
from piggygan.server.limits import Limits

UPLOAD = "upload"
"""What every file is called in what is said of it: its own name may be a patient's."""
T = TypeVar("T")


class Workshop:
    """Decodes, computes and writes, each where it disturbs nothing else.

    Strangers' files are decoded in processes that may fail; nothing of them is written to a disk. One thread computes,
    so that outputs are those of a program that computes alone.

    Args:
        limits: How large a picture may be, and how long decoding may take.
        readers: How many processes decode; each takes some 300 MB.
    """

    def __init__(self, limits: Limits, readers: int = 2) -> None:
        self._readers: queue.SimpleQueue[UntrustedReader] = queue.SimpleQueue()
        self._all = [UntrustedReader(seconds=limits.seconds, max_pixels=limits.pixels) for _ in range(readers)]
        for reader in self._all:
            self._readers.put(reader)
        self._decoding = ThreadPoolExecutor(readers, "decoding")
        self.computing = Computing()
        self._writing = ThreadPoolExecutor(2, "writing")

    def start(self) -> None:
        """Begin to start the processes that decode, without waiting for them."""
        for reader in self._all:
            reader.start()

    def close(self) -> None:
        """End everything; what is being computed is finished first."""
        for pool in (self._decoding, self._writing):
            pool.shutdown(cancel_futures=True)
        self.computing.close()
        for reader in self._all:
            reader.close()

    async def picture(self, content: bytes, channels: int) -> ImageFile:
        """Decode a file.

        Raises:
            ImageError: If it cannot be used.
        """

        def read() -> ImageFile:
            with self._reader() as reader:
                return reader.read_bytes(content, channels, name=UPLOAD)

        return await _run(self._decoding, read)

    async def film(self, content: bytes, ready: Ready, options: PredictionOptions) -> Film:
        """Decode a file and bring it to the network, as predicting files on disk does.

        Raises:
            ImageError: If it cannot be used.
        """

        def read() -> Film:
            with self._reader() as reader:
                file = InputFile(Path(UPLOAD), UPLOAD, may_be_dicom=False)
                job = Job(ready.ensemble.in_channels, ready.ensemble.kind, options, ready.applied(options))
                return read_film(file, job, _Held(content, reader))

        return await _run(self._decoding, read)

    async def translate(self, ready: Ready, film: Film) -> Made:
        """Let the network translate what was brought to it."""
        made: Made = await asyncio.wrap_future(self.computing.translate(ready, film.canvas))
        return made

    async def compute(self, work: Callable[[], T]) -> T:
        """Do something in the thread that computes."""
        done: T = await asyncio.wrap_future(self.computing.do(work))
        return done

    async def write(self, work: Callable[[], T]) -> T:
        """Do something that makes an answer's bytes."""
        return await _run(self._writing, work)

    @contextmanager
    def _reader(self) -> Iterator[UntrustedReader]:
        reader = self._readers.get()
        try:
            yield reader
        finally:
            self._readers.put(reader)


class _Held:
    """Opens the one file that is in memory, for what opens files."""

    def __init__(self, content: bytes, reader: UntrustedReader) -> None:
        self._content, self._reader = content, reader

    def read_file(self, path: Path, channels: int, *, requirements: DicomRequirements, identify: Identify) -> ImageFile:
        return self._reader.read_bytes(
            self._content, channels, name=str(path), requirements=requirements, identify=identify
        )

    def is_dicom(self, path: Path) -> bool:  # noqa: ARG002  # what it is is seen when it is read
        return False


async def _run(pool: ThreadPoolExecutor, work: Callable[[], T]) -> T:
    return await asyncio.get_running_loop().run_in_executor(pool, work)
