"""FilmQueue: films on disk from the moment a sender is told that they arrived until their masks are delivered.

A film is a folder that moves: ``received/KEY`` when it is durable, ``done/KEY`` when its mask is beside it, and then
``sent/KEY.json``, which remembers that it was, or ``failed/KEY``. Each step is one rename after all that it needs was
written out, so a kill at any moment leaves a film at one step or the next. KEY is a digest of the film's SOP Instance
UID: a film that comes twice is recognized for as long as the queue remembers it.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import secrets
import shutil
import threading
from collections import OrderedDict
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal

from piggygan.errors import ConfigurationError
from piggygan.files.durable import sweep_killed, sync_folder, write_durably
from piggygan.files.regular import make_folder, shown

Stage = Literal["received", "done"]
STAGES: tuple[Stage, ...] = ("received", "done")
Answer = Literal["new", "known", "other"]
"""What came of a film: it waits now; it is known; or one of this name and other pixels is."""
FILM, MASK, RECORD = "film.dcm", "segmentation.dcm", "record.json"


@dataclass(frozen=True)
class Record:
    """What is known of a film beside its file; nothing of it is about a person.

    Attributes:
        pixels: Digest of its picture, by which it is called in logs.
        task: Translates it.
        largest: As of :class:`~piggygan.server.node.rules.Rule`.
        fill_holes: Likewise.
        received: When, ISO 8601: the moment that its mask bears, so that a mask made again is the same file.
        reason: Why it failed.
    """

    pixels: str
    task: str
    largest: int | None
    fill_holes: bool
    received: str
    reason: str | None = None

    @property
    def name(self) -> str:
        """What it is called in logs."""
        return f"film {self.pixels[:16]}"


def key_of(instance: str) -> str:
    """Give the name of a film's folder."""
    return hashlib.sha256(instance.encode()).hexdigest()[:40]


class FilmQueue:
    """Films that wait, in a folder that one process has.

    Args:
        folder: Made if it is not there, for its owner alone: it holds patients' films.
        room: Bytes of the disk that films leave free. Masks need them: a disk that is full of films has no way out.

    Raises:
        ConfigurationError: If another process has it, or it cannot be used.
    """

    def __init__(self, folder: Path, room: int = 0) -> None:
        self.folder, self._room = folder, room
        self._changed = threading.Condition()
        self._waiting: dict[Stage, OrderedDict[str, Record]] = {}
        try:
            make_folder(folder)
            self._lock_file = (folder / ".lock").open("wb")
        except OSError as error:
            raise _unusable(folder, error) from error
        try:
            fcntl.flock(self._lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            folder.chmod(0o700)
            for name in (*STAGES, "sent", "failed", "incoming"):
                make_folder(folder / name)
            self._take_up()
        except BaseException as error:
            self.close()
            if isinstance(error, BlockingIOError):
                raise ConfigurationError(
                    f"another node has the queue in {shown(folder)}: give each one its own."
                ) from None
            if isinstance(error, OSError):
                raise _unusable(folder, error) from error
            raise

    def close(self) -> None:
        """Leave it to others."""
        self._lock_file.close()

    def __len__(self) -> int:
        """Say how many films wait."""
        with self._changed:
            return sum(map(len, self._waiting.values()))

    def path(self, stage: str, key: str, name: str) -> Path:
        """Say where a film's file is."""
        return self.folder / stage / key / name

    def put(self, key: str, film: bytes, record: Record) -> Answer:
        """Keep a film durably; one that failed before is tried again.

        Args:
            key: Its name.
            film: All of its file.
            record: What is known of it.

        Raises:
            OSError: If it cannot be written, or would leave too little room; then nothing of it is kept.
        """
        with self._changed:
            if (known := self._known(key, record)) != "new":
                return known
        if shutil.disk_usage(self.folder).free < len(film) + self._room:
            raise OSError(errno.ENOSPC, "the rest of the disk is for masks")
        place = self.folder / "incoming" / f"{key}-{secrets.token_hex(4)}"
        try:
            place.mkdir()
            _write(place / FILM, film)
            _write(place / RECORD, _json(record))
            sync_folder(place)
            with self._changed:
                if (known := self._known(key, record)) != "new":  # another sender was faster
                    return known
                place.rename(self.folder / "received" / key)
                sync_folder(self.folder / "received")
                shutil.rmtree(self.folder / "failed" / key, ignore_errors=True)
                self._waiting["received"][key] = record
                self._changed.notify_all()
        finally:
            shutil.rmtree(place, ignore_errors=True)
        return "new"

    def next(self, stage: Stage, stop: threading.Event) -> tuple[str, Record] | None:
        """Wait for the oldest film of a stage; None: the node is to stop. It stays where it is."""
        with self._changed:
            while not stop.is_set():
                if self._waiting[stage]:
                    return next(iter(self._waiting[stage].items()))
                self._changed.wait()
        return None

    def first(self, stage: Stage) -> tuple[str, Record] | None:
        """Give the oldest film of a stage; None: there is none."""
        with self._changed:
            return next(iter(self._waiting[stage].items()), None)

    def wake(self) -> None:
        """Let whoever waits look whether to stop."""
        with self._changed:
            self._changed.notify_all()

    def made(self, key: str, mask: bytes) -> None:
        """Put a film's mask beside it, and move it on to those that are to be sent.

        Raises:
            OSError: If it cannot be written; the film stays where it is.
        """
        write_durably(self.path("received", key, MASK), mask)
        self._move(key, "received", "done")

    def sent(self, key: str) -> None:
        """Remember that a film's mask was delivered, and drop both."""
        with self._changed:
            record = self._waiting["done"][key]
        write_durably(self.folder / "sent" / f"{key}.json", _json(record))
        self._drop(key)
        with self._changed:
            del self._waiting["done"][key]

    def failed(self, key: str, stage: Stage, reason: str) -> None:
        """Put a film aside, with the reason.

        Raises:
            OSError: If that cannot be written; the film stays where it is.
        """
        with self._changed:
            record = self._waiting[stage][key]
        write_durably(self.path(stage, key, RECORD), _json(replace(record, reason=reason)))
        self._move(key, stage, "failed")

    def _move(self, key: str, stage: Stage, to: Literal["done", "failed"]) -> None:
        with self._changed:
            (self.folder / stage / key).rename(self.folder / to / key)
            sync_folder(self.folder / to)
            sync_folder(self.folder / stage)
            record = self._waiting[stage].pop(key)
            if to == "done":
                self._waiting[to][key] = record
            self._changed.notify_all()

    def _drop(self, key: str) -> None:
        """Delete what was delivered; it goes at once from where it would be sent."""
        gone = self.folder / "incoming" / f"{key}-sent"
        (self.folder / "done" / key).rename(gone)
        sync_folder(self.folder / "done")
        shutil.rmtree(gone, ignore_errors=True)

    def _known(self, key: str, record: Record) -> Answer:
        """Compare a film with one of its name, whose pixels its record has; a failed one may come again."""
        found = [self._waiting[stage][key] for stage in STAGES if key in self._waiting[stage]]
        if found:
            return "known" if found[0].pixels == record.pixels else "other"
        paths: dict[str, Answer] = {f"sent/{key}.json": "known", f"failed/{key}/{RECORD}": "new"}
        for path, if_same in paths.items():
            with suppress(FileNotFoundError):
                return if_same if _read(self.folder / path).pixels == record.pixels else "other"
        return "new"

    def _take_up(self) -> None:
        """Find what a former process left: what was not finished is deleted, what was is gone on with."""
        try:
            for left in (self.folder / "incoming").iterdir():
                shutil.rmtree(left)
            for written in (
                self.folder / "sent",
                *(path for stage in STAGES for path in (self.folder / stage).iterdir()),
            ):
                sweep_killed(written)
            for made in (self.folder / "done").iterdir():
                if (self.folder / "sent" / f"{made.name}.json").exists():  # it was delivered, and not dropped yet
                    self._drop(made.name)
            for stage in STAGES:
                there = {path.name: _read(path / RECORD) for path in (self.folder / stage).iterdir()}
                for key in there:  # one that failed, and came again just before the end
                    shutil.rmtree(self.folder / "failed" / key, ignore_errors=True)
                self._waiting[stage] = OrderedDict(sorted(there.items(), key=lambda item: (item[1].received, item[0])))
        except (OSError, ValueError, TypeError) as error:
            raise ConfigurationError(
                f"the queue in {shown(self.folder)} cannot be read ({type(error).__name__}): move the entry aside that "
                f"something else has put there."
            ) from error


def _unusable(folder: Path, error: OSError) -> ConfigurationError:
    return ConfigurationError(f"the queue in {shown(folder)} cannot be used: {error.strerror}.")


def _write(path: Path, content: bytes) -> None:
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _json(record: Record) -> bytes:
    return json.dumps(asdict(record)).encode()


def _read(path: Path) -> Record:
    return Record(**json.loads(path.read_bytes()))
