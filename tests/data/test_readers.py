from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from piggygan.data.dicom.description import DicomRequirements
from piggygan.data.folders import PairFiles
from piggygan.data.readers import MaskReader, PictureReader, SideBySideReader, to_square
from piggygan.errors import ConfigurationError, DicomError, MaskError, PairError


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


@pytest.mark.parametrize("channels", [1, 3])
def test_an_image_and_its_mask_are_read(tmp_path: Path, channels: int) -> None:
    image = saved(tmp_path / "a.png", np.full((2, 3), 255))
    mask = saved(tmp_path / "m.png", np.array([[0, 1, 1], [0, 0, 0]]))
    input_, target = MaskReader(channels).read(PairFiles("a", image, mask))
    assert torch.equal(input_, torch.ones(channels, 2, 3))
    assert target.tolist() == [[[-1, 1, 1], [-1, -1, -1]]]


def test_a13_a17_a_pair_of_two_sizes_is_refused(tmp_path: Path) -> None:
    image, mask = saved(tmp_path / "a.png", np.zeros((2, 3))), saved(tmp_path / "m.png", np.zeros((3, 2)))
    with pytest.raises(PairError, match=r"a\.png' is 3 x 2 pixels and its mask .*m\.png' 2 x 3"):
        MaskReader().read(PairFiles("a", image, mask))
    with pytest.raises(PairError, match="no mask file"):
        MaskReader().read(PairFiles("a", image))
    with pytest.raises(MaskError):
        MaskReader().read(PairFiles("a", image, saved(tmp_path / "m.png", np.arange(6).reshape(2, 3))))


def test_a15_any_size_is_stretched_to_the_square() -> None:
    for height, width in ((1, 1), (3, 5), (700, 2)):
        for sampling in ("bilinear", "nearest"):
            square = to_square(torch.full((2, height, width), 0.25), 8, sampling)  # type: ignore[arg-type]
            torch.testing.assert_close(square, torch.full((2, 8, 8), 0.25))


def test_a_photo_is_averaged_and_labels_are_picked_from_the_middle() -> None:
    picture = torch.arange(36.0).reshape(1, 6, 6) / 36
    # Each result stands for 3 x 3 pixels; their middle ones are 7, 10, 25 and 28.
    assert (to_square(picture, 2, "nearest") * 36).round().tolist() == [[[7, 10], [25, 28]]]
    stripes = (torch.arange(64) % 8 == 3).float().expand(1, 64, 64) * 2 - 1  # an eighth is bright
    assert (to_square(stripes, 8, "bilinear") + 0.75).abs().max() < 0.15
    checkers = ((torch.arange(64)[:, None] + torch.arange(64)) % 2).float()[None] * 2 - 1
    assert set(to_square(checkers, 7, "nearest").unique().tolist()) <= {-1.0, 1.0}


def test_b24_films_with_text_burned_in_are_not_learned_from(write_dicom: Any, tmp_path: Path) -> None:
    film = write_dicom(np.zeros((4, 4), dtype=np.uint8), BurnedInAnnotation="YES")
    files = PairFiles("film", film, saved(tmp_path / "mask.png", np.zeros((4, 4))))
    for reader in (MaskReader(1), PictureReader(1)):
        with pytest.raises(DicomError, match="Burned In Annotation"):
            reader.read(files)
    anything = DicomRequirements()
    for allowing in (MaskReader(1, requirements=anything), PictureReader(1, requirements=anything)):
        assert allowing.read(files)[0].shape == (1, 4, 4)


def test_several_masks_are_united(tmp_path: Path) -> None:
    left, right = np.zeros((4, 4)), np.zeros((4, 4))
    left[0], right[3] = 255, 255
    image, one, other = (saved(tmp_path / f"{n}.png", v) for n, v in (("i", left), ("l", left), ("r", right)))
    _, united = MaskReader(1).read(PairFiles("i", image, one, more_masks=(other,)))
    assert (united[0, :, 0] > 0).tolist() == [True, False, False, True]
