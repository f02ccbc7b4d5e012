"""What a visitor is told of an error."""

from __future__ import annotations

import json

import pytest

from piggygan.errors import ConfigurationError, DicomError, InputTooLargeError, RegistryError, TaskNotFoundError
from piggygan.server.problems import Refusal, refusal_of


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (InputTooLargeError("x"), 413),
        (DicomError("x"), 422),
        (TaskNotFoundError("x"), 404),
        (ConfigurationError("x"), 400),
        (RegistryError("x"), 500),
        (MemoryError(), 503),
        (ValueError("Plantagenet"), 500),
    ],
)
def test_every_error_has_its_status(error: Exception, status: int) -> None:
    refusal = refusal_of(error)
    assert refusal.status == status
    assert "Plantagenet" not in refusal.detail


def test_a_problem_is_of_the_form_of_rfc_9457() -> None:
    response = Refusal(429, "busy", "try again", {"Retry-After": "2"}, {"files": []}).response()
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["retry-after"] == "2"
    assert json.loads(response.body) == {
        "type": "urn:piggygan:problem:busy",
        "title": "Too Many Requests",
        "status": 429,
        "detail": "try again",
        "files": [],
    }
