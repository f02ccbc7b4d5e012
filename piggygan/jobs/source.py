"""Data that were named, before anything is decoded, and how their sides are read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

from piggygan.data.arrangement import Arrangement, Wishes
from piggygan.data.arranging import arrange, letters
from piggygan.data.augmentation import PairAugmentation
from piggygan.data.datasets.folder import DatasetFolder
from piggygan.data.datasets.forms import open_named
from piggygan.data.datasets.known import patients_by_names
from piggygan.data.datasets.own import UnpairedFolders
from piggygan.data.mask_reader import MaskReader
from piggygan.data.pairs import PairDataset
from piggygan.data.readers import PictureReader
from piggygan.data.survey import SurveyedFile, fingerprint_of, survey
from piggygan.data.unpaired import UnpairedDataset

Kind = Literal["pairs", "masks", "unpaired"]
Form = Kind | Literal["masks apart"]
"""What is learned from: masks may be taken apart from their films, or never have been paired."""
Variations = PairAugmentation | Mapping[Form, PairAugmentation] | None
"""How what is learned from is varied; or that for each form, since what data are is only found out."""
Side = PairDataset | UnpairedDataset
TRAIN, TEST = "train", "test"


class ReadSides(NamedTuple):
    """Sides that were read.

    Attributes:
        sides: By name.
        arranged: How.
        are_masks: Whether targets that nobody paired look like masks.
        fingerprint: Of the names and bytes of all files.
        notes: What cannot be used, or looks wrong.
    """

    sides: dict[str, Side]
    arranged: Arrangement
    are_masks: bool
    fingerprint: str
    notes: list[str]


@dataclass(frozen=True)
class Source:
    """The data that were named.

    Attributes:
        dataset: Whose form was found.
        surveyed: What is known of each file.
        patients: Whose file each is, where that is known.
        max_skipped: Largest share of files that may be left out.
    """

    dataset: DatasetFolder
    surveyed: Mapping[Path, SurveyedFile]
    patients: Mapping[str, str]
    max_skipped: float

    @classmethod
    def opened(cls, named: Mapping[str, Path | None], max_skipped: float) -> Source:
        """Open what is named, and look at every file.

        Raises:
            ConfigurationError: If it contradicts itself.
            DataError: If it is not there, or of no form.
        """
        dataset = open_named(named)
        if not isinstance(dataset, UnpairedFolders):
            dataset.check_partners(max_skipped)
        surveyed = survey(dataset.files)
        of_films = {
            files.name: patient
            for files in dataset.files
            if (file := surveyed.get(files.image)) and (patient := file.patient)
        }
        by_names = patients_by_names(files.name for files in dataset.files)
        return cls(dataset, surveyed, {**by_names, **of_films, **dataset.patients}, max_skipped)

    @property
    def kind(self) -> Kind:
        """What is learned from."""
        reader = self.dataset.reader()
        if isinstance(reader, PictureReader):
            return "unpaired"
        return "masks" if isinstance(reader, MaskReader) else "pairs"

    def read(
        self,
        splits: Mapping[str, Sequence[str]],
        wishes: Wishes,
        *,
        size: int,
        seed: int,
        augmentation: Variations = None,
        apart: bool = False,
    ) -> ReadSides:
        """Read sides.

        Args:
            splits: The names on each.
            wishes: How they are to be read.
            size: Side of the pictures that come out.
            seed: Of variations.
            augmentation: How the training side is varied.
            apart: Whether pairs are going to be taken apart.

        Raises:
            DataError: If they cannot be read.
        """
        files = {side: self.dataset.named(names) for side, names in splits.items()}
        learned = files.get(TRAIN) or next(iter(files.values()))
        sides: dict[str, Side] = {}
        are_masks = False
        if isinstance(self.dataset, UnpairedFolders):
            of_letters = {side: self.dataset.by_letter(listed, side) for side, listed in files.items()}
            if wishes.is_reversed:
                of_letters = {side: both[::-1] for side, both in of_letters.items()}
            inputs, targets = of_letters.get(TRAIN) or next(iter(of_letters.values()))
            first, second, are_masks = letters({"A": inputs, "B": targets}, self.surveyed, wishes)
            varied = _chosen(augmentation, "masks apart" if are_masks else "unpaired")
            for side, both in of_letters.items():
                used = varied if side == TRAIN else None
                sides[side] = UnpairedDataset.of_files(both, (first, second), size, augmentation=used, seed=seed)
            said = ("The targets are black and white: they are learned as masks.",) if are_masks else ()
            arranged = Arrangement(first, first.channels, second.channels, notes=said)
        else:
            arranged = arrange(self.dataset, learned, self.surveyed, wishes)
            varied = _chosen(augmentation, "masks apart" if apart and self.kind == "masks" else self.kind)
            for side, listed in files.items():
                used = varied if side == TRAIN else None
                sides[side] = PairDataset(
                    listed, arranged.reader, size, augmentation=used, seed=seed, max_skipped=self.max_skipped
                )
        notes = [*self._lost(), *self._skipped(sides, splits), *arranged.notes]
        return ReadSides(sides, arranged, are_masks, fingerprint_of(files, self.surveyed), notes)

    def _lost(self) -> list[str]:
        incomplete = self.dataset.incomplete
        if not incomplete:
            return []
        return [f"{len(incomplete)} files lack their partner and are not used, such as {incomplete[0].name!r}."]

    def _skipped(self, sides: Mapping[str, Side], splits: Mapping[str, Sequence[str]]) -> list[str]:
        return [
            f"{len(data.skipped)} of {len(splits[side])} files of the {side} side cannot be used, such as "
            f"{data.skipped[0].name!r}: {data.skipped[0].reason}"
            for side, data in sides.items()
            if data.skipped
        ]


def _chosen(augmentation: Variations, form: Form) -> PairAugmentation | None:
    return augmentation.get(form) if isinstance(augmentation, Mapping) else augmentation
