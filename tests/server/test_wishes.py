"""Queries, checked."""

from __future__ import annotations

import pytest
from starlette.datastructures import QueryParams

from piggygan.server.answers import DICOM, PNG
from piggygan.server.limits import Limits
from piggygan.server.problems import Refusal
from piggygan.server.wishes import wish_of


def test_a_query_is_the_options_of_predicting() -> None:
    wish = wish_of(QueryParams("size=64&fit=pad&largest=2&fill_holes=1&show=overlay&network=forward"), DICOM, Limits())
    options = wish.options
    assert (options.size, options.fit, options.largest, options.fill_holes) == (64, "pad", 2, True)
    assert (options.dicom_seg, options.untrusted) == (True, True)
    assert (wish.network, wish.show) == ("forward", "overlay")


@pytest.mark.parametrize(
    "query",
    ["size=-1", "size=1e3", "size=٣", "size=999999999999", "size=0", "fit=x", "largest=0", "fill_holes=maybe", "x=1"],
)
def test_nonsense_is_refused(query: str) -> None:
    with pytest.raises(Refusal) as refused:
        wish_of(QueryParams(query), PNG, Limits())
    assert refused.value.status in (400, 413)


def test_a_network_is_not_given_more_pixels_than_the_server_allows() -> None:
    with pytest.raises(Refusal) as refused:
        wish_of(QueryParams("size=5000"), PNG, Limits())
    assert refused.value.status == 413
