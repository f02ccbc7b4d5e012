"""What is said to a request that cannot be answered: problem+json (RFC 9457)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from starlette.responses import Response

from piggygan.errors import (
    ConfigurationError,
    ImageError,
    InputError,
    InputTooLargeError,
    PiggyganError,
    TaskNotFoundError,
)

MEDIA_TYPE = "application/problem+json"
TYPE = "urn:piggygan:problem:"
"""What stands before a problem's kind in its ``type``."""
_STATUS: tuple[tuple[type[Exception], int], ...] = (
    (InputTooLargeError, 413),
    (ImageError, 422),
    (TaskNotFoundError, 404),
    (ConfigurationError, 400),
    (InputError, 422),
    (MemoryError, 503),
)


class Refusal(Exception):  # noqa: N818  # no error of ours: it says what the visitor is told
    """A request is not answered as it was asked.

    Args:
        status: HTTP's number.
        kind: Of problem, for programs: a word of ours, or the name of an error of :mod:`piggygan.errors`.
        detail: What was given, what is needed, what to do.
        headers: To be sent with it.
        fields: Further members of the JSON object.
    """

    def __init__(
        self,
        status: int,
        kind: str,
        detail: str,
        headers: Mapping[str, str] | None = None,
        fields: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status, self.kind, self.detail = status, kind, detail
        self.headers, self.fields = dict(headers or {}), dict(fields or {})

    @property
    def title(self) -> str:
        """HTTP's words for the status."""
        return HTTPStatus(self.status).phrase

    def response(self) -> Response:
        """Write it down."""
        body = {
            "type": TYPE + self.kind,
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            **self.fields,
        }
        return Response(json.dumps(body), self.status, self.headers, MEDIA_TYPE)


def refusal_of(error: Exception) -> Refusal:
    """Say what a visitor is told of an error; of an unforeseen one only its kind, as its text may quote a file."""
    if isinstance(error, Refusal):
        return error
    status = next((status for kind, status in _STATUS if isinstance(error, kind)), 500)
    if isinstance(error, PiggyganError):
        return Refusal(status, type(error).__name__, " ".join(str(error).split()))
    if status == 503:
        return Refusal(503, "memory", "there is too little memory for this just now: try again.", {"Retry-After": "5"})
    return Refusal(500, "failed", f"that failed ({type(error).__name__}); it is the server's fault.")
