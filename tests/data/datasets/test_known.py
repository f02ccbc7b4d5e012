"""Every known data set: recognised by its folder, described before one has it."""

from __future__ import annotations

import pytest

from piggygan.data.datasets import (
    DATASETS,
    CovidXrays,
    DatasetFolder,
    Facades,
    FacadesBase,
    Jsrt,
    Montgomery,
    Shenzhen,
    open_dataset,
)
from piggygan.errors import (
    DatasetError,
)

MINIATURES = [
    ("montgomery", Montgomery, 4),
    ("shenzhen", Shenzhen, 4),
    ("jsrt", Jsrt, 2),
    ("facades", Facades, 6),
    ("facades_base", FacadesBase, 3),
    ("covid_cxr", CovidXrays, 4),
]


@pytest.mark.parametrize(("fixture", "kind", "count"), MINIATURES)
def test_a_folder_is_recognised_and_gives_its_pairs(
    fixture: str, kind: type[DatasetFolder], count: int, request: pytest.FixtureRequest
) -> None:
    # A miniature of the facades is too small to be recognized.
    dataset = open_dataset(request.getfixturevalue(fixture), "facades" if fixture == "facades" else None)
    assert type(dataset) is kind
    assert DATASETS[dataset.name] is kind
    pairs = dataset.pairs(8, channels=1)
    assert len(pairs) == len(dataset.files) == count
    assert pairs.skipped == []
    channels = 3 if fixture.startswith("facades") else 1
    assert pairs[0].input.shape == pairs[0].target.shape == (channels, 8, 8)
    assert set(dataset.patients) == set(pairs.names)


@pytest.mark.parametrize(("fixture", "kind", "count"), MINIATURES)
def test_a_miniature_is_not_the_complete_set(
    fixture: str, kind: type[DatasetFolder], count: int, request: pytest.FixtureRequest
) -> None:
    assert kind.description is not None
    with pytest.raises(
        DatasetError, match=rf"has {count} pairs; .* has {kind.description.pairs}\. Get it anew: .*http"
    ):
        kind(request.getfixturevalue(fixture)).require_complete()


def test_every_description_says_where_to_get_the_set_its_terms_and_what_to_cite() -> None:
    described = [kind.description for kind in DATASETS.values() if kind.description is not None]
    assert [one.pairs for one in described] == [138, 566, 247, 74, 378, 606]
    for one in described:
        assert "http" in one.source
        assert one.terms
        assert one.citation
        assert one.images >= one.pairs
        assert sum(one.sides.values()) in (0, one.pairs)
