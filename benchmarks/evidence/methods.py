"""Every way of learning task after task that is compared: ours in its variants, and what one would do otherwise."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from torch import Tensor, nn

import piggygan as pg
from benchmarks.evidence.baselines.adapters import Adapters
from benchmarks.evidence.baselines.binary_masks import BinaryMasks, PublishedMasks
from benchmarks.evidence.baselines.contender import Contender
from benchmarks.evidence.baselines.distillation import Distillation
from benchmarks.evidence.baselines.dora import Dora
from benchmarks.evidence.baselines.fine_tuning import FineTuning
from benchmarks.evidence.baselines.frozen_base import FrozenBase
from benchmarks.evidence.baselines.hadamard import LoHa
from benchmarks.evidence.baselines.hypernetwork import Hypernetwork
from benchmarks.evidence.baselines.joint import Joint
from benchmarks.evidence.baselines.low_rank import LowRank
from benchmarks.evidence.baselines.nnunet_recipe import NnUNetRecipe
from benchmarks.evidence.baselines.replay import Replay
from benchmarks.evidence.baselines.separate import Separate, Thin
from piggygan.data import PairBatch
from piggygan.layers.filters import DEFAULT_FRACTION
from piggygan.model.allocation import Fraction
from piggygan.model.overhead import TaskOverhead
from piggygan.training import Batch

WHOLE_BANK = 1.25
"""``max_bank`` by which the second task mixes all of the base task's filters; the default until November 2026."""
PAPERS_FRACTION: Fraction = MappingProxyType({"*": 0.25})
LOOKED_AT = 40
"""Pairs that a start is chosen by."""
Start = Callable[[pg.UNetGenerator, str], Contender]
"""Makes a contender of a generator and the first task's name."""


class Ours(Contender):
    """A multi-task generator, frozen task by task.

    Args:
        generator: Of the first task.
        first: The first task's name.
        arguments: How each later task is added; what is left out has its default.
    """

    def __init__(self, generator: nn.Module, first: str, **arguments: Any) -> None:
        super().__init__(generator, first)
        self._arguments = arguments
        self._model: pg.MultiTaskGenerator | None = None

    @property
    def model(self) -> pg.MultiTaskGenerator:
        """The generator, wrapped when the first task had been learned."""
        if self._model is None:
            raise ValueError("the first task has not been learned yet")
        return self._model

    def bound(self, max_bank: float) -> None:
        """Let layers mix so many filters, as a multiple of their own, unless the variant says how many."""
        self._arguments.setdefault("max_bank", max_bank)

    def begin(self, task: str) -> None:
        """Add a task that builds on all before it."""
        self.model.add_task(task, **self._arguments)

    def network(self, task: str) -> nn.Module:
        """Return the plain generator for the first task until it is learned, then the model at a task."""
        return self.generator if self._model is None else OneTask(self._model, task)

    def moving(self, task: str) -> list[nn.Parameter]:
        """Return the task's parameters."""
        return super().moving(task) if self._model is None else self._model.task_parameters(task)

    def finish(self, task: str) -> None:
        """Freeze the task."""
        if self._model is None:
            self._model = pg.MultiTaskGenerator(self.generator, self.first)
        self._model.freeze_task(task)

    def stored(self, task: str) -> dict[str, Tensor]:
        """Return the task's tensors."""
        return dict(self.generator.state_dict()) if self._model is None else self._model.task_tensors(task)

    def restore(self, task: str, tensors: Mapping[str, Tensor]) -> None:
        """Load the task's tensors."""
        if self._model is None:
            self.generator.load_state_dict(dict(tensors))
        else:
            self._model.load_task_tensors(task, tensors)


class OneTask(nn.Module):
    """A multi-task generator with one task always selected."""

    def __init__(self, model: pg.MultiTaskGenerator, task: str) -> None:
        super().__init__()
        self.model = model
        self._task = task

    def forward(self, images: Tensor) -> Tensor:
        """Translate."""
        translated: Tensor = self.model(images, task=self._task)
        return translated


def ours(**arguments: Any) -> Start:
    """Make a variant of ours."""
    return lambda generator, first: Ours(generator, first, **arguments)


def from_base(generator: pg.UNetGenerator, first: str) -> Contender:
    """Make a variant of ours in which every task starts as the first one's function, not as the last one's."""
    return Ours(generator, first, start_from=first)


class Related(Ours):
    """Ours, where each task starts as the one of which most can be read off its first training pairs."""

    def meet(self, task: str, pairs: Callable[[], Batch]) -> None:  # noqa: ARG002
        """Choose what to start from."""
        whole = pairs()
        some = PairBatch(whole.input[:LOOKED_AT], whole.target[:LOOKED_AT], [])
        self._arguments["start_from"] = next(iter(pg.relatedness(self.model, [some])))


def adapters(kind: type[Adapters], scale: float = 1.0, fraction: Fraction = PAPERS_FRACTION) -> Start:
    """Make adapters that are in every layer as large as what ours stores there with the whole bank.

    Unless said, with the paper's lambda. With a smaller bank ours is a little smaller than they are.
    """

    def start(generator: pg.UNetGenerator, first: str) -> Contender:
        sizes = {layer.path: layer.filters + layer.factors for layer in second_task(generator, fraction).layers}
        return kind(generator, first, sizes, scale)

    return start


def published_masks_with_norms(generator: pg.UNetGenerator, first: str) -> Contender:
    """Make the published masks whose norms are learned too."""
    return PublishedMasks(generator, first, learn_norms=True)


def thin(generator: pg.UNetGenerator, first: str) -> Contender:
    """Make thin networks, each with as many parameters as a second task of ours."""
    return Thin(generator, first, second_task(generator).parameters)


def second_task(generator: nn.Module, fraction: Fraction = DEFAULT_FRACTION) -> TaskOverhead:
    """Count what ours stores for a second task that mixes the whole bank; the generator is left alone."""
    model = pg.MultiTaskGenerator(copy.deepcopy(generator), "first")
    model.freeze_task("first")
    model.add_task("second", unconstrained_fraction=fraction, max_bank=WHOLE_BANK)
    return model.overhead()["second"]


METHODS: dict[str, Start] = {
    "separate": Separate,
    "thin": thin,
    "nnunet-like": NnUNetRecipe,
    "joint": Joint,
    "fine-tuning": FineTuning,
    "replay": Replay,
    "distillation": Distillation,
    "frozen-base": FrozenBase,
    "binary-masks": BinaryMasks,
    "binary-masks-published": PublishedMasks,
    "binary-masks-published-norms": published_masks_with_norms,
    "low-rank": adapters(LowRank),
    "low-rank-x4": adapters(LowRank, 4.0),
    "low-rank-x16": adapters(LowRank, 16.0),
    "low-rank-x16-lambda-0": adapters(LowRank, 16.0, 0.0),
    "dora": adapters(Dora),
    "dora-x16": adapters(Dora, 16.0),
    "loha": adapters(LoHa),
    "loha-x16": adapters(LoHa, 16.0),
    "hypernetwork": adapters(Hypernetwork),
    "ours": ours(),
    "ours-8th": ours(unconstrained_fraction=1 / 8),
    "ours-from-base": from_base,
    "ours-related": Related,
    "ours-step-1": ours(factor_step=1.0),
    "ours-step-8": ours(factor_step=8.0),
    "ours-step-128": ours(factor_step=128.0),
    "ours-fresh": ours(init="fresh"),
    "ours-bank-half": ours(max_bank=0.5),
    "ours-bank-quarter": ours(max_bank=0.25),
    "ours-bank-quarter-step-8": ours(max_bank=0.25, factor_step=8.0),
    "ours-bank-quarter-step-128": ours(max_bank=0.25, factor_step=128.0),
    "ours-bank-quarter-10th": ours(max_bank=0.25, unconstrained_fraction=0.09),
    "ours-fresh-bank-quarter": ours(init="fresh", max_bank=0.25),
    "ours-fresh-bank-8th": ours(init="fresh", max_bank=0.125),
    "ours-20th": ours(unconstrained_fraction=0.035, max_bank=0.25),
    "ours-fresh-20th": ours(init="fresh", unconstrained_fraction=0.035, max_bank=0.25),
    "ours-bank-1": ours(max_bank=1.0),
    "ours-bank-all": ours(max_bank=None),
    "ours-lambda-0": ours(unconstrained_fraction=0.0),
    "ours-lambda-16th": ours(unconstrained_fraction={"*": 1 / 16}),
    "ours-lambda-8th": ours(unconstrained_fraction={"*": 1 / 8}),
    "ours-lambda-quarter": ours(unconstrained_fraction={"*": 1 / 4}),
    "ours-lambda-half": ours(unconstrained_fraction={"*": 1 / 2}),
    "ours-factor-step-1": ours(unconstrained_fraction={"*": 1 / 4}, factor_step=1.0),
    "ours-factor-step-8": ours(unconstrained_fraction={"*": 1 / 4}, factor_step=8.0),
    "ours-factor-step-128": ours(unconstrained_fraction={"*": 1 / 4}, factor_step=128.0),
    "ours-papers-start": ours(
        unconstrained_fraction={"*": 1 / 4}, init="normal", factor_step=1.0, output_layer_unconstrained=False
    ),
}
"""By name. ``ours`` has all defaults and the preset's bank, ``ours-fresh`` filters of its own that are drawn
anew, ``ours-8th`` half as many of them, ``ours-step`` another factor step and ``ours-bank`` another bound; ``lambda``
is the paper's, the same share of every layer's filters, and so it is in ``ours-factor-step`` and in the paper's start.
``low-rank-x16-lambda-0`` is as large as ``ours-lambda-0``, and so is ``ours-20th``: a quarter of the bank, and filters
of its own for what is left."""

FROM_SCRATCH = ("separate", "thin", "nnunet-like")
"""Whose later tasks know nothing of the earlier ones."""
MASKS_ONLY = ("nnunet-like",)
"""Whose later tasks must be masks."""
POOLING = ("joint",)
"""Who learn tasks together, those of each of a preset's pools."""
