"""Pairs decoded once: kept in memory while there is room, else decoded again and known again."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np

from piggygan.data.folders import PairFiles
from piggygan.data.framing import to_square
from piggygan.data.packed import Packed, PackedPair, digest
from piggygan.data.readers import PairReader
from piggygan.errors import DataError, DatasetError

_MOST_NAMED = 10
# So many results may wait for the cache at once.
_FILES_AT_ONCE = 32


class SkippedFile(NamedTuple):
    """A pair that was left out.

    Attributes:
        name: The stem of the image's file.
        reason: What is wrong with it.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> from piggygan.data import PairDataset
        >>> from piggygan.data.synthetic import write_facades
        >>> with TemporaryDirectory() as folder:
        ...     paths = write_facades(folder, 2, 32, seed=0)
        ...     _ = paths[1].write_bytes(b"no picture")
        ...     PairDataset.side_by_side(folder, 32, max_skipped=0.5).skipped[0].name
        '001'
    """

    name: str
    reason: str


class DecodedPairs:
    """The pairs that could be decoded, in the order of their files.

    Args:
        files: The pairs.
        reader: How to read one.
        side: Side of the squares that they are stretched to.
        cache_bytes: How much memory the pictures may take.

    Attributes:
        files: Those that could be decoded.
        skipped: Those that were left out, and why.
        contents: SHA-256 of all pictures.
    """

    def __init__(self, files: Sequence[PairFiles], reader: PairReader, side: int, cache_bytes: int) -> None:
        self._reader = reader
        self._side = side
        self._kept: dict[int, PackedPair] = {}
        self._digests: dict[int, bytes] = {}  # of the others
        self.files: list[PairFiles] = []
        self.skipped: list[SkippedFile] = []
        self.contents = self._decode_all(files, cache_bytes)

    def __getitem__(self, index: int) -> PackedPair:
        return self._kept.get(index) or self._decode_again(index)

    def check_skipped(self, max_skipped: float) -> None:
        """Refuse pairs of which too many, or all, cannot be used.

        Args:
            max_skipped: Largest share that may be left out, 0..1.

        Raises:
            DatasetError: Naming the first ten.
        """
        count = len(self.files) + len(self.skipped)
        if self.files and len(self.skipped) <= max_skipped * count:
            return
        listed = "\n".join(f"  {name!r}: {reason}" for name, reason in self.skipped[:_MOST_NAMED])
        more = len(self.skipped) - _MOST_NAMED
        raise DatasetError(
            f"{len(self.skipped)} of {count} pairs cannot be used; at most {max_skipped:.0%} may be left out, and not "
            f"all. Repair or remove them, or raise max_skipped:\n{listed}"
            + (f"\n  and {more} more" if more > 0 else "")
        )

    def _decode(self, files: PairFiles) -> PackedPair:
        image, target = self._reader.read(files)
        return (
            Packed.pack(to_square(image, self._side, self._reader.input_sampling)),
            Packed.pack(to_square(target, self._side, self._reader.target_sampling)),
        )

    def _decode_again(self, index: int) -> PackedPair:
        packed = self._decode(self.files[index])
        if digest(packed) != self._digests[index]:
            raise DatasetError(
                f"{self.files[index].name!r} is not the picture, or not the target, that it was when the data set was "
                f"made: its file was exchanged since. Put the former one back, or make the data set anew."
            )
        return packed

    def _decode_all(self, files: Sequence[PairFiles], cache_bytes: int) -> str:
        """Decode every pair once, to keep it or to learn that it cannot be used; return the SHA-256 of all pictures."""
        contents = hashlib.sha256()
        room = cache_bytes
        for pair_files, result in zip(files, self._results(files), strict=True):
            if isinstance(result, DataError):
                self.skipped.append(SkippedFile(pair_files.name, str(result)))
                continue
            room -= sum(part.levels.nbytes for part in result)
            for part in result:
                contents.update(np.ascontiguousarray(part.levels).data)
            if room >= 0:
                self._kept[len(self.files)] = result
            else:
                self._digests[len(self.files)] = digest(result)
            self.files.append(pair_files)
        return contents.hexdigest()

    def _results(self, files: Sequence[PairFiles]) -> Iterator[PackedPair | DataError]:
        """Decode in several threads (Pillow and PyTorch work beside each other), in order and a few at a time."""

        def attempt(pair_files: PairFiles) -> PackedPair | DataError:
            try:
                return self._decode(pair_files)
            except DataError as error:
                return error

        with ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1)) as pool:
            for start in range(0, len(files), _FILES_AT_ONCE):
                yield from pool.map(attempt, files[start : start + _FILES_AT_ONCE])
