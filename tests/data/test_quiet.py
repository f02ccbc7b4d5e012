import logging
import threading
import warnings

import pytest

from piggygan.data.quiet import without_warnings


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
    caplog.set_level(logging.INFO)
    loggers = [logging.getLogger(name) for name in ("pydicom", "pydicom.pixels.decoders.base", "highdicom.base")]
    with without_warnings():
        for logger in loggers:
            logger.warning("Invalid value for VR CS: 'PLANTED^NAME'")
    assert caplog.text == ""
    for logger in loggers:
        logger.warning("heard")
    assert caplog.text.count("heard") == 3
