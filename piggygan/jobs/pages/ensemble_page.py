"""The page of an ensemble: what its mean scores, and each member beside it."""

from __future__ import annotations

from collections.abc import Sequence

from piggygan.evaluation.report.blocks import Facts, KeyFigure, Note, Table, Text
from piggygan.evaluation.report.page import Page, Section, write_page
from piggygan.jobs.evaluating.scoring import HEADLINES
from piggygan.jobs.folder import TaskFolder
from piggygan.jobs.training.ensemble_result import TrainedEnsemble
from piggygan.jobs.training.result import TrainedTask
from piggygan.terminal.about import __version__


def write_ensemble_page(files: TaskFolder, result: TrainedEnsemble, members: Sequence[TrainedTask]) -> None:
    """Write the page of an ensemble, beside those of its members.

    Args:
        files: The ensemble's private folder.
        result: What came of it.
        members: What came of each.

    Raises:
        OSError: If the system refused.
    """
    name, better = HEADLINES[result.kind]
    sides = {"folds": "folds kept back, averaged", "test": f"test side, mean of {len(members)}"}
    figures = [
        KeyFigure(f"{name}, {sides[side]}", f"{scores[name]:.4g}", f"{better} is better")
        for side, scores in result.scores.items()
    ]
    if result.disagreement is not None:
        figures.append(KeyFigure("Disagreement", f"{result.disagreement:.3g}", "of members on the test side"))
    figures.append(KeyFigure("Cost", f"{result.cost.share:.2f}", "networks in all"))
    unlearned = [member.task for member in members if member.is_learned is False]
    notes = [Note(f"Not learned: {', '.join(unlearned)}.", "bad")] if unlearned else []
    rows = [
        [
            member.task,
            f"{member.scores['val'][name]:.4g}",
            f"{member.scores['test'][name]:.4g}" if "test" in member.scores else "",
            f"{member.cost.share:.1%}",
            f"{member.epochs}",
            ", ".join(member.verified[-1:]),
        ]
        for member in members
    ]
    header = ["member", f"{name}, its fold", f"{name}, test", "of a network", "epochs", "verified"]
    page = Page(
        title=f"{result.ensemble}: an ensemble of {len(members)}",
        lead=f"All members draw on {', '.join(result.bank)}, and each learned from all folds but its own.",
        key_figures=figures,
        notes=notes,
        sections=[
            Section("Members", [Table(header, rows, "Each has a page of its own, in the folder beside this one.")]),
            Section("Notes", [Text("\n\n".join(result.notes))]),
            Section("Finished", [Facts([("finished", result.finished)])]),
        ],
        footer=f"piggygan {__version__}. Private: its members' pages show files of the validation side.",
    )
    write_page(files.page, page)
