"""The workflows run what is there, keep no secret, and ask for no right that they do not need."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from piggygan import __version__

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
FORMS = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))


def read(path: Path) -> dict[Any, Any]:
    found = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_reads_alone_unless_a_job_says_why_and_has_no_secret(path: Path) -> None:
    assert read(path)["permissions"] == {"contents": "read"}
    assert "secrets." not in path.read_text(encoding="utf-8")
    assert "pull_request_target" not in path.read_text(encoding="utf-8")
    for name, job in read(path)["jobs"].items():
        assert set(job.get("permissions", {})) <= {"id-token", "pages"}, name


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_an_action_is_pinned_to_its_code_and_a_checkout_leaves_no_token_behind(path: Path) -> None:
    steps = [step for job in read(path)["jobs"].values() for step in job["steps"] if "uses" in step]
    assert steps
    for step in steps:
        assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", step["uses"]), step["uses"]
        if step["uses"].startswith("actions/checkout"):
            assert step["with"] == {"persist-credentials": False}


def test_only_what_was_built_and_tried_is_published() -> None:
    jobs = read(ROOT / ".github/workflows/publish.yml")["jobs"]
    assert jobs["pypi"]["needs"] == ["build", "try"]
    assert "python -m tools.release build" in [step.get("run") for step in jobs["build"]["steps"]]
    assert "python -m tools.release try" in [step.get("run") for step in jobs["try"]["steps"]]
    assert [name for name, job in jobs.items() if "id-token" in job.get("permissions", {})] == ["pypi", "pages"]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_what_a_workflow_makes_is_in_the_makefile(path: Path) -> None:
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    made = re.findall(r"run: make ([\w-]+)", path.read_text(encoding="utf-8"))
    assert made
    assert set(made) <= targets


def test_the_suite_runs_on_the_oldest_python_that_is_promised() -> None:
    oldest = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["requires-python"].removeprefix(
        ">="
    )
    tested = read(ROOT / ".github/workflows/check.yml")["jobs"]["test"]["strategy"]["matrix"]["python"]
    assert oldest in tested
    assert tested == read(ROOT / ".github/workflows/publish.yml")["jobs"]["try"]["strategy"]["matrix"]["python"]


@pytest.mark.parametrize("path", [path for path in FORMS if path.stem != "config"], ids=lambda path: path.stem)
def test_a_form_asks_for_something(path: Path) -> None:
    form = read(path)
    assert form["name"]
    assert form["description"]
    asked = [field for field in form["body"] if field["type"] != "markdown"]
    assert all(field["id"] and field["attributes"]["label"] for field in asked)
    assert any(field["validations"]["required"] for field in asked)


def test_the_citation_is_of_this_version() -> None:
    citation = read(ROOT / "CITATION.cff")
    assert citation["version"] == __version__
    assert citation["cff-version"] == "1.2.0"
    assert citation["license"] == tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["license"]
    assert citation["title"]
    assert citation["authors"]
    assert citation["message"]
