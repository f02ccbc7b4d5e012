"""Rules for masks: what they say, and that what is no rule gets the word that was probably meant."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from piggygan.errors import ConfigurationError
from piggygan.prediction.mask_shape import MaskShape
from piggygan.prediction.rules import HEARTS, LUNGS, WORDS, rules_of, unmet

GOOD = MaskShape(area=0.25, parts=2, left=0.5, border=0.0)


@pytest.mark.parametrize(
    ("text", "shape", "is_met"),
    [
        ("parts<=2", GOOD, True),
        ("parts<=1", GOOD, False),
        ("parts=2", GOOD, True),
        ("parts>=3", GOOD, False),
        ("area=0.1..0.6", GOOD, True),
        ("area=0.25..0.25", GOOD, True),
        ("area=.3..1", GOOD, False),
        ("area >= 0.25 , area <= 0.25", GOOD, True),
        ("border=0", GOOD, True),
        ("parts<=2,area=0.1..0.6", MaskShape(0.7, 2, 0.5, 0.0), False),
        ("lungs", GOOD, True),
        ("lungs", MaskShape(0.25, 1, 0.5, 0.0), False),
        ("lungs,parts<=2", MaskShape(0.25, 1, 0.5, 0.0), True),
        ("hearts", MaskShape(0.09, 1, 0.5, 0.0), True),
        ("hearts", GOOD, False),
    ],
)
def test_a_rule_says_what_it_says(text: str, shape: MaskShape, is_met: bool) -> None:
    assert (unmet(rules_of(text), shape) == "") == is_met


def test_what_is_not_met_is_said_with_what_was_required() -> None:
    said = unmet(rules_of(LUNGS), MaskShape(0.7, 3, 0.5, 0.25))
    assert said == (
        "The mask has 3 parts and covers 0.700 of the film and covers 0.250 of the film's border; required is "
        "parts=2,area=0.08..0.6,border<=0.1."
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("part<=2", "know no 'part': did you mean 'parts'\\? There are area, parts, left, border"),
        ("size<=2", "know no 'size': There are"),
        ("lung", "'lung' is no rule for masks: did you mean 'lungs'"),
        ("", "'' is no rule"),
        ("parts<2", "'parts<2' is no rule"),
        ("parts=two", "is no rule"),
        ("parts<=2,", "'' is no rule"),
        ("area=0.6..0.1", "a range is word=smaller..larger"),
        ("area<=0.1..0.6", "a range is word=smaller..larger"),
        ("area=-1", "is no rule"),
        ("area=1e999", "is no rule"),
        ("area=nan", "is no rule"),
    ],
)
def test_what_is_no_rule_is_refused(text: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        rules_of(text)


def test_a_rule_is_written_as_it_is_given() -> None:
    for text in (LUNGS, HEARTS, "parts>=2"):
        assert ",".join(map(str, rules_of(text))) == text


@given(st.text(max_size=40))
def test_any_text_is_rules_or_refused(text: str) -> None:
    with contextlib.suppress(ConfigurationError):
        rules = rules_of(text)
        assert {rule.word for rule in rules} <= set(WORDS)
