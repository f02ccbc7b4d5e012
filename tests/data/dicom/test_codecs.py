"""Compressed pixels: what decoders give is what was stored, and what they choke on is our error."""

import struct
import tracemalloc
import zlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
import torch
from PIL import Image
from pydicom.encaps import encapsulate
from pydicom.uid import ExplicitVRLittleEndian, JPEG2000Lossless, JPEGBaseline8Bit, JPEGLSLossless, RLELossless

from piggygan.data.dicom import codecs as dicom_codecs
from piggygan.data.dicom.image import read_dicom
from piggygan.errors import DecoderCrashError, DicomError, InputTooLargeError, PiggyganError

Write = Callable[..., Path]
Pixels = np.ndarray[Any, Any]
LOSSLESS = {"RLE": RLELossless, "JPEG 2000": JPEG2000Lossless, "JPEG-LS": JPEGLSLossless}


@pytest.fixture
def write_compressed(write_dicom: Write) -> Callable[..., Path]:
    def write(pixels: Pixels, syntax: str, **attributes: Any) -> Path:
        path = write_dicom(pixels, ExplicitVRLittleEndian, "compressed.dcm", **attributes)
        dataset = pydicom.dcmread(path)
        dataset.compress(syntax, generate_instance_uid=False)
        dataset.save_as(path)
        return path

    return write


def deflated(plain: bytes) -> bytes:
    squeezer = zlib.compressobj(wbits=-15)
    return squeezer.compress(plain) + squeezer.flush()


def test_a_deflated_bomb_takes_no_memory_and_what_is_allowed_comes_out() -> None:
    plain = bytes(range(256)) * 20_000  # several pieces
    assert dicom_codecs.inflated(deflated(plain) + b"\0", limit=len(plain)) == plain
    noise = np.random.default_rng(0).bytes(3_000_000)  # which no piece of input holds
    assert dicom_codecs.inflated(deflated(noise), limit=len(noise)) == noise
    for content in (deflated(noise)[:-1], deflated(noise)[:100], b""):
        with pytest.raises(DicomError, match="cut"):
            dicom_codecs.inflated(content, limit=len(noise))
    with pytest.raises(DicomError, match="corrupt"):
        dicom_codecs.inflated(b"\xff" * 100, limit=1000)
    bomb = deflated(bytes(200_000_000))
    tracemalloc.start()
    with pytest.raises(InputTooLargeError, match="has more than 100000000 bytes"):
        dicom_codecs.inflated(bomb, limit=100_000_000)
    assert tracemalloc.get_traced_memory()[1] < 10_000_000
    tracemalloc.stop()


def ramp(kind: str, low: int, high: int) -> Pixels:
    return np.linspace(low, high, 48 * 40).reshape(48, 40).astype(kind)


@pytest.mark.parametrize("syntax", LOSSLESS.values(), ids=LOSSLESS)
@pytest.mark.parametrize(
    ("pixels", "attributes"),
    [
        (ramp("u1", 0, 255), {}),
        (ramp("u2", 0, 4095), {"BitsStored": 12}),
        (ramp("u2", 0, 65535), {"WindowCenter": 30000, "WindowWidth": 50000}),
        (ramp("i2", -2048, 2047), {"BitsStored": 16, "WindowCenter": 0, "WindowWidth": 3000}),
    ],
    ids=["8 bits", "12 bits", "16 bits", "signed"],
)
def test_without_losses_the_same_is_shown(
    write_dicom: Write, write_compressed: Write, syntax: str, pixels: Pixels, attributes: dict[str, Any]
) -> None:
    if syntax == JPEGLSLossless and pixels.dtype.kind == "i":
        pytest.skip("JPEG-LS has no signed samples")
    plain = read_dicom(write_dicom(pixels, **attributes))
    assert torch.equal(read_dicom(write_compressed(pixels, syntax, **attributes)), plain)


def test_baseline_jpeg_needs_nothing_that_is_not_there_always(write_dicom: Write) -> None:
    pixels = ramp("u1", 0, 255)
    stream = BytesIO()
    Image.fromarray(pixels).save(stream, format="JPEG", quality=95)
    path = write_dicom(pixels, name="jpeg.dcm")
    dataset = pydicom.dcmread(path)
    dataset.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    dataset.PixelData = encapsulate([stream.getvalue()])
    dataset["PixelData"].is_undefined_length = True
    dataset.save_as(path)
    np.testing.assert_allclose(read_dicom(path)[0].numpy() * 255, pixels, atol=4)


def with_frames(path: Path, frames: list[Pixels], syntax: str | None = None) -> Path:
    dataset = pydicom.dcmread(path)
    dataset.NumberOfFrames = len(frames)
    data = b"".join(frame.tobytes() for frame in frames)
    dataset.PixelData = data + b"\0" * (len(data) % 2)
    if syntax is not None:
        dataset.compress(syntax, generate_instance_uid=False)
    dataset.save_as(path)
    return path


@pytest.mark.parametrize("syntax", [None, RLELossless], ids=["uncompressed", "RLE"])
def test_b06_of_several_frames_one_is_chosen(write_dicom: Write, syntax: str | None) -> None:
    frames = [ramp("u1", 0, 50)[:3, :5], ramp("u1", 60, 90)[:3, :5], ramp("u1", 100, 255)[:3, :5]]
    path = with_frames(write_dicom(frames[0]), frames, syntax)
    for number, frame in enumerate(frames):
        np.testing.assert_allclose(read_dicom(path, frame=number)[0].numpy() * 255, frame, atol=1e-4)
    with pytest.raises(DicomError, match="is 3: choose one, frame=0 to frame=2"):
        read_dicom(path)
    for wrong in (-1, 3):
        with pytest.raises(DicomError, match=rf"frame is {wrong}, and Number of Frames \(0028,0008\) is 3"):
            read_dicom(path, frame=wrong)


def test_b06_thousands_of_frames_are_not_decoded_at_once(write_compressed: Write) -> None:
    path = write_compressed(ramp("u1", 0, 255), RLELossless)
    dataset = pydicom.dcmread(path)
    dataset.Rows = dataset.Columns = 4000
    dataset.NumberOfFrames = 2000
    dataset.save_as(path)
    with pytest.raises(DicomError, match="choose one"):
        read_dicom(path)
    with pytest.raises(DicomError):
        read_dicom(path, frame=0)
    with pytest.raises(InputTooLargeError):
        read_dicom(path, frame=0, max_pixels=15_999_999)


@pytest.mark.parametrize("syntax", LOSSLESS.values(), ids=LOSSLESS)
def test_b02_b16_a_damaged_stream_gives_pixels_or_our_error(write_compressed: Write, syntax: str) -> None:
    path = write_compressed(ramp("u2", 0, 4095), syntax, BitsStored=12)
    content = path.read_bytes()
    start = content.index(b"\xe0\x7f\x10\x00")
    random = np.random.default_rng(0)
    outcomes = set()
    for _ in range(60):
        damaged = bytearray(content)
        for place in random.integers(start, len(content), 4):
            damaged[place] = random.integers(256)
        path.write_bytes(damaged[: random.integers(start, len(content) + 1)] if random.random() < 0.3 else damaged)
        try:
            unit = read_dicom(path, max_pixels=10_000)
        except PiggyganError as error:
            outcomes.add(type(error))
        else:
            assert bool(((unit >= 0) & (unit <= 1)).all())
    assert DicomError in outcomes


class Panic(BaseException):
    """As pyo3 raises when Rust panics: no Exception."""


def test_b16_a_panic_of_a_decoder_is_our_error(write_compressed: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    class Decoder:
        available_plugins = ("rust",)

        def as_array(self, *_: object, **__: object) -> None:
            raise Panic

    path = write_compressed(ramp("u1", 0, 255), RLELossless)
    monkeypatch.setattr(dicom_codecs, "get_decoder", lambda _: Decoder())
    with pytest.raises(DecoderCrashError, match=r"compressed\.dcm.*failed \(Panic\)"):
        read_dicom(path)


@pytest.mark.parametrize("syntax", [JPEG2000Lossless, JPEGLSLossless], ids=["JPEG 2000", "JPEG-LS"])
def test_b04_rows_taken_for_columns_are_refused_before_decoding(write_compressed: Write, syntax: str) -> None:
    path = write_compressed(ramp("u1", 0, 255), syntax)
    dataset = pydicom.dcmread(path)
    dataset.Rows, dataset.Columns = 40, 48
    dataset.save_as(path)
    with pytest.raises(DicomError, match=r"its pixels are 48 x 40; .* are 40 x 48"):
        read_dicom(path)


def test_pixels_that_should_be_in_fragments_and_are_not_are_refused(write_compressed: Write) -> None:
    path = write_compressed(ramp("u1", 0, 255), RLELossless)
    dataset = pydicom.dcmread(path)
    dataset.PixelData = bytes(48 * 40)
    dataset["PixelData"].is_undefined_length = False
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.save_as(path)
    content = path.read_bytes().replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.5\0")
    path.write_bytes(content)
    with pytest.raises(DicomError, match="not in the fragments"):
        read_dicom(path)


# ------------------------------------------------------------------ streams that skipped the checks


def encapsulated(write_dicom: Write, stream: bytes, syntax: str, shape: tuple[int, int], kind: str = "u1") -> Path:
    """Write a film of one frame whose stream is what is given."""
    path = write_dicom(np.zeros(shape, dtype=kind), name="stream.dcm")
    dataset = pydicom.dcmread(path)
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.PixelData = encapsulate([stream])
    dataset["PixelData"].is_undefined_length = True
    dataset["PixelData"].VR = "OB"
    dataset.save_as(path)
    return path


def boxed(codestream: bytes, length: int | None = None) -> bytes:
    """Put a codestream into the boxes of a JP2 file; ``length`` replaces that of the second box."""
    box = struct.pack(">I4s4s", 12 if length is None else length, b"ftyp", b"jp2 ")
    return b"\x00\x00\x00\x0cjP  \r\n\x87\n" + box + struct.pack(">I4s", len(codestream) + 8, b"jp2c") + codestream


@pytest.fixture
def codestream(write_compressed: Write) -> bytes:
    dataset = pydicom.dcmread(write_compressed(ramp("u1", 0, 255), JPEG2000Lossless))
    return next(iter(pydicom.encaps.generate_frames(dataset.PixelData, number_of_frames=1)))


def test_17_02_a_box_of_length_0_hangs_nothing(write_dicom: Write, codestream: bytes) -> None:
    path = encapsulated(write_dicom, boxed(codestream[:60], length=0), JPEG2000Lossless, (48, 40))
    assert path.stat().st_size < 900
    with pytest.raises(DicomError, match="no JPEG 2000 codestream"):
        read_dicom(path)


def test_17_05_boxed_streams_are_taken_out_of_their_boxes_and_their_size_is_checked(
    write_dicom: Write, codestream: bytes
) -> None:
    path = encapsulated(write_dicom, boxed(codestream), JPEG2000Lossless, (48, 40))
    np.testing.assert_allclose(read_dicom(path)[0].numpy() * 255, ramp("u1", 0, 255), atol=1e-4)
    turned = encapsulated(write_dicom, boxed(codestream), JPEG2000Lossless, (40, 48))
    with pytest.raises(DicomError, match="its pixels are 48 x 40"):
        read_dicom(turned)


@pytest.mark.parametrize("inserted", [b"\xff\xd0", b"\xff\x00", b"\x00"], ids=["restart", "stuffed", "stray"])
def test_17_05_a_jpeg_whose_size_is_behind_something_is_refused(write_dicom: Write, inserted: bytes) -> None:
    stream = BytesIO()
    Image.fromarray(ramp("u1", 0, 255)).save(stream, format="JPEG")
    content = stream.getvalue()
    place = content.index(b"\xff\xc0")
    hidden = content[:place] + inserted + content[place:]
    with pytest.raises(DicomError, match="cut or corrupt"):
        read_dicom(encapsulated(write_dicom, hidden, JPEGBaseline8Bit, (40, 48)))


def test_17_06_a_jpeg_in_a_film_that_holds_part_of_it_is_refused(write_dicom: Write) -> None:
    stream = BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (48, 40), dtype=np.uint8)).save(stream, format="JPEG")
    content = stream.getvalue()
    half = content[: len(content) // 2 + 200].rstrip(b"\xff") + b"\xff\xd9"
    with pytest.raises(DicomError, match="end before its last pixel"):
        read_dicom(encapsulated(write_dicom, half, JPEGBaseline8Bit, (48, 40)))


def test_17_06_a_run_length_stream_of_another_size_is_refused(write_compressed: Write) -> None:
    path = write_compressed(ramp("u2", 0, 255), RLELossless)
    for rows, columns in ((47, 40), (49, 40), (48, 39), (48, 41), (96, 40)):
        dataset = pydicom.dcmread(path)
        dataset.Rows, dataset.Columns = rows, columns
        dataset.save_as(path.with_name("changed.dcm"))
        with pytest.raises(DicomError):
            read_dicom(path.with_name("changed.dcm"))


def test_what_is_decoded_is_what_was_checked(write_compressed: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    """An offset table that points elsewhere cannot show the check one stream and the decoder another."""
    path = write_compressed(ramp("u1", 0, 255), JPEG2000Lossless)
    dataset = pydicom.dcmread(path)
    stream = next(iter(pydicom.encaps.generate_frames(dataset.PixelData, number_of_frames=1)))
    other = stream.replace(stream[-40:-20], bytes(20))
    data = encapsulate([other])
    dataset.PixelData = data + encapsulate([stream])[8:]
    dataset.ExtendedOffsetTable = struct.pack("<Q", len(data) - 8)
    dataset.ExtendedOffsetTableLengths = struct.pack("<Q", len(stream))
    dataset["PixelData"].is_undefined_length = True
    dataset.save_as(path)
    seen = []
    checked = dicom_codecs._checked

    def spy(found: bytes, *arguments: Any) -> bytes:
        seen.append(found)
        return checked(found, *arguments)

    monkeypatch.setattr(dicom_codecs, "_checked", spy)
    unit = read_dicom(path)
    assert seen == [stream]
    np.testing.assert_allclose(unit[0].numpy() * 255, ramp("u1", 0, 255), atol=1e-4)
