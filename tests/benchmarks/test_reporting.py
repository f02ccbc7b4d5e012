"""Tables, JSON, and what is said of what cannot be run."""

import json
from pathlib import Path

import pytest

from benchmarks import reporting

MACHINE = reporting.Machine("a processor", 2, "2.13.0", "0.1.0", "3.11.7")
ROWS = [{"what": "plain", "ms": 1234.5678, "ratio": 1.0}, {"what": "ours", "ms": 0.98765, "ratio": None}]


def test_the_json_holds_the_machine_every_figure_in_full_and_what_was_not_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    reporting.report("memory", ROWS, machine=MACHINE, skipped=["peft: not installed"], out=tmp_path / "new")
    found = json.loads((tmp_path / "new" / "memory.json").read_text(encoding="utf-8"))
    assert found == {
        "benchmark": "memory",
        "machine": {"device": "a processor", "threads": 2, "torch": "2.13.0", "piggygan": "0.1.0", "python": "3.11.7"},
        "rows": ROWS,
        "not_run": ["peft: not installed"],
    }
    printed = capsys.readouterr().out
    assert "not run: peft: not installed" in printed
    assert printed.splitlines()[2:5] == ["what      ms  ratio", "plain   1235      1", "ours   0.988      -"]


def test_without_a_folder_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    reporting.report("memory", ROWS, machine=MACHINE, skipped=[], out=None)
    assert not list(tmp_path.iterdir())


def test_a_section_of_the_page_is_a_table_with_its_machine() -> None:
    reporting_of = {"benchmark": "memory", "machine": vars(MACHINE), "rows": ROWS, "not_run": ["LoRA: no peft"]}
    assert reporting.markdown(reporting_of).splitlines() == [
        "## memory",
        "",
        "a processor, 2 threads, torch 2.13.0, piggygan 0.1.0, Python 3.11.7.",
        "",
        "| what | ms | ratio |",
        "| --- | ---: | ---: |",
        "| plain | 1235 | 1 |",
        "| ours | 0.988 | - |",
        "",
        "- Not run: LoRA: no peft",
    ]
