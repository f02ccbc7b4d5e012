"""Which files belong together by their names."""

from __future__ import annotations

from pathlib import Path

import pytest

from piggygan.data.datasets.matching import first_folder, match, match_names
from piggygan.errors import DatasetError


def named(*stems: str) -> dict[str, Path]:
    return {stem: Path(f"{stem}.png") for stem in stems}


def test_a_pair_needs_a_target_of_every_kind_and_the_first_is_its_mask() -> None:
    targets = {"left mask": named("a", "b", "d"), "right mask": named("a", "c")}
    listing = match(named("b", "a", "e"), targets)
    assert [(pair.name, pair.mask, pair.more_masks) for pair in listing.files] == [
        ("a", Path("a.png"), (Path("a.png"),))
    ]
    assert [(left.name, left.reason) for left in listing.incomplete] == [
        ("b", "has no right mask"),
        ("e", "has no left mask and no right mask"),
        ("d", "has a left mask and no image"),
        ("c", "has a right mask and no image"),
    ]


@pytest.mark.parametrize(
    ("images", "targets", "remarks"),
    [
        (("a", "b"), ("a", "b"), ()),
        (("a", "b"), ("a_mask", "b_mask"), ("Names of masks end in '_mask'.",)),
        (("a-x", "b-x"), ("a mask", "b mask"), ("Names of images end in '-x'.", "Names of masks end in ' mask'.")),
    ],
)
def test_names_may_have_one_ending_a_folder(
    images: tuple[str, ...], targets: tuple[str, ...], remarks: tuple[str, ...]
) -> None:
    listing = match_names(named(*images), named(*targets), "mask")
    assert ([pair.name for pair in listing.files], listing.remarks) == (["a", "b"], remarks)
    assert [pair.mask for pair in listing.files] == [Path(f"{target}.png") for target in targets]
    assert not listing.incomplete


@pytest.mark.parametrize(
    ("images", "targets", "paired"),
    [
        (("a", "b"), ("a_mask", "b_label"), []),  # two endings
        (("a", "b"), ("a_mask", "c_mask"), []),  # one has no partner without it
        (("a", "b_left"), ("a_mask", "b_mask"), []),  # not all of its folder have it
        (("a_m", "a_m_m"), ("a", "a_m"), ["a_m"]),  # one name is equal as it is
    ],
)
def test_no_ending_is_taken_off_where_that_would_be_a_guess(
    images: tuple[str, ...], targets: tuple[str, ...], paired: list[str]
) -> None:
    listing = match_names(named(*images), named(*targets), "mask")
    assert ([pair.name for pair in listing.files], listing.remarks) == (paired, ())
    assert len(listing.incomplete) == 2 * (2 - len(paired))


def test_the_nearest_name_that_is_left_is_told() -> None:
    listing = match_names(named("scan1", "scan2", "zzz"), named("scan1", "scan2x"), "mask")
    assert [left.reason for left in listing.incomplete] == [
        "has no mask; the nearest name is 'scan2x'",
        "has no mask",
        "has a mask and no image",
    ]
    listing = match_names(named("scan1", "scan2"), named("scan1", "other"), "mask")
    assert listing.incomplete[0].reason == "has no mask"  # scan1 has its own


def test_the_first_folder_that_is_there_is_taken_and_none_is_refused_by_all_names(tmp_path: Path) -> None:
    (tmp_path / "two").mkdir()
    (tmp_path / "three").mkdir()
    assert first_folder(tmp_path, ["one", "two", "three"], "films") == tmp_path / "two"
    assert first_folder(tmp_path, ["one", "."], "films") == tmp_path
    with pytest.raises(DatasetError, match="for films: there is no one or four"):
        first_folder(tmp_path, ["one", "four"], "films")
