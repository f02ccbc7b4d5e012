"""The real DICOM films: upright, not inverted, and to one grey level what dcmtk and pydicom show."""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pydicom
import pytest
import torch
from PIL import Image

from piggygan.data import DicomRequirements, UntrustedReader, describe_dicom, read_dicom
from piggygan.data.framing import to_square
from piggygan.errors import DicomError

CHEST = DicomRequirements(modalities=("CR", "DX"), body_part="CHEST")
FILMS = ["nema_wg04_RG1_J2KI", "siim_6904.1517875201.850819", "udacity_test1", "udacity_test2", "udacity_test3"]
REFUSED = {
    "nema_wg04_RG3_J2KI_extremity": "Body Part Examined",
    "udacity_test4": "Body Part Examined",
    "udacity_test5": "Modality",
    "udacity_test6": "Patient Position",
}


@pytest.mark.parametrize("name", FILMS)
def test_chest_films_are_upright_and_not_inverted(shared_data: Path, name: str) -> None:
    film = read_dicom(shared_data / "dicom" / f"{name}.dcm", requirements=CHEST)
    grey = to_square(film, 64, "bilinear")[0]
    # Upright: the spine and what lies below the lungs absorb more than the lungs do, and are brighter.
    middle, bottom = grey[16:40, 28:36].mean(), grey[52:62, 16:48].mean()
    lungs = torch.stack([grey[16:36, 12:22].mean(), grey[16:36, 42:52].mean()])
    assert middle > lungs.max()
    assert bottom > lungs.min()
    assert float(film.std()) > 0.1  # neither washed out nor black and white


@pytest.mark.parametrize(("name", "tag"), REFUSED.items())
def test_b25_what_is_no_chest_film_is_refused_where_one_is_required(shared_data: Path, name: str, tag: str) -> None:
    path = shared_data / "dicom" / f"{name}.dcm"
    with pytest.raises(DicomError, match=tag):
        read_dicom(path, requirements=CHEST)
    assert read_dicom(path).shape[0] == 1  # without the requirement it is an image as any


def test_what_the_films_say_is_read(shared_data: Path) -> None:
    film = describe_dicom(shared_data / "dicom/nema_wg04_RG1_J2KI.dcm")
    assert (film.modality, film.body_part, film.view, film.was_lossy) == ("CR", "CHEST", "PA", True)
    assert film.aspect == 1.0  # its Pixel Spacing is 0 x 0, which says nothing


@pytest.mark.parametrize("name", [*FILMS, *REFUSED])
def test_values_equal_those_of_dcmtk_to_one_grey_level(shared_data: Path, tmp_path: Path, name: str) -> None:
    dcm2pnm = shutil.which("dcm2pnm")
    if dcm2pnm is None:
        pytest.skip("dcmtk is not installed")
    path = shared_data / "dicom" / f"{name}.dcm"
    dataset = pydicom.dcmread(path)
    if dataset.file_meta.TransferSyntaxUID.is_compressed:  # dcmtk has no JPEG 2000
        dataset.decompress()
    dataset.save_as(tmp_path / "plain.dcm")
    window = ["+Wi", "1"] if "WindowCenter" in dataset else []
    subprocess.run([dcm2pnm, "+op", *window, "plain.dcm", "film.pgm"], cwd=tmp_path, check=True, capture_output=True)
    theirs = np.asarray(Image.open(tmp_path / "film.pgm")).astype(float)
    ours = read_dicom(path)[0].numpy() * 255
    assert np.abs(ours - theirs).max() <= 1.0


@pytest.mark.parametrize("name", ["udacity_test1", "udacity_test2", "udacity_test3"])
def test_plain_films_equal_what_pydicom_decodes(shared_data: Path, name: str) -> None:
    path = shared_data / "dicom" / f"{name}.dcm"
    unit = read_dicom(path)
    assert unit.shape == (1, 1024, 1024)
    np.testing.assert_allclose(unit[0].numpy(), pydicom.dcmread(path).pixel_array / 255, atol=1e-7)


def test_a_contact_sheet_to_look_at(shared_data: Path, tmp_path: Path) -> None:
    with UntrustedReader() as reader:
        films = [reader.read(shared_data / "dicom" / f"{name}.dcm", 1) for name in [*FILMS, *REFUSED]]
    small = [to_square(film, 256, "bilinear")[0] for film in films]
    rows = [torch.cat(small[start : start + 3], dim=1) for start in (0, 3, 6)]
    sheet = ((torch.cat(rows) + 1) * 127.5).round().to(torch.uint8).numpy()
    Image.fromarray(sheet).save(tmp_path / "contact_sheet.png")
    assert sheet.shape == (768, 768)
