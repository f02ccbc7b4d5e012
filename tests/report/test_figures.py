import io
import subprocess
import sys
import threading

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from PIL import Image

from piggygan.errors import ConfigurationError
from piggygan.report.figures import _WORST_TO_BEST, DOTS_PER_INCH, _readable_on, heat_map, loss_curves, smoothed
from piggygan.report.lettering import INK, MUTED, drawable

NAMES = ("facades", "lungs")


def dots(png: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(png)) as image:
        image.load()
        assert image.format == "PNG"
        return np.asarray(image.convert("RGB"))


def luminance(colour: tuple[float, ...]) -> float:
    """Relative luminance as WCAG 2.2 defines it."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour[:3]]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_a_heat_map_grows_by_its_cells() -> None:
    def size(rows: int, columns: int) -> tuple[int, int]:
        png = heat_map([[0.5] * columns] * rows, ["row"] * rows, ["column"] * columns)
        with Image.open(io.BytesIO(png)) as image:
            assert image.info["dpi"][0] == pytest.approx(DOTS_PER_INCH, abs=0.1)
            assert "Software" not in image.info
            return image.size

    width, height = size(2, 2)
    assert size(3, 2) == (width, height + DOTS_PER_INCH // 2)
    assert size(2, 3)[0] == pytest.approx(width + 0.95 * DOTS_PER_INCH, abs=1)


def has_colour(png: bytes, position: float) -> bool:
    colour = np.round(np.array(_WORST_TO_BEST(position)[:3]) * 255)
    return bool((np.abs(dots(png) - colour).max(axis=2) <= 1).sum() > 1000)


def test_the_better_end_is_dark_and_unknown_cells_have_no_colour() -> None:
    higher = heat_map([[0.1, None], [0.1, None]], NAMES, NAMES)
    assert not has_colour(higher, 0.0)  # all values are the same: neither the worst nor the best
    assert has_colour(higher, 0.5)
    assert not has_colour(heat_map([[None, None], [None, None]], NAMES, NAMES), 0.5)

    left_best = dots(heat_map([[9.0, 1.0]], ["row"], NAMES)).astype(float)
    right_best = dots(heat_map([[9.0, 1.0]], ["row"], NAMES, higher_is_better=False)).astype(float)
    middle = left_best.shape[1] * 2 // 3
    assert left_best[:, :middle].mean() < right_best[:, :middle].mean()
    assert left_best[:, middle:].mean() > right_best[:, middle:].mean()


def test_values_stand_out_from_their_cells_and_words_from_the_page() -> None:
    for position in np.linspace(0, 1, 101):
        assert contrast(to_rgb(_readable_on(position)), _WORST_TO_BEST(position)) >= 4.5
    assert contrast(to_rgb(INK), (1, 1, 1)) > 12
    assert contrast(to_rgb(MUTED), (1, 1, 1)) > 4.5


def test_equal_numbers_give_equal_bytes_and_other_numbers_other_bytes() -> None:
    assert heat_map([[0.5]], ["a"], ["b"]) == heat_map([[0.5]], ["a"], ["b"])
    assert heat_map([[0.5]], ["a"], ["b"]) != heat_map([[0.6]], ["a"], ["b"])
    assert heat_map([[0.51]], ["a"], ["b"], digits=1) == heat_map([[0.52]], ["a"], ["b"], digits=1)


def test_loss_curves_are_a_png_of_the_stated_size() -> None:
    assert dots(loss_curves({"L1": [3.0, 2.0, 1.0], "GAN": [1.0]})).shape == (691, 1382, 3)


def test_the_smoothed_line_is_a_weighted_mean_of_the_past() -> None:
    values = np.random.default_rng(0).normal(size=20)
    expected = []
    for step in range(20):
        weights = [0.8 ** (step - past) for past in range(step + 1)]
        expected.append(sum(w * v for w, v in zip(weights, values, strict=False)) / sum(weights))
    assert smoothed(list(values), 0.8) == pytest.approx(expected)
    assert smoothed(list(values), 0.0).tolist() == values.tolist()


def test_a_loss_that_is_not_a_number_leaves_a_gap_and_no_more() -> None:
    line = smoothed([1.0, float("nan"), 1.0, float("inf"), 1.0], 0.5)
    assert np.isnan(line).tolist() == [False, True, False, True, False]
    assert line[[0, 2, 4]].tolist() == [1.0, 1.0, 1.0]
    dots(loss_curves({"all broken": [float("nan")] * 3, "half": [1.0, float("inf")]}))


@pytest.mark.parametrize("name", ["$x_{", "_hidden", "a\nb", "\U0001f600" * 9, "\udcff\x00", "x" * 500, "肺", ""])
def test_any_name_can_be_drawn(name: str) -> None:
    dots(heat_map([[0.5]], [name], [name], name, row_axis=name, column_axis=name))
    dots(loss_curves({name: [1.0, 2.0]}, name, x_axis=name, y_axis=name))


def test_what_the_font_lacks_is_drawn_as_the_replacement_character() -> None:
    assert drawable("a\n b\t肺\udcff") == "a b ��"


def test_every_loss_has_its_name_below_even_one_that_begins_with_an_underscore() -> None:
    def ink_below(name: str) -> int:
        return int((dots(loss_curves({name: [1.0, 2.0]}))[-40:] < 128).all(axis=2).sum())

    assert ink_below("_hidden") > ink_below("_") > 0


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
        heat_map(matrix, rows, columns)


def test_histories_that_cannot_be_drawn_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="at least one history"):
        loss_curves({})
    with pytest.raises(ConfigurationError, match="'D'"):
        loss_curves({"G": [1.0], "D": []})
    with pytest.raises(ConfigurationError, match="smoothing"):
        loss_curves({"G": [1.0]}, smoothing=1.0)


def test_figures_can_be_drawn_in_a_thread() -> None:
    made: list[bytes] = []
    thread = threading.Thread(target=lambda: made.append(heat_map([[0.5]], ["a"], ["b"])))
    thread.start()
    thread.join()
    assert made == [heat_map([[0.5]], ["a"], ["b"])]


def test_pyplot_and_its_global_state_are_never_imported() -> None:
    code = "import sys, piggygan.report.pictures, piggygan.report.figures; print('matplotlib.pyplot' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
