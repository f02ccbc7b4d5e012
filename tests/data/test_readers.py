from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from piggygan.data.dicom.description import DicomRequirements
from piggygan.data.folders import PairFiles
from piggygan.data.mask_reader import MaskReader
from piggygan.data.readers import PictureReader, SideBySideReader
from piggygan.errors import ConfigurationError, DicomError, PairError


def saved(path: Path, values: np.ndarray) -> Path:  # type: ignore[type-arg]
    Image.fromarray(values.astype(np.uint8)).save(path)
    return path


def test_a_file_is_cut_into_its_halves(tmp_path: Path) -> None:
    values = np.zeros((2, 6, 3))
    values[:, 3:] = 255
    files = PairFiles("a", saved(tmp_path / "a.png", values))
    photo, labels = SideBySideReader().read(files)
    assert photo.shape == labels.shape == (3, 2, 3)
    assert (photo.unique().tolist(), labels.unique().tolist()) == ([-1.0], [1.0])
    first, second = SideBySideReader(input_side="right").read(files)
    assert torch.equal(first, labels)
    assert torch.equal(second, photo)


def test_only_the_label_side_is_sampled_by_nearest_neighbour() -> None:
    def samplings(reader: SideBySideReader) -> tuple[str, str]:
        return reader.input_sampling, reader.target_sampling

    assert samplings(SideBySideReader("left", "right")) == ("bilinear", "nearest")
    assert samplings(SideBySideReader("right", "right")) == ("nearest", "bilinear")
    assert samplings(SideBySideReader("left", "left")) == ("nearest", "bilinear")
    assert samplings(SideBySideReader("right", None)) == ("bilinear", "bilinear")
    assert (MaskReader().input_sampling, MaskReader().target_sampling) == ("bilinear", "nearest")


def test_readers_refuse_unknown_options() -> None:
    with pytest.raises(ConfigurationError, match="'top'"):
        SideBySideReader(input_side="top")  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="channels is 2"):
        MaskReader(channels=2)


def test_an_odd_width_has_no_halves(tmp_path: Path) -> None:
    with pytest.raises(PairError, match="5 pixels wide"):
        SideBySideReader().read(PairFiles("a", saved(tmp_path / "a.png", np.zeros((2, 5)))))


def test_b24_films_with_text_burned_in_are_not_learned_from(write_dicom: Any, tmp_path: Path) -> None:
    film = write_dicom(np.zeros((4, 4), dtype=np.uint8), BurnedInAnnotation="YES")
    files = PairFiles("film", film, saved(tmp_path / "mask.png", np.zeros((4, 4))))
    for reader in (MaskReader(1), PictureReader(1)):
        with pytest.raises(DicomError, match="Burned In Annotation"):
            reader.read(files)
    anything = DicomRequirements()
    for allowing in (MaskReader(1, requirements=anything), PictureReader(1, requirements=anything)):
        assert allowing.read(files)[0].shape == (1, 4, 4)
