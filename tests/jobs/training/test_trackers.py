"""A tracker that cannot do what is asked is refused before anything is written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from piggygan.errors import ConfigurationError
from piggygan.jobs.training.run import train_task


def test_pictures_are_refused_where_none_are_shown(
    tmp_path: Path, facade_pairs: Path, small: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("piggygan.jobs.training.trackers.find_spec", lambda name: name)
    for tracker in ("none", "mlflow", "trackio"):
        with pytest.raises(ConfigurationError, match=f"--tracker is {tracker}: take tensorboard or wandb"):
            train_task(tmp_path / "exp", "a", small(facade_pairs, size=32, tracker=tracker, track="pictures"))
    assert not (tmp_path / "exp").exists()


def test_a_tracker_that_is_not_installed_is_refused_before_anything_is_written(
    tmp_path: Path, facade_pairs: Path, small: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("piggygan.jobs.training.trackers.find_spec", lambda _: None)
    with pytest.raises(ConfigurationError, match="--tracker mlflow is not installed here: pip install mlflow"):
        train_task(tmp_path / "exp", "a", small(facade_pairs, size=32, tracker="mlflow"), progress=False)
    assert not (tmp_path / "exp").exists()
