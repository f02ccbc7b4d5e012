"""In how many bits a learned task is stored: the fewest that the validation side does not feel."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from piggygan.files.precision import Precision, rounded
from piggygan.jobs.evaluating.scoring import HEADLINES, score_side
from piggygan.jobs.training.learner import Learner
from piggygan.jobs.training.looking import validated
from piggygan.jobs.training.preparing import Prepared
from piggygan.layers.convolutions import PiggybackConvolution

MOST_LOST = 0.002
"""The most that a score on the validation side may get worse by."""
FEWEST_FOR_4_BITS = 10
"""Fewer pairs do not tell what 4 bits lose: photos of labels lost 0.008 of structural similarity, masks nothing."""


def chosen_precision(prepared: Prepared, kept: int) -> tuple[Precision | None, str]:
    """Choose what a task is rounded to before it is frozen.

    Args:
        prepared: The task, learned.
        kept: The epoch whose networks these are.

    Returns:
        The precision, None for all bits, and a sentence of what was found; empty if nothing was to be chosen.
    """
    asked, registry, task = prepared.config.method.stored, prepared.registry, prepared.learner.task
    if task in registry.tasks:  # a stop came after the commit
        stored = next(iter(registry.describe(task).networks.values())).settings.stored
        return stored, f"it is stored in {stored or 'float32'}"
    if prepared.beginning.is_first or asked == "float32":
        return None, ""
    if asked != "auto":
        return asked, ""
    before = _judged(prepared, validated(prepared, kept))
    candidates: tuple[Precision, ...] = ("int4", "int8", "bf16")
    if len(prepared.data.validation) < FEWEST_FOR_4_BITS:
        candidates = candidates[1:]
    for precision in candidates:
        with _rounded(prepared.learner, precision):
            batch_size = int(prepared.config.training.batch_size or 1)
            scored = score_side(prepared.learner, prepared.data, prepared.data.validation, batch_size)
        after = _judged(prepared, scored.scores)
        if all(after[name] >= before[name] - MOST_LOST for name in before):
            found = ", ".join(f"{name} {abs(before[name]):.4f}, rounded {abs(after[name]):.4f}" for name in before)
            return precision, f"it is stored in {precision}, which the validation side does not feel: {found}"
    return None, f"it is stored in float32: in fewer bits a validation score gets worse by over {MOST_LOST}"


def _judged(prepared: Prepared, scores: dict[str, float]) -> dict[str, float]:
    """Return the scores that decide, turned so that more is better."""
    name, better = HEADLINES[prepared.data.kind]
    judged = {name: scores[name] if better == "higher" else -scores[name]}
    if "ssim" in scores:
        judged["ssim"] = scores["ssim"]
    return judged


@contextmanager
def _rounded(learner: Learner, precision: Precision) -> Iterator[None]:
    """Let a task in training compute as it would if it were frozen in a precision; then it is as it was, to the bit."""
    parameters = [each for model in learner.models.values() for each in model.task_parameters(learner.task)]
    before = [parameter.detach().clone() for parameter in parameters]
    for model in learner.models.values():
        # As freezing does: a copy of any other module is kept in all its bits.
        mixed = {path for path, layer in model.layers.items() if isinstance(layer, PiggybackConvolution)}
        kept = {
            name: rounded(tensor, precision) if name.rpartition(".")[0] in mixed else tensor
            for name, tensor in model.task_tensors(learner.task).items()
        }
        model.load_task_tensors(learner.task, kept)
    try:
        yield
    finally:
        with torch.no_grad():
            for parameter, value in zip(parameters, before, strict=True):
                parameter.copy_(value)
