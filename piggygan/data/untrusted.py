"""UntrustedReader: images that nobody vouches for, decoded in a process that may fail."""

from __future__ import annotations

import json
import os
import subprocess
import time
from dataclasses import asdict, replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

import piggygan.errors
from piggygan.data.child_process import ChildEnded, end_child, read_exactly, read_line, start_child, write
from piggygan.data.dicom_description import ANY_FILM, DicomRequirements
from piggygan.data.files import MAX_PIXELS, open_regular, shown
from piggygan.errors import ConfigurationError, DecoderCrashError

if TYPE_CHECKING:
    from jaxtyping import Float

SECONDS = 10.0
MEMORY = 1 << 30


class UntrustedReader:
    """Reads PNG, JPEG and DICOM files in a process of its own, with limits on time, memory and pixels.

    A decoder that crashes, hangs or swallows memory takes that process down, not this one; the next file gets a new
    one. Starting takes some seconds, so keep one reader for many files, and use it in one thread at a time. Only
    numbers come back, never an object. Linux, macOS and other POSIX systems; memory is limited on Linux.

    Args:
        seconds: What one file may take.
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
        path = Path(path)
        open_regular(path).close()  # a pipe or a device is not even handed on
        child = self._started()
        order = {
            "path": os.fsdecode(path.absolute()),
            "shown": str(path),
            "channels": channels,
            "frame": frame,
            "max_pixels": self._max_pixels,
            "requirements": _in_words(requirements),
        }
        deadline = time.monotonic() + self._seconds
        try:
            write(child, json.dumps(order).encode() + b"\n", deadline)
            header = json.loads(read_line(child, deadline))
            if "error" in header:
                kind = getattr(piggygan.errors, header["error"])
                raise kind(header["message"])
            numbers = read_exactly(child, 4 * int(np.prod(header["shape"])), deadline)
        except ChildEnded as ended:
            self.close()
            raise DecoderCrashError(f"{shown(path)} cannot be used: {ended}.") from None
        return torch.from_numpy(np.frombuffer(numbers, dtype=np.float32).reshape(header["shape"]))

    def close(self) -> None:
        """End the process; a later :meth:`read` starts another."""
        if self._child is not None:
            end_child(self._child)
            self._child = None

    def _started(self) -> subprocess.Popen[bytes]:
        if self._child is not None and self._child.poll() is None:
            return self._child
        self.close()
        try:
            self._child = start_child("piggygan.data.decoding_child", str(self._memory))
        except ChildEnded as ended:
            raise DecoderCrashError(f"The process that decodes images could not be started: {ended}.") from None
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
