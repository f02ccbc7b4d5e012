"""The page of one task, from the files in its folder alone: how it goes, or what came of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from piggygan.evaluation.report.blocks import Block, Code, Facts, KeyFigure, Note, Picture, Table, Text, Tone
from piggygan.evaluation.report.figures import loss_chart
from piggygan.evaluation.report.page import Page, Section, write_page
from piggygan.jobs.comparing.comparison import rivals_of
from piggygan.jobs.comparing.page_blocks import blocks_beside
from piggygan.jobs.config import TrainConfig
from piggygan.jobs.config_file import read_config
from piggygan.jobs.evaluating.scoring import HEADLINES
from piggygan.jobs.folder import TaskFolder
from piggygan.jobs.training.beginning import Beginning, read_beginning
from piggygan.jobs.training.looking import lines_of
from piggygan.jobs.training.result import TrainedTask, read_result
from piggygan.terminal.about import __version__

MOST_SAMPLES = 4
"""Of how many epochs pictures are shown: the first, the last, and some between."""
MOST_WARNINGS = 10
Lines = list[dict[str, Any]]


def write_task_page(files: TaskFolder) -> None:
    """Write the page of a task that was begun; whatever is not there yet is left out.

    Raises:
        ConfigurationError: If the task was not begun, or its files are damaged.
        OSError: If the system refused.
    """
    beginning = read_beginning(files)
    if beginning is None:
        return
    config, result = read_config(files.config), read_result(files)
    log, looks = lines_of(files.log), lines_of(files.validation)
    page = Page(
        title=f"{files.name}: {'committed' if result else 'being learned'}",
        lead=_lead(files.name, beginning, config),
        key_figures=list(_key_figures(beginning, config, result, log, looks)),
        notes=[Note(line["text"], "bad") for line in lines_of(files.warnings)[-MOST_WARNINGS:] if "text" in line],
        sections=[section for section in _sections(files, beginning, result, log, looks) if section.blocks],
        footer=f"piggygan {__version__}. Private: it shows files of the validation side.",
    )
    write_page(files.page, page)


def _lead(task: str, beginning: Beginning, config: TrainConfig) -> str:
    pairs = ", ".join(f"{count} {side}" for side, count in beginning.pairs.items())
    built = f", built on {', '.join(beginning.draws_on)}" if beginning.draws_on else ", the first task of its registry"
    return (
        f"{task}{built}; {beginning.kind} ({pairs}) at {config.network.size} px, learned by "
        f"{config.training.objective} for {config.training.epochs} epochs."
    )


def _key_figures(
    beginning: Beginning, config: TrainConfig, result: TrainedTask | None, log: Lines, looks: Lines
) -> Iterator[KeyFigure]:
    name, _ = HEADLINES[beginning.kind]
    if result is not None:
        yield from (_reached(result, side) for side in result.scores)
    elif looks:
        yield KeyFigure(f"{name}, validation side", f"{looks[-1]['scores'][name]:.4g}", f"after {looks[-1]['epoch']}")
    if result is None:
        done, epochs = len(log), int(config.training.epochs or 1)
        left = sum(line["seconds"] for line in log) / done * (epochs - done) if done else None
        yield KeyFigure("Epochs", f"{done} of {epochs}", f"about {left / 60:.0f} minutes left" if left else "")
    yield KeyFigure("Cost", f"{beginning.cost.share:.1%}", f"of a network: {beginning.cost.parameters:,} parameters")


def _reached(result: TrainedTask, side: str) -> KeyFigure:
    name, better = HEADLINES[result.kind]
    note = f"{better} is better"
    tone: Tone = "plain"
    if side == result.side and result.floor:
        note += f"; the same answer for every input: {result.floor[name]:.4g}"
        tone = "bad" if result.is_learned is False else "plain"
    return KeyFigure(f"{name}, {side} side", f"{result.scores[side][name]:.4g}", note, tone)


def _sections(
    files: TaskFolder, beginning: Beginning, result: TrainedTask | None, log: Lines, looks: Lines
) -> Iterator[Section]:
    yield Section("Validation", list(_validation(beginning, looks)))
    yield Section("Pictures of the validation side", list(_samples(files)))
    yield Section("Losses", list(_losses(log)))
    yield Section("Start", list(_start(beginning)))
    if result is not None:
        rows = [(f"digest of {name}", digest) for name, digest in result.digests.items()]
        yield Section("Beside other methods", list(blocks_beside(files, result, list(rivals_of(files)))))
        yield Section("Committed", [Text("\n\n".join(result.verified)), Facts([*rows, ("finished", result.finished)])])
    yield Section("All that was chosen", [Code(files.config.read_text(encoding="utf-8"))])


def _validation(beginning: Beginning, looks: Lines) -> Iterator[Block]:
    if not looks:
        return
    name, better = HEADLINES[beginning.kind]
    yield loss_chart({name: [look["scores"][name] for look in looks]}, name, x_axis="look", y_axis=name, smoothing=0.0)
    values = [look["scores"][name] for look in looks]
    best = values.index(max(values) if better == "higher" else min(values))
    if len(values) - best > max(3, len(values) // 2):
        yield Note(f"No improvement since the look after epoch {looks[best]['epoch']}.", "bad")
    names = list(looks[-1]["scores"])
    rows = [[look["epoch"], *(f"{look['scores'][one]:.4g}" for one in names)] for look in looks[-10:]]
    yield Table(["epoch", *names], rows, f"{better.capitalize()} {name} is better.")


def _samples(files: TaskFolder) -> Iterator[Block]:
    found = sorted(files.samples.glob("*.png")) if files.samples.is_dir() else []
    count = min(MOST_SAMPLES, len(found))
    for place in sorted({round(number * (len(found) - 1) / max(1, count - 1)) for number in range(count)}):
        epoch = int(found[place].stem)
        shown = f"after {epoch} epochs"
        yield Picture(found[place].read_bytes(), shown, f"input, target and output of some pairs {shown}")


def _losses(log: Lines) -> Iterator[Block]:
    if not log:
        return
    for player in dict.fromkeys(name.partition(".")[0] for name in log[-1]["losses"]):
        yield loss_chart(_of_player(log, player), player, x_axis="epoch", smoothing=0.0)
    rates = [float(line["learning_rate"]) for line in log]
    yield Text(f"The learning rate went from {rates[0]:.3g} to {rates[-1]:.3g}.")


def _of_player(log: Lines, player: str) -> Mapping[str, list[float]]:
    names = [name for name in log[-1]["losses"] if name.startswith(f"{player}.")]
    return {name.partition(".")[2]: [line["losses"].get(name, float("nan")) for line in log] for name in names}


def _start(beginning: Beginning) -> Iterator[Block]:
    if beginning.notes:
        yield Text("\n\n".join(beginning.notes))
    if beginning.relatedness:
        rows = [[task, f"{share:.3f}"] for task, share in beginning.relatedness.items()]
        yield Table(["task", "share of the targets explained"], rows, "The best is where the new task started.")
