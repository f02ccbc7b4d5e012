"""Thousands of damaged files: each gives pixels or our error, in time, and none tells a patient's name."""

from collections import Counter
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.encaps import encapsulate
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLSLossless,
    RLELossless,
)

from piggygan.data import UntrustedReader
from piggygan.errors import PiggyganError

Write = Callable[..., Path]
Numbers = np.random.Generator
EXTREMES = [b"\x00\x00", b"\xff\xff", b"\xff\x7f", b"\x00\x80", b"\xff\xff\xff\xff", b"\xfe\xff\x0d\xe0", b"\x00" * 4]


def mutated(content: bytes, random: Numbers) -> bytes:
    """Damage a file in one of the ways that files are damaged."""
    data = bytearray(content)
    place = int(random.integers(len(data)))
    kind = random.integers(6)
    if kind == 0:
        return bytes(data[:place])
    if kind == 1:  # a chunk twice, or a chunk lost
        end = min(len(data), place + int(random.integers(1, 200)))
        return bytes(data[:end] + data[place:] if random.random() < 0.5 else data[:place] + data[end:])
    if kind == 2:
        return bytes(data[:place] + random.bytes(int(random.integers(1, 50))) + data[place:])
    if kind == 3:
        extreme = EXTREMES[random.integers(len(EXTREMES))]
        data[place : place + len(extreme)] = extreme
        return bytes(data)
    for _ in range(int(random.integers(1, 10 if kind == 4 else 200))):
        data[random.integers(len(data))] = random.integers(256)
    return bytes(data)


@pytest.fixture
def dicom_files(write_dicom: Write) -> list[bytes]:
    words = np.linspace(0, 4095, 40 * 48).reshape(40, 48).astype(np.uint16)
    window = {"BitsStored": 12, "WindowCenter": 2000, "WindowWidth": 3000, "PixelPaddingValue": 0}
    files = [
        write_dicom(words, syntax, **window).read_bytes()
        for syntax in (ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian)
    ]
    for syntax in (RLELossless, JPEG2000Lossless, JPEGLSLossless, DeflatedExplicitVRLittleEndian, JPEGBaseline8Bit):
        path = write_dicom(words if syntax != JPEGBaseline8Bit else (words // 16).astype(np.uint8), **{})
        dataset = pydicom.dcmread(path)
        if syntax == DeflatedExplicitVRLittleEndian:
            dataset.file_meta.TransferSyntaxUID = syntax
        elif syntax == JPEGBaseline8Bit:
            dataset.file_meta.TransferSyntaxUID = syntax
            dataset.PixelData = encapsulate([picture("JPEG", (words // 16).astype(np.uint8))])
            dataset["PixelData"].is_undefined_length = True
        else:
            dataset.compress(syntax, generate_instance_uid=False)
        dataset.save_as(path)
        files.append(path.read_bytes())
    return files


def picture(kind: str, values: Any, **options: Any) -> bytes:
    stream = BytesIO()
    Image.fromarray(values).save(stream, format=kind, **options)
    return stream.getvalue()


@pytest.fixture
def image_files() -> list[bytes]:
    random = np.random.default_rng(0)
    grey, colours = random.integers(0, 256, (40, 48), dtype=np.uint8), random.integers(0, 256, (40, 48, 4), np.uint8)
    palette = BytesIO()
    Image.fromarray(grey).convert("P").save(palette, format="PNG")
    return [
        picture("PNG", grey),
        picture("PNG", grey.astype(np.uint16) * 257),
        picture("PNG", colours),
        picture("PNG", colours[..., :3]),
        palette.getvalue(),
        picture("JPEG", grey),
        picture("JPEG", colours[..., :3], progressive=True),
    ]


def read_all(files: list[bytes], count: int, folder: Path) -> Counter[str]:
    """Read ``count`` damaged files, and count what came of them."""
    random = np.random.default_rng(1)
    outcomes: Counter[str] = Counter()
    path = folder / "damaged"
    with UntrustedReader(max_pixels=1_000_000) as reader:
        reader.read(_written(path, files[0]), 1)  # the process starts
        for number in range(count):
            _written(path, mutated(files[number % len(files)], random))
            outcomes[_outcome(reader, path)] += 1
    assert not outcomes.keys() & {"a name was told", "no picture", "hung"}
    return outcomes


def _outcome(reader: UntrustedReader, path: Path) -> str:
    try:
        image = reader.read(path, 1)
    except PiggyganError as error:
        if "took too long" in str(error):
            return "hung"
        return type(error).__name__ if "lanted" not in str(error).lower() else "a name was told"
    return "pixels" if bool((image.abs() <= 1).all()) else "no picture"


def _written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


COUNTS = [500, pytest.param(20_000, marks=pytest.mark.slow)]


@pytest.mark.parametrize("count", COUNTS)
def test_b02_b16_b17_b23_damaged_dicom_files_give_pixels_or_our_error(
    dicom_files: list[bytes], count: int, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    outcomes = read_all(dicom_files, count, tmp_path)
    said = capfd.readouterr()
    assert "lanted" not in (said.out + said.err).lower()
    assert min(outcomes["pixels"], outcomes["DicomError"]) > count / 20, outcomes
    assert outcomes["DecoderCrashError"] < count / 20, outcomes  # the RLE decoder panics where others raise


@pytest.mark.parametrize("count", COUNTS)
def test_a03_a04_a05_damaged_images_give_pixels_or_our_error(
    image_files: list[bytes], count: int, tmp_path: Path
) -> None:
    outcomes = read_all(image_files, count, tmp_path)
    assert min(outcomes["pixels"], outcomes["ImageError"]) > count / 20, outcomes
    assert outcomes["DecoderCrashError"] == 0, outcomes
