"""Which files are on which side."""

import json
import os
from pathlib import Path

import pytest

from piggygan.data.splits import patients_on_two_sides, read_splits, side_of, split_by_patient
from piggygan.errors import ConfigurationError, DatasetError


def written(folder: Path, content: str) -> Path:
    path = folder / "splits.json"
    path.write_text(content, encoding="utf-8")
    return path


def test_sides_are_read_and_remarks_passed_over(tmp_path: Path) -> None:
    path = written(tmp_path, json.dumps({"grouped_by": "patient", "train": ["a.png", "b.png"], "test": ["c.png"]}))
    splits = read_splits(path)
    assert splits == {"train": ["a.png", "b.png"], "test": ["c.png"]}
    assert side_of(splits, "test", path) == ["c.png"]


@pytest.mark.parametrize("content", ["", "{", "[1]", "[" * 100_000, '{"train": ["a"], "test": ["a"]}'])
def test_what_is_no_list_of_sides_is_refused(content: str, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"splits\.json"):
        read_splits(written(tmp_path, content))


def test_a_missing_file_or_side_says_what_to_write(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="cannot be read"):
        read_splits(tmp_path / "splits.json")
    with pytest.raises(DatasetError, match="nothing under 'val'; it has train"):
        side_of({"train": ["a"]}, "val", "splits.json")


PATIENTS = {f"{patient}-{film}": str(patient) for patient in range(60) for film in range(1 + patient % 4)}


@pytest.mark.parametrize("seed", range(5))
def test_no_patient_is_on_two_sides_and_every_file_is_on_one(seed: int) -> None:
    splits = split_by_patient(PATIENTS, {"train": 0.7, "val": 0.1, "test": 0.2}, seed=seed)
    assert list(splits) == ["train", "val", "test"]
    assert sorted(name for names in splits.values() for name in names) == sorted(PATIENTS)
    assert patients_on_two_sides(PATIENTS, splits) == []
    for side, share in (("train", 0.7), ("val", 0.1), ("test", 0.2)):
        assert abs(len(splits[side]) - share * len(PATIENTS)) <= 4  # a patient more or less


def test_a_split_depends_on_the_seed_and_on_nothing_else() -> None:
    shares = {"train": 0.8, "test": 0.2}
    turned = dict(reversed(PATIENTS.items()))
    assert split_by_patient(turned, shares, seed=3) == split_by_patient(PATIENTS, shares, seed=3)
    assert split_by_patient(PATIENTS, shares, seed=4) != split_by_patient(PATIENTS, shares, seed=3)
    # Written down once: another version, machine or hash seed must give the same.
    assert split_by_patient({name: name for name in "abcdefgh"}, {"train": 0.75, "test": 0.25}, seed=0)["test"] == [
        "c",
        "d",
    ]


def test_no_side_stays_empty_however_large_a_patient_is() -> None:
    patients = {**{f"x{film}": "x" for film in range(50)}, "y": "y", "z": "z"}
    for seed in range(10):
        assert all(split_by_patient(patients, {"train": 0.5, "val": 0.25, "test": 0.25}, seed=seed).values())
    with pytest.raises(DatasetError, match="are of 1 patients; 2 sides"):
        split_by_patient({"a": "x", "b": "x"}, {"train": 0.5, "test": 0.5})


@pytest.mark.parametrize("shares", [{}, {"train": 0.5}, {"train": 1.2, "test": -0.2}, {"train": float("nan")}])
def test_shares_that_do_not_add_up_are_refused(shares: dict[str, float]) -> None:
    with pytest.raises(ConfigurationError, match="together they must be 1"):
        split_by_patient(PATIENTS, shares)
    with pytest.raises(ConfigurationError, match="seed"):
        split_by_patient(PATIENTS, {"train": 1.0}, seed=-1)


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "splits.json")
    with pytest.raises(DatasetError, match=r"splits\.json' is not a regular file: write one such as"):
        read_splits(tmp_path / "splits.json")
