"""Bodies and forms: what is taken out of them, and what is refused."""

from __future__ import annotations

import pytest

from piggygan.server.limits import Limits
from piggygan.server.problems import Refusal
from piggygan.server.uploads import Memory, Upload, files_in

FORM = "multipart/form-data; boundary=b"


def part(name: str, content: bytes, filename: str | None = "a.png") -> bytes:
    given = "" if filename is None else f'; filename="{filename}"'
    return f'--b\r\nContent-Disposition: form-data; name="{name}"{given}\r\n\r\n'.encode() + content + b"\r\n"


def test_a_body_that_is_no_form_is_one_file() -> None:
    assert files_in(b"--b", "image/png", Limits()) == [Upload("", b"--b")]


def test_the_files_of_a_form_come_out_byte_for_byte_and_fields_do_not() -> None:
    content = b"\r\n--b\r-\n--\r\n\0" * 3
    body = part("x", b"no file", None) + part("file", content) + part("file", b"", "b.png") + b"--b--\r\n"
    assert files_in(body, FORM, Limits()) == [Upload("a.png", content), Upload("b.png", b"")]


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (part("file", b"x"), "broken-form"),
        (b"nonsense", "broken-form"),
        (part("x", b"x", None) + b"--b--\r\n", "no-file"),
        (part("file", b"x") * 65 + b"--b--\r\n", "too-many-files"),
    ],
)
def test_a_form_that_is_cut_empty_or_full_is_refused(body: bytes, kind: str) -> None:
    with pytest.raises(Refusal) as refused:
        files_in(body, FORM, Limits())
    assert refused.value.kind == kind


def test_memory_is_what_all_requests_hold_together() -> None:
    memory = Memory(10)
    memory.take(6)
    with pytest.raises(Refusal) as refused:
        memory.take(5)
    assert (refused.value.status, memory.held) == (429, 6)
    memory.give(6)
    memory.take(10)
