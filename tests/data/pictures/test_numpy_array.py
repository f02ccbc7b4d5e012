"""Arrays in .npy files as pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from piggygan.data import UntrustedReader, read_image, read_mask
from piggygan.data.image_file import read_image_file
from piggygan.errors import ImageError, InputTooLargeError


def written(folder: Path, values: Any) -> Path:
    np.save(folder / "a.npy", values)
    return folder / "a.npy"


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        (np.array([[0, 255]], np.uint8), [-1.0, 1.0]),
        (np.array([[0, 65535]], np.uint16), [-1.0, 1.0]),
        (np.array([[0, 65535]], ">u2"), [-1.0, 1.0]),
        (np.array([[0, 2**32 - 1]], np.uint32), [-1.0, 1.0]),
        (np.array([[False, True]]), [-1.0, 1.0]),
        (np.array([[0.0, 1.0]], np.float16), [-1.0, 1.0]),
        (np.array([[0.25, 0.5]]), [-0.5, 0.0]),
    ],
)
def test_whole_numbers_go_by_their_types_range_and_others_from_0_to_1(
    tmp_path: Path, values: Any, wanted: list[float]
) -> None:
    assert read_image(written(tmp_path, values), 1).tolist() == [[wanted]]
    assert read_image_file(tmp_path / "a.npy", 3).kind == "NumPy"


@pytest.mark.parametrize("order", ["C", "F"])
def test_channels_come_last_in_either_order_of_memory(tmp_path: Path, order: Any) -> None:
    values = np.random.default_rng(0).random((4, 5, 6))
    picture = read_image(written(tmp_path, np.asarray(values, order=order)), 6)
    torch.testing.assert_close(picture, torch.from_numpy(np.moveaxis(values, -1, 0) * 2 - 1).float())
    assert read_image(written(tmp_path, values[..., :1]), 3).shape == (3, 4, 5)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (np.array([[-1.0, 1.0]]), r"numbers from -1 to 1.*scale them to 0\.\.1"),
        (np.array([[np.inf]]), "numbers from inf"),
        (np.zeros((2, 2), np.int16), "another type"),
        (np.zeros((2, 2), np.complex64), "another type"),
        (np.zeros(4), "its shape is"),
        (np.zeros((1, 2, 2, 3)), "its shape is"),
        (np.zeros((0, 4)), "its shape is"),
        (np.zeros((3, 100, 100)), r"they come last: numpy\.moveaxis"),
        (np.zeros((2, 2), [("a", "u1")]), "another type"),
    ],
)
def test_what_is_no_picture_is_refused_in_words(tmp_path: Path, values: Any, words: str) -> None:
    with pytest.raises(ImageError, match=words):
        read_image(written(tmp_path, values), 1)


class Planted:
    """Says so when it is unpickled."""

    def __reduce__(self) -> Any:
        return print, ("unpickled",)


def test_objects_are_never_unpickled(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ImageError, match="another type"):
        read_image(written(tmp_path, np.array([[Planted()]], dtype=object)))
    assert capsys.readouterr().out == ""


def test_a_lie_and_a_cut_are_refused_here_and_in_the_process_apart(tmp_path: Path) -> None:
    whole = written(tmp_path, np.zeros((8, 8), np.uint8)).read_bytes()
    lies = [
        whole[:-1],
        whole + b"\0",
        whole[:50],
        whole.replace(b"(8, 8)", b"(9, 8)"),
        whole.replace(b"\x01\0", b"\x03\0"),
    ]
    with UntrustedReader() as reader:
        for lie in lies:
            (tmp_path / "a.npy").write_bytes(lie)
            for read in (read_image, reader.read):
                with pytest.raises(ImageError, match=r"a\.npy"):
                    read(tmp_path / "a.npy")


@pytest.mark.parametrize("header", [b"(" * 400, b"-" * 9000 + b"1", b"[" * 90])
def test_a_header_that_python_cannot_parse_is_refused(tmp_path: Path, header: bytes) -> None:
    path = tmp_path / "a.npy"
    path.write_bytes(b"\x93NUMPY\1\0" + len(header).to_bytes(2, "little") + header)
    with pytest.raises(ImageError, match=r"its header is none of NumPy's|cut or corrupt"):
        read_image(path)


def test_a_large_one_is_refused_by_its_header(tmp_path: Path) -> None:
    with pytest.raises(InputTooLargeError, match="30 x 40"):
        read_image(written(tmp_path, np.zeros((40, 30), np.uint8)), max_pixels=1000)


def test_a_mask_may_be_an_array(tmp_path: Path) -> None:
    assert read_mask(written(tmp_path, np.array([[0.0, 1.0]]))).tolist() == [[[-1.0, 1.0]]]
    assert read_mask(written(tmp_path, np.array([[False, True]]))).tolist() == [[[-1.0, 1.0]]]
