"""A small run of every comparison."""

import pytest

from benchmarks.speed import inference


def test_every_comparison_is_run_on_every_network() -> None:
    skipped: list[str] = []
    rows = inference.measure(inference.Options(size=16, width=2, seconds=0.0, tasks=3), skipped)
    assert skipped == []
    assert [row["what"] for row in rows] == [
        "plain generator",
        "folded task",
        "frozen task, cached",
        "frozen task, first call",
        "4 calls, 2 switches",
        "4 calls, 4 switches",
        "one switch",
        "3 tasks one by one",
        "3 tasks in one batch",
    ] * 2
    assert all(row.keys() == rows[0].keys() for row in rows)
    by_what = {row["what"]: row for row in rows[:9]}
    assert by_what["one switch"]["ms"] == by_what["4 calls, 4 switches"]["extra ms"] / 2
    # A first call makes the kernels anew: it must have emptied the cache, and filled it again.
    assert by_what["frozen task, first call"]["cached MiB"] > 0
    assert by_what["4 calls, 4 switches"]["cached MiB"] == 2 * by_what["frozen task, cached"]["cached MiB"]


def test_one_comparison_that_cannot_be_run_does_not_stop_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    def mixed(*_: object) -> None:
        raise inference.torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(inference, "mixed", mixed)
    skipped: list[str] = []
    rows = inference.measure(inference.Options(networks=("unet",), size=16, width=2, seconds=0.0), skipped)
    assert skipped == ["mixed on U-Net-256, batch 1, 16 px: CUDA out of memory"]
    assert len(rows) == 7


def test_only_the_order_of_calls_tells_switching_from_not_switching(monkeypatch: pytest.MonkeyPatch) -> None:
    setting = inference.Options(size=16, width=2).setting("unet")
    model = inference.model_with_frozen(setting, 3).eval()
    called: list[str] = []
    contenders: list[inference.Work] = []

    def paired(works: dict, **options: object) -> dict:
        contenders.extend(works.values())
        return measure(works, **options)

    measure = inference.paired
    monkeypatch.setattr(inference, "paired", paired)
    inference.switching(model, setting, seconds=0.0)
    model.register_forward_pre_hook(lambda _, __, options: called.append(options["task"]), with_kwargs=True)
    for work in contenders:
        work()
    assert called == ["task2", "task2", "task3", "task3", "task2", "task3", "task2", "task3"]
