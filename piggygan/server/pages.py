"""The page's own files, read once: what is not among them is not there."""

from __future__ import annotations

import hashlib
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

from piggygan.server.problems import Refusal

FOLDER = Path(__file__).parent / "page"
INDEX = "index.html"
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".webmanifest": "application/manifest+json",
}


class Pages:
    """Gives out the files of a folder, by their names.

    Args:
        folder: Of the page.
    """

    def __init__(self, folder: Path = FOLDER) -> None:
        self._files = {
            path.name: (path.read_bytes(), _TYPES[path.suffix])
            for path in sorted(folder.iterdir())
            if path.suffix in _TYPES
        }

    @property
    def size(self) -> int:
        """Bytes of all of it."""
        return sum(len(content) for content, _ in self._files.values())

    def response(self, name: str, request: Request) -> Response:
        """Answer with a file, or with the word that the visitor's copy is still right.

        Raises:
            Refusal: If there is none of this name.
        """
        if name not in self._files:
            raise Refusal(404, "no-page", "there is no such page.")
        content, kind = self._files[name]
        tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
        headers = {"ETag": tag, "Cache-Control": "no-cache"}
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        return Response(content, headers=headers, media_type=kind)
