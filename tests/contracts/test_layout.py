"""How the package hangs together: what may import what, what a bare import costs, what it offers."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import piggygan as pg

PACKAGE = Path(pg.__file__).parent

# Imports run one way: a module imports from lines above its own only (or from its own folder).
ORDER = [
    "version",
    "intended_use",
    "escaping",
    "errors",
    "durable",
    "bypasses",
    "copying",
    "patterns",
    "digests",
    "filters",
    "allocation",
    "deriving",
    "freezing",
    "restoring",
    "tasks",
    "selection",
    "tables",
    "progress",
    "support",
    "starting",
    "geometry",
    "products",
    "one_step",
    "ways",
    "costs",
    "kernel_cache",
    "task_modules",
    "task_filters",
    "statements",
    "task_layer",
    "state_dicts",
    "task_kernels",
    "layers",
    "per_task",
    "norms",
    "obstacles",
    "ends",
    "planned",
    "planning",
    "own_buffers",
    "wrapping",
    "overhead",
    "parameter_groups",
    "view",
    "model",
    "pair",
    "calibration",
    "export",
    "networks",
    "registry",
    "interchange",
    "data",
    "training",
    "relatedness",
    "evaluation",
    "report",
    "prediction",
    "__init__",
    "cli",
]
UNPICKLES = Path("interchange/checkpoints.py")
"""The one module that opens other programs' pickles, when it is asked to."""


def concern(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_concerns(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names: list[str] = []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        for name in names:
            parts = name.split(".")
            if parts[0] == "piggygan":
                found.add(parts[1] if len(parts) > 1 else "__init__")
    return found


SOURCES = sorted(PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_run_downwards(path: Path) -> None:
    here = concern(path)
    allowed = set(ORDER[: ORDER.index(here)]) | ({here} if path.parent != PACKAGE else set())
    assert imported_concerns(path) <= allowed


def test_a_bare_import_is_light() -> None:
    heavy = {"accelerate", "matplotlib", "torchmetrics", "pydicom", "PIL", "rich", "tyro", "jinja2", "scipy", "onnx"}
    code = (
        f"import sys, torch; before = set(sys.modules); import piggygan; print(*({heavy} & set(sys.modules)) - before)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.split() == []


def test_the_exported_names_are_these() -> None:
    assert sorted(pg.__all__) == [
        "GeneratorPair",
        "MultiTaskGenerator",
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
        "Task",
        "TaskNorm",
        "TaskRegistry",
        "TaskView",
        "UNetGenerator",
        "__version__",
        "calibrate",
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
