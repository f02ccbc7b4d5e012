"""UntrustedReader: images that nobody vouches for, decoded in a process that may fail."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from piggygan.data.content import MAX_PIXELS, check_content_size, failures_named
from piggygan.data.dicom.description import ANY_FILM, DicomRequirements
from piggygan.data.dicom.source import Identify
from piggygan.data.image_file import ImageFile, check_channels
from piggygan.data.untrusted.answers import checked_answer
from piggygan.data.untrusted.talking import (
    ChildEnded,
    end_child,
    read_into,
    read_line,
    spawn_child,
    wait_until_ready,
    write,
)
from piggygan.errors import ConfigurationError, DecoderCrashError, PiggyganError
from piggygan.files.regular import shown

if TYPE_CHECKING:
    from jaxtyping import Float

SECONDS = 20.0
"""Of computing: a PNG of 64 Mpx in colour takes some 8, and some more on an old machine."""
MEMORY = 3 << 29
"""A picture of 64 Mpx in colour takes 1.2 GB."""
_TO_WAIT = 3
"""How many times as long the answer may take as the computing: other programs run too."""


class UntrustedReader:
    """Reads pictures and DICOM films in a process of its own, with limits on time, memory and pixels.

    A decoder that crashes, hangs or swallows memory takes that process down, not this one; the next file gets a new
    one. Starting takes some seconds, so keep one reader for many files, and use it in one thread at a time. Only
    numbers come back, never an object. Linux, macOS and other POSIX systems; memory is limited on Linux.

    Args:
        seconds: Of computing that one file may take; its answer is waited for three times as long.
        memory: Bytes that the process may hold.
        max_pixels: Images with more pixels are refused before they are decoded.

    Raises:
        ConfigurationError: If a limit is not positive.

    Example:
        >>> import tempfile
        >>> from piggygan.data import write_image
        >>> with tempfile.TemporaryDirectory() as folder, UntrustedReader() as reader:
        ...     write_image(Path(folder) / "dot.png", torch.tensor([[[-1.0, 1.0]]]))
        ...     reader.read(Path(folder) / "dot.png", channels=1).tolist()
        [[[-1.0, 1.0]]]
    """

    def __init__(self, *, seconds: float = SECONDS, memory: int = MEMORY, max_pixels: int = MAX_PIXELS) -> None:
        if not (seconds > 0 and memory > 0 and max_pixels > 0):
            raise ConfigurationError(
                f"seconds is {seconds}, memory {memory}, max_pixels {max_pixels}; all must be above 0."
            )
        self._seconds, self._memory, self._max_pixels = seconds, memory, max_pixels
        self._child: subprocess.Popen[bytes] | None = None
        self._is_ready = False

    def read(
        self,
        path: str | Path,
        channels: int = 3,
        *,
        frame: int | None = None,
        requirements: DicomRequirements = ANY_FILM,
    ) -> Float[Tensor, "channels height width"]:
        """Read a file as :func:`~piggygan.data.read_image` does; one that is a program as well is refused.

        Args:
            path: The file.
            channels: 1 for grey, 3 for RGB.
            frame: Which frame of a DICOM file of several, counted from 0.
            requirements: What a DICOM film has to be.

        Raises:
            DecoderCrashError: If the process crashed, or took more time or memory than it may.
            ImageError: Whatever else is wrong with the file, as in :func:`~piggygan.data.read_image`.
            ConfigurationError: If ``channels`` is neither 1 nor 3.
        """
        picture = self.read_file(path, channels, frame=frame, requirements=requirements).picture
        with failures_named(Path(path)):  # three channels take three times the memory of one
            return picture.contiguous()

    def read_file(
        self,
        path: str | Path,
        channels: int = 3,
        *,
        frame: int | None = None,
        requirements: DicomRequirements = ANY_FILM,
        identify: Identify = "nothing",
    ) -> ImageFile:
        """Read a file as :func:`~piggygan.data.image_file.read_image_file` does; this process does not open it.

        Args:
            path: The file.
            channels: 1 for grey, 3 for RGB.
            frame: Which frame of a DICOM file of several, counted from 0.
            requirements: What a DICOM film has to be.
            identify: Read the identifiers of a DICOM film too, and of its patient.

        Raises:
            DecoderCrashError, ImageError, ConfigurationError: As of :meth:`read`.
        """
        return self._read(Path(path), None, channels, frame, requirements, identify)

    def read_bytes(
        self,
        content: bytes,
        channels: int = 3,
        *,
        name: str = "upload",
        frame: int | None = None,
        requirements: DicomRequirements = ANY_FILM,
        identify: Identify = "nothing",
    ) -> ImageFile:
        """Read a file that is in memory as :meth:`read_file` reads one on disk; this process does not look into it.

        Args:
            content: All bytes of the file. They go to the decoding process through a pipe, never onto a disk.
            channels: 1 for grey, 3 for RGB.
            name: What the file is called in errors.
            frame: Which frame of a DICOM file of several, counted from 0.
            requirements: What a DICOM film has to be.
            identify: Read the identifiers of a DICOM film too.

        Raises:
            DecoderCrashError, ImageError, ConfigurationError: As of :meth:`read`.
            InputTooLargeError: If no picture of ``max_pixels`` has so many bytes.

        Example:
            >>> import io
            >>> file = io.BytesIO()
            >>> np.save(file, np.array([[0, 255]], dtype=np.uint8))
            >>> with UntrustedReader() as reader:
            ...     reader.read_bytes(file.getvalue(), channels=1).picture.tolist()
            [[[-1.0, 1.0]]]
        """
        check_content_size(Path(name), len(content), self._max_pixels)
        return self._read(Path(name), content, channels, frame, requirements, identify)

    def _read(
        self,
        path: Path,
        content: bytes | None,
        channels: int,
        frame: int | None,
        requirements: DicomRequirements,
        identify: Identify,
    ) -> ImageFile:
        check_channels(channels)
        order = {
            "channels": channels,
            "frame": frame,
            "max_pixels": self._max_pixels,
            "requirements": _in_words(requirements),
            "identify": identify,
            "size": None if content is None else len(content),
        }
        with failures_named(path), self._talking(path) as (child, deadline):
            _ask(child, path, {"what": "file", **order}, deadline)
            if content:
                write(child, content, deadline)
            answered = checked_answer(_answer(child, deadline), channels, self._max_pixels)
            numbers = np.empty((answered.bands, answered.height, answered.width), dtype=np.float32)
            read_into(child, numbers.data.cast("B"), deadline)
        return answered.with_picture(torch.from_numpy(numbers), channels)

    def is_dicom(self, path: str | Path) -> bool:
        """Say by its first bytes whether a file is DICOM; this process does not open it.

        Raises:
            DecoderCrashError: If the process crashed.
        """
        with self._talking(Path(path)) as (child, deadline):
            _ask(child, Path(path), {"what": "kind"}, deadline)
            return _answer(child, deadline).get("is_dicom") is True

    def start(self) -> None:
        """Begin to start the process, which takes some seconds, without waiting for it."""
        if self._child is None or self._child.poll() is not None:
            self.close()
            self._child = spawn_child("piggygan.data.untrusted.child", str(self._memory), str(self._seconds))
            self._is_ready = False

    def close(self) -> None:
        """End the process; a later :meth:`read` starts another."""
        if self._child is not None:
            end_child(self._child)
            self._child = None

    @contextmanager
    def _talking(self, path: Path) -> Iterator[tuple[subprocess.Popen[bytes], float]]:
        """Have a process that listens, and a deadline; end the process if it fails."""
        child = self._ready(path)
        try:
            yield child, time.monotonic() + _TO_WAIT * self._seconds
        except ChildEnded as ended:
            self.close()
            raise DecoderCrashError(f"{shown(path)} cannot be used: {ended}.") from None
        except PiggyganError:
            raise
        except BaseException:  # such as Ctrl-C: half an answer must not pass for the next one
            self.close()
            raise

    def _ready(self, path: Path) -> subprocess.Popen[bytes]:
        self.start()
        if self._child is None:
            raise DecoderCrashError("The process that decodes images was ended by another thread.")
        if not self._is_ready:
            try:
                wait_until_ready(self._child)
            except ChildEnded as ended:
                self._child = None
                raise DecoderCrashError(
                    f"{shown(path)} cannot be used: the process that decodes images could not be started: {ended}."
                ) from None
            self._is_ready = True
        return self._child

    def __enter__(self) -> UntrustedReader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _in_words(requirements: DicomRequirements) -> dict[str, Any]:
    """Write requirements as JSON can hold them; a program is never taken."""
    plain = replace(requirements, modalities=[*requirements.modalities], views=[*requirements.views])
    return asdict(replace(plain, allow_programs=False))


def _ask(child: subprocess.Popen[bytes], path: Path, order: dict[str, Any], deadline: float) -> None:
    whole = {"path": os.fsdecode(path.absolute()), "shown": str(path), **order}
    write(child, json.dumps(whole).encode() + b"\n", deadline)


def _answer(child: subprocess.Popen[bytes], deadline: float) -> dict[str, Any]:
    try:
        answer = json.loads(read_line(child, deadline))
    except (ValueError, RecursionError):
        raise ChildEnded("its process wrote nonsense") from None
    if not isinstance(answer, dict):
        raise ChildEnded("its process wrote nonsense")
    return answer
