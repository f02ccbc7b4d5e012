"""Certificates, computed again in another process."""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from piggygan.server import verifying
from piggygan.server.problems import Refusal
from piggygan.server.source import Source
from piggygan.server.verifying import Verifier, verified


def test_who_asks_meanwhile_gets_the_same_result(clinic: Path) -> None:
    async def twice() -> list[Any]:
        verifier = Verifier(Source(clinic))
        return await asyncio.gather(verifier.verify(), verifier.verify())

    first, second = asyncio.run(twice())
    assert first is second
    assert first["sound"] is True
    assert [(check["task"], check["state"]) for check in first["tasks"]] == [("facades", "equal"), ("lungs", "equal")]


def test_damage_is_found_and_nothing_is_written_there(clinic: Path, tmp_path: Path) -> None:
    shutil.copytree(clinic, tmp_path / "copy")
    weights = max((tmp_path / "copy/objects").rglob("*.safetensors"), key=lambda path: path.stat().st_size)
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    found = verified(Source(tmp_path / "copy"))
    assert found["sound"] is False
    json.dumps(found, allow_nan=False)


def test_a_registry_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    with pytest.raises(Refusal, match="no registry") as refused:
        asyncio.run(Verifier(Source(tmp_path)).verify())
    assert refused.value.status == 503


def test_one_that_takes_too_long_is_ended(clinic: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verifying, "SECONDS", 0.05)
    with pytest.raises(Refusal, match="seconds"):
        asyncio.run(Verifier(Source(clinic)).verify())


def test_the_interface_verifies(client: TestClient) -> None:
    assert client.post("/api/verify").json()["sound"] is True
    assert client.get("/api/verify").status_code == 405
