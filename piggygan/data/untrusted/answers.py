"""What the decoding process answers: an ImageFile as one line of JSON, and back with every value checked.

That process may have been taken over by a file. What comes from it is numbers and short texts, and nothing is believed
that could not be true of an image.
"""

from __future__ import annotations

import math
import re
from dataclasses import asdict, dataclass
from typing import Any

from torch import Tensor

import piggygan.errors
from piggygan.data.dicom.description import SPACINGS, DicomDescription
from piggygan.data.dicom.source import SourceImage
from piggygan.data.image_file import ImageFile
from piggygan.data.pictures.decoded import KINDS
from piggygan.data.untrusted.talking import ChildEnded
from piggygan.errors import ImageError, PiggyganError
from piggygan.terminal.escaping import escaped

_DIGEST = re.compile(r"[0-9a-f]{64}")
_LONGEST_TEXT = 4096
_MOST_BITS = 64


@dataclass(frozen=True)
class AnsweredFile:
    """A file whose picture is still to come.

    Attributes:
        bands: How many bands of the picture are sent; one that is alone is that of every channel.
        height: Of the picture.
        width: Of the picture.
        rest: All other fields of :class:`~piggygan.data.image_file.ImageFile`.
    """

    bands: int
    height: int
    width: int
    rest: dict[str, Any]

    def with_picture(self, bands: Tensor, channels: int) -> ImageFile:
        """Complete the file."""
        return ImageFile(picture=bands.expand(channels, -1, -1), **self.rest)


def answer_of(file: ImageFile) -> tuple[dict[str, Any], Tensor]:
    """Say what is sent of a file: its fields, and those bands of its picture that differ."""
    bands = file.picture if file.picture.stride(0) else file.picture[:1]
    fields = {key: value for key, value in vars(file).items() if key != "picture"}
    for key in ("film", "source"):
        fields[key] = asdict(fields[key]) if fields[key] is not None else None
    return {"bands": list(bands.shape), "file": fields}, bands


def error_answer(error: PiggyganError) -> dict[str, str]:
    """Say what is sent of an error."""
    return {"error": type(error).__name__, "message": str(error)}


def checked_answer(answer: Any, channels: int, max_pixels: int) -> AnsweredFile:
    """Turn an answer into a file whose picture is still to come.

    Raises:
        ImageError: The error that was answered.
        ChildEnded: If it is nonsense.
    """
    try:
        if "error" in answer:
            raise _error(answer)
        bands, height, width = (_whole(side) for side in answer["bands"])
        file = dict(answer["file"])
        film, source = file.pop("film"), file.pop("source")
        film = None if film is None else _description(film)
        source = None if source is None else SourceImage.of_fields(source)
        file["bits"] = _whole(file["bits"])
        file["remarks"] = tuple(_text(remark) for remark in file["remarks"])
        rest = {**file, "film": film, "source": source}
        ImageFile(picture=Tensor(), **rest)  # of these names and no others
    except (KeyError, TypeError, ValueError, AttributeError):
        raise ChildEnded("its process wrote nonsense") from None
    sane = (
        bands in (1, channels)
        and min(height, width) > 0
        and height * width <= max_pixels
        and isinstance(file["digest"], str)
        and _DIGEST.fullmatch(file["digest"])
        and file["kind"] in (*KINDS, "DICOM")
        and 0 < file["bits"] <= _MOST_BITS
        and _is_aspect(file["aspect"])
    )
    if not sane:
        raise ChildEnded("its process wrote nonsense")
    return AnsweredFile(bands, height, width, rest)


def _whole(number: Any) -> int:
    """Take a whole number: JSON has others, and Python counts True as one."""
    if type(number) is not int:
        raise ValueError
    return number


def _is_aspect(number: Any) -> bool:
    return isinstance(number, float) and math.isfinite(number) and number > 0


def _description(fields: dict[str, Any]) -> DicomDescription:
    """Take a description whose texts are safe to show."""
    texts = {name: _text(fields[name]) for name in ("modality", "body_part", "view") if fields[name] is not None}
    film = DicomDescription(**{**fields, **texts, "spacing": _spacing(fields["spacing"])})
    stated = [flag for flag in (film.burned_in, film.was_lossy) if flag is not None]
    flags = (film.position_is_known, film.is_program, *stated)
    if not (
        film.spacing_from in (None, *SPACINGS) and _is_aspect(film.aspect) and all(type(flag) is bool for flag in flags)
    ):
        raise ValueError
    return film


def _error(answer: dict[str, Any]) -> ImageError:
    # Of a file only: other errors of ours end a training, or the program.
    kind = getattr(piggygan.errors, str(answer["error"]), None)
    if not (isinstance(kind, type) and issubclass(kind, ImageError)):
        raise ChildEnded("its process wrote nonsense")
    return kind(_text(answer["message"]))


def _spacing(sides: Any) -> tuple[float, float] | None:
    if sides is None:
        return None
    vertical, horizontal = (float(side) for side in sides)
    if not (0 < vertical < math.inf and 0 < horizontal < math.inf):
        raise ValueError("a pixel has two sides above 0")
    return vertical, horizontal


def _text(text: Any) -> str:
    """Take a text, shortened and without what a terminal would obey."""
    return escaped(str(text)[:_LONGEST_TEXT])
