"""Where requests are worked on."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

import pytest

from piggygan.errors import ImageError
from piggygan.server.computing import Workshop
from piggygan.server.limits import Limits


def test_a_file_is_decoded_elsewhere_and_one_thread_computes(picture: Callable[..., bytes]) -> None:
    async def work() -> tuple[tuple[int, ...], set[str]]:
        workshop = Workshop(Limits(), readers=1)
        try:
            file = await workshop.picture(picture(4, 5), 3)
            with pytest.raises(ImageError, match="'upload'"):
                await workshop.picture(b"no image", 3)
            names = await asyncio.gather(*(workshop.compute(lambda: threading.current_thread().name) for _ in range(8)))
            return tuple(file.picture.shape), set(names)
        finally:
            workshop.close()

    assert asyncio.run(work()) == ((3, 4, 5), {"computing"})
