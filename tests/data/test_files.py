import logging
import os
import threading
import warnings
from pathlib import Path

import pytest

from piggygan.data.files import open_regular, without_warnings
from piggygan.errors import ImageError


def test_a18_only_regular_files_are_opened(tmp_path: Path) -> None:
    pipe, loop, link = tmp_path / "pipe", tmp_path / "loop", tmp_path / "link"
    os.mkfifo(pipe)
    loop.symlink_to(loop)
    (tmp_path / "file").write_bytes(b"content")
    link.symlink_to("file")
    for path, reason in (
        (pipe, "not a regular file"),
        (tmp_path, "not a regular file"),
        (Path("/dev/zero"), "not a regular file"),
        (loop, "symbolic links"),
        (tmp_path / "missing", "No such file"),
        (tmp_path / "nul\0", "null"),
    ):
        with pytest.raises(ImageError, match=reason):
            open_regular(path)
    with open_regular(link) as file:
        assert file.read() == b"content"


def test_a19_a_strange_name_is_shown_escaped(tmp_path: Path) -> None:
    strange = tmp_path / os.fsdecode(b"two\nlines \xff")
    with pytest.raises(ImageError) as caught:
        open_regular(strange)
    assert r"two\nlines \udcff" in str(caught.value)
    str(caught.value).encode()  # can be printed


def test_threads_that_silence_warnings_leave_the_filters_as_they_were() -> None:
    before = list(warnings.filters)

    def silence() -> None:
        for _ in range(200):
            with without_warnings():
                warnings.warn("never seen", stacklevel=1)

    threads = [threading.Thread(target=silence) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert list(warnings.filters) == before


def test_b23_the_log_of_pydicom_is_silent_inside_and_as_before_outside(caplog: pytest.LogCaptureFixture) -> None:
    loggers = [logging.getLogger(name) for name in ("pydicom", "pydicom.pixels.decoders.base")]
    with without_warnings():
        for logger in loggers:
            logger.warning("Invalid value for VR CS: 'PLANTED^NAME'")
    assert caplog.text == ""
    for logger in loggers:
        logger.warning("heard")
    assert caplog.text.count("heard") == 2
