"""What every benchmark prints and writes: a table, and JSON that says on what machine it was made."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

import piggygan as pg
from piggygan.terminal.tables import text_table

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Machine:
    """Where figures come from; they mean nothing elsewhere."""

    device: str
    threads: int
    torch: str
    piggygan: str
    python: str


def describe_machine(device: torch.device) -> Machine:
    """Describe the device and the versions, without names or paths of anybody's machine."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else _processor()
    return Machine(name, torch.get_num_threads(), str(torch.__version__), pg.__version__, platform.python_version())


def report(
    title: str, rows: Sequence[Mapping[str, Any]], *, machine: Machine, skipped: Sequence[str], out: Path | None
) -> None:
    """Print rows as a table, and write them with everything else as JSON.

    Args:
        title: The benchmark's name; also the file's.
        rows: One a figure, all with the same keys.
        machine: Where they come from.
        skipped: What could not be run here, and why.
        out: Folder for the JSON; None: only print.
    """
    print(f"\n{title}: {machine.device}, {machine.threads} threads, torch {machine.torch}")
    print(table(rows))
    for line in skipped:
        print(f"not run: {line}")
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        found = {"benchmark": title, "machine": asdict(machine), "rows": list(rows), "not_run": list(skipped)}
        (out / f"{title}.json").write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Lay rows with the same keys out as text."""
    if not rows:
        return "(nothing)"
    return text_table(tuple(rows[0]), [tuple(_shown(value) for value in row.values()) for row in rows])


def markdown(found: Mapping[str, Any]) -> str:
    """Lay what :func:`report` wrote out as a section of a Markdown file."""
    machine, rows = found["machine"], found["rows"]
    lines = [f"## {found['benchmark']}", ""]
    lines += ["{device}, {threads} threads, torch {torch}, piggygan {piggygan}, Python {python}.".format(**machine), ""]
    if rows:
        lines.append(markdown_table(rows))
    if found["not_run"]:
        lines += [f"- Not run: {reason}" for reason in found["not_run"]] + [""]
    return "\n".join(lines)


def markdown_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Lay rows with the same keys out as a Markdown table, with an empty line after it; nothing without rows."""
    if not rows:
        return ""
    cells = [[_shown(value) for value in row.values()] for row in rows]
    right = ["---", *["---:"] * (len(rows[0]) - 1)]
    return "\n".join(f"| {' | '.join(row)} |" for row in [list(rows[0]), right, *cells]) + "\n"


def _shown(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}"
    return str(value)


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())
