"""Which pairs a task is scored on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from piggygan.errors import ConfigurationError, DatasetError
from piggygan.jobs.config import TrainConfig
from piggygan.jobs.config_file import config_to_toml
from piggygan.jobs.data import DataConfig, TaskData
from piggygan.jobs.evaluating.scored_pairs import ScoredPairs, open_scored_pairs, spacings_of
from piggygan.jobs.folder import TaskFolder

Masks = Callable[..., TaskData]


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch, films: Path, masks_in: Masks) -> list[tuple[DataConfig, int | None]]:
    """Note what is asked for when data are opened."""
    asked: list[tuple[DataConfig, int | None]] = []

    def note(config: DataConfig, *, size: int, in_channels: int | None = None, max_skipped: float = 0) -> TaskData:
        assert (size, max_skipped) == (32, 1.0)
        asked.append((config, in_channels))
        return masks_in(films)

    monkeypatch.setattr("piggygan.jobs.evaluating.scored_pairs.open_test_data", note)
    return asked


def trained(root: Path, data: DataConfig) -> TaskFolder:
    """What a training leaves behind."""
    folder = TaskFolder(root, "lungs")
    folder.root.mkdir()
    folder.config.write_text(config_to_toml(TrainConfig(data=data)), encoding="utf-8")
    return folder


def test_by_default_it_is_the_test_side_of_what_the_task_was_trained_on(
    opened: list[tuple[DataConfig, int | None]], tmp_path: Path
) -> None:
    folder = trained(tmp_path / "lungs", DataConfig(data=tmp_path / "films", channels=1))
    open_scored_pairs(folder, None, size=32, in_channels=1)
    folder.splits.write_text("{}")
    open_scored_pairs(folder, None, size=32, in_channels=1)
    expected = DataConfig(data=tmp_path / "films", channels=1)
    assert opened == [(expected, 1), (replace(expected, splits=folder.splits), 1)]


def test_other_data_are_read_as_those_that_it_was_trained_on(
    opened: list[tuple[DataConfig, int | None]], tmp_path: Path
) -> None:
    own = DataConfig(data=tmp_path / "films", direction="BtoA", classes=("1", "2"), split="0.5/0.2/0.3")
    folder = trained(tmp_path / "lungs", own)
    given = DataConfig(images=tmp_path / "new", masks=tmp_path / "new_masks")
    open_scored_pairs(folder, given, size=32, in_channels=3)
    open_scored_pairs(folder, replace(given, classes=("7",)), size=32, in_channels=3)
    assert opened == [
        (replace(given, direction="BtoA", classes=("1", "2")), 3),
        (replace(given, direction="BtoA", classes=("7",)), 3),
    ]


def test_without_a_word_on_the_data_the_way_out_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"no '.*config.toml', which would say .* name the data"):
        open_scored_pairs(TaskFolder(tmp_path, "lungs"), None, size=32, in_channels=3)


def test_the_folder_of_a_known_set_says_its_colours(
    opened: list[tuple[DataConfig, int | None]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = TaskFolder(tmp_path, "facades")
    given = DataConfig(data=tmp_path)
    assert open_scored_pairs(folder, given, size=32, in_channels=3).palette is None
    monkeypatch.setattr("piggygan.data.datasets.facades.Facades.is_in", lambda _: True)
    assert open_scored_pairs(folder, given, size=32, in_channels=3).palette == "cmp"
    back = replace(given, direction="BtoA")  # photos of labels have no colours of classes
    assert open_scored_pairs(folder, back, size=32, in_channels=3).palette is None
    assert opened


def test_only_pairs_can_be_scored(films: Path, masks_in: Masks) -> None:
    data = masks_in(films)
    pairs = ScoredPairs.of(data)
    assert [files.name for files in pairs.files] == data.splits["test"]
    with pytest.raises(DatasetError, match="no test side"):
        ScoredPairs.of(replace(data, test=None))
    unpaired: Any = object()
    with pytest.raises(DatasetError, match="nobody paired these"):
        ScoredPairs.of(replace(data, test=unpaired))


def test_patients_are_what_the_data_say_or_what_stands_in_names(films: Path, masks_in: Masks) -> None:
    names = masks_in(films).splits["test"]
    known = {name: name[:2] for name in names}
    assert ScoredPairs.of(masks_in(films, known)).owners(None) == known
    assert ScoredPairs.of(masks_in(films, dict(list(known.items())[1:]))).owners(None) == {}
    assert ScoredPairs.of(masks_in(films)).owners("^p.") == known
    assert ScoredPairs.of(masks_in(films, known)).owners(r"-(\d)") == {name: name[-1] for name in names}
    with pytest.raises(ConfigurationError, match=r"by_patient is '\^q', which finds no patient in"):
        ScoredPairs.of(masks_in(films, known)).owners("^q")


def test_only_dicom_files_are_believed_to_know_the_size_of_a_pixel(
    films: Path, masks_in: Masks, write_film: Callable[..., Path]
) -> None:
    levels = np.asarray(Image.open(films / "images/p0-0.png"))
    for name in ("p0-0", "p0-1", "p1-2"):
        (films / f"images/{name}.png").unlink()
    write_film(films / "images/p0-0.dcm", levels, PixelSpacing=[0.3, 0.2])
    write_film(films / "images/p0-1.dcm", levels)
    (films / "images/p1-2.dcm").write_bytes((films / "images/p0-0.dcm").read_bytes()[:300])
    files = list(masks_in(films).test.files)  # type: ignore[union-attr]
    assert spacings_of(files) == {"p0-0": (0.3, 0.2)}
