"""What each method stores, counted without training."""

import json
from pathlib import Path

from benchmarks.evidence import overhead


def test_a_row_a_method_and_number_of_tasks(tmp_path: Path) -> None:
    overhead.main(overhead.Options(tasks=3, size=32, width=4, depth=4, out=tmp_path))
    rows = json.loads((tmp_path / "overhead.json").read_text(encoding="utf-8"))["rows"]
    found = {(row["method"], row["tasks"]): row for row in rows}
    assert len(found) == len(rows) == 3 * len(overhead.Options().methods)
    network = found["separate", 1]["parameters in all"]
    assert found["separate", 3]["parameters in all"] == 3 * network
    assert found["fine-tuning", 3]["parameters in all"] == network
    assert found["ours", 2]["parameters in all"] == network + found["ours", 2]["parameters of the last"]
    assert found["ours-bank-all", 3]["parameters of the last"] >= found["ours-bank-1", 3]["parameters of the last"]
    assert found["replay", 2]["MB in all"] > found["fine-tuning", 2]["MB in all"]
