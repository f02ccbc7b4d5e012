"""A small run, with processes that import nothing."""

import pytest

from benchmarks.speed import loading


def test_loading_is_set_against_a_state_dict(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "IMPORTS", {"nothing": "pass", "json": "import json"})
    skipped: list[str] = []
    options = loading.Options(networks=("unet",), size=16, width=2, seconds=0.0, tasks=(2, 3))
    rows = loading.measure(options, skipped)
    assert skipped == []
    assert [row["what"] for row in rows] == [
        "nothing",
        "json",
        "load_file, load_state_dict",
        "state dict, torch.load",
        "state dict, safetensors",
        "task 1 as an ordinary network",
        "task 2 from a registry",
        "task 2 as an ordinary network",
        "task 3 from a registry",
        "task 3 as an ordinary network",
        "commit task 2",
        "commit tasks 1 to 2",
        "commit task 3",
        "commit tasks 1 to 3",
        "verify 2 tasks",
        "verify 3 tasks",
    ]
    assert all(row["ms"] > 0 for row in rows)
    assert rows[8]["files MiB"] > rows[6]["files MiB"] > rows[2]["files MiB"]
