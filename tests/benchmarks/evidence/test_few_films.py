"""A new site with few films, over draws, on numbers that can be checked by eye."""

from pathlib import Path
from typing import Any

from benchmarks.evidence.evidence_page import fill_page
from benchmarks.evidence.few_films import few_rows
from benchmarks.evidence.findings import Results
from benchmarks.evidence.score_tables import chain_rows

CHAIN = ("labels", "lungs")


def cell(method: str, tasks: tuple[str, ...], scores: dict[str, float], *, outputs: str = "") -> Any:
    alone, order, task = method == "separate", tasks[-1], tasks[-1]
    before = [f"separate.alone.{tasks[0]}.0", *(f"{method}.{order}.{one}.0" for one in tasks[1:-1])]
    own = f"{method}.alone.{task}.0" if alone else f"{method}.{order}.{task}.0"
    return {
        "cell": {"method": method, "order": "alone" if alone else order, "task": task, "seed": 0},
        "learned": [own] if alone else [*before, own],
        "setting": {},
        "tasks": {one: {"kind": "mask"} for one in ([task] if alone else tasks)},
        "stored": {"parameters": 100 if alone else 26, "bytes": 400},
        "stores_all": False,
        "test": {
            one: {
                "scores": {"headline": score},
                "by_image": [score - 0.1, score + 0.1],
                "sha256": outputs if one != task else "",
            }
            for one, score in scores.items()
        },
    }


def some() -> Results:
    cells = [cell("separate", (task,), {task: 0.9}) for task in CHAIN]
    for draw, score in (("1", 0.8), ("2", 0.9)):
        new = (*CHAIN, f"jsrt-5-{draw}")
        cells.append(cell("separate", new[-1:], {new[-1]: score - 0.05}))
        for method, left, outputs in (("ours", 0.95, ""), ("fine-tuning", 0.1, "others")):
            first = cell(method, new[:2], {"labels": 0.9, "lungs": 0.95}, outputs=outputs)
            first["cell"]["order"], first["learned"][-1] = new[-1], f"{method}.{new[-1]}.lungs.0"
            last = cell(method, new, {"labels": 0.9, "lungs": left, new[-1]: score}, outputs=outputs)
            cells += [first, last]
    return Results(cells)


def test_a_row_is_the_mean_over_draws_with_paired_differences_and_what_is_left_of_the_site_before() -> None:
    (row,) = few_rows(some(), ("jsrt-5", "jsrt-10"))
    assert row == {
        "films": "jsrt-5",
        "draws": 2,
        "ours": "0.850 ± 0.071",
        "fine-tuning": "0.850 ± 0.071",
        "separate": "0.800 ± 0.071",
        "ours minus fine-tuning": "+0.000 [+0.000, +0.000]",
        "ours minus separate": "+0.050 [+0.050, +0.050]",
        "the site before, ours": "0.950 -> 0.950",
        "the site before, fine-tuning": "0.950 -> 0.100",
    }


def test_a_draw_that_a_method_lacks_counts_for_none() -> None:
    results = Results([each for name, each in some()._cells.items() if name != "separate.alone.jsrt-5-2.0"])
    (row,) = few_rows(results, ("jsrt-5",))
    assert (row["draws"], row["ours"], row["separate"]) == (1, "0.800", "0.750")


def test_a_chain_is_one_row_a_method_with_what_it_stores(tmp_path: Path) -> None:
    rows = chain_rows(some(), (*CHAIN, "jsrt-5-1"))
    assert [(row["method"], row["jsrt-5-1"], row["lungs"], row["earlier outputs"]) for row in rows] == [
        ("ours", "0.800", "0.950", "same bytes"),
        ("separate", "0.750", "0.900", "same bytes"),
        ("fine-tuning", "0.800", "0.100", "2 of 2 changed"),
    ]
    assert [row["stored / separate"] for row in rows] == ["0.507", "1.000", "0.507"]
    page = tmp_path / "page.md"
    page.write_text("<!-- few: jsrt-5 -->\n<!-- end -->\n", encoding="utf-8")
    fill_page(some(), page)
    assert "| jsrt-5 | 2 | 0.850 ± 0.071 |" in page.read_text(encoding="utf-8")
