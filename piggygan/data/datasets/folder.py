"""DatasetFolder: what every data set in a folder can do, whatever its files are called."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import ClassVar, NamedTuple

from piggygan.data.augmentation import PairAugmentation
from piggygan.data.datasets.description import Description
from piggygan.data.decoded import SkippedFile
from piggygan.data.folders import PairFiles
from piggygan.data.pairs import PairDataset
from piggygan.data.readers import PairReader
from piggygan.data.splits import side_of, split_by_patient
from piggygan.errors import ConfigurationError, DatasetError, PairError
from piggygan.files.regular import shown

_MOST_NAMED = 10


class Listing(NamedTuple):
    """What the names in a folder say.

    Attributes:
        files: The pairs, in order.
        incomplete: What lacks its partner, and which.
        remarks: How names were understood, where they are not simply equal.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> from piggygan.data.datasets import open_dataset
        >>> from piggygan.data.synthetic import write_xrays
        >>> with TemporaryDirectory() as folder:
        ...     (image, mask), other = write_xrays(folder, 2, 32, seed=0)
        ...     mask.unlink()
        ...     found = open_dataset(folder)
        >>> [file.name for file in found.files], found.incomplete[0].name
        (['001'], '000')
    """

    files: list[PairFiles]
    incomplete: list[SkippedFile]
    remarks: tuple[str, ...] = ()


class DatasetFolder(ABC):
    """A data set in the folder and form in which its publisher ships it.

    Making one reads names only; :meth:`pairs` reads the pictures.

    Args:
        folder: As it was unpacked.

    Attributes:
        folder: The same.
        files: The pairs, in the order of their names, which are unique.
        incomplete: What lacks its partner, and which.
        remarks: How names were understood, where they are not simply equal.

    Raises:
        DatasetError: If the folder is missing or has another form.
        PairError: If names are not unique.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> from piggygan.data.datasets import open_dataset
        >>> from piggygan.data.synthetic import write_xrays
        >>> with TemporaryDirectory() as folder:
        ...     paths = write_xrays(folder, 5, 32, seed=0)
        ...     found = open_dataset(folder)
        ...     pairs = found.pairs(32, names=["000", "003"])
        ...     found.name, len(found.files), pairs[1].target.shape
        ('images-with-masks', 5, torch.Size([1, 32, 32]))
    """

    name: ClassVar[str]
    """What it is called on the command line."""

    description: ClassVar[Description | None] = None
    """Where it comes from; None for folders of one's own."""

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        listing = self._list()
        self.files: tuple[PairFiles, ...] = tuple(listing.files)
        self.incomplete: tuple[SkippedFile, ...] = tuple(listing.incomplete)
        self.remarks: tuple[str, ...] = listing.remarks

    @classmethod
    @abstractmethod
    def is_in(cls, folder: Path) -> bool:
        """Tell whether a folder has this form, from names alone."""

    @classmethod
    @abstractmethod
    def reader(cls, channels: int = 3) -> PairReader:
        """Say how a pair is read.

        Args:
            channels: Of the input, 1 or 3, where that can be chosen.

        Raises:
            ConfigurationError: If ``channels`` is neither 1 nor 3.
        """

    @abstractmethod
    def _list(self) -> Listing:
        """Find what belongs together."""

    @property
    def patients(self) -> Mapping[str, str]:
        """The patient (or else the source) of each pair's name; pairs of unknown patients are not in it."""
        return {files.name: files.name for files in self.files}

    @property
    def sides(self) -> Mapping[str, list[str]]:
        """The names of the pairs of each side, as the publisher divides them; nothing if it does not."""
        return {}

    def split(self, shares: Mapping[str, float], *, seed: int = 0) -> dict[str, list[str]]:
        """Divide the pairs so that each patient is on one side; see :func:`~piggygan.data.split_by_patient`.

        Args:
            shares: The share of each side, such as ``{"train": 0.8, "test": 0.2}``.
            seed: 0 or more.

        Raises:
            ConfigurationError: If shares or seed are outside their range.
            DatasetError: If the patient of a pair is not known, or there are too few.
        """
        patients = self.patients
        unknown = [files.name for files in self.files if files.name not in patients]
        if unknown:
            raise DatasetError(
                f"{len(unknown)} of {len(self.files)} pairs in {shown(self.folder)} are of unknown patients, such as "
                f"{unknown[0]!r}; a patient on two sides makes scores too good. Write patients.json, such as "
                f'{{"a.png": "patient 1", "b.png": "patient 1"}}.'
            )
        return split_by_patient({files.name: patients[files.name] for files in self.files}, shares, seed=seed)

    def pairs(
        self,
        size: int,
        *,
        side: str | None = None,
        names: Collection[str] | None = None,
        channels: int = 3,
        augmentation: PairAugmentation | None = None,
        seed: int = 0,
        max_skipped: float = 0.05,
    ) -> PairDataset:
        """Read the pairs, or some of them, for training or scoring.

        Args:
            size: Side of the pictures that come out.
            side: One of :attr:`sides`.
            names: Take these pairs only, such as one side of :meth:`split`.
            channels: Of the input, 1 or 3, where that can be chosen.
            augmentation: How to vary them.
            seed: Of the variations.
            max_skipped: Largest share of the films that may lack their partner, and of the chosen pairs that may be
                unusable.

        Raises:
            ConfigurationError: If an argument is outside its range, or both ``side`` and ``names`` are given.
            DatasetError: If there is no such side, or too much of the set is broken or missing.
            PairError: If a name is not in the set.
        """
        if side is not None and names is not None:
            raise ConfigurationError("side and names both choose pairs; give one of them.")
        if side is not None:
            names = side_of(dict(self.sides), side, self.folder)
        self.check_partners(max_skipped)  # also for some of them: a split is made of what has a partner
        chosen = self.files if names is None else self.named(names)
        return PairDataset(
            chosen,
            self.reader(channels),
            size,
            augmentation=augmentation,
            seed=seed,
            max_skipped=max_skipped,
        )

    def require_complete(self) -> None:
        """Make sure that every pair that was published is there.

        Raises:
            DatasetError: If there are fewer or more.
        """
        if self.description is not None and len(self.files) != self.description.pairs:
            raise DatasetError(
                f"{shown(self.folder)} has {len(self.files)} pairs; {self.description.title} has "
                f"{self.description.pairs}. Get it anew: {self.description.source}"
            )

    def named(self, names: Collection[str]) -> list[PairFiles]:
        """Find pairs by their names, in order.

        Raises:
            PairError: If there is no such pair.
        """
        names = [names] if isinstance(names, str) else names
        known = {files.name: files for files in self.files}
        missing = sorted(set(names) - known.keys())
        if missing:
            listed = ", ".join(map(repr, missing[:_MOST_NAMED]))
            raise PairError(
                f"{len(missing)} of the names are no pairs in {shown(self.folder)}: {listed}; there is "
                f"{min(known, default='none')!r}. If splits.json names them, mend it."
            )
        return [known[name] for name in sorted(set(names))]

    def check_partners(self, max_skipped: float = 0.05) -> None:
        """Make sure that no more files lack their partner than may.

        Args:
            max_skipped: Largest share of them.

        Raises:
            DatasetError: If more do; it names the first ten.
        """
        # Some sets are published with images that have no target; those are no loss.
        expected = self.description.images - self.description.pairs if self.description else 0
        lost, total = len(self.incomplete) - expected, len(self.files) + len(self.incomplete)
        if not self.files or lost > max_skipped * total:
            listed = "\n".join(f"  {name!r}: {reason}" for name, reason in self.incomplete[:_MOST_NAMED])
            raise DatasetError(
                f"{len(self.incomplete)} of {total} films in {shown(self.folder)} lack their partner; at most "
                f"{max_skipped:.0%} may. Complete them, or raise max_skipped:\n{listed}"
            )
