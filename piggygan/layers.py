"""PiggybackConv2d and PiggybackConvTranspose2d: one convolution, many tasks.

Each *holds* the user's convolution and calls it with another kernel, so that stride, padding, padding mode,
dilation, output padding, groups and a missing bias stay what they were. The held kernel is the base task's;
every later task has :class:`TaskFilters`: factors over a bank of frozen filters, and some filters of its own.
"""

from __future__ import annotations

import torch
from einops import rearrange
from torch import Tensor
from torch.nn import functional

from piggygan.errors import InputError
from piggygan.filters import Way, cheaper_way, join, mix, native_layout
from piggygan.task_filters import TaskFilters
from piggygan.task_kernels import TaskKernels


class _PiggybackConvolution(TaskKernels):
    """What both kinds of convolution share: everything but the call of the convolution itself."""

    def forward(self, features: Tensor, output_size: list[int] | None = None) -> Tensor:
        """Convolve with the active task's kernel.

        Args:
            features: What the held convolution takes, ``(batch, c_in, *positions)``.
            output_size: As for ``nn.ConvTranspose2d``; a plain convolution takes none.
        """
        task = self.selection.task
        self._check_channels(task, features)
        if self._way(task, features) == "features":
            return self._by_features(task, features, output_size)
        return self._convolve(features, self.kernel(task), self.bias(task), output_size)

    def _check_channels(self, task: str, features: Tensor) -> None:
        needed = self.conv.in_channels
        if task != self.base_task and (own := self.of_task(task).unconstrained) is not None:
            needed = own.shape[1] * self.conv.groups
        if features.dim() != len(self.conv.kernel_size) + 2 or features.shape[1] != needed:
            raise InputError(
                f"{self.path} got a tensor of shape {tuple(features.shape)}; for task {task!r} it needs a batch, "
                f"{needed} channels and {len(self.conv.kernel_size)} axes of positions."
            )

    def _way(self, task: str, features: Tensor) -> Way:
        """Choose freely while the task trains, and always ``filters`` where bits must not change."""
        if task == self.base_task or not (self.training and torch.is_grad_enabled()):
            return "filters"
        filters = self.of_task(task)
        if filters.is_frozen or filters.factors is None:
            return "filters"
        bank = self.bank(filters.sources)
        positions = features.numel() // features.shape[1]
        if not self.transposed:
            for stride in self.conv.stride:
                positions = -(-positions // stride)
        own = 0 if filters.unconstrained is None else filters.unconstrained.shape[0]
        return cheaper_way(
            filter_size=bank[0].numel(),
            composed=filters.factors.shape[0],
            unconstrained=own,
            bank=bank.shape[0],
            groups=self.conv.groups,
            positions=positions,
        )

    def _by_features(self, task: str, features: Tensor, output_size: list[int] | None) -> Tensor:
        """Convolve with the bank, mix the maps, convolve with the task's own filters, concatenate."""
        filters, groups = self.of_task(task), self.conv.groups
        factors = filters.true_factors()
        mixed_bias, own_bias = self._split_bias(filters)
        bank = native_layout(self.bank(filters.sources), groups=groups, transposed=self.transposed)
        maps = self._convolve(features, bank, None, output_size)
        parts = [mix(maps, factors, mixed_bias, groups=groups)]
        if filters.unconstrained is not None:
            own = native_layout(filters.unconstrained, groups=groups, transposed=self.transposed)
            parts.append(self._convolve(features, own, own_bias, output_size))
        return join(parts, groups=groups, axis=1)

    def _split_bias(self, filters: TaskFilters) -> tuple[Tensor | None, Tensor | None]:
        if filters.bias is None or filters.factors is None:
            return None, filters.bias
        by_group = rearrange(filters.bias, "(g c) -> g c", g=self.conv.groups)
        composed = filters.factors.shape[0] // self.conv.groups
        return by_group[:, :composed].flatten(), by_group[:, composed:].flatten()

    def _convolve(self, features: Tensor, kernel: Tensor, bias: Tensor | None, output_size: list[int] | None) -> Tensor:
        raise NotImplementedError


class PiggybackConv2d(_PiggybackConvolution):
    """A 2-d convolution that learns task after task and forgets none.

    Args:
        conv: The convolution as the base task has it; it is held, and called with each task's kernel.
        base_task: Name of the base task.
        selection: Says which task is active; a layer used alone makes its own.
        path: Where the layer is in its generator, for messages.

    Shape:
        As ``nn.Conv2d``: ``(batch, c_in, height, width)`` to ``(batch, c_out, height', width')``.

    Raises:
        UnsupportedModuleError: If the convolution is parametrized, lazy, hooked, or has a forward of its own.

    Example:
        >>> from torch import nn
        >>> layer = PiggybackConv2d(nn.Conv2d(3, 8, 3, padding=1), base_task="facades")
        >>> layer.freeze_task("facades")
        >>> layer.add_task("lungs", unconstrained_fraction=0.25)
        >>> with layer.selection.using("lungs"):
        ...     layer(torch.zeros(1, 3, 16, 16)).shape
        torch.Size([1, 8, 16, 16])
    """

    transposed = False

    def _convolve(self, features: Tensor, kernel: Tensor, bias: Tensor | None, output_size: list[int] | None) -> Tensor:
        if output_size is not None:
            raise InputError("a convolution takes no output_size; only a transposed convolution does.")
        return self.conv._conv_forward(features, kernel, bias)  # type: ignore[no-any-return]


class PiggybackConvTranspose2d(_PiggybackConvolution):
    """A transposed 2-d convolution that learns task after task and forgets none.

    Arguments and errors as for :class:`PiggybackConv2d`.

    Shape:
        As ``nn.ConvTranspose2d``.
    """

    transposed = True

    def _convolve(self, features: Tensor, kernel: Tensor, bias: Tensor | None, output_size: list[int] | None) -> Tensor:
        conv = self.conv
        padding = conv._output_padding(
            features, output_size, conv.stride, conv.padding, conv.kernel_size, 2, conv.dilation
        )
        return functional.conv_transpose2d(
            features, kernel, bias, conv.stride, conv.padding, padding, conv.groups, conv.dilation
        )
