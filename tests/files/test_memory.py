"""What is read takes the memory of what is there: a registry of a U-Net-256 works on an ordinary machine."""

from __future__ import annotations

import gc
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from piggygan.files.memory import collector_paused

PROGRAM = Path(__file__).with_name("address_space.py")


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere an address space has no limit")
def test_17_01_a_registry_of_a_unet_256_works_in_12_gib_of_address_space(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(PROGRAM), str(tmp_path), "12"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_the_collector_is_paused_inside_alone_and_stays_off_where_it_was_off() -> None:
    with suppress(ValueError), collector_paused():
        assert not gc.isenabled()
        raise ValueError
    assert gc.isenabled()
    gc.disable()
    try:
        with collector_paused():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
