"""The signatures that a registry holds, and whether those are among them that somebody requires."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from piggygan.errors import CorruptFileError, RegistryError
from piggygan.files.durable import opened_folder, write_durably
from piggygan.files.memory import is_shortage
from piggygan.files.regular import make_folder, read_regular_file
from piggygan.registry.leaving import needed_digests
from piggygan.registry.manifest import Manifest
from piggygan.registry.signatures import (
    MAX_FILE_SIZE,
    Signature,
    checked_signers,
    sign,
    signatures_from_bytes,
    signatures_to_bytes,
    signed_by,
    statement,
)
from piggygan.registry.task_headers import Header
from piggygan.registry.verification import Verification

FOLDER_NAME = "signatures"


class SignedTasks:
    """Signatures of a registry's tasks, a file a task in ``signatures/``.

    Args:
        folder: The registry's folder.
        signers: Public keys, one of which has to have signed each task; None: nothing need be signed.
    """

    def __init__(self, folder: Path, signers: Iterable[str] | None) -> None:
        self._folder = folder / FOLDER_NAME
        self._signers = checked_signers(signers)

    def of(self, manifest: Manifest, task: str) -> tuple[Signature, ...]:
        """Return a task's signatures, right or wrong.

        Raises:
            CorruptFileError, RegistryError: If they cannot be read.
        """
        assert task in manifest.by_name  # noqa: S101  # so that its name is no path
        path = self._folder / f"{task}.json"
        try:
            with opened_folder(self._folder, follow=False) as folder:
                data = read_regular_file(path, max_size=MAX_FILE_SIZE, folder=folder)
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise RegistryError(f"{self._folder} cannot be read, or is a link: {error.strerror}.") from error
        return signatures_from_bytes(data, f"{FOLDER_NAME}/{path.name}")

    def add(self, manifest: Manifest, task: str, key: str | os.PathLike[str]) -> str:
        """Sign a task; returns the public key."""
        signature = sign(_said(manifest, task), key)
        others = [one for one in self.of(manifest, task) if one.key != signature.key]
        self.store(task, [*others, signature])
        return signature.key

    def store(self, task: str, signatures: Iterable[Signature]) -> None:
        """Write a task's signatures.

        Raises:
            OSError: If the system refused.
        """
        make_folder(self._folder)
        with opened_folder(self._folder, follow=False) as folder:
            write_durably(self._folder / f"{task}.json", signatures_to_bytes(signatures), folder=folder)

    def check(self, manifest: Manifest, tasks: Iterable[str]) -> None:
        """Refuse tasks that none of the required signers signed.

        Raises:
            CorruptFileError: Naming the first one.
        """
        for task in tasks if self._signers else ():
            self.check_given(manifest, task, self.of(manifest, task))

    def check_given(self, manifest: Manifest, task: str, signatures: Iterable[Signature]) -> None:
        """Refuse a task that none of the required signers signed, by signatures that are not stored here yet.

        Raises:
            CorruptFileError: If so.
        """
        if self._signers and not signed_by(_said(manifest, task), signatures, self._signers):
            raise CorruptFileError(self._unsigned(task))

    def check_file(self, header: Header, signatures: Iterable[Signature]) -> None:
        """Refuse a task in a file that none of the required signers signed.

        Raises:
            CorruptFileError: If so.
        """
        said = statement(header.base_task, header.networks, header.needs, header.record)
        if self._signers and not signed_by(said, signatures, self._signers):
            raise CorruptFileError(self._unsigned(header.record.name))

    def judged(self, manifest: Manifest, found: Verification) -> Verification:
        """Call sound tasks damaged that none of the required signers signed."""
        bad: dict[str, str] = {}
        for task in manifest.by_name:
            try:
                self.check(manifest, [task])
            except RegistryError as error:
                if is_shortage(error):
                    raise
                bad[task] = str(error)
        checks = tuple(
            replace(result, state="damaged", largest_difference=None, reason=bad[result.task])
            if result.is_sound and result.task in bad
            else result
            for result in found
        )
        return replace(found, checks=checks)

    def _unsigned(self, task: str) -> str:
        return (
            f"task {task!r} is signed by none of {', '.join(self._signers or ())} as it is here: it is not signed, or "
            f"it or a task that it needs was changed since. Have it signed with `piggygan sign`, or see who changed it."
        )


def _said(manifest: Manifest, task: str) -> bytes:
    return statement(manifest.base_task, manifest.networks, needed_digests(manifest, task), manifest.by_name[task])
