"""PiggybackConv2d, PiggybackConvTranspose2d and their kin in 1-d and 3-d: one convolution, many tasks.

Each *holds* the user's convolution and calls it with another kernel, so that stride, padding, padding mode,
dilation, output padding, groups and a missing bias stay what they were. The held kernel is the base task's;
every later task has :class:`TaskFilters`: factors over a bank of frozen filters, and some filters of its own.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.modules.conv import _ConvNd

from piggygan.errors import InputError, TaskExistsError, TaskStateError
from piggygan.layers.base_filters import BaseFilters
from piggygan.layers.deriving import for_keeping
from piggygan.layers.filters import DEFAULT_FRACTION
from piggygan.layers.geometry import Geometry
from piggygan.layers.kernels import TaskKernels
from piggygan.layers.new_filters import FACTOR_STEP, Init, new_filters
from piggygan.layers.task_filters import TaskFilters
from piggygan.layers.tasks import check_task_name
from piggygan.layers.ways.choice import LayerCall, layer_call
from piggygan.layers.ways.compute import compute
from piggygan.layers.ways.shared_calls import current_step

_NO_OUTPUT_SIZE = "a convolution takes no output_size; only a transposed convolution does."


class PiggybackConvolution(TaskKernels):
    """What all kinds of convolution share: everything but the call of the convolution itself.

    A model makes the filters of all its layers before it adds any; a layer used alone has :meth:`add_task`.
    """

    def forward(self, features: Tensor, output_size: list[int] | None = None) -> Tensor:
        """Convolve with the active task's kernel.

        Args:
            features: What the held convolution takes, ``(batch, c_in, *positions)``.
            output_size: As for ``nn.ConvTranspose2d``; a plain convolution takes none.

        Raises:
            InputError: If the shape is not one that the task takes.
        """
        return self.compute_task(self.selection.task, self.training, features, output_size)

    def compute_task(self, task: str, training: bool, features: Tensor, output_size: list[int] | None = None) -> Tensor:
        """Convolve with the kernel of a task that is named here; ``training`` says in which mode."""
        filters, conv = self.of_task(task), self.conv
        shape = features.shape
        if len(shape) != len(conv.kernel_size) + 2 or shape[1] != filters.in_channels:
            raise InputError(
                f"{self.path} got a tensor of shape {tuple(shape)}; for task {task!r} it needs a batch, "
                f"{filters.in_channels} channels and {len(conv.kernel_size)} axes of positions."
            )
        # Outside of training one fixed recipe is what makes outputs bit-identical.
        learns = training and torch.is_grad_enabled() and not filters.is_frozen
        if learns and isinstance(filters, TaskFilters) and filters.composed:
            padded, geometry = self._geometry(conv, features, output_size)
            step = current_step()
            way = self.costs.choose(layer_call(filters, padded, geometry, conv.kernel_size, step.calls))
            return compute(way, padded, self._mixed(task, filters, features.device, step), geometry)
        return self._convolve(conv, features, self._kernel(task, filters, features.device), filters.bias, output_size)

    def add_task(
        self,
        task: str,
        *,
        draws_on: Sequence[str] | None = None,
        start_from: str | None = None,
        unconstrained_fraction: float = DEFAULT_FRACTION,
        max_bank: float | None = None,
        in_channels: int | None = None,
        out_channels: int | None = None,
        init: Init = "warm",
        factor_step: float = FACTOR_STEP,
    ) -> None:
        """Give ``task`` factors and filters of its own.

        Args:
            task: Name of the new task.
            draws_on: Frozen tasks whose filters are the bank, oldest first; None: all frozen tasks.
            start_from: The drawn-on task whose function the new one starts as; None: the last of them.
            unconstrained_fraction: Share of filters of its own (lambda), 0..1.
            max_bank: Most filters in the bank, as a multiple of the layer's own; the most useful are taken. None: all.
            in_channels: Input channels where they differ from the convolution's.
            out_channels: Output channels where they differ. A layer of another shape is wholly unconstrained.
            init: ``"warm"`` starts as the function of ``start_from``, exactly unless ``max_bank`` is short of filters;
                ``"fresh"`` the same but for its own filters, N(0, 0.02); ``"normal"`` is N(0, 0.02) for factors and
                filters (Zhai et al. 2020); ``"empty"`` whatever is in memory, to be loaded over.
            factor_step: How many times farther a step of Adam moves a factor than a weight (of SGD: squared).

        Raises:
            TaskExistsError: If the layer has the task.
            TaskNotFoundError: If it lacks a drawn-on task.
            TaskStateError: If a drawn-on task is not frozen.
            ConfigurationError: If a number is outside its range.
        """
        if check_task_name(task) in self.tasks:
            raise TaskExistsError(f"there is a task {task!r} already.")
        if draws_on is None:
            draws_on = [name for name in self.tasks if self.is_frozen(name)]
        unfrozen = [name for name in draws_on if not self.is_frozen(name)]
        if unfrozen or not draws_on:
            raise TaskStateError(
                f"{task!r} draws on frozen tasks only: freeze {', '.join(unfrozen) or self.base_task} first."
            )
        with for_keeping(self.conv.weight.device):
            filters = new_filters(
                self,
                sources=tuple(draws_on),
                start_from=start_from or draws_on[-1],
                fraction=unconstrained_fraction,
                max_bank=max_bank,
                c_in=in_channels or self.conv.in_channels,
                c_out=out_channels or self.conv.out_channels,
                init=init,
                factor_step=factor_step,
            )
        self.attach(task, filters)

    def describe_call(self, task: str, features: Tensor) -> LayerCall | None:
        """Describe a training call for the cost model; None if there is but one way to compute it."""
        filters, conv = self.of_task(task), self.conv
        if isinstance(filters, BaseFilters) or filters.is_frozen or not filters.composed:
            return None
        return layer_call(filters, *self._geometry(conv, features, None), conv.kernel_size, current_step().calls)

    def _convolve(
        self, conv: _ConvNd, features: Tensor, kernel: Tensor, bias: Tensor | None, output_size: list[int] | None
    ) -> Tensor:
        raise NotImplementedError

    def _geometry(self, conv: _ConvNd, features: Tensor, output_size: list[int] | None) -> tuple[Tensor, Geometry]:
        """Return how the convolution is applied, and the input, padded already where it is not by plain zeros."""
        raise NotImplementedError


class _PlainConvolution(PiggybackConvolution):
    transposed = False

    def _convolve(
        self, conv: _ConvNd, features: Tensor, kernel: Tensor, bias: Tensor | None, output_size: list[int] | None
    ) -> Tensor:
        if output_size is not None:
            raise InputError(_NO_OUTPUT_SIZE)
        return conv._conv_forward(features, kernel, bias)

    def _geometry(self, conv: _ConvNd, features: Tensor, output_size: list[int] | None) -> tuple[Tensor, Geometry]:
        if output_size is not None:
            raise InputError(_NO_OUTPUT_SIZE)
        none = (0,) * len(conv.kernel_size)
        if conv.padding_mode == "zeros" and not isinstance(conv.padding, str):
            return features, Geometry(conv.stride, conv.padding, conv.dilation, False, none, conv.groups)
        mode = "constant" if conv.padding_mode == "zeros" else conv.padding_mode
        padded = functional.pad(features, conv._reversed_padding_repeated_twice, mode)
        return padded, Geometry(conv.stride, none, conv.dilation, False, none, conv.groups)


class _TransposedConvolution(PiggybackConvolution):
    transposed = True

    def _convolve(
        self, conv: _ConvNd, features: Tensor, kernel: Tensor, bias: Tensor | None, output_size: list[int] | None
    ) -> Tensor:
        features, geometry = self._geometry(conv, features, output_size)
        # Autocast knows these by name; torch.convolution is below what it looks at.
        call = (functional.conv_transpose1d, functional.conv_transpose2d, functional.conv_transpose3d)[kernel.dim() - 3]
        around, more = geometry.padding, geometry.output_padding
        return call(features, kernel, bias, geometry.stride, around, more, geometry.groups, geometry.dilation)

    def _geometry(self, conv: _ConvNd, features: Tensor, output_size: list[int] | None) -> tuple[Tensor, Geometry]:
        axes = len(conv.kernel_size)
        padding: Sequence[int] = conv._output_padding(  # type: ignore[operator]  # of transposed convolutions only
            features, output_size, conv.stride, conv.padding, conv.kernel_size, axes, conv.dilation
        )
        around: tuple[int, ...] = conv.padding  # type: ignore[assignment]  # theirs has no name
        return features, Geometry(conv.stride, around, conv.dilation, True, tuple(padding), conv.groups)


class PiggybackConv1d(_PlainConvolution):
    """A 1-d convolution that learns task after task; as :class:`PiggybackConv2d`.

    Example:
        >>> from piggygan.layers.selection import Selection
        >>> layer = PiggybackConv1d(nn.Conv1d(2, 8, 3, padding=1), "speech", Selection("speech"))
        >>> layer(torch.zeros(1, 2, 100)).shape
        torch.Size([1, 8, 100])
    """

    kind = nn.Conv1d


class PiggybackConv2d(_PlainConvolution):
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

    kind = nn.Conv2d


class PiggybackConv3d(_PlainConvolution):
    """A 3-d convolution that learns task after task; as :class:`PiggybackConv2d`.

    Example:
        >>> from piggygan.layers.selection import Selection
        >>> layer = PiggybackConv3d(nn.Conv3d(1, 8, 3, padding=1), "lungs", Selection("lungs"))
        >>> layer(torch.zeros(1, 1, 6, 6, 6)).shape
        torch.Size([1, 8, 6, 6, 6])
    """

    kind = nn.Conv3d


class PiggybackConvTranspose1d(_TransposedConvolution):
    """A transposed 1-d convolution that learns task after task; as :class:`PiggybackConv2d`.

    Example:
        >>> from piggygan.layers.selection import Selection
        >>> layer = PiggybackConvTranspose1d(nn.ConvTranspose1d(8, 2, 4, 2, 1), "speech", Selection("speech"))
        >>> layer(torch.zeros(1, 8, 50)).shape
        torch.Size([1, 2, 100])
    """

    kind = nn.ConvTranspose1d


class PiggybackConvTranspose2d(_TransposedConvolution):
    """A transposed 2-d convolution that learns task after task and forgets none.

    Arguments and errors as for :class:`PiggybackConv2d`; shapes as for ``nn.ConvTranspose2d``.

    Example:
        >>> from piggygan.layers.selection import Selection
        >>> layer = PiggybackConvTranspose2d(nn.ConvTranspose2d(8, 3, 4, 2, 1), "facades", Selection("facades"))
        >>> layer.freeze_task("facades")
        >>> layer.add_task("lungs")  # starts as exactly the old function
        >>> with layer.selection.using("lungs"):
        ...     layer(torch.zeros(1, 8, 4, 4)).shape
        torch.Size([1, 3, 8, 8])
    """

    kind = nn.ConvTranspose2d


class PiggybackConvTranspose3d(_TransposedConvolution):
    """A transposed 3-d convolution that learns task after task; as :class:`PiggybackConv2d`.

    Example:
        >>> from piggygan.layers.selection import Selection
        >>> layer = PiggybackConvTranspose3d(nn.ConvTranspose3d(8, 1, 4, 2, 1), "lungs", Selection("lungs"))
        >>> layer(torch.zeros(1, 8, 3, 3, 3)).shape
        torch.Size([1, 1, 6, 6, 6])
    """

    kind = nn.ConvTranspose3d


_LAYERS: tuple[type[PiggybackConvolution], ...] = (
    PiggybackConv1d,
    PiggybackConv2d,
    PiggybackConv3d,
    PiggybackConvTranspose1d,
    PiggybackConvTranspose2d,
    PiggybackConvTranspose3d,
)


def layer_kind(conv: nn.Module) -> type[PiggybackConvolution] | None:
    """Return the layer that holds this kind of convolution; None if it is no convolution."""
    return next((layer for layer in _LAYERS if isinstance(conv, layer.kind)), None)
