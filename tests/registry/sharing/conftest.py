"""Two places to push to: a folder, and a hub that stands in for huggingface.co."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from huggingface_hub import constants

from tests.registry.sharing.fake_hub import FakeHub, serving


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FakeHub]:
    """A hub that stands in for huggingface.co."""
    made = FakeHub()
    with serving(made) as address:
        monkeypatch.setenv("HF_ENDPOINT", address)
        monkeypatch.setenv("HF_TOKEN", "hf_secret")
        monkeypatch.setattr("huggingface_hub.utils._http.time.sleep", lambda _: None)  # between its tries
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
        yield made


@pytest.fixture(params=["file", "hf"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "file":
        return f"file://{tmp_path}/share"
    request.getfixturevalue("hub")
    return "hf://clinic/lungs"
