"""TaskNorm: one copy of a normalization layer a task.

A norm layer says how a task's features are distributed, which no other task can know: sharing its scale and
shift loses quality, and sharing its running statistics changes old tasks whenever a new one trains.
"""

from __future__ import annotations

from torch import nn
from torch.nn.modules.batchnorm import _NormBase

from piggygan.layers.per_task import PerTask

NORMS = (_NormBase, nn.GroupNorm, nn.LayerNorm, nn.RMSNorm)


class TaskNorm(PerTask):
    """A normalization layer that each task has a copy of: scale, shift and running statistics.

    Frozen, it never moves its statistics, whatever mode the model is in.

    Example:
        >>> from torch import nn
        >>> norm = TaskNorm(nn.BatchNorm2d(8), base_task="facades")
        >>> norm.freeze_task("facades")
        >>> norm.add_task("lungs", start_from="facades")
        >>> norm.tasks
        ('facades', 'lungs')
    """
