"""piggygan: continual learning for image-to-image GANs.

One generator learns task after task; each new task's filters are built from the frozen filters of earlier
tasks plus a few of its own, and no task is ever forgotten.
"""

from typing import TYPE_CHECKING

from piggygan.errors import PiggyganError
from piggygan.layers.convolutions import (
    PiggybackConv1d,
    PiggybackConv2d,
    PiggybackConv3d,
    PiggybackConvTranspose1d,
    PiggybackConvTranspose2d,
    PiggybackConvTranspose3d,
)
from piggygan.layers.norms import TaskNorm
from piggygan.layers.per_task import PerTask
from piggygan.layers.selection import Selection
from piggygan.layers.tasks import Task
from piggygan.model.calibration import calibrate
from piggygan.model.generator import MultiTaskGenerator
from piggygan.model.onnx import export_onnx
from piggygan.model.overhead import Overhead
from piggygan.model.pair import GeneratorPair
from piggygan.model.plan import Plan, plan
from piggygan.model.view import TaskView
from piggygan.networks import PatchDiscriminator, ResNetGenerator, UNetGenerator
from piggygan.registry import TaskRegistry
from piggygan.terminal.about import __version__

if TYPE_CHECKING:
    from piggygan.evaluation import relatedness
    from piggygan.prediction import predict
else:

    def __getattr__(name: str) -> object:
        # Imported when first used: torchmetrics, Pillow and pydicom come with them, which a bare import leaves alone.
        if name == "relatedness":
            from piggygan.evaluation import relatedness

            return relatedness
        if name == "predict":
            from piggygan.prediction import predict

            return predict
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__all__ = [
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
