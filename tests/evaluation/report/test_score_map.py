"""Equal scores have equal colours, wherever they stand on a page."""

import re

import numpy as np
import pytest

from piggygan.errors import ConfigurationError
from piggygan.evaluation.report.page import Page, Section, render_page
from piggygan.evaluation.report.score_map import HUES, WORST_TO_BEST, Hue, ScoreMap, is_dark, shade


def luminance(colour: tuple[int, int, int]) -> float:
    """Relative luminance as WCAG 2.2 defines it."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (level / 255 for level in colour)]
    return float(np.dot(linear, [0.2126, 0.7152, 0.0722]))


def map_of(*values: float | None, scale: tuple[float, float] = (0.0, 1.0)) -> ScoreMap:
    return ScoreMap("Dice", ["row"], [f"column {number}" for number in range(len(values))], [values], scale)


def test_a_score_has_one_colour_whatever_stands_beside_it() -> None:
    kept, forgotten = map_of(0.691, 0.691), map_of(0.691, 0.035)
    assert kept.cells[0][0] == kept.cells[0][1] == forgotten.cells[0][0]
    assert forgotten.cells[0][1].colour != forgotten.cells[0][0].colour
    assert map_of(0.0).cells[0][0].colour == "rgb(234, 242, 248)"
    assert map_of(1.0).cells[0][0].colour == "rgb(11, 74, 122)"


def test_the_better_end_is_dark_also_where_less_is_better() -> None:
    errors = map_of(2.0, 0.0, scale=(2.0, 0.0)).cells[0]
    assert [cell.colour for cell in errors] == [cell.colour for cell in map_of(0.0, 1.0).cells[0]]
    assert [cell.is_dark for cell in errors] == [False, True]


def test_what_is_outside_the_scale_has_the_colour_of_its_end_and_keeps_its_number() -> None:
    below, above = map_of(-0.2, 1.25).cells[0]
    assert (below.text, above.text) == ("-0.200", "1.250")
    assert (below.colour, above.colour) == tuple(cell.colour for cell in map_of(0.0, 1.0).cells[0])


@pytest.mark.parametrize("hue", HUES)
def test_values_stand_out_from_their_cells_and_better_is_always_darker(hue: Hue) -> None:
    colours = [shade(position, hue) for position in np.linspace(0, 1, 101)]
    for colour in colours:
        text = 1.0 if is_dark(colour) else 0.0
        low, high = sorted((luminance(colour), text))
        assert (high + 0.05) / (low + 0.05) >= 4.5
    assert sorted(map(luminance, colours), reverse=True) == list(map(luminance, colours))


def test_no_two_hues_share_a_colour_at_their_better_half() -> None:
    assert len({stops[place] for stops in WORST_TO_BEST.values() for place in (2, 3)}) == 2 * len(HUES)


def test_a_page_holds_the_numbers_as_text_and_the_scale_in_words() -> None:
    shown = ScoreMap("Lungs, Dice", ["ours", "theirs"], ["before", "after"], [[None, 0.9], [0.1, 0.25]], digits=2)
    html = render_page(Page("", "", [Section("", [shown])]))
    assert "Lungs, Dice: pale is 0, dark is 1." in html
    assert re.findall(r">(0\.\d+)</td>", html) == ["0.90", "0.10", "0.25"]
    assert html.count('class="hatched"') == 1


@pytest.mark.parametrize(
    ("matrix", "rows", "columns", "message"),
    [
        ([], [], [], "at least one cell"),
        ([[1.0]], ["a", "b"], ["a"], "2 row names"),
        ([[1.0, 2.0]], ["a"], ["a"], r"rows of \[2\]"),
        ([[float("nan")]], ["a"], ["a"], "cannot show nan: give None"),
    ],
)
def test_a_matrix_that_cannot_be_drawn_is_refused(
    matrix: list[list[float | None]], rows: list[str], columns: list[str], message: str
) -> None:
    with pytest.raises(ConfigurationError, match=message):
        ScoreMap("Dice", rows, columns, matrix)


def test_a_scale_of_no_length_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="two ends that differ"):
        map_of(0.5, scale=(1.0, 1.0))
