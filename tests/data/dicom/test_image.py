import struct
import sys
import traceback
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from piggygan.data.dicom import codecs as dicom_codecs
from piggygan.data.dicom.image import read_dicom
from piggygan.errors import DicomError, ImageError, InputTooLargeError, PiggyganError
from tests.data.dicom.attributes import lut, without

Write = Callable[..., Path]

EXPLICIT, IMPLICIT, BIG_ENDIAN = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2", "1.2.840.10008.1.2.2"
BYTES = np.arange(12, dtype=np.uint8).reshape(3, 4) * 20
WORDS = np.arange(12, dtype=np.uint16).reshape(3, 4) * 300


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, BIG_ENDIAN])
def test_a_window_shows_the_same_in_every_uncompressed_syntax(write_dicom: Write, syntax: str) -> None:
    path = write_dicom(WORDS, syntax=syntax, WindowCenter=1500, WindowWidth=2001)
    expected = np.clip((WORDS - 1499.5) / 2000 + 0.5, 0, 1)
    unit = read_dicom(path)
    assert unit.dtype == torch.float32
    np.testing.assert_allclose(unit[0].numpy(), expected, atol=1e-6)


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, BIG_ENDIAN])
@pytest.mark.parametrize("vr", ["OB", "OW"])
def test_eight_bits_come_in_order_also_in_big_endian_words(write_dicom: Write, syntax: str, vr: str) -> None:
    pixels = np.arange(15, dtype=np.uint8).reshape(3, 5)  # an odd number, so one byte fills up
    path = write_dicom(pixels, syntax=syntax)
    dataset = pydicom.dcmread(path)
    data = pixels.tobytes() + b"\0"
    if syntax == BIG_ENDIAN and vr == "OW":
        data = np.frombuffer(data, dtype=np.uint8).reshape(-1, 2)[:, ::-1].tobytes()
    dataset.PixelData = data
    dataset["PixelData"].VR = vr
    dataset.save_as(path)
    np.testing.assert_allclose(read_dicom(path)[0].numpy() * 255, pixels, atol=1e-4)


def test_without_a_window_eight_bits_are_shown_as_a_png_would_be(write_dicom: Write) -> None:
    np.testing.assert_allclose(read_dicom(write_dicom(BYTES))[0].numpy(), BYTES / 255, atol=1e-7)
    pixels = np.arange(256, dtype=np.uint8).reshape(16, 16)
    unit = read_dicom(write_dicom(pixels))[0].numpy()
    assert unit.tobytes() == (pixels.astype(np.float64) / 255).astype(np.float32).tobytes()


def test_without_a_window_more_bits_are_shown_between_percentiles(write_dicom: Write) -> None:
    pixels = np.random.default_rng(1).integers(1000, 3000, (40, 50)).astype(np.uint16)
    ordered = np.sort(pixels.ravel()).astype(float)
    places = [0.005 * (ordered.size - 1), 0.995 * (ordered.size - 1)]
    low, high = (
        ordered[int(place)] + (place - int(place)) * (ordered[int(place) + 1] - ordered[int(place)]) for place in places
    )
    expected = np.clip((pixels - low) / (high - low), 0, 1)
    np.testing.assert_allclose(read_dicom(write_dicom(pixels))[0].numpy(), expected, atol=1e-6)


def test_b01_what_is_no_dicom_file_is_refused(tmp_path: Path) -> None:
    for content in (b"", b"\x89PNG\r\n\x1a\n" + bytes(300), bytes(132), b"DICM"):
        (tmp_path / "a.dcm").write_bytes(content)
        with pytest.raises(DicomError, match=r"a\.dcm.*DICM prefix"):
            read_dicom(tmp_path / "a.dcm")
    with pytest.raises(ImageError, match="No such file"):
        read_dicom(tmp_path / "missing.dcm")


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, BIG_ENDIAN])
def test_b02_a_file_cut_anywhere_is_refused_or_still_whole(write_dicom: Write, syntax: str) -> None:
    pixels = BYTES[:, :3]  # 9 bytes, and one that fills up
    path = write_dicom(pixels, syntax=syntax, WindowCenter=100, WindowWidth=50, VOILUTSequence=lut(0, 8, [0, 255]))
    content = path.read_bytes()
    whole = read_dicom(path)
    readable = []
    for length in sorted({*range(120, len(content), 4), *range(len(content) - 40, len(content))}):
        path.write_bytes(content[:length])
        try:
            image = read_dicom(path)
        except DicomError:
            continue
        readable.append(length)
        assert torch.equal(image, whole)
    assert readable == [len(content) - 1]  # only the byte that fills up may be missing


@given(position=st.floats(0, 1, exclude_max=True), byte=st.integers(0, 255))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_b02_a_changed_byte_gives_pixels_or_our_error(write_dicom: Write, position: float, byte: int) -> None:
    path = write_dicom(
        WORDS,
        PixelRepresentation=1,
        BitsStored=12,
        PixelPaddingValue=-5,
        WindowCenter=[40, 50],
        WindowWidth=[400, 500],
        ModalityLUTSequence=lut(-3, 12, [1, 2, 3]),
    )
    damaged = bytearray(path.read_bytes())
    damaged[132 + int(position * (len(damaged) - 132))] = byte
    path.write_bytes(damaged)
    try:
        unit = read_dicom(path, max_pixels=10_000)
    except PiggyganError:
        return
    assert bool(((unit >= 0) & (unit <= 1)).all())


def test_b06_a_file_far_larger_than_the_cap_is_not_read(tmp_path: Path) -> None:
    sparse = tmp_path / "huge.dcm"
    with sparse.open("wb") as file:
        file.write(bytes(128) + b"DICM")
        file.truncate(1 << 40)
    with pytest.raises(InputTooLargeError, match="bytes"):
        read_dicom(sparse)


def test_b07_monochrome1_is_inverted_over_the_true_range(write_dicom: Write) -> None:
    signed = (np.arange(12).reshape(3, 4) * 100 - 600).astype(np.int16)
    window = {"RescaleSlope": -2, "RescaleIntercept": 7, "WindowCenter": 100, "WindowWidth": 801}
    shown = read_dicom(write_dicom(signed, **window))
    inverted = read_dicom(write_dicom(signed, PhotometricInterpretation="MONOCHROME1", **window))
    expected = np.clip((signed.astype(float) * -2 + 7 - 99.5) / 800 + 0.5, 0, 1)
    np.testing.assert_allclose(shown[0].numpy(), expected, atol=1e-6)
    np.testing.assert_allclose(inverted[0].numpy(), 1 - expected, atol=1e-6)
    eight_bits = read_dicom(write_dicom(BYTES, PhotometricInterpretation="MONOCHROME1"))
    np.testing.assert_allclose(eight_bits[0].numpy(), (255 - BYTES.astype(int)) / 255, atol=1e-6)


def test_b11_bits_above_the_stored_ones_are_masked(write_dicom: Write) -> None:
    window = {"BitsStored": 12, "WindowCenter": 2048, "WindowWidth": 4096}
    clean = read_dicom(write_dicom(WORDS, **window))
    assert torch.equal(read_dicom(write_dicom(WORDS | 0xA000, **window)), clean)


def test_b12_signed_pixels_of_twelve_bits_keep_their_sign(write_dicom: Write) -> None:
    signed = np.array([[-2048, -1, 0, 2047]])
    stored = (signed & 0x0FFF).astype(np.uint16)
    path = write_dicom(stored, PixelRepresentation=1, BitsStored=12, WindowCenter=0, WindowWidth=4001)
    np.testing.assert_allclose(read_dicom(path)[0].numpy(), np.clip((signed + 0.5) / 4000 + 0.5, 0, 1), atol=1e-6)


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, BIG_ENDIAN])
def test_b12_padding_is_left_out_of_the_range_and_shown_black(write_dicom: Write, syntax: str) -> None:
    pixels = np.random.default_rng(2).integers(100, 200, (20, 20)).astype(np.int16)
    padded = pixels.copy()
    padded[:5] = -2000
    path = write_dicom(padded, syntax=syntax, PixelPaddingValue=-2000, PhotometricInterpretation="MONOCHROME1")
    unit = read_dicom(path)[0].numpy()
    low, high = np.percentile(pixels[5:], [0.5, 99.5])
    np.testing.assert_allclose(unit[5:], 1 - np.clip((pixels[5:] - low) / (high - low), 0, 1), atol=1e-6)
    assert (unit[:5] == 0).all()


@pytest.mark.parametrize("text", [b"NaN   ", b"inf   ", b"abcdef"])
def test_b13_a_slope_that_is_no_number_is_refused(write_dicom: Write, text: bytes) -> None:
    path = write_dicom(BYTES, RescaleSlope="123456", RescaleIntercept="0")
    content = path.read_bytes()
    assert content.count(b"123456") == 1
    path.write_bytes(content.replace(b"123456", text))
    with pytest.raises(DicomError):
        read_dicom(path)


def test_b14_of_several_windows_the_first_is_used(write_dicom: Write) -> None:
    several = read_dicom(write_dicom(WORDS, WindowCenter=[1500, 9], WindowWidth=[2001, 3]))
    assert torch.equal(several, read_dicom(write_dicom(WORDS, WindowCenter=1500, WindowWidth=2001)))


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT])
@pytest.mark.parametrize("vr", ["US", "OW"])
def test_b14_lookup_tables_come_before_rescale_and_window(write_dicom: Write, syntax: str, vr: str) -> None:
    stored = np.array([[-3, -2, -1, 0, 1, 9]], dtype=np.int16)
    path = write_dicom(
        stored,
        syntax=syntax,
        ModalityLUTSequence=lut(-2, 8, [10, 20, 30, 40], vr),
        VOILUTSequence=lut(20, 12, [0, 1000, *[2000] * 19, 4095], vr),
        WindowCenter=5,
        WindowWidth=3,
    )
    # -3 and -2 -> 10, -1 -> 20, 0 -> 30, 1 and more -> 40; and of these 20 is the table's first, 40 its twenty-first.
    expected = np.array([0, 0, 0, 2000, 2000, 2000]) / 4095
    np.testing.assert_allclose(read_dicom(path)[0, 0].numpy(), expected, atol=1e-6)


@pytest.mark.parametrize(
    ("syntax", "package"), [("1.2.840.10008.1.2.4.70", "python-gdcm"), ("1.2.840.10008.1.2.4.100", "piggygan.medical")]
)
def test_b15_a_syntax_without_a_decoder_is_named_with_what_to_install(
    write_dicom: Write, monkeypatch: pytest.MonkeyPatch, syntax: str, package: str
) -> None:
    class Decoder:
        available_plugins = ()

    monkeypatch.setattr(dicom_codecs, "get_decoder", lambda _: Decoder())
    path = with_syntax(write_dicom(BYTES), syntax)
    with pytest.raises(DicomError, match=rf"\(0002,0010\) is '{syntax}', which needs .*pip install {package}"):
        read_dicom(path)


def with_syntax(path: Path, syntax: str) -> Path:
    """Write another transfer syntax into a file, and leave the rest as it is."""
    content = path.read_bytes()
    start = content.index(b"\x02\x00\x10\x00UI")
    end = start + 8 + struct.unpack("<H", content[start + 6 : start + 8])[0]
    value = syntax.encode() + b"\0" * (len(syntax) % 2)
    path.write_bytes(content[:start] + b"\x02\x00\x10\x00UI" + struct.pack("<H", len(value)) + value + content[end:])
    return path


def test_a_deflated_file_shows_the_same(write_dicom: Write) -> None:
    whole = read_dicom(write_dicom(BYTES))
    dataset = pydicom.dcmread(write_dicom(BYTES))
    dataset.file_meta.TransferSyntaxUID = pydicom.uid.DeflatedExplicitVRLittleEndian
    path = write_dicom(BYTES, name="deflated.dcm")
    dataset.save_as(path)
    assert torch.equal(read_dicom(path), whole)
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(DicomError, match=r"cut|corrupt"):
        read_dicom(path)


def test_b18_a_deflated_bomb_is_not_inflated(write_dicom: Write) -> None:
    path = with_syntax(write_dicom(BYTES), "1.2.840.10008.1.2.1.99")
    content = path.read_bytes()
    squeezer = zlib.compressobj(wbits=-15)
    bomb = squeezer.compress(bytes(100_000_000)) + squeezer.flush()
    path.write_bytes(content[: content.index(b".1.99") + 5] + bomb)
    tracemalloc.start()
    with pytest.raises(InputTooLargeError, match="deflated part has more than"):
        read_dicom(path, max_pixels=1000)
    assert tracemalloc.get_traced_memory()[1] < 50_000_000
    tracemalloc.stop()


def test_b19_deeply_nested_sequences_are_refused(write_dicom: Write) -> None:
    path = write_dicom(BYTES, syntax=IMPLICIT)
    content = path.read_bytes()
    start = content.index(b"\x10\x00\x10\x00")  # before the patient's name
    nested = (b"\x08\x00\x40\x11\xff\xff\xff\xff" + b"\xfe\xff\x00\xe0\xff\xff\xff\xff") * 2000
    path.write_bytes(content[:start] + nested)
    with pytest.raises(DicomError):
        read_dicom(path)


def test_b23_no_patient_attribute_is_in_any_message(write_dicom: Write) -> None:
    content = write_dicom(BYTES).read_bytes()
    path = write_dicom(BYTES)
    for length in range(132, len(content), 7):
        for damaged in (content[:length], content[:length] + b"\xff" * 8 + content[length + 8 :]):
            path.write_bytes(damaged)
            try:
                read_dicom(path)
            except DicomError as error:
                text = "".join(traceback.format_exception(error))
                assert "Planted" not in text
                assert "PLANTED" not in text


def test_b21_a_dicomdir_is_no_image_and_what_it_points_at_is_not_opened(write_dicom: Write, tmp_path: Path) -> None:
    (tmp_path / "secret.dcm").write_bytes(write_dicom(BYTES).read_bytes())
    path = without(write_dicom(BYTES, name="DICOMDIR"), "PixelData", "Rows", "Columns")
    dataset = pydicom.dcmread(path)
    dataset.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.1.3.10"
    record = Dataset()
    record.ReferencedFileID = ["UP", "SECRET"]
    dataset.DirectoryRecordSequence = Sequence([record])
    dataset.save_as(path, enforce_file_format=False)
    path.write_bytes(path.read_bytes().replace(b"UP\\SECRET", b"..\\SECRET"))  # pydicom writes no such value
    opened: list[str] = []

    def watch(event: str, arguments: tuple[object, ...]) -> None:  # it cannot be taken away again: it keeps little
        if event == "open" and "secret" in str(arguments[0]).lower():
            opened.append(str(arguments[0]))

    sys.addaudithook(watch)
    with pytest.raises(DicomError, match="there is no image in this object"):
        read_dicom(path)
    assert opened == []
    (tmp_path / "secret.dcm").read_bytes()
    assert opened  # the watch works
