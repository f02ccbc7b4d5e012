"""What each idea in the training step of a new task gives: the same step with that idea taken away.

    python -m benchmarks.speed.ablation --out docs/benchmarks

All contenders train the same task of the same model in one process, in turns; "all of it" is the reference.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from unittest.mock import patch

import tyro

import piggygan as pg
from benchmarks.reporting import Rows
from benchmarks.speed.measuring import run
from benchmarks.speed.options import CommonOptions
from benchmarks.speed.pairing import paired
from benchmarks.speed.subjects import Setting, Step, last_task_step, model_with_tasks
from piggygan.layers.ways import matrix_products as products
from piggygan.layers.ways.choice import LayerCall, estimate, possible_ways
from piggygan.layers.ways.compute import Way

Change = Callable[[pg.MultiTaskGenerator], AbstractContextManager[object]]


@dataclass(frozen=True)
class Options(CommonOptions):
    """What can be chosen on the command line."""

    batches: tuple[int, ...] = (1, 4)
    """Images a step."""


def main(options: Options) -> None:
    """Measure every setting and report."""
    run("ablation", options, lambda _: measure(options))


def measure(options: Options) -> Rows:
    """Time the step without each idea in every setting."""
    rows: Rows = []
    for network in options.networks:
        for batch in options.batches:
            rows += _time(options.setting(network, batch), options.seconds)
    return rows


def _without(*left_out: Way, by_multiply_adds: bool = False) -> Change:
    """Let the model choose among the other ways only."""

    def choose(call: LayerCall) -> Way:
        ways = [way for way in possible_ways(call) if way not in left_out]
        seen = call._replace(device="none") if by_multiply_adds else call
        return min(ways, key=lambda way: estimate(seen, way))

    return lambda model: patch.object(model.costs, "choose", choose)


@contextmanager
def _plain_products(_: pg.MultiTaskGenerator) -> Iterator[None]:
    with patch.object(products, "_by_onednn", lambda *_: False):
        yield


IDEAS: dict[str, Change] = {
    "all of it": lambda _: nullcontext(),
    "without unfolded": _without("unfolded"),
    "without crossed": _without("crossed"),
    "filters and features only": _without("unfolded", "crossed"),
    "filters and features, by multiply-adds": _without("unfolded", "crossed", by_multiply_adds=True),
    "filters only": _without("features", "unfolded", "crossed"),
    "matrix products of torch's choice": _plain_products,
}


def _time(setting: Setting, seconds: float) -> Rows:
    model = model_with_tasks(setting, 2)
    plain = last_task_step(model, setting)
    steps: dict[str, Step] = {name: _changed(plain, change, model) for name, change in IDEAS.items()}
    steps["Adam that is not fused"] = last_task_step(model, setting, fused=False)
    timings = paired(steps, reference="all of it", device=setting.device, seconds=seconds, lead_in=1, runs=2)
    return [
        {
            "setting": str(setting),
            "step": name,
            "ms": timing.milliseconds,
            "/ all of it": timing.ratio,
            "from": timing.low,
            "to": timing.high,
            "rounds": timing.rounds,
        }
        for name, timing in timings.items()
    ]


def _changed(step: Step, change: Change, model: pg.MultiTaskGenerator) -> Step:
    def changed() -> None:
        with change(model):
            step()

    return changed


if __name__ == "__main__":
    main(tyro.cli(Options, description=__doc__))
