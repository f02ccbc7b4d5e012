"""A registry in a repository of the Hugging Face Hub: ``hf://owner/name``."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from piggygan.errors import CorruptFileError, RegistryError
from piggygan.registry.sealing import FILE_NAME, MAX_MANIFEST_SIZE
from piggygan.registry.sharing.remote import MAX_SMALL_SIZE
from piggygan.registry.store import ObjectStore, StoredObject

if TYPE_CHECKING:
    from huggingface_hub import HfApi

CONFLICT = 412
"""HTTP's "precondition failed": the repository has had another commit."""


class HubRemote:
    """One state of a repository, by the commit that was the newest when it was first read.

    A push is one commit: it counts as a whole or not at all, and is refused if another came first.

    Args:
        repository: ``owner/name``.
        revision: A branch, tag or commit to read; None: the newest. Only the newest can be written.
        public: Whether a repository that a push makes can be seen by everyone.
    """

    def __init__(self, repository: str, revision: str | None = None, *, public: bool = False) -> None:
        self.url = f"hf://{repository}{f'@{revision}' if revision else ''}"
        self._repository = repository
        self._revision = revision
        self._public = public

    def head(self) -> bytes | None:
        """Return ``registry.json``; None: there is no such repository, or no such file in it."""
        return self._read(FILE_NAME, MAX_MANIFEST_SIZE)

    def has(self, stored: StoredObject) -> bool:
        """Say whether an object of that name and size is there."""
        return self._sizes.get(_name(stored)) == stored.size

    def get(self, stored: StoredObject) -> bytes:
        """Return an object's bytes; nothing is fetched if the repository says that it has another size."""
        data = self._read(_name(stored), stored.size)
        if data is None or len(data) != stored.size:
            found = "is missing" if data is None else f"has {len(data)} bytes, not {stored.size}"
            raise CorruptFileError(f"{self.url}: {_name(stored)} {found}.")
        return data

    def small(self, name: str) -> bytes | None:
        """Return a small file."""
        return self._read(name, MAX_SMALL_SIZE)

    def write(
        self, objects: Iterable[StoredObject], source: ObjectStore, small: Mapping[str, bytes], head: bytes
    ) -> None:
        """Send objects and small files with the head in one commit, on top of the state that was read."""
        from huggingface_hub import CommitOperationAdd  # brings an HTTP client

        if self._revision:
            raise RegistryError(
                f"{self.url} names a revision, which is there already: push to hf://{self._repository}."
            )
        added = []
        for stored in objects:
            with self._failures_named():
                operation = CommitOperationAdd(_name(stored), str(source.path(stored)))
            if operation.upload_info.sha256.hex() != stored.digest:
                source.get(stored)  # which says what is wrong with it
            added.append(operation)
        added += [CommitOperationAdd(name, data) for name, data in {**small, FILE_NAME: head}.items()]
        with self._failures_named():
            if self._commit is None:
                self._api.create_repo(self._repository, private=not self._public, exist_ok=True)
            done = self._api.create_commit(
                self._repository, added, commit_message="Push by piggygan", parent_commit=self._commit
            )
        after = HubRemote(self._repository, done.oid)
        if lacking := [operation.path_in_repo for operation in added if operation.path_in_repo not in after._sizes]:
            raise RegistryError(f"{self.url} took the push but left out {', '.join(lacking[:3])}: push again.")

    @cached_property
    def _api(self) -> HfApi:
        from huggingface_hub import HfApi  # brings an HTTP client

        return HfApi(endpoint=os.environ.get("HF_ENDPOINT"), library_name="piggygan")

    @cached_property
    def _commit(self) -> str | None:
        """The commit that is read; None: there is no such repository yet."""
        from huggingface_hub.errors import RepositoryNotFoundError

        with self._failures_named():
            try:
                return self._api.repo_info(self._repository, revision=self._revision).sha
            except RepositoryNotFoundError:
                return None  # or a private one, and no right to see it, which the Hub does not tell apart

    @cached_property
    def _sizes(self) -> dict[str, int]:
        if self._commit is None:
            return {}
        with self._failures_named():
            tree = self._api.list_repo_tree(self._repository, recursive=True, revision=self._commit)
            return {entry.path: entry.size for entry in tree if hasattr(entry, "size")}

    def _read(self, name: str, max_size: int) -> bytes | None:
        if name not in self._sizes:
            return None
        if self._sizes[name] > max_size:
            raise CorruptFileError(
                f"{self.url}: {name} has {self._sizes[name]} bytes, at most {max_size} were expected."
            )
        with TemporaryDirectory() as folder, self._failures_named():
            path = self._api.hf_hub_download(self._repository, name, revision=self._commit, local_dir=folder)
            with Path(path).open("rb") as file:
                return file.read(max_size)

    @contextmanager
    def _failures_named(self) -> Iterator[None]:
        """Turn what goes wrong on the way into one line; the Hub's own texts have several, and say what was sent."""
        try:
            yield
        except MemoryError:
            raise
        except Exception as error:  # what libraries raise on a network is no promise
            chain = list(_causes(error))
            cause = chain[-1]
            status = next((one.response.status_code for one in chain if getattr(one, "response", None)), None)
            if status == CONFLICT:
                raise RegistryError(f"{self.url} was written to by another since it was read: push again.") from None
            said = f"HTTP status {status}" if status else (str(cause).splitlines() or [type(cause).__name__])[0][:200]
            hint = " `hf auth login` or HF_TOKEN says who you are." if status in (401, 403, 404) else ""
            raise RegistryError(f"{self.url} could not be used: {said}. Nothing was changed.{hint}") from None


def _causes(error: BaseException | None) -> Iterator[Any]:
    while error is not None:
        yield error
        error = error.__cause__


def _name(stored: StoredObject) -> str:
    return f"objects/{stored.digest}.safetensors"
