"""Pictures of any size through one task of a model, each back at its own rows and columns."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from piggygan.data.framing import Placement
from piggygan.errors import ConfigurationError, InputError
from piggygan.model.generator import MultiTaskGenerator
from piggygan.prediction.job import placement_for
from piggygan.prediction.options import Kind, PredictionOptions
from piggygan.prediction.tiles import blend, cut

if TYPE_CHECKING:
    from jaxtyping import Float

_DEFAULTS = PredictionOptions()


def translate_pictures(
    model: MultiTaskGenerator,
    task: str,
    pictures: Sequence[Float[Tensor, "channels rows columns"]],
    options: PredictionOptions = _DEFAULTS,
) -> list[Float[Tensor, "out_channels rows columns"]]:
    """Translate pictures that are in memory; no file is read or written.

    Args:
        model: Has the task. It is put into evaluation mode and moved to the options' device.
        task: Its name.
        pictures: In [-1, 1], of any sizes, with as many channels as the task takes. Their pixels are square.
        options: Of them, those on files and masks do not matter.

    Returns:
        What the network gives, at each picture's own rows and columns: a mask is soft, above 0 is foreground.

    Raises:
        TaskNotFoundError: If there is no such task.
        ConfigurationError: If the network cannot take pictures of ``options.side``.
        InputError: If a picture has another number of channels.

    Example:
        >>> from piggygan import UNetGenerator
        >>> model = MultiTaskGenerator(UNetGenerator(depth=2, width=4), "facades")
        >>> options = PredictionOptions(size=32)
        >>> [tuple(one.shape) for one in translate_pictures(model, "facades", [torch.zeros(3, 45, 70)], options)]
        [(3, 45, 70)]
    """
    translator = Translator(model, task, options)
    translator.check_channels()
    placements = [translator.placement(picture.shape[-2], picture.shape[-1]) for picture in pictures]
    canvases = [placement.place(picture) for placement, picture in zip(placements, pictures, strict=True)]
    outputs = translator(canvases)
    return [placement.take_back(output) for placement, output in zip(placements, outputs, strict=True)]


class Translator:
    """One task of a model, made ready to translate canvases.

    Args:
        model: As of :func:`translate_pictures`.
        task: Likewise.
        options: Likewise.

    Attributes:
        in_channels: Channels of a picture that it takes.
        out_channels: Channels that it makes.

    Raises:
        TaskNotFoundError, ConfigurationError: As of :func:`translate_pictures`.
    """

    def __init__(self, model: MultiTaskGenerator, task: str, options: PredictionOptions) -> None:
        self.in_channels = _input_channels(model, task)
        try:
            self._model = model.to(options.device).eval()
        except (RuntimeError, AssertionError) as error:  # what PyTorch says of a device that is not there
            reason = str(error).splitlines()[0]
            raise ConfigurationError(f"device {options.device!r} cannot be used: {reason}") from error
        self._task = task
        self._options = options
        self.out_channels = self._trial().shape[1]

    @property
    def kind(self) -> Kind:
        """What it makes.

        Raises:
            ConfigurationError: If its number of channels is not that of a picture or a mask.
        """
        return _kind(self.out_channels, self._task, self._options.kind)

    def check_channels(self) -> None:
        """Make sure that it takes pictures as files are read for predicting, and makes pictures or masks.

        Raises:
            ConfigurationError: If one of its numbers of channels is another.
        """
        if self.in_channels not in (1, 3):
            raise ConfigurationError(
                f"task {self._task!r} takes {self.in_channels} channels; files are read as 1 (grey) or 3 (RGB)."
            )
        _kind(self.out_channels, self._task, self._options.kind)

    def placement(self, rows: int, columns: int, aspect: float = 1.0) -> Placement:
        """Say how a picture comes to the network; ``aspect`` is the height of a pixel, its width being 1."""
        return placement_for(self._options, rows, columns, aspect)

    def __call__(
        self, canvases: Sequence[Float[Tensor, "channels height width"]]
    ) -> list[Float[Tensor, "out_channels height width"]]:
        """Translate canvases; larger ones tile by tile.

        Raises:
            InputError: If one has another number of channels than the task takes.
        """
        for canvas in canvases:
            if canvas.shape[0] != self.in_channels:
                raise InputError(
                    f"a picture has {canvas.shape[0]} channels; task {self._task!r} takes {self.in_channels}."
                )
        side = self._options.side
        cuts = [cut(canvas, side) for canvas in canvases]
        # One tile after another, so that of a large canvas not all outputs are there at once.
        outputs = self._translated([tile for tiles in cuts for tile in tiles])
        return [
            blend(itertools.islice(outputs, len(tiles)), *canvas.shape[-2:])
            for canvas, tiles in zip(canvases, cuts, strict=True)
        ]

    def _translated(self, tiles: Sequence[Tensor]) -> Iterator[Tensor]:
        size = self._options.batch_size
        for first in range(0, len(tiles), size):
            yield from self._run(torch.stack(list(tiles[first : first + size])))

    def _run(self, batch: Float[Tensor, "batch channels side side"]) -> Float[Tensor, "batch out_channels side side"]:
        with torch.inference_mode():
            output: Tensor = self._model(batch.to(self._options.device), task=self._task)
        return output.float().cpu()

    def _trial(self) -> Float[Tensor, "1 out_channels side side"]:
        """Translate an empty picture, so that whatever does not fit is known before any file is read."""
        side = self._options.side
        try:
            output = self._run(torch.zeros(1, self.in_channels, side, side))
        except (InputError, RuntimeError) as error:  # ours say what they need, other generators fail inside PyTorch
            raise ConfigurationError(f"task {self._task!r} cannot predict at size={side}: {error}") from error
        if output.shape[-2:] != (side, side):
            raise ConfigurationError(
                f"task {self._task!r} makes {tuple(output.shape[-2:])} pixels of {side} x {side}; where they belong on "
                f"the picture is not known. Choose a size that comes out as it went in."
            )
        return output


def _input_channels(model: MultiTaskGenerator, task: str) -> int:
    if model.spatial_axes != 2:
        raise ConfigurationError("the generator takes no pictures: its first layer is no two-dimensional convolution.")
    return model.input_channels(task)


def _kind(channels: int, task: str, wanted: Kind | None) -> Kind:
    if channels not in (1, 3):
        raise ConfigurationError(f"task {task!r} makes {channels} channels; a mask has 1, a picture 1 or 3.")
    if wanted == "mask" and channels != 1:
        raise ConfigurationError(f"task {task!r} makes {channels} channels, and a mask has 1: ask for pictures.")
    return wanted or ("mask" if channels == 1 else "picture")
