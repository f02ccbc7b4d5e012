"""Every certificate computed again, in a process of its own: computing in this one goes on, and gives the same bits.

python -m piggygan.server.verifying FOLDER EXPECT SIGNER ...
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from piggygan.errors import PiggyganError
from piggygan.server.problems import Refusal
from piggygan.server.source import Source

SECONDS = 900.0
"""That a verification may take."""


class Verifier:
    """Verifies one registry, once at a time: who asks meanwhile gets the same result.

    Args:
        source: The registry.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._running: asyncio.Task[dict[str, Any]] | None = None

    async def verify(self) -> dict[str, Any]:
        """Verify, or wait for who does.

        Raises:
            Refusal: If the registry cannot be read, or it took too long.
        """
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._verified())
        return await asyncio.shield(self._running)  # one visitor who leaves ends it for nobody else

    def close(self) -> None:
        """End what is running."""
        if self._running is not None:
            self._running.cancel()

    async def _verified(self) -> dict[str, Any]:
        source = self._source
        began = time.perf_counter()
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "piggygan.server.verifying", str(source.folder), source.expect or "", *source.signers,
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        try:
            async with asyncio.timeout(SECONDS):
                said, _ = await process.communicate()
        except TimeoutError:
            raise Refusal(503, "too-long", f"verifying took more than {SECONDS:.0f} seconds.") from None
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        found: dict[str, Any] = json.loads(said) if said else {"error": "verifying ended early: is there memory?"}
        if "error" in found:
            raise Refusal(503, "not-verified", found["error"])
        return {**found, "seconds": round(time.perf_counter() - began, 3)}


def verified(source: Source) -> dict[str, Any]:
    """Verify a registry.

    Returns:
        What was found, as JSON can hold it; ``error`` alone if the registry cannot be read.
    """
    registry = source.opened()
    try:
        digest = registry.digest
        found = registry.verify()
    except PiggyganError as error:
        return {"error": " ".join(str(error).split())}
    return {
        "sound": found.is_sound,
        "registry": digest,
        "tasks": [{**asdict(check), "is_sound": check.is_sound} for check in found],
        "notes": list(found.notes),
    }


def main(folder: str, expect: str, *signers: str) -> None:
    """Verify, and write what was found to standard output; others go first where both want to compute."""
    os.nice(10)
    sys.stdout.write(json.dumps(verified(Source(Path(folder), expect or None, signers))))


if __name__ == "__main__":
    main(*sys.argv[1:])
