"""PredictionFolder: a folder that one task's outputs appear in, each whole, whatever ends the run."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import shutil
import stat
import warnings
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from piggygan.errors import PredictionError
from piggygan.files.durable import sync_folder
from piggygan.files.regular import make_folder, shown
from piggygan.prediction.journal import Journal

JOURNAL = "journal.jsonl"
SUMMARY = "summary.json"
"""Written last: a folder without it holds a run that did not end."""
STAGING = ".unfinished"
"""What is made is written in this folder and moved out of it by one rename."""
_PIECE = 1 << 20
_NO_FLOCK = (errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOLCK)


class PredictionFolder:
    """An output folder that is new, empty, or one to go on in; one process at a time has it.

    Args:
        folder: Made if it is not there.

    Attributes:
        path: The folder.
        journal: Its journal.
        staging: Where outputs are written before they have their names.

    Raises:
        PredictionError: If it holds anything but predictions, another process predicts into it, or it cannot be made.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.path = Path(folder)
        self.staging = self.path / STAGING
        self._made = [path for path in (self.path, *self.path.parents) if not os.path.lexists(path)]
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self._refuse_others_files()
            self.journal = Journal(self._locked())
            if self.journal.predicted_count == 0 and self.journal.begun is None:
                self._refuse_others_files()  # which came while the lock was waited for
            shutil.rmtree(self.staging, ignore_errors=True)
            self.staging.mkdir()
        except OSError as error:
            raise PredictionError(f"{shown(self.path)} cannot be written to: {error.strerror}.") from error

    def _refuse_others_files(self) -> None:
        with os.scandir(self.path) as entries:
            names = {entry.name for entry in entries}
        if names - {STAGING} and JOURNAL not in names:
            raise PredictionError(
                f"{shown(self.path)} is not empty, and nothing is overwritten: name another folder, or empty it."
            )

    def _locked(self) -> int:
        path = self.path / JOURNAL
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o666)
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise PredictionError(f"{shown(path)} is no journal: name another folder.")
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            gone = not os.fstat(descriptor).st_nlink
        except OSError as error:
            if error.errno in _NO_FLOCK:
                warnings.warn(
                    f"the file system of {shown(self.path)} has no locks: let no two processes predict into it.",
                    stacklevel=6,
                )
                return descriptor
            os.close(descriptor)
            if isinstance(error, BlockingIOError):
                raise PredictionError(
                    f"another process is predicting into {shown(self.path)}: wait until it has ended, or name another "
                    f"folder."
                ) from None
            raise
        except PredictionError:
            os.close(descriptor)
            raise
        if gone:  # another process had it, predicted nothing and took it away
            os.close(descriptor)
            return self._locked()
        return descriptor

    def holds(self, inside: str, digest: str) -> bool | None:
        """Say whether an output is what it was when it was written; None: it is not there.

        Args:
            inside: Its path in the folder.
            digest: Its SHA-256.
        """
        try:
            with open(os.open(self.path / inside, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:  # noqa: PTH123
                return digest_of_file(file) == digest
        except FileNotFoundError:
            return None
        except OSError:
            return False

    def place(self, inside: str, staged: str) -> Path:
        """Give an output that was written durably its name.

        Args:
            inside: Its path in the folder, where nothing is.
            staged: Its name in :attr:`staging`.

        Returns:
            The folder to make durable.

        Raises:
            OSError: If the system refused.
        """
        path = self.path / inside
        make_folder(path.parent)
        os.replace(self.staging / staged, path)  # noqa: PTH105
        return path.parent

    def place_summary(self, staged: str) -> None:
        """Put a summary in place of the former one.

        Raises:
            PredictionError: If the system refused.
        """
        try:
            sync_folder(self.place(SUMMARY, staged))
        except OSError as error:
            raise unwritable(self.path / SUMMARY, error) from error

    def leave(self) -> None:
        """Take away what was made only to write into; of a folder in which nothing was predicted all of it."""
        shutil.rmtree(self.staging, ignore_errors=True)
        if self.journal.predicted_count == 0:
            with suppress(OSError):
                (self.path / JOURNAL).unlink(missing_ok=True)
            with suppress(OSError):  # somebody else has put something there
                for made in self._made:
                    made.rmdir()
        self.journal.close()


def digest_of_file(file: BinaryIO) -> str:
    """Return the SHA-256 of an open file, a piece at a time."""
    digest = hashlib.sha256()
    while piece := file.read(_PIECE):
        digest.update(piece)
    return digest.hexdigest()


def unwritable(path: Path, error: OSError) -> PredictionError:
    """Say that something could not be written, and what to do."""
    return PredictionError(
        f"{shown(path)} could not be written: {error.strerror or error}. What is written is whole; start the same "
        f"again to go on."
    )
