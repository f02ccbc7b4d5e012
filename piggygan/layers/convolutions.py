"""PiggybackConv2d, PiggybackConvTranspose2d and their kin in 1-d and 3-d: one convolution, many tasks.

Each *holds* the user's convolution and calls it with another kernel, so that stride, padding, padding mode,
dilation, output padding, groups and a missing bias stay what they were. The held kernel is the base task's;
every later task has :class:`TaskFilters`: factors over a bank of frozen filters, and some filters of its own.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from einops import rearrange
from torch import Tensor, nn
from torch.nn import functional

from piggygan.errors import InputError, TaskExistsError, TaskStateError
from piggygan.layers.deriving import for_keeping
from piggygan.layers.filters import DEFAULT_FRACTION, DEFAULT_MAX_BANK, native_layout
from piggygan.layers.geometry import Geometry
from piggygan.layers.kernels import FACTOR_STEP, Init, TaskKernels
from piggygan.layers.task_filters import TaskFilters
from piggygan.layers.tasks import check_task_name
from piggygan.layers.ways.choice import LayerCall
from piggygan.layers.ways.compute import MixedFilters, autocast_type, can_unfold, compute
from piggygan.layers.ways.shared_calls import calls_in_this_step, shared_in_this_step


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
        self._check_channels(task, features)
        # Outside of training one fixed recipe is what makes outputs bit-identical.
        if training and torch.is_grad_enabled() and self._composes(task):
            padded, geometry = self._geometry(features, output_size)
            way = self.costs.choose(self._call(task, padded, geometry))
            stored = self.of_task(task)
            made_of = (self.bank(task), *stored.parameters(), *stored.buffers())
            filters = shared_in_this_step((self, task), lambda: self._mixed_filters(task), made_of)
            return compute(way, padded, filters, geometry)
        return self._convolve(features, self.kernel(task), self.bias_of(task), output_size)

    def add_task(
        self,
        task: str,
        *,
        draws_on: Sequence[str] | None = None,
        start_from: str | None = None,
        unconstrained_fraction: float = DEFAULT_FRACTION,
        max_bank: float | None = DEFAULT_MAX_BANK,
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
            init: ``"warm"`` starts as exactly the function of ``start_from``; ``"normal"`` is N(0, 0.02) for
                factors and filters (Zhai et al. 2020); ``"empty"`` whatever is in memory, to be loaded over.
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
            filters = self.new_filters(
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

    def _check_channels(self, task: str, features: Tensor) -> None:
        needed = self.kernel_shape(task)[1] * self.conv.groups
        if features.dim() != len(self.conv.kernel_size) + 2 or features.shape[1] != needed:
            raise InputError(
                f"{self.path} got a tensor of shape {tuple(features.shape)}; for task {task!r} it needs a batch, "
                f"{needed} channels and {len(self.conv.kernel_size)} axes of positions."
            )

    def describe_call(self, task: str, features: Tensor) -> LayerCall | None:
        """Describe a training call for the cost model; None if there is but one way to compute it."""
        return self._call(task, *self._geometry(features, None)) if self._composes(task) else None

    def _composes(self, task: str) -> bool:
        """Say whether ``task`` is in training and has filters that can be computed in several ways."""
        if task == self.base_task:
            return False
        filters = self.of_task(task)
        return not filters.is_frozen and filters.composed > 0

    def _call(self, task: str, features: Tensor, geometry: Geometry) -> LayerCall:
        composed = self.of_task(task).composed
        bank = self.bank(task)
        kernel_sides = bank.shape[2:]
        batch, sides = features.shape[0], features.shape[2:]
        outputs = geometry.output_sides(sides, kernel_sides)
        return LayerCall(
            transposed=self.transposed,
            filter_size=bank[0].numel(),
            kernel_positions=math.prod(kernel_sides),
            composed=composed,
            unconstrained=self.kernel_shape(task)[0] - composed,
            bank=bank.shape[0],
            groups=geometry.groups,
            positions=batch * math.prod(sides if self.transposed else outputs),
            outputs=batch * math.prod(outputs),
            of_input=features.requires_grad,
            calls=calls_in_this_step(),
            can_unfold=can_unfold(features, geometry),
            device=features.device.type,
            dtype=str(autocast_type(features) or features.dtype),
        )

    def _mixed_filters(self, task: str) -> MixedFilters:
        filters = self.of_task(task)
        composed_bias, own_bias = self._split_bias(filters)
        bank = native_layout(self.bank(task), groups=self.conv.groups, transposed=self.transposed)
        return MixedFilters(bank, filters.true_factors(), filters.unconstrained, composed_bias, own_bias)

    def _split_bias(self, filters: TaskFilters) -> tuple[Tensor | None, Tensor | None]:
        if filters.bias is None or not filters.composed:
            return None, filters.bias
        by_group = rearrange(filters.bias, "(g c) -> g c", g=self.conv.groups)
        composed = filters.composed // self.conv.groups
        return by_group[:, :composed].flatten(), by_group[:, composed:].flatten()

    def _convolve(self, features: Tensor, kernel: Tensor, bias: Tensor | None, output_size: list[int] | None) -> Tensor:
        raise NotImplementedError

    def _geometry(self, features: Tensor, output_size: list[int] | None) -> tuple[Tensor, Geometry]:
        """Return how the convolution is applied, and the input, padded already where it is not by plain zeros."""
        raise NotImplementedError


class _PlainConvolution(PiggybackConvolution):
    transposed = False

    def _convolve(self, features: Tensor, kernel: Tensor, bias: Tensor | None, output_size: list[int] | None) -> Tensor:
        if output_size is not None:
            raise InputError("a convolution takes no output_size; only a transposed convolution does.")
        return self.conv._conv_forward(features, kernel, bias)  # type: ignore[no-any-return]

    def _geometry(self, features: Tensor, output_size: list[int] | None) -> tuple[Tensor, Geometry]:
        if output_size is not None:
            raise InputError("a convolution takes no output_size; only a transposed convolution does.")
        conv, padding = self.conv, self.conv.padding
        none = (0,) * len(conv.kernel_size)
        if conv.padding_mode != "zeros" or isinstance(padding, str):
            mode = "constant" if conv.padding_mode == "zeros" else conv.padding_mode
            features, padding = functional.pad(features, conv._reversed_padding_repeated_twice, mode), none
        return features, Geometry(conv.stride, padding, conv.dilation, False, none, conv.groups)


class _TransposedConvolution(PiggybackConvolution):
    transposed = True

    def _convolve(self, features: Tensor, kernel: Tensor, bias: Tensor | None, output_size: list[int] | None) -> Tensor:
        conv, axes = self.conv, len(self.conv.kernel_size)
        padding = self._output_padding(features, output_size)
        call = (functional.conv_transpose1d, functional.conv_transpose2d, functional.conv_transpose3d)[axes - 1]
        return call(features, kernel, bias, conv.stride, conv.padding, padding, conv.groups, conv.dilation)

    def _geometry(self, features: Tensor, output_size: list[int] | None) -> tuple[Tensor, Geometry]:
        conv = self.conv
        padding = tuple(self._output_padding(features, output_size))
        return features, Geometry(conv.stride, conv.padding, conv.dilation, True, padding, conv.groups)

    def _output_padding(self, features: Tensor, output_size: list[int] | None) -> Sequence[int]:
        conv, axes = self.conv, len(self.conv.kernel_size)
        padding: Sequence[int] = conv._output_padding(
            features, output_size, conv.stride, conv.padding, conv.kernel_size, axes, conv.dilation
        )
        return padding


class PiggybackConv1d(_PlainConvolution):
    """A 1-d convolution that learns task after task; as :class:`PiggybackConv2d`."""

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
    """A 3-d convolution that learns task after task; as :class:`PiggybackConv2d`."""

    kind = nn.Conv3d


class PiggybackConvTranspose1d(_TransposedConvolution):
    """A transposed 1-d convolution that learns task after task; as :class:`PiggybackConv2d`."""

    kind = nn.ConvTranspose1d


class PiggybackConvTranspose2d(_TransposedConvolution):
    """A transposed 2-d convolution that learns task after task and forgets none.

    Arguments and errors as for :class:`PiggybackConv2d`; shapes as for ``nn.ConvTranspose2d``.
    """

    kind = nn.ConvTranspose2d


class PiggybackConvTranspose3d(_TransposedConvolution):
    """A transposed 3-d convolution that learns task after task; as :class:`PiggybackConv2d`."""

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
