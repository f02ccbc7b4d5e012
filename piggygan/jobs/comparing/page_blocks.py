"""Other methods beside ours, on a page: what each reached, what it stores, and what it left of earlier tasks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from piggygan.evaluation.report.blocks import Block, KeyFigure, Note, Picture, Table
from piggygan.jobs.comparing.comparison import Earlier, Rivalled
from piggygan.jobs.evaluating.scoring import HEADLINES
from piggygan.jobs.folder import TaskFolder
from piggygan.jobs.training.result import TrainedTask

OURS = "piggygan"


def blocks_beside(files: TaskFolder, result: TrainedTask, rivals: Sequence[Rivalled]) -> Iterator[Block]:
    """Set a committed task beside the same task learned by others; nothing if there are none.

    Args:
        files: Of the task, which hold the pictures.
        result: What came of it.
        rivals: What came of the others.
    """
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
        folder = TaskFolder(files.rival(rival.method), rival.method)
        yield from _left(rival)
        yield from _pictures(folder, rival)


def figures_beside(rivals: Sequence[Rivalled]) -> Iterator[KeyFigure]:
    """Say in one figure what each method did to each earlier task."""
    for rival in rivals:
        for task, found in rival.earlier.items():
            name, better = HEADLINES[found.kind]
            kept, left = found.kept[name], found.left[name]
            is_worse = left > kept if better == "lower" else left < kept
            yield KeyFigure(
                f"{task} after {rival.method}",
                f"{kept:.3f} to {left:.3f}",
                f"{name}, {better} is better; {OURS}: {_bytes(found)}",
                "bad" if is_worse or not found.same_bytes else "plain",
            )


def _bytes(found: Earlier) -> str:
    return "the same bytes as before" if found.same_bytes else "NOT the bytes of before"


def _pictures(files: TaskFolder, rival: Rivalled) -> Iterator[Block]:
    for task, found in rival.earlier.items():
        if files.earlier(task).is_file():
            said = (
                f"{task} ({found.side} side), when {rival.task} was learned: {OURS} gives {_bytes(found)}; "
                f"{rival.method} gives what the last column shows"
            )
            yield Picture(files.earlier(task).read_bytes(), said, said)
    samples = sorted(files.samples.glob("*.png")) if files.samples.is_dir() else []
    if samples:
        said = f"{rival.task} by {rival.method}: pairs of the validation side after {int(samples[-1].stem)} epochs"
        yield Picture(samples[-1].read_bytes(), said, f"input, target and output; {said}")


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
