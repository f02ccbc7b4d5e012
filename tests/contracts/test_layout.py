"""How the package hangs together: what may import what, what a bare import costs, what it offers."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import piggygan as pg

PACKAGE = Path(pg.__file__).parent
TESTS = Path(__file__).parents[1]

# Imports run one way: a room imports from rooms before it in this list only, and from itself.
ROOMS = (
    "terminal",
    "errors",
    "files",
    "layers",
    "networks",
    "model",
    "data",
    "training",
    "registry",
    "evaluation",
    "prediction",
    "jobs",
    "server",
    "__init__",
    "cli",
)
UNPICKLES = Path("networks/pix2pix/pickles.py")
"""The one module that opens other programs' pickles, when it is asked to."""


def room(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def module(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path: Path) -> set[str]:
    """The modules of ours that a file imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            submodules = {f"{node.module}.{alias.name}" for alias in node.names} & MODULES.keys()
            found |= submodules or {node.module}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return {name for name in found if name.split(".")[0] == "piggygan"}


SOURCES = sorted(PACKAGE.rglob("*.py"))
MODULES = {module(path): path for path in SOURCES}


def test_the_rooms_are_these() -> None:
    entries = {path.name.removesuffix(".py") for path in PACKAGE.iterdir()} - {"__pycache__", "py.typed"}
    assert entries == set(ROOMS)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_run_downwards(path: Path) -> None:
    here = ROOMS.index(room(path))
    above = {name for name in imports(path) if ROOMS.index([*name.split("."), "__init__"][1]) > here}
    assert not above


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_file_has_one_idea_on_at_most_300_lines_and_a_test_of_its_name(path: Path) -> None:
    lines, place = path.read_text(encoding="utf-8").count("\n"), path.relative_to(PACKAGE)
    assert lines <= 300
    if lines > 60 and path.name != "__init__.py":
        assert (TESTS / place.with_name(f"test_{path.name}")).exists()


def test_no_modules_import_each_other_in_a_circle() -> None:
    left = {name: imports(path) & MODULES.keys() - {name} for name, path in MODULES.items()}
    # A package's __init__ gathers what stands beside it: those that it gathers do not wait for it.
    left = {name: {other for other in needed if not name.startswith(f"{other}.")} for name, needed in left.items()}
    while ready := {name for name, needed in left.items() if not needed & left.keys()}:
        left = {name: needed for name, needed in left.items() if name not in ready}
    assert not left


def test_a_bare_import_is_light() -> None:
    heavy = {
        "accelerate",
        "matplotlib",
        "torchmetrics",
        "pydicom",
        "PIL",
        "rich",
        "tyro",
        "jinja2",
        "scipy",
        "onnx",
        "tifffile",
    }
    code = (
        f"import sys, torch; before = set(sys.modules); import piggygan; print(*({heavy} & set(sys.modules)) - before)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.split() == []


def test_the_exported_names_are_these() -> None:
    assert sorted(pg.__all__) == [
        "GeneratorPair",
        "MultiTaskGenerator",
        "Overhead",
        "PatchDiscriminator",
        "PerTask",
        "PiggybackConv1d",
        "PiggybackConv2d",
        "PiggybackConv3d",
        "PiggybackConvTranspose1d",
        "PiggybackConvTranspose2d",
        "PiggybackConvTranspose3d",
        "PiggyganError",
        "Plan",
        "ResNetGenerator",
        "Selection",
        "Task",
        "TaskNorm",
        "TaskRegistry",
        "TaskView",
        "UNetGenerator",
        "__version__",
        "calibrate",
        "export_onnx",
        "plan",
        "predict",
        "relatedness",
    ]
    assert all(hasattr(pg, name) for name in pg.__all__)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_h01_nothing_unpickles_but_the_import_of_checkpoints(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    found = re.findall(r"import pickle|import dill|joblib|allow_pickle|(?<!safetensors\.)\btorch\.load\b", text)
    if path.relative_to(PACKAGE) == UNPICKLES:
        assert found == ["torch.load"]
        assert re.findall(r"torch\.load\((.*)\)", text) == ['BytesIO(data), map_location="cpu", weights_only=True']
    else:
        assert not found


def test_every_error_is_in_the_drawn_tree() -> None:
    drawn = pg.errors.__doc__ or ""
    kinds = [kind for kind in vars(pg.errors).values() if isinstance(kind, type)]
    assert len(kinds) > 10
    assert all(issubclass(kind, pg.PiggyganError) and kind.__name__ in drawn for kind in kinds)
