"""Pages laid out by a browser: on a phone and on a screen, in the light and in the dark."""

import html
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import torch

from piggygan.evaluation.intervals import mean_interval, paired_comparison
from piggygan.evaluation.report.page import render_page
from piggygan.jobs.evaluating.evaluation import Case, Comparison, Evaluation, summarized
from piggygan.jobs.evaluating.page import chosen, evaluation_page, look
from piggygan.jobs.evaluating.scored_cases import Translated
from piggygan.prediction.summary import RefusedFile

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(BROWSER is None, reason="no Chromium here: apt-get install chromium")

WIDTHS = (400, 800, 1280)
MEASURE = """
addEventListener("load", () => {
  const found = {};
  for (const frame of document.querySelectorAll("iframe")) {
    const page = frame.contentDocument, all = (chosen) => [...page.querySelectorAll(chosen)];
    const letters = all("main *").filter((one) => [...one.childNodes].some((n) => n.nodeType == 3 && n.data.trim()));
    found[frame.width] = {
      page: page.documentElement.scrollWidth,
      clipped: all(".table, .map, figure").filter((one) => one.scrollWidth > one.clientWidth + 1).length,
      letters: Math.min(...letters.map((one) => parseFloat(page.defaultView.getComputedStyle(one).fontSize))),
      pictures: Math.min(...all("main img").map((one) => one.getBoundingClientRect().width)),
      shrunk: all(".chart img").filter((one) => one.getBoundingClientRect().width < one.width).length,
      background: page.defaultView.getComputedStyle(page.body).backgroundColor,
      ink: page.defaultView.getComputedStyle(page.body).color,
    };
  }
  document.body.innerHTML = "<pre>" + JSON.stringify(found) + "</pre>";
});
"""


def laid_out(folder: Path, page: str, scheme: int) -> dict[str, Any]:
    """Show a page in frames of every width; ``scheme`` 0 is dark, 1 is light."""
    frames = "".join(f'<iframe width="{width}" height="900" srcdoc="{html.escape(page)}"></iframe>' for width in WIDTHS)
    wrapper = folder / "wrapper.html"
    wrapper.write_text(f"<!doctype html><body><script>{MEASURE}</script>{frames}", encoding="utf-8")
    command = [str(BROWSER), "--headless=new", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder / 'profile'}"]
    command += [f"--blink-settings=preferredColorScheme={scheme}", "--dump-dom", wrapper.as_uri()]
    shown = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout
    (measured,) = re.findall(r"<pre>(.*?)</pre>", shown, flags=re.DOTALL)
    found: dict[str, Any] = json.loads(html.unescape(measured))
    return found


def page_of_an_evaluation() -> str:
    """Films with long names, one of them refused, and another task to compare with."""
    names = [f"MCUCXR_{number:04d}_of_a_long_series-{'x' * 20}" for number in range(9)]
    scores = {"dice": 0.9, "iou": 0.8, "accuracy": 0.95, "precision": 0.9, "recall": 0.9, "hd95": 1234.5, "nsd": 0.5}
    cases = tuple(Case(name, "p", 512, 512, {**scores}, {**scores}) for name in names)
    mean = mean_interval([0.9, 0.8, 0.95])
    difference = paired_comparison([0.9, 0.8, 0.95], [0.8, 0.85, 0.9])
    evaluation = Evaluation(
        "lungs", "runs/exp/registry", "ab" * 32, "masks", "dice", {"size": "256"}, "pixels",
        "0.5% of the picture's diagonal", "cd" * 32, cases, (RefusedFile("/films/" + "y" * 60, "ImageError", "cut"),),
        {score: summarized(score, [0.9, 0.8, 0.95], mean) for score in scores}, {"dice": 0.9},
        Comparison("lungs_2", "/a/long/path/to/runs/other/registry", "ef" * 32, dict.fromkeys(scores, mean),
                   dict.fromkeys(scores, difference)),
        ("There are 9 files: below 50 an interval is rough, and rather too narrow.",),
    )  # fmt: skip
    made = Translated(torch.zeros(3, 40, 30), torch.ones(1, 40, 30), [-torch.ones(1, 40, 30)])
    looks = [look(case, why, made, is_of_masks=True) for case, why in chosen(evaluation)]
    return render_page(evaluation_page(evaluation, looks))


def test_nothing_is_cut_off_and_no_letter_is_too_small_at_any_width(tmp_path: Path) -> None:
    page = page_of_an_evaluation()
    for width, found in laid_out(tmp_path, page, scheme=1).items():
        assert found["page"] <= int(width)
        assert found["clipped"] == 0
        assert found["letters"] >= 13
        assert found["pictures"] >= 120
        assert found["shrunk"] == 0
        assert found["background"] == "rgb(255, 255, 255)"


def test_in_the_dark_a_page_is_dark(tmp_path: Path) -> None:
    page = page_of_an_evaluation()
    for found in laid_out(tmp_path, page, scheme=0).values():
        background, ink = (sum(map(int, re.findall(r"\d+", found[name]))) for name in ("background", "ink"))
        assert background < 100
        assert ink > 600
