"""Makes what is published, or tries it: ``python -m tools.release build``, ``python -m tools.release try PYTHON...``.

``make release`` does both. Nothing is uploaded: a release that somebody publishes on GitHub is, by
``.github/workflows/publish.yml``.
"""

from __future__ import annotations

import ast
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DIST = ROOT / "dist"
TRIED = ROOT / "build" / "release"
"""Environments that the wheel was tried in, and the list of what it needs."""
RELEASED = re.compile(r"## (\S+) - (\d{4}-\d{2}-\d{2})")


class ReleaseError(Exception):
    """Why this cannot be published."""


def version() -> str:
    """Read the version where hatchling reads it; nothing is imported."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["hatch"]["version"]
    for node in ast.parse((ROOT / settings["path"]).read_text("utf-8")).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", None) == "__version__":
            return str(ast.literal_eval(node.value))
    raise ReleaseError(f"{settings['path']} has no __version__.")


def release_date(number: str, changelog: str, citation: str) -> str:
    """Return the day of a release, if the version, the changelog and the citation say the same.

    Args:
        number: The version.
        changelog: The text of CHANGELOG.md: its first section is ``## VERSION - YYYY-MM-DD``.
        citation: The text of CITATION.cff, with ``version`` and ``date-released``.

    Returns:
        The day, as ``YYYY-MM-DD``.

    Raises:
        ReleaseError: If they say different things, or the version is one that is worked on.
    """
    (section, *_) = re.findall(r"^## .+$", changelog, re.MULTILINE) or ["no section"]
    found = RELEASED.fullmatch(section)
    if ".dev" in number:
        raise ReleaseError(f"{number} is being worked on: take .dev off it, and date its section in CHANGELOG.md.")
    if found is None or found[1] != number:
        raise ReleaseError(f"CHANGELOG.md begins with '{section}', the version is {number}: '## {number} - DAY'.")
    said = dict(re.findall(r"^(version|date-released): (.+)$", citation, re.MULTILINE))
    if said != {"version": number, "date-released": found[2]}:
        raise ReleaseError(f"CITATION.cff says {said}, CHANGELOG.md {number} of {found[2]}.")
    return found[2]


def build() -> list[Path]:
    """Build the source and the wheel twice into ``dist/``.

    The times in them are the day of the release, so whoever has the source builds the same bytes.

    Returns:
        The two files.

    Raises:
        ReleaseError: If the two builds differ, or something is wrong with them.
    """
    day = release_date(version(), *((ROOT / name).read_text("utf-8") for name in ("CHANGELOG.md", "CITATION.cff")))
    if changed := _output("git", "status", "--porcelain") if (ROOT / ".git").exists() else "":
        raise ReleaseError(f"Commit first, what is published is what is kept:\n{changed}")
    epoch = str(int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()))
    shutil.rmtree(DIST, ignore_errors=True)
    with tempfile.TemporaryDirectory() as again:
        for folder in (DIST, Path(again)):
            _run("-m", "build", "--no-isolation", "--outdir", str(folder), str(ROOT), epoch=epoch)
        first, second = _digests(DIST), _digests(Path(again))
    if first != second:
        raise ReleaseError(f"Two builds differ: {first} and {second}.")
    built = sorted(DIST.iterdir())
    _run("-m", "twine", "check", "--strict", *map(str, built))
    (wheel,) = DIST.glob("*.whl")
    if wrong := strangers(zipfile.ZipFile(wheel).namelist()):
        raise ReleaseError(f"{wheel.name} lacks or has what it should not: {', '.join(wrong)}.")
    for name, digest in first.items():
        sys.stdout.write(f"{digest}  dist/{name}\n")
    return built


def strangers(names: Sequence[str]) -> list[str]:
    """Return what a wheel has beside the package, or lacks of it.

    Args:
        names: The files in the wheel.
    """
    package = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "piggygan").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    said = re.compile(r"piggygan-[^/]+\.dist-info/(METADATA|WHEEL|RECORD|entry_points\.txt|licenses/LICENSE)")
    return sorted(package ^ {name for name in names if not said.fullmatch(name)})


def try_wheel(python: str) -> None:
    """Install the wheel into a fresh environment, and run the tutorial there, outside of the repository.

    Args:
        python: The interpreter that makes the environment. Its list of packages is written beside it.

    Raises:
        ReleaseError: If anything of it fails.
    """
    (wheel,) = DIST.glob("*.whl")
    told = _output(python, "-c", "import sys; print('{}.{}'.format(*sys.version_info))")
    fresh = TRIED / told
    shutil.rmtree(fresh, ignore_errors=True)
    _run("-m", "venv", str(fresh), python=python)
    own = str(fresh / "bin" / "python")
    if torch := os.environ.get("TORCH", "").split():
        with suppress(ReleaseError):  # then the wheel brings PyPI's
            _run("-m", "pip", "install", "--quiet", *torch, python=own)
    _run("-m", "pip", "install", "--quiet", str(wheel), python=own)
    _run("-m", "pip", "check", python=own)
    bill = TRIED / f"{wheel.name.removesuffix('-py3-none-any.whl')}.python{told}.cdx.json"
    about = ("--pyproject", "pyproject.toml", "--mc-type", "library", "--output-reproducible")
    _run("-m", "cyclonedx_py", "environment", *about, "-o", str(bill), own)
    told_of = json.loads(bill.read_text("utf-8"))
    told_of["metadata"]["component"]["version"] = version()  # which pyproject.toml leaves to the package
    bill.write_text(json.dumps(told_of, indent=2) + "\n", encoding="utf-8")
    _run("-m", "pip", "install", "--quiet", "pytest", python=own)
    with tempfile.TemporaryDirectory() as elsewhere:
        for name in ("docs/tutorial.md", "tests/contracts/test_tutorial.py"):
            (Path(elsewhere) / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, Path(elsewhere) / name)
        _run("-m", "pytest", "-q", "-p", "no:cacheprovider", "tests", python=own, where=Path(elsewhere))
    seen = _output(str(fresh / "bin" / "piggygan"), "--version")
    if not seen.startswith(f"piggygan {version()} "):
        raise ReleaseError(f"{wheel.name} says that it is '{seen}'.")
    sys.stdout.write(f"tried: {seen}; what it needs: {bill.relative_to(ROOT)}\n")


def _digests(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


def _run(*words: str, python: str = sys.executable, where: Path = ROOT, epoch: str = "") -> None:
    """Run Python without what this shell would lend it, such as a path to this very source."""
    surroundings = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    surroundings |= {"SOURCE_DATE_EPOCH": epoch} if epoch else {}
    ended = subprocess.run([python, *words], cwd=where, env=surroundings, check=False).returncode  # noqa: S603
    if ended:
        raise ReleaseError(f"{' '.join(words)} ended with {ended}.")


def _output(*words: str) -> str:
    surroundings = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(  # noqa: S603 (our own words)
        words, cwd=ROOT, env=surroundings, capture_output=True, text=True, check=True
    ).stdout.strip()


def main(words: list[str]) -> int:
    """Build or try.

    Returns:
        0; or 1 if this cannot be published.
    """
    try:
        match words:
            case ["build"]:
                build()
            case ["try", *pythons]:
                for python in pythons or [sys.executable]:
                    try_wheel(python)
            case _:
                raise ReleaseError("Say `build` or `try PYTHON...`.")
    except ReleaseError as error:
        sys.stderr.write(f"not released: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
