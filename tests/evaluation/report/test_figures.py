import io
import subprocess
import sys
import threading

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from PIL import Image

from piggygan.errors import ConfigurationError
from piggygan.evaluation.report import figures
from piggygan.evaluation.report.blocks import Chart
from piggygan.evaluation.report.figures import DOTS_PER_INCH, loss_chart, loss_curves, smoothed
from piggygan.evaluation.report.lettering import INK, MUTED, drawable


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


def test_words_stand_out_from_the_page() -> None:
    assert contrast(to_rgb(INK), (1, 1, 1)) > 12
    assert contrast(to_rgb(MUTED), (1, 1, 1)) > 4.5


def test_equal_numbers_give_equal_bytes_and_other_numbers_other_bytes() -> None:
    assert loss_curves({"L1": [0.5]}) == loss_curves({"L1": [0.5]})
    assert loss_curves({"L1": [0.5]}) != loss_curves({"L1": [0.6]})


def test_loss_curves_are_a_png_of_the_stated_size_which_a_phone_shows_unshrunk() -> None:
    png = loss_curves({"L1": [3.0, 2.0, 1.0], "GAN": [1.0]})
    assert dots(png).shape == (556, 672, 3)
    with Image.open(io.BytesIO(png)) as image:
        assert image.info["dpi"][0] == pytest.approx(DOTS_PER_INCH, abs=0.1)
        assert "Software" not in image.info
    assert Chart(png, "", "losses").size[0] <= 364  # 400 pixels, less the margins of the page


@pytest.mark.parametrize("epochs", [1, 2, 3, 4, 5, 7, 20, 1000])
def test_there_are_ticks_at_whole_epochs_only(epochs: int, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[Figure] = []
    monkeypatch.setattr(figures, "_png_of", drawn.append)
    loss_curves({"L1": [1.0] * epochs}, x_axis="epoch")
    (axes,) = drawn[0].axes
    low, high = axes.get_xlim()
    shown = [tick for tick in axes.get_xticks() if low <= tick <= high]
    assert shown
    assert all(tick == round(tick) for tick in shown)


def test_a_chart_says_in_words_where_each_loss_began_and_ended() -> None:
    chart = loss_chart({"l1": [0.5, 0.4, 0.25], "adversarial": [1.0, 2.0]}, "lungs", x_axis="epoch", smoothing=0.0)
    assert chart.alt == "Losses over each epoch, lungs: l1 from 0.5 to 0.25; adversarial from 1 to 2"
    assert chart.png == loss_curves(
        {"l1": [0.5, 0.4, 0.25], "adversarial": [1.0, 2.0]}, "lungs", x_axis="epoch", smoothing=0.0
    )


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
    dots(loss_curves({name: [1.0, 2.0]}, name, x_axis=name, y_axis=name))


def test_what_the_font_lacks_is_drawn_as_the_replacement_character() -> None:
    assert drawable("a\n b\t肺\udcff") == "a b ��"


def test_every_loss_has_its_name_below_even_one_that_begins_with_an_underscore() -> None:
    def ink_below(name: str) -> int:
        return int((dots(loss_curves({name: [1.0, 2.0]}))[-40:] < 128).all(axis=2).sum())

    assert ink_below("_hidden") > ink_below("_") > 0


def test_histories_that_cannot_be_drawn_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="at least one history"):
        loss_curves({})
    with pytest.raises(ConfigurationError, match="'D'"):
        loss_curves({"G": [1.0], "D": []})
    with pytest.raises(ConfigurationError, match="smoothing"):
        loss_curves({"G": [1.0]}, smoothing=1.0)


def test_figures_can_be_drawn_in_a_thread() -> None:
    made: list[bytes] = []
    thread = threading.Thread(target=lambda: made.append(loss_curves({"L1": [0.5]})))
    thread.start()
    thread.join()
    assert made == [loss_curves({"L1": [0.5]})]


def test_pyplot_and_its_global_state_are_never_imported() -> None:
    modules = "piggygan.evaluation.report.pictures, piggygan.evaluation.report.figures"
    code = f"import sys, {modules}; print('matplotlib.pyplot' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_a_score_is_not_called_a_loss() -> None:
    scores = {"dice": [0.5, 0.9]}
    chart = loss_chart(scores, "Lungs", x_axis="look", y_axis="dice", smoothing=0.0)
    assert chart.alt == "dice over each look, Lungs: dice from 0.5 to 0.9"
    assert chart.png != loss_chart(scores, "Lungs", x_axis="look", smoothing=0.0).png
