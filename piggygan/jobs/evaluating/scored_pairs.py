"""Which files a task is scored on: those that are named, or the test side of what it was trained on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from piggygan.data.datasets.facades import Facades, FacadesBase
from piggygan.data.decoded import SkippedFile
from piggygan.data.dicom.image import describe_dicom, is_dicom_file
from piggygan.data.drawing import patients_in
from piggygan.data.folders import PairFiles
from piggygan.data.pairs import PairDataset
from piggygan.data.palette import CMP_PALETTE
from piggygan.data.readers import PairReader
from piggygan.errors import ConfigurationError, DataError, DatasetError
from piggygan.files.regular import shown
from piggygan.jobs.config_file import read_config
from piggygan.jobs.data import DataConfig, TaskData, open_test_data
from piggygan.jobs.folder import TaskFolder

PALETTES: Mapping[str, tuple[tuple[int, int, int], ...]] = {"cmp": tuple(one.rgb for one in CMP_PALETTE)}
"""Colours of classes, by the name of who chose them."""
_AS_TRAINED = ("direction", "classes", "foreground", "channels", "target_channels")
"""What data of a task have in common, wherever they lie."""


@dataclass(frozen=True)
class ScoredPairs:
    """Pairs to score a task on.

    Attributes:
        files: Where they lie.
        reader: How one is read at its own size.
        kind: ``"pairs"`` of pictures or images with ``"masks"``.
        patients: Whose file each is, where that is known.
        left_out: What cannot be read, and why.
        classes: What each channel of a mask is, if there are several.
        palette: Name of the colours of the targets' classes, where they are known.
        fingerprint: Of names and pictures.
        notes: What a person should know of the data.
    """

    files: tuple[PairFiles, ...]
    reader: PairReader
    kind: str
    patients: Mapping[str, str]
    left_out: tuple[SkippedFile, ...]
    classes: tuple[str, ...] = ()
    palette: str | None = None
    fingerprint: str = ""
    notes: tuple[str, ...] = ()

    @classmethod
    def of(cls, data: TaskData, palette: str | None = None) -> ScoredPairs:
        """Take the test side of data.

        Raises:
            DatasetError: If there is none, or nobody paired it.
        """
        if not isinstance(data.test, PairDataset):
            raise DatasetError(
                "the data have no test side: name data to score the task on."
                if data.test is None
                else "nobody paired these pictures, so that there is nothing to compare outputs with: name pairs."
            )
        return cls(
            files=tuple(data.test.files),
            reader=data.test.reader,
            kind=data.kind,
            patients=data.patients,
            left_out=(*data.incomplete, *data.test.skipped),
            classes=data.classes,
            palette=palette,
            fingerprint=data.fingerprint,
            notes=tuple(data.notes),
        )

    def owners(self, by_patient: str | None) -> dict[str, str]:
        """Say whose file each is.

        Args:
            by_patient: Regular expression that finds the patient in a name: its first group, or all that it matches.
                None: as the data say.

        Returns:
            Patients by names; empty where nobody knows them all.

        Raises:
            ConfigurationError: If it is no regular expression, or does not match a name.
        """
        names = [files.name for files in self.files]
        if by_patient is None:
            known = {name: self.patients[name] for name in names if name in self.patients}
            return known if len(known) == len(names) else {}
        return patients_in(names, by_patient, "by_patient")


def open_scored_pairs(
    task: TaskFolder, config: DataConfig | None, *, size: int, in_channels: int, palette: str | None = None
) -> ScoredPairs:
    """Find the pairs to score a task on.

    Args:
        task: What learning it left behind; may not be there.
        config: The data to take; None: the test side of what it was trained on.
        size: Side of the pictures that the network takes.
        in_channels: Channels that it takes.
        palette: Name of the colours of the targets' classes; None: that of a data set that is known.

    Raises:
        ConfigurationError: If nothing says what the data are, or options contradict each other.
        DataError: If the data cannot be used.
    """
    trained = read_config(task.config).data if task.config.is_file() else None
    if config is None:
        if trained is None:
            raise ConfigurationError(
                f"there is no {shown(task.config)}, which would say what task {task.name!r} was trained on: name the "
                f"data to score it on (data, images and masks, or inputs and targets)."
            )
        config = replace(trained, splits=task.splits if task.splits.is_file() else trained.splits)
    elif trained is not None:
        defaults = DataConfig()
        alike = {key: getattr(trained, key) for key in _AS_TRAINED if getattr(config, key) == getattr(defaults, key)}
        config = replace(config, **alike)
    data = open_test_data(config, size=size, in_channels=in_channels, max_skipped=1.0)
    return ScoredPairs.of(data, palette or _known_palette(config))


def spacings_of(files: Sequence[PairFiles]) -> dict[str, tuple[float, float]]:
    """Read the size of a pixel, in millimetres, of those images that say it; only DICOM is believed."""
    found = {}
    for pair in files:
        try:
            film = describe_dicom(pair.image) if is_dicom_file(pair.image) else None
        except DataError:
            continue  # reading will say what is wrong with it
        if film is not None and film.spacing is not None:
            found[pair.name] = film.spacing
    return found


def _known_palette(config: DataConfig) -> str | None:
    folder = config.data
    is_known = folder is not None and (Facades.is_in(folder) or FacadesBase.is_in(folder))
    return "cmp" if is_known and config.direction == "AtoB" else None
