"""The decoding process by itself: orders on lines, answers on lines, and nothing between them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from piggygan.data import read_image

ORDER = {
    "what": "file", "channels": 1, "frame": None, "identify": "nothing", "max_pixels": 1000,
    "requirements": {
        "modalities": [], "body_part": None, "views": [], "allow_burned_in": True, "allow_programs": False,
    },
}  # fmt: skip

PRINTING = """
import os, sys
from piggygan.data.untrusted import child

def answer(order, answers):
    print("a decoder's remark")
    os.write(1, b"and one from C\\n")
    answers.write((order["say"] + "\\n").encode())

child.serve(1 << 31, 10.0, answer)
"""


@pytest.fixture(scope="module")
def talk() -> Any:
    """Start one process for all tests of this file: it imports torch."""
    process = subprocess.Popen(
        [sys.executable, "-m", "piggygan.data.untrusted.child", str(1 << 31), "20"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stdin is not None
    process.hello = json.loads(process.stdout.readline())  # type: ignore[attr-defined]

    def talk(path: Path, numbers: int = 0, **changed: Any) -> tuple[dict[str, Any], bytes]:
        assert process.stdin is not None
        assert process.stdout is not None
        order = {**ORDER, "path": str(path), "shown": path.name, **changed}
        process.stdin.write(json.dumps(order).encode() + b"\n")
        process.stdin.flush()
        return json.loads(process.stdout.readline()), process.stdout.read(numbers)

    talk.hello = process.hello  # type: ignore[attr-defined]
    yield talk
    process.stdin.close()
    assert process.wait(20) == 0  # nobody can give orders any more
    process.stdout.close()


def test_it_says_first_what_it_has_given_up(talk: Any) -> None:
    assert set(talk.hello) == {"given_up"}
    assert talk.hello["given_up"][:1] == (["memory"] if sys.platform == "linux" else [])


def test_a_picture_is_a_line_and_its_numbers(talk: Any, tmp_path: Path) -> None:
    path = tmp_path / "dot.png"
    Image.fromarray(np.arange(6, dtype=np.uint8).reshape(2, 3)).save(path)
    said, numbers = talk(path, 4 * 6)
    assert said["bands"] == [1, 2, 3]
    assert (said["file"]["kind"], said["file"]["bits"], said["file"]["film"]) == ("PNG", 8, None)
    expected = read_image(path, 1).numpy()
    np.testing.assert_array_equal(np.frombuffer(numbers, dtype=np.float32).reshape(1, 2, 3), expected)
    said, _ = talk(path, 4 * 6, channels=3)  # grey is sent once
    assert said["bands"] == [1, 2, 3]


def test_an_error_is_a_line_that_names_the_file_as_it_was_asked_for(talk: Any, tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("no image")
    said, _ = talk(tmp_path / "text.png", shown="given so.png")
    assert said["error"] == "ImageError"
    assert said["message"].startswith("'given so.png' is not a PNG or JPEG image")
    assert str(tmp_path) not in said["message"]
    Image.new("L", (40, 30)).save(tmp_path / "large.png")
    assert talk(tmp_path / "large.png")[0]["error"] == "InputTooLargeError"


def test_what_kind_a_file_is_and_what_is_asked_of_a_film(
    talk: Any, tmp_path: Path, write_dicom: Callable[..., Path]
) -> None:
    film = write_dicom(np.zeros((2, 2), dtype=np.uint8), Modality="CR")
    (tmp_path / "text.png").write_text("no image")
    assert talk(film, what="kind")[0] == {"is_dicom": True}
    assert talk(tmp_path / "text.png", what="kind")[0] == {"is_dicom": False}
    wanted = {**ORDER["requirements"], "modalities": ["DX"]}  # type: ignore[dict-item]
    said, _ = talk(film, requirements=wanted)
    assert said["error"] == "DicomError"
    assert "needed is DX" in said["message"]
    assert talk(film, 4 * 4)[0]["file"]["film"]["modality"] == "CR"


def test_what_decoders_print_does_not_get_between_the_answers() -> None:
    process = subprocess.Popen([sys.executable, "-c", PRINTING], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None
    assert process.stdout is not None
    assert "given_up" in json.loads(process.stdout.readline())
    for say in ("one", "two"):
        process.stdin.write(json.dumps({"say": say}).encode() + b"\n")
        process.stdin.flush()
        assert process.stdout.readline() == f"{say}\n".encode()
    process.stdin.close()
    process.wait(20)
    process.stdout.close()
