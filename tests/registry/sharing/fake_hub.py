"""A Hugging Face Hub on the loopback that speaks the calls which a push and a pull make."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit


@dataclass
class Repository:
    """Commits in order, each all files by name."""

    private: bool
    commits: list[tuple[str, dict[str, bytes]]] = field(default_factory=list)

    def commit(self, changed: dict[str, bytes]) -> str:
        files = {**(self.commits[-1][1] if self.commits else {}), **changed}
        name = hashlib.sha1(repr((len(self.commits), sorted(files))).encode(), usedforsecurity=False).hexdigest()
        self.commits.append((name, files))
        return name

    def files(self, revision: str) -> tuple[str, dict[str, bytes]]:
        return next((one for one in self.commits if one[0] == revision), self.commits[-1])


class FakeHub:
    """What is on the server, and what went over the wire."""

    def __init__(self) -> None:
        self.repositories: dict[str, Repository] = {}
        self.uploaded: dict[str, bytes] = {}
        self.puts: list[str] = []
        self.fetched: list[str] = []
        self.fail_after: int | None = None
        """So many uploads or downloads are answered; then the server hangs up."""
        self.damage: dict[str, bytes] = {}
        """What is sent in place of files, by their ends."""

    def spend(self) -> bool:
        if self.fail_after is None:
            return True
        self.fail_after -= 1
        return self.fail_after >= 0


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: FakeHub

    def log_message(self, *_: object) -> None:
        pass

    def answer(self, status: int, body: Any = b"", **headers: str) -> None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        data = b""
        while size := int(self.rfile.readline(), 16):
            data += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return data

    def repository(self, name: str) -> Repository | None:
        found = self.hub.repositories.get(name)
        if found is None:
            self.answer(404, {"error": "Repository not found"}, X_Error_Code="RepoNotFound")
        return found

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = unquote(urlsplit(self.path).path)
        if found := re.fullmatch(r"/api/models/([^/]+/[^/]+)(?:/revision/(.+))?", path):
            if repository := self.repository(found[1]):
                sha, _ = repository.files(found[2] or "main")
                self.answer(200, {"id": found[1], "sha": sha, "private": repository.private, "siblings": []})
        elif found := re.fullmatch(r"/api/models/([^/]+/[^/]+)/tree/([^/]+)", path):
            if repository := self.repository(found[1]):
                _, files = repository.files(found[2])
                tree = [
                    {"type": "file", "path": name, "size": len(data), "oid": "0" * 40} for name, data in files.items()
                ]
                folders = sorted({name.split("/")[0] for name in files if "/" in name})
                self.answer(200, [{"type": "directory", "path": name, "oid": "0" * 40} for name in folders] + tree)
        elif found := re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path):
            if repository := self.repository(found[1]):
                sha, files = repository.files(found[2])
                data = next(
                    (new for end, new in self.hub.damage.items() if found[3].endswith(end)), files.get(found[3])
                )
                if data is None:
                    self.answer(404, {}, X_Error_Code="EntryNotFound")
                    return
                if self.command == "GET":
                    if not self.hub.spend():
                        self.close_connection = True
                        return
                    self.hub.fetched.append(found[3])
                etag = hashlib.sha256(data).hexdigest()
                self.answer(200, data, ETag=f'"{etag}"', X_Repo_Commit=sha, Accept_Ranges="none")
        else:
            self.answer(500, {"error": f"unknown {path}"})

    def do_POST(self) -> None:
        path, body = unquote(urlsplit(self.path).path), self.body()
        if path == "/api/repos/create":
            asked = json.loads(body)
            name = f"{asked['organization']}/{asked['name']}" if asked.get("organization") else asked["name"]
            if name in self.hub.repositories:
                self.answer(409, {"url": f"/{name}"})
                return
            is_private = asked.get("private") or asked.get("visibility") == "private"
            self.hub.repositories[name] = Repository(bool(is_private))
            self.hub.repositories[name].commit({".gitattributes": b"*.safetensors filter=lfs"})
            self.answer(200, {"url": f"http://{self.headers['Host']}/{name}"})
        elif path == "/api/validate-yaml":
            self.answer(200, {"errors": [], "warnings": []})
        elif re.fullmatch(r"/api/models/[^/]+/[^/]+/preupload/.+", path):
            modes = [
                {"path": one["path"], "uploadMode": "lfs" if one["path"].endswith("safetensors") else "regular",
                 "shouldIgnore": False} for one in json.loads(body)["files"]
            ]  # fmt: skip
            self.answer(200, {"files": modes})
        elif path.endswith("/info/lfs/objects/batch"):
            objects = [
                {"oid": one["oid"], "size": one["size"]} if one["oid"] in self.hub.uploaded else
                {"oid": one["oid"], "size": one["size"],
                 "actions": {"upload": {"href": f"http://{self.headers['Host']}/lfs/{one['oid']}"}}}
                for one in json.loads(body)["objects"]
            ]  # fmt: skip
            self.answer(200, {"transfer": "basic", "objects": objects})
        elif found := re.fullmatch(r"/api/models/([^/]+/[^/]+)/commit/.+", path):
            if repository := self.repository(found[1]):
                self.commit(found[1], repository, [json.loads(line) for line in body.splitlines() if line.strip()])
        else:
            self.answer(500, {"error": f"unknown {path}"})

    def commit(self, name: str, repository: Repository, lines: list[dict[str, Any]]) -> None:
        parent = lines[0]["value"].get("parentCommit")
        if parent is not None and parent != repository.commits[-1][0]:
            self.answer(412, {"error": "A commit has happened since. Please refresh and try again."})
            return
        changed = {}
        for line in lines[1:]:
            value = line["value"]
            changed[value["path"]] = (
                self.hub.uploaded[value["oid"]] if line["key"] == "lfsFile" else base64.b64decode(value["content"])
            )
        oid = repository.commit(changed)
        self.answer(200, {"commitUrl": f"http://{self.headers['Host']}/{name}/commit/{oid}", "commitOid": oid})

    def do_PUT(self) -> None:
        data = self.body()
        if not self.hub.spend():
            self.close_connection = True
            return
        oid = self.path.rpartition("/")[2]
        assert hashlib.sha256(data).hexdigest() == oid
        self.hub.uploaded[oid] = data
        self.hub.puts.append(oid)
        self.answer(200)


@contextmanager
def serving(hub: FakeHub) -> Iterator[str]:
    """Serve it; yields the address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), {"hub": hub}))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
