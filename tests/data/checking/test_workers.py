"""A process that dies on one pair is replaced for the next."""

import os
from pathlib import Path

import numpy as np
from PIL import Image

from piggygan.data.checking.workers import _Worker


def test_b17_the_next_pair_gets_a_new_process(tmp_path: Path) -> None:
    path = tmp_path / "film.png"
    Image.fromarray(np.zeros((4, 6), dtype=np.uint8)).save(path)
    order = {"dataset": "pictures", "name": "film", "files": [os.fsdecode(path)], "salt": ""}
    worker = _Worker()
    try:
        assert (worker.ask(order).width, worker.child is None) == (6, False)
        assert worker.child is not None
        worker.child.kill()
        worker.child.wait()
        (fault,) = worker.ask(order).faults
        assert (fault.kind, "signal 9" in fault.text) == ("unreadable", True)
        assert worker.ask(order).width == 6
    finally:
        worker.close()
