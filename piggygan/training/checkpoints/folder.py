"""The folder of a training's checkpoints: which are kept, how one is written, and how one is read back.

A checkpoint is one safetensors file, with what is not a tensor as JSON in its header. Its name is its place in the
training and the SHA-256 of its bytes, so that each can be checked by itself, and renaming it into place commits it.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import filelock
import safetensors.torch
from torch import Tensor

from piggygan.errors import ConfigurationError, CorruptFileError, RegistryError, ResumeError
from piggygan.files.durable import sync_folder, write_durably
from piggygan.files.regular import make_folder, read_regular_file
from piggygan.files.strict_json import parse_json
from piggygan.files.tensors import infinite_entry, tensors_from_bytes
from piggygan.networks.checks import check_at_least

MAX_SIZE = 2**36
"""The largest checkpoint that is read, in bytes: 64 GiB."""

Kind = Literal["last", "best"]
_NAME = re.compile(r"(last|best)-(\d{6,9})-(\d{9,12})-([0-9a-f]{64})\.safetensors")
_TEMPORARY = re.compile(r"\.(last|best)-.*\.safetensors\.\d+\.[0-9a-f]+\.tmp")
_HEADER_LENGTH = struct.Struct("<Q")
_ENTRY = "piggygan"
_LONGEST_PROBLEM = 500
"""Characters of what is wrong with a file: other libraries repeat all of what they found in it."""
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Checkpoints:
    """Where and when a training saves all of its state; started again with the same folder it goes on from there.

    Args:
        folder: For the checkpoints of one training; made when it is not there.
        every_steps: Steps from one checkpoint to the next within an epoch; None: at the ends of epochs only.
        every_epochs: Epochs from one checkpoint to the next. The end of the training is always saved.
        keep_last: How many are kept. The best one, by the score that ``on_epoch`` returned, is kept beside them.
        inexact: Go on though the data, options, networks or library versions are others than before. The end is
            then not that of a training that was never interrupted.
        share: Largest share of the time that saving may take, above 0 to 1: a checkpoint that is due sooner is left
            out, but the one at the end and the best one. None: none is left out.
        reschedule: Go on though another number of epochs, or another ``decay_from``, gives epochs that are learned
            already other learning rates: from now on the rates are those of the new schedule, and the end is that
            of no training from the start. Where those epochs keep their rates nothing need be said: the end is then
            that of a training that had the new number from the start.

    Raises:
        ConfigurationError: If a number is below 1, or ``share`` is none.

    Example:
        >>> Checkpoints("runs/lungs/checkpoints", every_steps=500).every_epochs
        1
    """

    folder: str | Path
    every_steps: int | None = None
    every_epochs: int = 1
    keep_last: int = 2
    inexact: bool = False
    share: float | None = None
    reschedule: bool = False

    def __post_init__(self) -> None:
        check_at_least(1, every_epochs=self.every_epochs, keep_last=self.keep_last)
        if self.share is not None and not 0 < self.share <= 1:
            raise ConfigurationError(f"share is {self.share}; it is a share of the time, above 0 to 1.")
        if self.every_steps is not None:
            check_at_least(1, every_steps=self.every_steps)


@dataclass(frozen=True)
class StoredCheckpoint:
    """A checkpoint in its folder.

    Attributes:
        path: Of the file.
        kind: Whether it is one of the last ones or the best.
        position: Epochs finished, and batches done in the one after.
        digest: SHA-256 of its bytes.
    """

    path: Path
    kind: str
    position: tuple[int, int]
    digest: str


class CheckpointFolder:
    """Reads and writes the checkpoints of one training.

    Args:
        folder: Where they are.
        keep_last: How many of the last ones are kept.
    """

    def __init__(self, folder: Path, keep_last: int) -> None:
        self.path = folder
        self._keep_last = keep_last

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other trainings out, and sweep what a killed one left half written.

        Raises:
            ResumeError: If another training has the folder, or nothing can be written there.
        """
        try:
            make_folder(self.path)
            with filelock.FileLock(self.path / ".lock", timeout=0):
                for path in self.path.iterdir():
                    if _TEMPORARY.fullmatch(path.name):
                        path.unlink()
                yield
        except filelock.Timeout as error:
            raise ResumeError(
                f"another training keeps its checkpoints in {self.path}: wait for its end, or name another folder."
            ) from error
        except OSError as error:
            raise self._unwritable(error) from error

    def stored(self, kind: Kind) -> list[StoredCheckpoint]:
        """List what is there of a kind, the newest first."""
        found = [_NAME.fullmatch(path.name) for path in self.path.iterdir()] if self.path.is_dir() else []
        checkpoints = [
            StoredCheckpoint(self.path / match[0], match[1], (int(match[2]), int(match[3])), match[4])
            for match in found
            if match and match[1] == kind
        ]
        return sorted(checkpoints, key=lambda checkpoint: checkpoint.position, reverse=True)

    def newest_whole(self, kind: Kind) -> tuple[StoredCheckpoint, Any, dict[str, Tensor]] | None:
        """Read the newest checkpoint of a kind; a damaged one is left out, and the one before it is taken.

        Returns:
            Which one, its JSON, and its tensors; None if there is none of this kind.

        Raises:
            ResumeError: If there are some, and all are damaged.
        """
        damaged: list[StoredCheckpoint] = []
        problem = ""
        for checkpoint in self.stored(kind):
            try:
                document, tensors = _read(checkpoint)
            except (OSError, RegistryError) as error:
                problem = problem or str(error)[:_LONGEST_PROBLEM]
                damaged.append(checkpoint)
                continue
            if damaged:
                _LOG.warning(
                    "%s (of %d damaged): going on from %s, the one before.",
                    problem,
                    len(damaged),
                    checkpoint.path.name,
                )
                self._set_aside(damaged)
            return checkpoint, document, tensors
        if damaged:
            raise ResumeError(
                f"{problem}, and there is no other checkpoint in {self.path} to go on from: bring it back from a copy, "
                f"or name another folder to begin anew."
            )
        return None

    def save(self, kind: Kind, position: tuple[int, int], document: Any, tensors: Mapping[str, Tensor]) -> Path:
        """Write a checkpoint durably; only when it is there are older ones of its kind deleted.

        Raises:
            ResumeError: If the system refused. The older ones are as they were.
        """
        data = to_bytes(document, tensors)
        digest = hashlib.sha256(data).hexdigest()
        path = self.path / f"{kind}-{position[0]:06d}-{position[1]:09d}-{digest}.safetensors"
        try:
            write_durably(path, data)
            for old in self.stored(kind)[self._keep_last if kind == "last" else 1 :]:
                old.path.unlink()
        except OSError as error:
            raise self._unwritable(error) from error
        return path

    def _set_aside(self, damaged: list[StoredCheckpoint]) -> None:
        """Take damaged files out of the count, without deleting what somebody may want to look at."""
        for checkpoint in damaged:
            if checkpoint.path.is_file():
                checkpoint.path.rename(checkpoint.path.with_suffix(".damaged"))
        sync_folder(self.path)

    def _unwritable(self, error: OSError) -> ResumeError:
        return ResumeError(
            f"a checkpoint cannot be written to {self.path}: {error.strerror or error}. Older ones there are as they "
            f"were: make room or mend the disk, and start the same again to go on."
        )


def to_bytes(document: Any, tensors: Mapping[str, Tensor]) -> bytes:
    """Serialize; equal arguments give equal bytes."""
    portable = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    text = json.dumps(document, allow_nan=False, sort_keys=True)
    return safetensors.torch.save(portable, metadata={_ENTRY: text, **infinite_entry(portable)})


def _read(checkpoint: StoredCheckpoint) -> tuple[Any, dict[str, Tensor]]:
    data = read_regular_file(checkpoint.path, max_size=min(checkpoint.path.lstat().st_size, MAX_SIZE))
    name = checkpoint.path.name
    if hashlib.sha256(data).hexdigest() != checkpoint.digest:
        raise CorruptFileError(f"{name} is damaged: its SHA-256 is not the one in its name")
    tensors = tensors_from_bytes(data, name)
    try:
        (length,) = _HEADER_LENGTH.unpack_from(data)
        header = parse_json(data[_HEADER_LENGTH.size : _HEADER_LENGTH.size + length])
        return parse_json(header["__metadata__"][_ENTRY].encode()), tensors
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CorruptFileError(f"{name} is no checkpoint of a training: {error!r}") from error


def check_resumable(checkpoints: Checkpoints, *, has_lasting_workers: bool) -> None:
    """Refuse what could be saved but not be gone on from exactly.

    Raises:
        ConfigurationError: If a loader's workers outlive an epoch.
    """
    if has_lasting_workers and not checkpoints.inexact:
        raise ConfigurationError(
            "the loader has persistent_workers, whose random states nobody can save: leave them out, or say "
            "inexact=True."
        )
