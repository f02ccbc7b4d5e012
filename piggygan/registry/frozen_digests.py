"""Digests of a model's frozen tasks, each computed once: commit after commit names those of all earlier tasks."""

from __future__ import annotations

from weakref import WeakKeyDictionary

from piggygan.files.digests import tensors_digest
from piggygan.layers.statements import Fingerprint
from piggygan.model.generator import MultiTaskGenerator

Seen = tuple[tuple[Fingerprint | None, str | None, tuple[str, ...]], ...]
"""By layer the fingerprint that a task was frozen with, that of a cast, and the types of its tensors now."""

_KNOWN: WeakKeyDictionary[MultiTaskGenerator, dict[str, tuple[Seen, str]]] = WeakKeyDictionary()


def digest_of_frozen(model: MultiTaskGenerator, task: str) -> str:
    """Return :func:`~piggygan.files.digests.tensors_digest` of a frozen task.

    Args:
        model: It has just passed :meth:`~piggygan.MultiTaskGenerator.check_frozen`, which looks at every byte: so each
            layer's tensors are those of its fingerprint, in the type that they have now.
        task: The task.
    """
    known = _KNOWN.setdefault(model, {})
    seen = _seen(model, task)
    if task not in known or known[task][0] != seen:
        known[task] = seen, tensors_digest(model.task_tensors(task))
    return known[task][1]


def _seen(model: MultiTaskGenerator, task: str) -> Seen:
    found = []
    for layer in model.layers.values():
        frozen = layer.statement(task).frozen
        cast = frozen.cast.digest if frozen and frozen.cast else None
        found.append((frozen, cast, tuple(str(tensor.dtype) for tensor in layer.tensors(task).values())))
    return tuple(found)
