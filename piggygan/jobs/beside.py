"""Other methods beside ours, on a page: what each reached, what it stores, and what it left of earlier tasks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from piggygan.evaluation.report.blocks import Block, Note, Table
from piggygan.jobs.comparison import Rivalled
from piggygan.jobs.result import TrainedTask
from piggygan.jobs.scoring import HEADLINES

OURS = "piggygan"


def blocks_beside(result: TrainedTask, rivals: Sequence[Rivalled]) -> Iterator[Block]:
    """Set a committed task beside the same task learned by others; nothing if there are none."""
    if not rivals:
        return
    name, better = HEADLINES[result.kind]
    sides = list(result.scores)
    rows = [
        [
            OURS,
            *(f"{result.scores[side][name]:.4g}" for side in sides),
            f"{result.cost.parameters:,}",
            "kept, see below" if result.draws_on else "none before",
        ],
        *(
            [
                rival.method,
                *(f"{rival.scores[side][name]:.4g}" for side in sides),
                f"{rival.parameters:,}",
                "a network each" if rival.method == "separate" else "see below",
            ]
            for rival in rivals
        ),
    ]
    header = ["method", *(f"{name}, {side}" for side in sides), "stored for it", "earlier tasks"]
    said = f"{result.task}: the same files and as many epochs. {better.capitalize()} {name} is better."
    yield Table(header, rows, said)
    for rival in rivals:
        yield from _left(rival)


def _left(rival: Rivalled) -> Iterator[Block]:
    if rival.earlier:
        rows = []
        for task, found in rival.earlier.items():
            name, better = HEADLINES[found.kind]
            rows.append(
                [
                    f"{task}, {name} ({better} is better), {found.side} side",
                    f"{found.kept[name]:.4g}",
                    "the same" if found.same_bytes else "NOT THE SAME",
                    f"{found.left[name]:.4g}",
                ]
            )
        header = ["earlier task", OURS, "bytes of its outputs as when it was committed", f"after {rival.method}"]
        yield Table(header, rows, f"What became of earlier tasks when {rival.task} was learned.")
        if not all(found.same_bytes for found in rival.earlier.values()):
            yield Note("Outputs of an earlier task are not what they were: see verify.", "bad")
    for note in rival.notes:
        yield Note(note, "bad")
