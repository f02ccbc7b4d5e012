"""One look at every file."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from piggygan.data.dicom.patient import patient_digest
from piggygan.data.folders import PairFiles
from piggygan.data.survey import fingerprint_of, survey


def test_digest_channels_and_patient_of_every_file(tmp_path: Path, write_film: Callable[..., Path]) -> None:
    film = write_film(tmp_path / "a.dcm", np.zeros((4, 4), np.uint8))
    Image.new("RGB", (4, 4)).save(tmp_path / "a.png")
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    pairs = [
        PairFiles("a", film, tmp_path / "a.png"),
        PairFiles("b", tmp_path / "broken.png", tmp_path / "nowhere.png"),
    ]
    found = survey(pairs)
    assert {path.name: file.bands for path, file in found.items()} == {"a.dcm": 1, "a.png": 3, "broken.png": None}
    assert found[film].digest == hashlib.sha256(film.read_bytes()).hexdigest()
    assert found[film].patient == patient_digest(film.read_bytes())
    assert len({fingerprint_of({side: pairs[:count]}, found) for side in ("train", "test") for count in (1, 2)}) == 4
    assert fingerprint_of({"train": pairs}, found) == fingerprint_of({"train": pairs[::-1]}, found)
