"""Every kind of page that an example writes, as it was last looked at; ``--regenerate`` writes the files anew.

The page of the evidence is in ``tests/benchmarks/evidence/test_forgetting_page.py``.
"""

import re
from collections.abc import Callable
from pathlib import Path

import cyclegan_facades_to_lungs_report as cycle
import fixed_results
import pytest

from piggygan.evaluation.report import figures

GREEN = re.compile(r'class="[^"]*\bgood\b')
FINDINGS = {
    "unpaired_good": fixed_results.unpaired_result,
    "unpaired_not_learned": lambda: fixed_results.unpaired_result(accuracy=0.204, dice=0.749),
}


def damage(result: cycle.Result, what: str) -> None:
    """Make one of the three things untrue that a proof rests on."""
    last = result.measured["lungs"]
    other = {"facades": dict.fromkeys(cycle.DIRECTIONS, "00" * 32)}
    if what == "facades changed":
        last.digests.update(other)
        result.fresh["digests"].update(other)
    elif what == "another in a fresh process":
        result.fresh["digests"].update(other)
    else:
        result.fresh |= {"is_sound": False, "verified": ["facades: equal", "lungs: damaged: flipped bits"]}


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw no curves: they take most of a page's time, and say nothing of what was found."""
    curves = figures.loss_curves({"l1": [1.0]})
    monkeypatch.setattr(figures, "loss_curves", lambda *_, **__: curves)


@pytest.mark.parametrize("name", FINDINGS)
def test_a_page_is_as_it_was_last_looked_at(name: str, tmp_path: Path, golden: Callable[[str, str], None]) -> None:
    html = fixed_results.write(tmp_path, FINDINGS[name]()).read_text(encoding="utf-8")
    golden(f"{name}.html", fixed_results.normalized(html))


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize("name", ["unpaired_good"])
def test_a_page_of_a_run_that_went_well_is_green_and_says_so(name: str, tmp_path: Path) -> None:
    html = fixed_results.write(tmp_path, FINDINGS[name]()).read_text(encoding="utf-8")
    assert "forgot nothing</title>" in html
    assert "Nothing was forgotten, not one bit." in html
    assert len(GREEN.findall(html)) == 2


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize("name", ["unpaired_not_learned"])
def test_a_page_of_tasks_that_were_not_learned_praises_nothing(name: str, tmp_path: Path) -> None:
    html = fixed_results.write(tmp_path, FINDINGS[name]()).read_text(encoding="utf-8")
    assert "lungs were not learned</title>" in html
    assert not re.search(r"forgot nothing|[Nn]othing was forgotten|\blearned facades", html)
    assert not GREEN.search(html)


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize("name", ["unpaired_good"])
@pytest.mark.parametrize("what", ["facades changed", "another in a fresh process", "a certificate failed"])
def test_a_page_of_a_proof_that_failed_praises_nothing(name: str, what: str, tmp_path: Path) -> None:
    result = FINDINGS[name]()
    damage(result, what)
    html = fixed_results.write(tmp_path, result).read_text(encoding="utf-8")
    assert "the proof failed</title>" in html
    assert "NOT PROVEN" in html
    assert not re.search(r"forgot nothing|[Nn]othing was forgotten|byte-equal|not one bit", html)
    assert not GREEN.search(html)
