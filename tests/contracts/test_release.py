"""What is published says one version everywhere, and has the package in it and nothing else."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from piggygan import __version__
from tools import release

TEXTS = [(release.ROOT / name).read_text("utf-8") for name in ("CHANGELOG.md", "CITATION.cff")]
CITATION = "cff-version: 1.2.0\nversion: 0.2.0\ndate-released: 2026-12-01\n"


def test_the_version_is_read_where_the_package_has_it() -> None:
    assert release.version() == __version__


def test_a_version_has_its_section_with_a_day_and_one_that_is_worked_on_has_none() -> None:
    (first, *_) = [line for line in TEXTS[0].splitlines() if line.startswith("## ")]
    if ".dev" in __version__:
        assert first == "## Unreleased"
    else:
        assert first == f"## {__version__} - {release.release_date(__version__, *TEXTS)}"


@pytest.mark.parametrize(
    ("number", "changelog", "citation", "said"),
    [
        ("0.2.0.dev0", "## 0.2.0 - 2026-12-01\n", CITATION, "is being worked on"),
        ("0.2.0", "## Unreleased\n", CITATION, "begins with '## Unreleased', the version is 0.2.0"),
        ("0.2.0", "# Changelog\n", CITATION, "begins with 'no section'"),
        ("0.2.0", "## 0.2.0\n", CITATION, "begins with '## 0.2.0'"),
        ("0.2.0", "## 0.1.0 - 2026-12-01\n\n## 0.2.0 - 2026-12-01\n", CITATION, "begins with '## 0.1.0"),
        ("0.2.0", "## 0.2.0 - 2026-12-02\n", CITATION, "CITATION.cff says"),
        ("0.2.0", "## 0.2.0 - 2026-12-01\n", "version: 0.2.0\n", "CITATION.cff says"),
        ("0.2.1", "## 0.2.1 - 2026-12-01\n", CITATION, "CITATION.cff says"),
    ],
)
def test_what_does_not_agree_is_not_released(number: str, changelog: str, citation: str, said: str) -> None:
    with pytest.raises(release.ReleaseError, match=said.replace("(", r"\(")):
        release.release_date(number, changelog, citation)


def test_what_agrees_has_a_day() -> None:
    assert release.release_date("0.2.0", "# Changelog\n\n## 0.2.0 - 2026-12-01\n\n## 0.1.0\n", CITATION) == "2026-12-01"


def test_nothing_is_built_before_they_agree(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(release, "version", lambda: "9.9.9")
    monkeypatch.setattr(release, "_run", lambda *_, **__: pytest.fail("it was built"))
    assert release.main(["build"]) == 1
    assert "not released: CHANGELOG.md begins with" in capsys.readouterr().err


def test_the_wheel_has_the_package_with_the_servers_page_and_types_and_nothing_else(tmp_path: Path) -> None:
    wheels = pytest.importorskip("hatchling.builders.wheel", reason="needs the extra [dev]")
    (path,) = wheels.WheelBuilder(str(release.ROOT)).build(directory=str(tmp_path), versions=["standard"])
    names = zipfile.ZipFile(path).namelist()
    assert release.strangers(names) == []
    assert {"piggygan/py.typed", "piggygan/server/page/index.html", "piggygan/evaluation/report/page.css"} <= set(names)
    assert release.strangers([*names, "tests/conftest.py"]) == ["tests/conftest.py"]
    assert release.strangers([name for name in names if name != "piggygan/py.typed"]) == ["piggygan/py.typed"]
