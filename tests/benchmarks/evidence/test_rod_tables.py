"""The measuring rod's tables, on numbers that can be checked by eye."""

from pathlib import Path
from typing import Any

import pytest

from benchmarks.evidence.evidence_page import fill_page
from benchmarks.evidence.findings import Results
from benchmarks.evidence.rod_tables import difference_rows, price_rows, quality, quality_rows


def cell(method: str, task: str, seed: int, curve: list[float], *, parameters: int = 100, step: float = 1.0) -> Any:
    kind = {"labels": "labels", "photos": "photo", "hearts": "mask"}
    alone = method == "separate"
    name = f"{method}.{'alone' if alone else task}.{task}.{seed}"
    tested = {"scores": {"headline": curve[-1]}, "by_image": [curve[-1] - 0.1, curve[-1] + 0.1], "sha256": ""}
    return {
        "cell": {"method": method, "order": "alone" if alone else task, "task": task, "seed": seed},
        "learned": [name] if alone else [f"separate.alone.labels.{seed}", name],
        "setting": {"scored": "validation"},
        "tasks": {one: {"kind": kind[one]} for one in ([task] if alone else ["labels", task])},
        "curve": [{"step": 10 * number, "score": score} for number, score in enumerate(curve, 1)],
        "stored": {"parameters": parameters, "bytes": 4_000_000 * parameters // 100},
        "stores_all": False,
        "steps": 10,
        "processor_seconds": 10 * step,
        "validation": {task: tested},
    }


def some() -> list[Any]:
    return [
        *(cell("separate", "labels", seed, [0.4]) for seed in (0, 1)),
        cell("fine-tuning", "photos", 0, [0.0, 0.0, 0.1, 0.2]),
        cell("ours", "photos", 0, [0.0, 0.0, 0.2, 0.2], parameters=30, step=0.5),
        *(cell("fine-tuning", "hearts", seed, [0.5, 0.90 + seed / 50], step=2.0) for seed in (0, 1)),
        *(cell("ours", "hearts", seed, [0.9, 0.91], parameters=10, step=1.8) for seed in (0, 1)),
        cell("separate", "hearts", 0, [0.1, 0.8]),
    ]


def test_photos_are_read_over_the_last_half_and_all_else_at_the_end() -> None:
    photos, hearts = cell("ours", "photos", 0, [0.9, 0.9, 0.1, 0.2]), cell("ours", "hearts", 0, [0.9, 0.9, 0.1, 0.2])
    assert (quality(photos), quality(hearts)) == (pytest.approx(0.15), 0.2)


def test_a_row_a_method_and_a_column_a_task_the_best_first() -> None:
    rows = quality_rows(Results(some()), ("0",))
    assert rows[0] == {"method": "ours", "hearts": "0.9100", "photos": "0.2000"}
    assert {row["method"]: row["photos"] for row in rows}["fine-tuning"] == "0.1500"
    assert {row["method"]: row["photos"] for row in rows}["separate"] is None  # not run there: and so no mean of tasks
    assert "mean of 2" not in rows[0]


def test_a_mean_is_of_tasks_that_every_method_has() -> None:
    rows = quality_rows(Results([*some(), cell("separate", "photos", 0, [0.0, 0.3])]), ("0",))
    assert [(row["method"], row["mean of 2"]) for row in rows] == [
        ("ours", "0.5550"),
        ("separate", "0.5500"),
        ("fine-tuning", "0.5250"),
    ]


def test_with_two_seeds_only_what_has_both_is_shown_and_single_ones_follow() -> None:
    rows = {row["method"]: row for row in quality_rows(Results(some()), ("0", "1"))}
    assert rows == {
        "ours": {"method": "ours", "hearts": "0.9100 (0.9100, 0.9100)"},
        "fine-tuning": {"method": "fine-tuning", "hearts": "0.9100 (0.9000, 0.9200)"},
    }


def test_the_price_is_of_one_task_against_the_first_network_and_a_step_of_fine_tuning() -> None:
    ours, *_ = rows = price_rows(Results(some()), ("0",))
    assert ours == {
        "method": "ours",
        "tasks": 2,
        "share of parameters": "0.200",
        "MB": "0.8",
        "step / fine-tuning": "0.70",  # between 0.5 and 0.9
        "98 % of the quality after": "62% of the steps",  # after 3 readings of 4, and 1 of 2
    }
    assert {row["method"]: row["share of parameters"] for row in rows}["fine-tuning"] == "1.000"


def test_differences_are_paired_and_empty_where_one_was_not_run() -> None:
    rows = {row["ours minus"]: row for row in difference_rows(Results(some()), ("ours", "0"))}
    assert rows["fine-tuning"]["hearts"] == "+0.010 [+0.010, +0.010]"
    assert rows["fine-tuning"]["photos"] == "+0.000 [+0.000, +0.000]"
    assert rows["separate"]["photos"] is None


def test_the_tables_stand_where_a_page_has_their_marks(tmp_path: Path) -> None:
    page = tmp_path / "decisions.md"
    page.write_text(
        "<!-- rod: 0 -->\n<!-- end -->\n<!-- rod-price: 0 -->\n<!-- end -->\n<!-- rod-against: ours 0 -->\n"
        "<!-- end -->\n<!-- rod: 7 -->\n<!-- end -->\n",
        encoding="utf-8",
    )
    fill_page(Results(some()), page)
    text = page.read_text(encoding="utf-8")
    assert "<!-- rod: 0 -->\n| method | hearts | photos |" in text
    assert "| ours | 2 | 0.200 |" in text
    assert "| ours minus | hearts | photos |" in text
    assert text.endswith("<!-- rod: 7 -->\nNot run yet.\n<!-- end -->\n")
