"""What a server counts, as Prometheus reads it (text format 0.0.4)."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
BOUNDS = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
"""Seconds that a request may take, of the histogram."""
_PREFIX = "piggygan_"


class Metrics:
    """Counts requests by their route, never by what their sender typed."""

    def __init__(self) -> None:
        self._requests: Counter[tuple[str, str, int]] = Counter()
        self._below: Counter[tuple[str, float]] = Counter()
        self._seconds: Counter[str] = Counter()
        self._count: Counter[str] = Counter()

    def count(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count a request that was answered."""
        self._requests[route, method, status] += 1
        self._count[route] += 1
        self._seconds[route] += seconds  # type: ignore[assignment]  # a Counter adds what has a fraction, too
        for bound in BOUNDS:
            self._below[route, bound] += seconds <= bound

    def text(self, gauges: Mapping[str, float], totals: Mapping[str, float], batches: Mapping[int, int]) -> str:
        """Write all of it.

        Args:
            gauges: What is so now, by name.
            totals: What was counted elsewhere, by name.
            batches: How many batches of each size were computed.
        """
        lines = [
            *_family("requests_total", "counter", "Requests that were answered.", self._answered()),
            *_family("request_seconds", "histogram", "From a request's head to its answer's end.", self._histogram()),
            *_family(
                "batches_total", "counter", "Batches that the network was given.",
                ((f'{{size="{size}"}}', count) for size, count in sorted(batches.items())),
            ),
        ]  # fmt: skip
        for name, value in totals.items():
            lines += _family(f"{name}_total", "counter", _words(name), [("", value)])
        for name, value in {**gauges, "resident_memory_bytes": resident_bytes()}.items():
            lines += _family(name, "gauge", _words(name), [("", value)])
        return "\n".join(lines) + "\n"

    def _answered(self) -> Iterator[tuple[str, float]]:
        for (route, method, status), count in sorted(self._requests.items()):
            yield f'{{route="{route}",method="{method}",status="{status}"}}', count

    def _histogram(self) -> Iterator[tuple[str, float]]:
        for route in sorted(self._count):
            for bound in BOUNDS:
                yield f'_bucket{{route="{route}",le="{bound}"}}', self._below[route, bound]
            yield f'_bucket{{route="{route}",le="+Inf"}}', self._count[route]
            yield f'_sum{{route="{route}"}}', self._seconds[route]
            yield f'_count{{route="{route}"}}', self._count[route]


def resident_bytes() -> int:
    """Return how much memory this process holds; 0 where that cannot be told."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0


def _words(name: str) -> str:
    return f"{name.replace('_', ' ').capitalize()}."


def _family(
    name: str, kind: str, said: str, samples: Iterator[tuple[str, float]] | list[tuple[str, float]]
) -> list[str]:
    return [
        f"# HELP {_PREFIX}{name} {said}",
        f"# TYPE {_PREFIX}{name} {kind}",
        *(
            f"{_PREFIX}{name}{labels} {value:g}" if isinstance(value, float) else f"{_PREFIX}{name}{labels} {value}"
            for labels, value in samples
        ),
    ]
