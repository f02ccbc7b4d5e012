"""The page of an evaluation: means with intervals, the worst, median and best cases, and what was left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from piggygan.data.augmentation import Sampling
from piggygan.data.framing import resized
from piggygan.evaluation.intervals import MeanInterval
from piggygan.evaluation.report.blocks import Block, Facts, KeyFigure, Note, Table, Text
from piggygan.evaluation.report.figures import reliability_chart
from piggygan.evaluation.report.page import Page, Section
from piggygan.evaluation.report.pictures import gallery
from piggygan.jobs.evaluating.case_scores import DISTANCES, score_of
from piggygan.jobs.evaluating.evaluation import Case, Comparison, Evaluation
from piggygan.jobs.evaluating.scored_cases import Translated
from piggygan.jobs.evaluating.trust import Trust
from piggygan.terminal.about import __version__

MOST_CASES = 50
"""Rows of the table of cases; all are in the CSV file."""
_SIDE = 320
_OF_EACH_KIND = 3
_FIRST = {"masks": ("dice", "hd95", "nsd"), "pairs": ("pixel_accuracy", "class_iou", "l1", "psnr", "ssim")}
_MISSED, _TOO_MUCH = (86, 180, 233), (230, 159, 0)
"""Okabe and Ito's sky blue and orange, which everybody can tell apart."""


@dataclass(frozen=True)
class LookedAt:
    """A case to be seen: small pictures, and why it is among them."""

    case: Case
    why: str
    pictures: tuple[Tensor, ...]


def chosen(evaluation: Evaluation) -> list[tuple[Case, str]]:
    """Choose the worst cases by the headline score, those about the median, and the best; each once."""
    order = evaluation.from_worst()
    count = max(1, min(_OF_EACH_KIND, len(order) // 3))
    middle = (len(order) - count) // 2
    places: dict[int, str] = {}
    for why, kind in (
        ("worst", range(count)),
        ("best", range(len(order) - count, len(order))),
        ("median", range(middle, middle + count)),
    ):
        for place in kind:
            places.setdefault(place, why)
    return [(order[place], why) for place, why in sorted(places.items())]


def look(case: Case, why: str, translated: Translated, *, is_of_masks: bool) -> LookedAt:
    """Make the small pictures of a case: input, target, output, and what is wrong with it.

    Args:
        case: The case.
        why: It is shown.
        translated: The pair and its outputs; masks are -1 and 1. The first output is shown.
        is_of_masks: Whether what was missed and what is too much is painted, or how far pictures differ.
    """
    image = _small(translated.image, "bilinear")
    sampling: Sampling = "nearest" if is_of_masks else "bilinear"
    target, output = (_small(one, sampling) for one in (translated.target, translated.outputs[0]))
    wrong = _mistakes(image, output, target) if is_of_masks else (output - target).abs().mean(0, keepdim=True) - 1
    return LookedAt(case, why, tuple(map(_shown, (image, target, output, wrong))))


def evaluation_page(evaluation: Evaluation, looks: Sequence[LookedAt]) -> Page:
    """Lay out an evaluation.

    Args:
        evaluation: What came of it.
        looks: The cases to show, as :func:`chosen` chooses them.
    """
    cases, patients = len(evaluation.cases), evaluation.patients
    whose = "" if patients is None else f" of {patients} patients"
    sections = [Section("Scores", _scores(evaluation))]
    if evaluation.comparison is not None:
        sections.append(Section(f"Compared with {evaluation.comparison.task}", _compared(evaluation.comparison)))
    if looks:
        sections.append(Section("Worst, median and best", [_gallery(evaluation, looks)]))
    if evaluation.trust is not None:
        sections.append(Section("How far its own word can be trusted", _trust(evaluation.trust)))
    sections += [Section("Cases", [_cases(evaluation)]), Section("How it was done", _how(evaluation))]
    if evaluation.refused:
        rows = [[file.source, file.reason] for file in evaluation.refused]
        sections.insert(-1, Section("Not scored", [Table(["file", "why"], rows)]))
    return Page(
        title=f"{evaluation.task}, evaluated",
        lead=f"{cases} files{whose}, scored at their own size, as piggygan predict writes them.",
        key_figures=[_key_figure(evaluation, name) for name in _first(evaluation)],
        sections=sections,
        notes=[
            Note("This page names files and shows pictures of them: treat it as you treat those."),
            *(Note(note) for note in evaluation.notes),
        ],
        footer=f"piggygan {__version__}, torch {torch.__version__}. Task {evaluation.certificate}.",
    )


def label_of(evaluation: Evaluation, name: str) -> str:
    """Call a score, with its unit or tolerance, such as "HD95 (mm)" or "NSD (at 2 mm)"."""
    label, base = score_of(name).label, name.split(" ")[0]
    if base in DISTANCES:
        return f"{label} ({evaluation.unit})"
    return f"{label} (at {evaluation.tolerance})" if base == "nsd" else label


def interval_text(interval: MeanInterval, digits: int) -> str:
    """Write the ends of an interval; a dash where there is none."""
    if interval.low is None or interval.high is None:
        return "–"
    return f"{interval.low:.{digits}f} to {interval.high:.{digits}f}"


def score_rows(evaluation: Evaluation) -> list[list[str]]:
    """Set each score in a row: its name, mean, interval, median, worst and best case."""
    rows = []
    for name, summary in evaluation.summaries.items():
        digits = score_of(name).digits
        numbers = (f"{value:.{digits}f}" for value in (summary.median, summary.worst, summary.best))
        mean = f"{summary.mean.mean:.{digits}f}"
        rows.append([label_of(evaluation, name), mean, interval_text(summary.mean, digits), *numbers])
    return rows


def comparison_rows(comparison: Comparison) -> list[list[str]]:
    """Set each score in a row: the other's mean, the difference, its interval, p, and what that means."""
    rows = []
    for name, found in comparison.differences.items():
        score = score_of(name)
        p_value = "–" if found.p_value is None else f"{found.p_value:.4f}"
        difference = f"{found.difference.mean:+.{score.digits}f}"
        mean = f"{comparison.means[name].mean:.{score.digits}f}"
        interval = interval_text(found.difference, score.digits)
        rows.append([score.label, mean, difference, interval, p_value, comparison.verdict(name)])
    return rows


SCORE_HEADER = ("score", "mean", "95 % interval", "median", "worst", "best")
COMPARISON_HEADER = ("score", "its mean", "difference", "95 % interval", "p", "this task is")


def _first(evaluation: Evaluation) -> list[str]:
    return [name for name in _FIRST[evaluation.kind] if name in evaluation.summaries][:4]


def _key_figure(evaluation: Evaluation, name: str) -> KeyFigure:
    digits, interval = score_of(name).digits, evaluation.summaries[name].mean
    note = "" if interval.low is None else f"95 %: {interval_text(interval, digits)}"
    return KeyFigure(label_of(evaluation, name), f"{interval.mean:.{digits}f}", note)


def _scores(evaluation: Evaluation) -> list[Block]:
    blocks: list[Block] = [
        Table(
            SCORE_HEADER, score_rows(evaluation), "Each file counts once. Intervals: BCa bootstrap that draws patients."
        )
    ]
    if evaluation.pooled:
        rows = [
            [score_of(name).label, f"{value:.{score_of(name).digits}f}"] for name, value in evaluation.pooled.items()
        ]
        blocks.append(Table(["all pixels together", "score"], rows, "Large pictures and large masks count for more."))
    return blocks


def _compared(comparison: Comparison) -> list[Block]:
    return [
        Text(
            f"Task {comparison.task!r} of {comparison.registry}, on the same files. Differences are this task's score "
            f"minus the other's; p is that of turning the signs of whole patients, and not corrected for how many "
            f"scores there are."
        ),
        Table(COMPARISON_HEADER, comparison_rows(comparison)),
    ]


def _trust(trust: Trust) -> list[Block]:
    rows = [[f"{one.said:.3f}", f"{one.found:.3f}", f"{one.pixels:,}"] for one in trust.bins]
    return [
        Text(str(trust)),
        reliability_chart([(one.said, one.found) for one in trust.bins]),
        Table(["probability", "share that is foreground", "pixels"], rows, "All pixels of all cases, in tenths."),
    ]


def _gallery(evaluation: Evaluation, looks: Sequence[LookedAt]) -> Block:
    headline = score_of(evaluation.headline)
    labels = [
        f"{one.why}: {one.case.name}, {headline.label} {one.case.scores[evaluation.headline]:.{headline.digits}f}"
        for one in looks
    ]
    if evaluation.kind == "masks":
        columns, words = ["image", "truth", "found", "mistakes"], "Blue was missed, orange is too much."
    else:
        columns, words = ["input", "target", "output", "difference"], "Differences run from black, equal, to white."
    return gallery([one.pictures for one in looks], labels, columns, f"By {headline.label}. {words}")


def _cases(evaluation: Evaluation) -> Block:
    names = [name for name in evaluation.summaries if " " not in name]
    shown = evaluation.from_worst()[:MOST_CASES]
    rows = [[case.name, *(_number(case.scores[name], score_of(name).digits) for name in names)] for case in shown]
    more = f" The {MOST_CASES} worst of {len(evaluation.cases)}." if len(evaluation.cases) > MOST_CASES else ""
    caption = f"The worst first, by {score_of(evaluation.headline).label}.{more} All are in cases.csv."
    return Table(["file", *(score_of(name).label for name in names)], rows, caption)


def _how(evaluation: Evaluation) -> list[Block]:
    settings = {
        "registry": evaluation.registry,
        "certificate": evaluation.certificate,
        "data": evaluation.fingerprint,
        **evaluation.settings,
    }
    if evaluation.unit:
        settings |= {"distances in": evaluation.unit, "tolerance of NSD": str(evaluation.tolerance)}
    return [Facts(list(settings.items()))]


def _number(value: float | None, digits: int) -> str | None:
    return None if value is None else f"{value:.{digits}f}"


def _small(picture: Tensor, sampling: Sampling) -> Tensor:
    rows, columns = picture.shape[-2:]
    scale = min(1.0, _SIDE / max(rows, columns))
    size = max(1, round(rows * scale)), max(1, round(columns * scale))
    return resized(picture.float(), *size, sampling).clamp(-1, 1)


def _shown(picture: Tensor) -> Tensor:
    """Give a picture one channel or three: of several classes the last that is there, each a grey of its own."""
    if picture.shape[0] in (1, 3):
        return picture
    greys = torch.linspace(-1, 1, picture.shape[0] + 1)[1:, None, None]
    return torch.where(picture > 0, greys, torch.full_like(picture, -1.0)).amax(0, keepdim=True)


def _mistakes(image: Tensor, output: Tensor, target: Tensor) -> Tensor:
    """Paint over a dimmed image what was missed and what is too much, of any class."""
    painted = (image.mean(0, keepdim=True) * 0.5 - 0.25).repeat(3, 1, 1)
    for where, colour in (((target > 0) & (output <= 0), _MISSED), ((target <= 0) & (output > 0), _TOO_MUCH)):
        levels = torch.tensor(colour, dtype=torch.float32)[:, None, None] / 127.5 - 1
        painted = torch.where(where.any(0, keepdim=True), levels, painted)
    return painted
