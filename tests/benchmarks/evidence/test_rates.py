"""The same tasks at other learning rates, side by side."""

from typing import Any

from benchmarks.evidence.findings import Results
from benchmarks.evidence.rates import rate_rows

ORDER = ("labels", "lungs")
FAST = ("labels-fast", "lungs-fast")


def cell(method: str, task: str, seed: int, validated: float) -> dict[str, Any]:
    first, order = ("labels-fast", "fast") if task in FAST else ("labels", "slow")
    alone = method == "separate"
    kind = {"labels": "labels", "lungs": "mask"}
    rate = {"learning_rate": 8e-4} if task in FAST else {}  # cells from before the setting have none
    return {
        "cell": {"method": method, "order": "alone" if alone else order, "task": task, "seed": seed},
        "learned": [f"separate.alone.{task}.{seed}"]
        if alone
        else [f"separate.alone.{first}.{seed}", f"{method}.{order}.{task}.{seed}"],
        "setting": {},
        "tasks": {name: {"kind": kind[name.split("-")[0]], **rate} for name in ([task] if alone else [first, task])},
        "curve": [{"step": 1, "score": 0.0}, {"step": 2, "score": validated}],
    }


def cells(seed: int, *, fast: bool) -> list[dict[str, Any]]:
    names, better = (FAST, 0.1) if fast else (ORDER, 0.0)
    return [
        cell("separate", names[0], seed, 0.4 + better),
        cell("separate", names[1], seed, 0.5 + better),
        cell("ours", names[1], seed, 0.6 + better + seed / 100),
    ]


def test_each_method_has_its_last_validated_score_at_every_rate() -> None:
    found = rate_rows(Results([*cells(0, fast=False), *cells(0, fast=True)]), ORDER)
    assert [(row["task"], row["method"], row["0.0002"], row["0.0008"]) for row in found] == [
        ("labels", "separate", "0.400", "0.500"),
        ("lungs", "ours", "0.600", "0.700"),
        ("lungs", "separate", "0.500", "0.600"),
    ]


def test_only_seeds_that_all_rates_have_are_counted() -> None:
    some = [*cells(0, fast=False), *cells(1, fast=False), *cells(1, fast=True)]
    found = {(row["task"], row["method"]): row for row in rate_rows(Results(some), ORDER)}
    assert found["lungs", "ours"]["seeds"] == 1
    assert found["lungs", "ours"]["0.0002"] == "0.610"


def test_one_rate_alone_and_orders_never_run_have_no_rows() -> None:
    assert rate_rows(Results(cells(0, fast=False)), ORDER) == []
    assert rate_rows(Results(cells(0, fast=False)), ("never", "run")) == []
