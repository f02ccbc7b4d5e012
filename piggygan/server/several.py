"""Several answers in one: a zip archive with a summary, or multipart/mixed."""

from __future__ import annotations

import io
import json
import re
import secrets
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from piggygan.server.answers import SUFFIXES, Answer, headers_of
from piggygan.server.problems import Refusal, refusal_of

ZIP, MIXED = "application/zip", "multipart/mixed"
PACKED = (ZIP, MIXED)
SUMMARY = "summary.json"
_LONGEST_NAME = 120
_NO_NAME = re.compile(r"[^\w.\- ]+")


@dataclass(frozen=True)
class Outcome:
    """What came of one file.

    Attributes:
        name: What its answer is called, without a suffix.
        answer: What is sent for it, or why nothing is.
    """

    name: str
    answer: Answer | Exception

    @property
    def fields(self) -> dict[str, Any]:
        """What a summary says of it."""
        if isinstance(self.answer, Answer):
            return {"name": self.name, "file": self.file, **self.answer.facts}
        refusal = refusal_of(self.answer)
        return {"name": self.name, "status": refusal.status, "error": refusal.kind, "detail": refusal.detail}

    @property
    def file(self) -> str:
        """What the answer is called."""
        suffix = SUFFIXES[self.answer.form] if isinstance(self.answer, Answer) else "json"
        return f"{self.name}.{suffix}"


def unused_names(given: Sequence[str]) -> list[str]:
    """Make names for answers of what files are called: no folders, no two alike, none empty.

    Example:
        >>> unused_names(["a/film.png", "film.dcm", "..", ""])
        ['film', 'film-2', 'file', 'file-2']
    """
    taken: set[str] = set()
    return [next(name for name in _numbered(_stem(one)) if _is_new(name, taken)) for one in given]


def packed(outcomes: Sequence[Outcome], form: str) -> tuple[bytes, str]:
    """Put answers together.

    Returns:
        The bytes, and their media type.

    Raises:
        Refusal: If no file could be used.
    """
    if not any(isinstance(outcome.answer, Answer) for outcome in outcomes):
        first = outcomes[0].fields
        raise Refusal(
            max(outcome.fields["status"] for outcome in outcomes),
            first["error"],
            f"none of {len(outcomes)} files could be used: {first['detail']}",
            fields={"files": [outcome.fields for outcome in outcomes]},
        )
    summary = json.dumps([outcome.fields for outcome in outcomes], indent=2).encode()
    return _zipped(outcomes, summary) if form == ZIP else _mixed(outcomes, summary)


def _zipped(outcomes: Sequence[Outcome], summary: bytes) -> tuple[bytes, str]:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:  # what is in it is compressed already
        for outcome in outcomes:
            if isinstance(outcome.answer, Answer):
                archive.writestr(outcome.file, outcome.answer.content)
        archive.writestr(SUMMARY, summary)
    return file.getvalue(), ZIP


def _mixed(outcomes: Sequence[Outcome], summary: bytes) -> tuple[bytes, str]:
    boundary = secrets.token_hex(16)
    parts = []
    for outcome in outcomes:
        if isinstance(outcome.answer, Answer):
            headers = {"Content-Type": outcome.answer.form, **headers_of(outcome.answer.facts)}
            parts.append(_part(outcome.file, headers, outcome.answer.content))
    parts.append(_part(SUMMARY, {"Content-Type": "application/json"}, summary))
    body = b"".join(b"--" + boundary.encode() + b"\r\n" + part + b"\r\n" for part in parts)
    return body + b"--" + boundary.encode() + b"--\r\n", f"{MIXED}; boundary={boundary}"


def _part(name: str, headers: dict[str, str], content: bytes) -> bytes:
    ascii_name = name.encode("ascii", "replace").decode().replace("?", "_")
    lines = [f'Content-Disposition: attachment; filename="{ascii_name}"', *(f"{k}: {v}" for k, v in headers.items())]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + content


def _stem(name: str) -> str:
    last = re.split(r"[/\\]", name)[-1]
    stem = _NO_NAME.sub("_", last.rpartition(".")[0] or last).strip(". ")
    while len(stem.encode()) > _LONGEST_NAME:
        stem = stem[:-1]
    return stem or "file"


def _numbered(stem: str) -> Iterator[str]:
    yield stem
    number = 2
    while True:
        yield f"{stem}-{number}"
        number += 1


def _is_new(name: str, taken: set[str]) -> bool:
    if name.casefold() in taken:
        return False
    taken.add(name.casefold())
    return True
