"""A real archive for tests: Orthanc with its DICOMweb plugin, on the loopback, with an empty folder to store in."""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PROGRAM = shutil.which("Orthanc", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
PLUGIN = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")
WHY_NOT = None if PROGRAM and PLUGIN.exists() else "Orthanc (Debian's orthanc and orthanc-dicomweb) is not installed"
_SECONDS = 60
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # whatever proxy there is, this is the loopback


class Archive:
    """Talks to an Orthanc.

    Args:
        port: Of its HTTP server on the loopback.
    """

    def __init__(self, port: int) -> None:
        self.address = f"http://127.0.0.1:{port}"

    def ask(self, path: str, content: bytes | None = None, **headers: str) -> bytes:
        request = urllib.request.Request(  # noqa: S310 - an address of the loopback
            self.address + path, content, {key.replace("_", "-"): value for key, value in headers.items()}
        )
        with _OPENER.open(request, timeout=_SECONDS) as answer:
            return bytes(answer.read())

    def json(self, path: str, content: Any = None) -> Any:
        body = None if content is None else json.dumps(content).encode()
        return json.loads(self.ask(path, body, Accept="application/json"))

    def store(self, *files: bytes) -> None:
        """Send files by DICOMweb (STOW-RS)."""
        parts = b"".join(b"--part\r\nContent-Type: application/dicom\r\n\r\n" + file + b"\r\n" for file in files)
        kind = 'multipart/related; type="application/dicom"; boundary=part'
        answer = json.loads(
            self.ask("/dicom-web/studies", parts + b"--part--", Content_Type=kind, Accept="application/dicom+json")
        )
        assert "Value" not in answer["00081198"], "some were not stored"  # Failed SOP Sequence

    def place(self, sop_instance: str) -> tuple[str, str]:
        """Say under which patient and which study the archive keeps an image."""
        found = self.json("/tools/find", {"Level": "Instance", "Query": {"SOPInstanceUID": sop_instance}})
        assert len(found) == 1
        return tuple(self.json(f"/instances/{found[0]}/{level}")["ID"] for level in ("patient", "study"))  # type: ignore[return-value]

    def fetch(self, study: str, series: str, instance: str) -> bytes:
        """Get a file by DICOMweb (WADO-RS), as it was stored."""
        kind = 'multipart/related; type="application/dicom"; transfer-syntax=*'
        answer = self.ask(f"/dicom-web/studies/{study}/series/{series}/instances/{instance}", Accept=kind)
        boundary, rest = answer.split(b"\r\n", 1)
        head, body = rest.split(b"\r\n\r\n", 1)
        length = re.search(rb"Content-Length: (\d+)", head, re.IGNORECASE)
        return body[: int(length[1])] if length else body[: body.rindex(b"\r\n" + boundary)]


@contextmanager
def archive(folder: Path) -> Iterator[Archive]:
    """Start an Orthanc that stores below a folder, and end it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = {
        "StorageDirectory": str(folder / "stored"),
        "IndexDirectory": str(folder / "stored"),
        "HttpPort": port,
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": False,
        "DicomServerEnabled": False,  # which would listen to everybody
        "Plugins": [str(PLUGIN)],
        "DicomWeb": {"Enable": True, "Root": "/dicom-web/"},
        "ConcurrentJobs": 1,
        "HttpThreadsCount": 4,
    }
    (folder / "orthanc.json").write_text(json.dumps(settings))
    with (folder / "orthanc.log").open("wb") as log:
        running = subprocess.Popen([str(PROGRAM), str(folder / "orthanc.json")], stdout=log, stderr=log)
    try:
        found = Archive(port)
        _wait(found, running)
        yield found
    finally:
        running.terminate()
        running.wait(_SECONDS)


def _wait(found: Archive, running: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + _SECONDS
    while True:
        try:
            found.ask("/dicom-web/studies")
            return
        except OSError:
            assert running.poll() is None, "Orthanc ended"
            assert time.monotonic() < end, "Orthanc does not answer"
            time.sleep(0.05)
