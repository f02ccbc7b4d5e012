"""What is read takes the memory of what is there: a registry of a U-Net-256 works on an ordinary machine."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).with_name("address_space.py")


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere an address space has no limit")
def test_17_01_a_registry_of_a_unet_256_works_in_12_gib_of_address_space(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(PROGRAM), str(tmp_path), "12"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
