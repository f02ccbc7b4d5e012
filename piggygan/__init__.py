"""piggygan: continual learning for image-to-image GANs.

One generator learns task after task; each new task's filters are built from the frozen filters of earlier
tasks plus a few of its own, and no task is ever forgotten.
"""

from piggygan.errors import PiggyganError
from piggygan.layers import PiggybackConv2d, PiggybackConvTranspose2d
from piggygan.model import MultiTaskGenerator
from piggygan.norms import TaskNorm
from piggygan.tasks import Task

__all__ = [
    "MultiTaskGenerator",
    "PiggybackConv2d",
    "PiggybackConvTranspose2d",
    "PiggyganError",
    "Task",
    "TaskNorm",
]
__version__ = "0.1.0.dev0"
