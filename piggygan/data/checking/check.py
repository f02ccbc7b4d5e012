"""check_dataset: reads all of a data set and says what is in it and what is wrong with it."""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from piggygan.data.checking.finding import Finding
from piggygan.data.checking.report import DatasetReport, Problem
from piggygan.data.checking.workers import inspect_all
from piggygan.data.datasets.folder import DatasetFolder
from piggygan.data.datasets.own import Pictures
from piggygan.data.splits import patients_on_two_sides
from piggygan.errors import ConfigurationError

_MASK_FOLDERS = ("annotation", "ground_truth", "groundtruth", "gt", "label", "mask", "seg", "segmentation", "target")
_UNUSABLE = frozenset({"unreadable", "mask values", "mask size"})


def check_dataset(
    dataset: DatasetFolder,
    *,
    workers: int | None = None,
    advance: Callable[[], None] = lambda: None,
    classes: Sequence[Sequence[int]] = (),
) -> DatasetReport:
    """Read every pair as a training would, and report what is there and what is wrong.

    Files are read in processes of their own, with limits on time and memory: one that crashes a decoder is a line in
    the report. No patient's name or identifier is in it.

    Args:
        dataset: The set, see :func:`~piggygan.data.datasets.open_dataset`.
        workers: How many processes read at once; None: one a processor.
        advance: Called after each pair, from any thread.
        classes: The values of each class in masks of several, see :func:`~piggygan.data.masks.read_classes`.

    Raises:
        ConfigurationError: If ``workers`` is below 1.
        DatasetError: If a process cannot be started, or a table beside the files is broken.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> from piggygan.data.datasets import open_dataset
        >>> from piggygan.data.synthetic import write_facades
        >>> with TemporaryDirectory() as folder:
        ...     paths = write_facades(f"{folder}/train", 2, 32, seed=0)
        ...     report = check_dataset(open_dataset(folder), workers=1)
        >>> report.pairs, report.usable, report.sizes
        (2, 2, Counter({(32, 32): 2}))
    """
    workers = workers if workers is not None else min(os.cpu_count() or 1, max(len(dataset.files), 1))
    if workers < 1:
        raise ConfigurationError(f"workers is {workers}; it must be at least 1.")
    patients, sides = dict(dataset.patients), dataset.sides  # before the long part, since they may be broken
    findings = inspect_all(dataset, workers, advance, classes)
    patients = {finding.name: finding.patient for finding in findings if finding.patient} | patients
    films = [finding for finding in findings if finding.modality or finding.view or finding.patient]
    names = {files.name for files in dataset.files}
    return DatasetReport(
        dataset=dataset.name,
        description=dataset.description,
        pairs=len(findings),
        usable=sum(_is_usable(finding) for finding in findings),
        sides={side: len(listed) for side, listed in sides.items()},
        sizes=Counter((finding.width, finding.height) for finding in findings if finding.width and finding.height),
        bits=Counter(finding.bits for finding in findings if finding.bits),
        modalities=_stated(film.modality for film in films),
        body_parts=_stated(film.body_part for film in films),
        views=_stated(film.view for film in films),
        was_lossy=sum(film.was_lossy is True for film in films),
        patients=len({patient for name, patient in patients.items() if name in names}),
        problems=(
            *_count_problems(dataset, sides),
            *_masks_taken_for_pictures(dataset),
            *(Problem("incomplete", reason, (name,)) for name, reason in dataset.incomplete),
            *(Problem(fault.kind, fault.text, (found.name,)) for found in findings for fault in found.faults),
            *_side_problems(names, sides),
            *_duplicates(findings, sides),
            *_divided_patients(patients, sides),
        ),
    )


def _is_usable(finding: Finding) -> bool:
    return not any(fault.kind in _UNUSABLE for fault in finding.faults)


def _stated(values: Iterable[str | None]) -> Counter[str]:
    return Counter(value or "not stated" for value in values)


def _count_problems(dataset: DatasetFolder, sides: Mapping[str, Sequence[str]]) -> Iterator[Problem]:
    known = dataset.description
    if known is None:
        return
    if len(dataset.files) != known.pairs:
        yield Problem("count", f"there are {len(dataset.files)} pairs, {known.pairs} are expected")
    for side, count in known.sides.items():
        if len(sides.get(side, ())) != count:
            yield Problem("count", f"side {side} has {len(sides.get(side, ()))} pairs, {count} are expected")


def _masks_taken_for_pictures(dataset: DatasetFolder) -> Iterator[Problem]:
    """Notice images and masks whose folders are called otherwise: they are read as pictures without targets."""
    if not isinstance(dataset, Pictures):
        return
    folders = sorted({files.name.partition("/")[0] for files in dataset.files if "/" in files.name})
    masks = [folder for folder in folders if folder.casefold().removesuffix("s") in _MASK_FOLDERS]
    if masks and len(folders) > 1:
        yield Problem(
            "masks as pictures",
            f"the pictures in {', '.join(map(repr, folders))} are taken to have no masks: if {masks[0]!r} holds them, "
            f"call that folder 'masks', and the one of the images 'images'",
        )


def _side_problems(names: set[str], sides: Mapping[str, Sequence[str]]) -> Iterator[Problem]:
    for side, listed in sides.items():
        missing = tuple(name for name in listed if name not in names)
        if missing:
            yield Problem("not in the folder", f"listed on side {side}, but there is no such pair", missing)
    unlisted = tuple(sorted(names - {name for listed in sides.values() for name in listed}))
    if sides and unlisted:
        yield Problem("on no side", "listed on no side", unlisted)


def _duplicates(findings: Sequence[Finding], sides: Mapping[str, Sequence[str]]) -> Iterator[Problem]:
    side_of = {name: side for side, listed in sides.items() for name in listed}
    alike: dict[str, list[str]] = defaultdict(list)
    for finding in findings:
        if finding.digest:
            alike[finding.digest].append(finding.name)
    for names in alike.values():
        if len(names) > 1:
            where = sorted({side_of[name] for name in names if name in side_of})
            text = "the same pixels"
            yield Problem(
                "duplicate images", f"{text}, on sides {' and '.join(where)}" if len(where) > 1 else text, tuple(names)
            )


def _divided_patients(patients: Mapping[str, str], sides: Mapping[str, Sequence[str]]) -> Iterator[Problem]:
    for divided in patients_on_two_sides(patients, sides):
        text = "; ".join(f"{side}: {', '.join(map(repr, names))}" for side, names in divided.items())
        yield Problem(
            "patient on two sides",
            f"one patient or source, {text}",
            tuple(name for names in divided.values() for name in names),
        )
