"""What is read of a film before it is kept."""

from __future__ import annotations

import io
from collections.abc import Callable

import pydicom
import pytest

from piggygan.errors import DicomError
from piggygan.server.node.film_facts import film_facts

Film = Callable[..., pydicom.Dataset]


def written(film: pydicom.Dataset, syntax: str = "1.2.840.10008.1.2.1") -> bytes:
    film.file_meta.TransferSyntaxUID = syntax
    file = io.BytesIO()
    pydicom.dcmwrite(file, film, implicit_vr=syntax == "1.2.840.10008.1.2", little_endian=True)
    return file.getvalue()


def test_the_pixels_digest_is_of_the_picture_and_not_of_how_it_was_sent(film: Film) -> None:
    facts = film_facts(written(film(0)))
    assert (facts.modality, facts.body_part) == ("CR", "CHEST")
    assert film_facts(written(film(0), "1.2.840.10008.1.2")).pixels == facts.pixels
    assert film_facts(written(film(0, PatientName="Tudor"))).pixels == facts.pixels
    assert film_facts(written(film(1))).pixels != facts.pixels
    assert film_facts(written(film(0, Rows=20, Columns=24))).pixels != facts.pixels


@pytest.mark.parametrize("keyword", ["SOPInstanceUID", "SOPClassUID", "PixelData", "Rows"])
def test_what_lacks_something_is_no_film(film: Film, keyword: str) -> None:
    one = film(0)
    del one[keyword]
    file = io.BytesIO()
    one.save_as(file, enforce_file_format=False)
    with pytest.raises(DicomError, match=r"no image|referred to"):
        film_facts(file.getvalue())


def test_nonsense_is_refused_without_being_quoted() -> None:
    for content in (b"", b"Plantagenet" * 50, bytes(200)):
        with pytest.raises(DicomError, match="cannot be read") as refused:
            film_facts(content)
        assert "Plantagenet" not in str(refused.value)
