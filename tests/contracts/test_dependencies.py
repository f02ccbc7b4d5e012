"""What is asked of the packages that piggygan stands on: no release with a known hole, one set that CI tests with."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[2]

WITHOUT_KNOWN_HOLES = {
    "torch": "2.10",
    "pillow": "13",
    "pydicom": "3.0.2",
    "filelock": "3.20.3",
    "jinja2": "3.1.6",
    "onnx": "1.22",
    "pylibjpeg-openjpeg": "2.6",
    "cryptography": "46.0.5",
    "starlette": "0.49.1",
    "python-multipart": "0.0.22",
}
"""The oldest releases that may be installed; what is wrong with older ones stands in pyproject.toml."""


def requirements() -> dict[str, Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    listed = [*project["dependencies"], *(one for extra in project["optional-dependencies"].values() for one in extra)]
    return {canonicalize_name(one.name): one for one in map(Requirement, listed)}


def lower_bound(requirement: Requirement) -> Version:
    (bound,) = [one.version for one in requirement.specifier if one.operator == ">="]
    return Version(bound)


def pins() -> dict[str, Requirement]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    texts = [line.partition("#")[0].strip() for line in lines]
    return {canonicalize_name(one.name): one for one in map(Requirement, filter(None, texts))}


@pytest.mark.parametrize("name", requirements())
def test_h10_every_dependency_has_a_lower_bound(name: str) -> None:
    assert lower_bound(requirements()[name])


@pytest.mark.parametrize("name", WITHOUT_KNOWN_HOLES)
def test_h10_releases_with_known_holes_are_not_installed(name: str) -> None:
    assert lower_bound(requirements()[name]) >= Version(WITHOUT_KNOWN_HOLES[name])


def test_h10_each_hole_that_is_named_beside_a_dependency_is_held_here() -> None:
    named = re.findall(r'^ *"([\w.-]+)[^"]*",? *#.*CVE-', (ROOT / "pyproject.toml").read_text("utf-8"), re.MULTILINE)
    assert len(named) >= 9
    assert {canonicalize_name(name) for name in named} <= WITHOUT_KNOWN_HOLES.keys()


@pytest.mark.parametrize("name", requirements())
def test_h10_what_is_installed_here_is_within_the_bounds(name: str) -> None:
    try:
        installed = version(name)
    except PackageNotFoundError:
        pytest.skip(f"{name} is of an extra that is not installed")
    assert requirements()[name].specifier.contains(installed, prereleases=True)


def test_what_the_tests_run_with_is_pinned_to_the_letter() -> None:
    assert all(re.fullmatch(r"==[0-9][0-9a-z.]*", str(pin.specifier)) for pin in pins().values())
    assert str(pins()["torch"].specifier) == "==2.13.0"


@pytest.mark.parametrize("name", requirements())
def test_every_dependency_of_the_tests_is_pinned_within_its_bounds(name: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    installed_by_make = re.search(r"^EXTRAS := (.*)$", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    assert installed_by_make
    extras = installed_by_make[1].split(",")
    needed = [*project["dependencies"], *(one for extra in extras for one in project["optional-dependencies"][extra])]
    if name not in {canonicalize_name(Requirement(one).name) for one in needed}:
        pytest.skip(f"{name} is of an extra that the tests do without")
    (pinned,) = [one.version for one in pins()[name].specifier]
    assert requirements()[name].specifier.contains(pinned)
