"""The same segmentation of the same mask, byte for byte: identifiers from its content, its time from the prediction's.

An identifier that is drawn at random names other bytes each time that a film is made again; one that is derived from
all that the file says names these bytes and no others.
"""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime

from pydicom.dataelem import DataElement
from pydicom.dataset import FileDataset
from pydicom.uid import UID

_DRAWN = "1.2.826.0.1.3680043.10.511.3."  # of highdicom's own branch
_TIMES = {"TM": "%H%M%S", "DA": "%Y%m%d", "DT": "%Y%m%d%H%M%S"}
_OF_MAKING = (
    "InstanceCreationDate",
    "InstanceCreationTime",
    "ContentDate",
    "ContentTime",
    "SeriesDate",
    "SeriesTime",
    "ContributionDateTime",
)


def moment_of_now() -> str:
    """Say what time it is, with the offset from UTC; or what the environment says it is.

    ``SOURCE_DATE_EPOCH``, seconds since 1970, is what programs take for now whose output is to be the same each time
    (reproducible-builds.org).
    """
    with suppress(KeyError, ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(int(os.environ["SOURCE_DATE_EPOCH"]), UTC).isoformat(timespec="seconds")
    return datetime.now().astimezone().isoformat(timespec="seconds")


def make_reproducible(segmentation: FileDataset, moment: str, given: Iterable[str], beside: bytes = b"") -> None:
    """Give a segmentation times and identifiers that depend on nothing but its content and a moment.

    Args:
        segmentation: Made by highdicom.
        moment: ISO 8601 with an offset.
        given: Identifiers that are others' and stay.
        beside: Stands for what will be written into it afterwards.
    """
    stays, drawn, places = set(given), dict[str, str](), list[tuple[DataElement, str]]()
    time = datetime.fromisoformat(moment)
    for element in _elements(segmentation):
        if element.keyword in _OF_MAKING:
            element.value = time.strftime(_TIMES[element.VR])
        elif element.VR == "UI" and str(element.value).startswith(_DRAWN) and str(element.value) not in stays:
            places.append((element, drawn.setdefault(str(element.value), f"2.25.{len(drawn) + 1}")))
    _name(segmentation, [(element, UID(place)) for element, place in places])
    content = io.BytesIO()
    segmentation.save_as(content)
    digest = hashlib.sha256(content.getvalue() + beside).digest()
    _name(segmentation, [(element, _derived(digest, place)) for element, place in places])


def _name(segmentation: FileDataset, named: Iterable[tuple[DataElement, UID]]) -> None:
    for element, identifier in named:
        element.value = identifier
    segmentation.file_meta.MediaStorageSOPInstanceUID = segmentation.SOPInstanceUID


def _derived(digest: bytes, place: str) -> UID:
    """Make an identifier of 128 bits (PS3.5 B.2)."""
    return UID(f"2.25.{int.from_bytes(hashlib.sha256(digest + place.encode()).digest()[:16], 'big')}")


def _elements(dataset: Iterable[DataElement]) -> Iterator[DataElement]:
    for element in dataset:
        if element.VR == "SQ":
            for item in element.value:
                yield from _elements(item)
        else:
            yield element
