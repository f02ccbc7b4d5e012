"""What each idea gives."""

import torch

from benchmarks.speed import ablation
from benchmarks.speed.subjects import Setting


def test_every_idea_is_taken_away_and_put_back() -> None:
    rows = ablation.measure(ablation.Options(networks=("unet",), batches=(1,), size=32, width=4, seconds=0.0))
    assert [row["step"] for row in rows] == [*ablation.IDEAS, "Adam that is not fused"]
    assert rows[0]["/ all of it"] == 1.0


def test_what_is_left_out_is_not_chosen() -> None:
    setting = Setting("unet", 1, 32, torch.device("cpu"), "fp32", 4)
    model = ablation.model_with_tasks(setting, 2)
    chosen = set()
    kept = model.costs.choose
    with ablation.IDEAS["filters and features only"](model):
        inner = model.costs.choose
        model.costs.choose = lambda call: chosen.add(inner(call)) or inner(call)  # type: ignore[method-assign, func-returns-value]
        model(setting.images(), task="task2")
        model.costs.choose = inner  # type: ignore[method-assign]
    assert chosen <= {"filters", "features"}
    assert chosen
    assert model.costs.choose == kept
