"""What is counted, read as Prometheus reads it."""

from __future__ import annotations

import re

from starlette.testclient import TestClient

from piggygan.server.metrics import Metrics, resident_bytes

LINE = re.compile(r'([a-z_]+)(?:\{((?:[a-z]+="[^"\\\n]*",?)+)\})? ([0-9.e+-]+|\+Inf)')


def read(text: str) -> dict[tuple[str, str], float]:
    """Read the text format; a line that is none fails."""
    found = {}
    kinds = dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE))
    assert text.endswith("\n")
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        match = LINE.fullmatch(line)
        assert match is not None, line
        name, labels, value = match.groups()
        assert kinds.get(name) or kinds.get(re.sub(r"_(bucket|sum|count)$", "", name)) == "histogram"
        assert (name, labels or "") not in found
        found[name, labels or ""] = float(value)
    return found


def test_counts_are_read_as_they_were_counted() -> None:
    metrics = Metrics()
    metrics.count("/health", "GET", 200, 0.02)
    metrics.count("/health", "GET", 200, 40.0)
    metrics.count("/health", "POST", 405, 0.5)
    found = read(metrics.text({"tasks": 2}, {"reloads": 1}, {1: 3, 8: 2}))
    assert found["piggygan_requests_total", 'route="/health",method="GET",status="200"'] == 2
    buckets = [value for (name, _), value in found.items() if name == "piggygan_request_seconds_bucket"]
    assert buckets == [0, 1, 1, 1, 2, 2, 2, 2, 3]
    assert found["piggygan_request_seconds_sum", 'route="/health"'] == 40.52
    assert found["piggygan_batches_total", 'size="8"'] == 2
    assert found["piggygan_tasks", ""] == 2
    assert found["piggygan_resident_memory_bytes", ""] > 10_000_000
    assert resident_bytes() > 10_000_000


def test_the_interface_says_what_it_counted_and_no_name_that_was_typed(client: TestClient) -> None:
    client.get("/api/tasks/plantagenet")
    client.get("/plantagenet")
    client.request("PLANTAGENET", "/health")
    answer = client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    found = read(answer.text)
    assert found["piggygan_requests_total", 'route="/api/tasks/{task}",method="GET",status="404"'] >= 1
    assert found["piggygan_requests_total", 'route="?",method="GET",status="404"'] >= 1
    assert found["piggygan_tasks", ""] == 2
    assert "plantagenet" not in answer.text.lower()
