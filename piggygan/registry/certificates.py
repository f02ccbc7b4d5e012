"""Certificates: what a task computed when it was committed, and whether it still does.

A certificate has the digest of the task's tensors, the digest of what it makes of stored probe images, and the
recipe these were made with: always on the CPU, in one thread, in evaluation mode, so that as many machines as
possible get the same bits. Where they do not, the stored outputs say by how much.
"""

from __future__ import annotations

import math
import platform
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor

from piggygan.errors import CorruptFileError, InputError, PiggyganError
from piggygan.files.digests import tensors_digest
from piggygan.files.memory import is_shortage
from piggygan.files.tensors import nonfinite_names, tensors_from_bytes, tensors_to_bytes
from piggygan.layers.deriving import exact_products
from piggygan.model.generator import MultiTaskGenerator
from piggygan.registry.manifest import GENERATOR
from piggygan.registry.probes import INPUTS, Probe, arguments, end_to_end, is_probe
from piggygan.registry.store import ObjectStore
from piggygan.registry.task_parts import Certificate, Recipe
from piggygan.terminal.escaping import escaped

if TYPE_CHECKING:
    from jaxtyping import Float

PROBE_SEED = 20210411
PROBE_IMAGES = 2

# The number of threads belongs to the process: two at once would restore each other's.
_ONE_AT_A_TIME = threading.Lock()

State = Literal["equal", "files equal", "recipe differs", "damaged"]


@dataclass(frozen=True)
class TaskCheck:
    """What a check of one task found.

    Attributes:
        task: The task's name.
        state: ``"equal"``: tensors and outputs are the same bits. ``"recipe differs"``: the tensors are, and the
            outputs differ by no more than rounding, on another machine or torch. ``"files equal"``: the files are the
            same bits, and nothing was computed with them. ``"damaged"``: anything else.
        largest_difference: Between an output and the stored one; None where there is none to compare.
        reason: Why it is damaged, or what of the recipe differs; else empty.
        network: Which network of the registry; most have one, the ``generator``.

    Example:
        >>> print(TaskCheck("lungs", "equal", 0.0))
        lungs: equal
        >>> TaskCheck("facades", "damaged", None, "a file is missing").is_sound
        False
    """

    task: str
    state: State
    largest_difference: float | None
    reason: str = ""
    network: str = GENERATOR

    @property
    def is_sound(self) -> bool:
        """True unless the task is damaged."""
        return self.state != "damaged"

    def __str__(self) -> str:
        checked = self.task if self.network == GENERATOR else f"{self.task}, {self.network}"
        return escaped(f"{checked}: {self._finding()}")  # a recipe or a tensor's name is what a file says

    def _finding(self) -> str:
        if self.state == "equal":
            return "equal"
        if self.state == "files equal":
            return "files equal, outputs not computed"
        if self.state == "damaged":
            return f"damaged: {' '.join(self.reason.split())}"
        return f"weights equal, recipe differs (largest difference {self.largest_difference:.3g}): {self.reason}"


@dataclass(frozen=True)
class Evidence:
    """What a certificate is made of, before any of it is stored.

    Attributes:
        tensors_digest: Of the task's tensors.
        probe: What the generator is called with, see :mod:`piggygan.registry.probes`.
        outputs: What the task makes of it; of several outputs the numbers end to end.
        recipe: How.
    """

    tensors_digest: str
    probe: Probe
    outputs: Tensor
    recipe: Recipe

    @property
    def inputs(self) -> Tensor:
        """The probe images."""
        return self.probe[INPUTS]

    def store(self, objects: ObjectStore) -> Certificate:
        """Put the images into ``objects`` and return the certificate that refers to them."""
        return Certificate(
            tensors_digest=self.tensors_digest,
            outputs_digest=tensors_digest({"outputs": self.outputs}),
            probe=objects.put(tensors_to_bytes(self.probe)),
            outputs=objects.put(tensors_to_bytes({"outputs": self.outputs})),
            recipe=self.recipe,
        )


def probe_images(
    channels: int, side: int, dtype: torch.dtype, axes: int = 2
) -> Float[Tensor, "images channels *positions"]:
    """Make uniform noise in [-1, 1], the same on every call."""
    generator = torch.Generator().manual_seed(PROBE_SEED)
    return (torch.rand(PROBE_IMAGES, channels, *[side] * axes, generator=generator, device="cpu") * 2 - 1).to(dtype)


def gather_evidence(model: MultiTaskGenerator, task: str, probe: Tensor | Probe) -> Evidence:
    """Compute what a certificate of ``task`` says.

    Args:
        model: A model on the CPU, in evaluation mode.
        task: A frozen task of it.
        probe: Probe images, or all tensors that the generator is called with.

    Raises:
        InputError: If the generator does not make finite numbers of the probe.
    """
    probe = {INPUTS: probe} if isinstance(probe, Tensor) else dict(probe)
    outputs = _outputs(model, task, probe)
    dtype = next((tensor.dtype for tensor in probe.values() if tensor.is_floating_point()), outputs.dtype)
    return Evidence(tensors_digest(model.task_tensors(task)), probe, outputs, _recipe(dtype))


def check(model: MultiTaskGenerator, task: str, certificate: Certificate, objects: ObjectStore) -> TaskCheck:
    """Compute a task's certificate again and say whether it is the same.

    Args:
        model: A model on the CPU, in evaluation mode, with ``task`` as it was loaded.
        task: The task.
        certificate: What it was when it was committed.
        objects: Where the probe and its outputs are.
    """
    try:
        probe, expected = read_probe(objects, certificate)
    except PiggyganError as error:
        return damaged_by(error, task)
    return judge(model, task, certificate, probe, expected)


def judge(model: MultiTaskGenerator, task: str, certificate: Certificate, probe: Probe, expected: Tensor) -> TaskCheck:
    """Run a task on the probe and compare with what was certified; arguments as of :func:`check`."""
    try:
        evidence = gather_evidence(model, task, probe)
    except PiggyganError as error:
        return damaged_by(error, task)
    if reason := _uncertified(evidence.tensors_digest, expected, certificate):
        return TaskCheck(task, "damaged", None, reason)
    if tensors_digest({"outputs": evidence.outputs}) == certificate.outputs_digest:
        return TaskCheck(task, "equal", 0.0)
    return _compare(task, evidence, expected, certificate.recipe)


def check_files(task: str, tensors: Mapping[str, Tensor], certificate: Certificate, objects: ObjectStore) -> TaskCheck:
    """Say whether a task's files are what was certified, without computing anything with them."""
    try:
        _, expected = read_probe(objects, certificate)
    except PiggyganError as error:
        return damaged_by(error, task)
    if reason := _uncertified(tensors_digest(tensors), expected, certificate):
        return TaskCheck(task, "damaged", None, reason)
    return TaskCheck(task, "files equal", None)


def damaged_by(error: PiggyganError, task: str) -> TaskCheck:
    """Call a task damaged by what it raised; memory that is missing is no damage, and is raised on."""
    if is_shortage(error):
        raise error
    return TaskCheck(task, "damaged", None, str(error))


def read_probe(objects: ObjectStore, certificate: Certificate) -> tuple[dict[str, Tensor], Tensor]:
    """Return a certificate's probe and what the task made of it when it was committed.

    Raises:
        CorruptFileError: If one is missing or damaged.
    """
    probe, outputs = (
        tensors_from_bytes(objects.get(stored), objects.name(stored))
        for stored in (certificate.probe, certificate.outputs)
    )
    if not is_probe(probe):
        raise CorruptFileError(
            f"{objects.name(certificate.probe)} is no certificate's probe: it has {sorted(probe)[:10]}."
        )
    if outputs.keys() != {"outputs"}:
        raise CorruptFileError(
            f"{objects.name(certificate.outputs)} is no certificate's outputs: it has {sorted(outputs)[:10]}."
        )
    return probe, outputs["outputs"]


def _uncertified(digest: str, expected: Tensor, certificate: Certificate) -> str:
    """Say what is not as it was certified, or nothing."""
    if digest != certificate.tensors_digest:
        return "its tensors are not those that were committed"
    if tensors_digest({"outputs": expected}) != certificate.outputs_digest:
        return "the stored outputs are not those that were certified"
    return ""


def _compare(task: str, evidence: Evidence, expected: Tensor, recipe: Recipe) -> TaskCheck:
    """Judge outputs that are not the same bits."""
    if evidence.outputs.shape != expected.shape or evidence.outputs.dtype != expected.dtype:
        return TaskCheck(task, "damaged", None, "its outputs have another shape or type than they had")
    difference = (evidence.outputs.double() - expected.double()).abs().max().item()
    differs = "; ".join(
        f"{name} is {here}, was {there}"
        for name, there in vars(recipe).items()
        if (here := getattr(evidence.recipe, name)) != there
    )
    if not differs:
        return TaskCheck(task, "damaged", difference, f"same tensors, same recipe, outputs differ by {difference:.3g}")
    # Half of the digits that the type has: far above what another order of additions does, far below another network.
    rounding = math.sqrt(torch.finfo(expected.dtype).eps) * max(1.0, expected.abs().max().item())
    if difference > rounding:
        reason = f"outputs differ by {difference:.3g}, more than rounding, with another recipe: {differs}"
        return TaskCheck(task, "damaged", difference, reason)
    return TaskCheck(task, "recipe differs", difference, differs)


def _outputs(model: MultiTaskGenerator, task: str, probe: Probe) -> Tensor:
    inputs, options = arguments(probe)
    try:
        with _one_recipe():
            given: object = model(*inputs, task=task, **options)
            outputs = end_to_end(given)
    except (RuntimeError, ValueError, TypeError, IndexError) as error:
        if is_shortage(error):
            raise MemoryError from error
        shapes = ", ".join(str(tuple(tensor.shape)) for tensor in probe.values())
        raise InputError(
            f"the generator refused the probe images of shape {shapes} ({error}): give probe=images of a shape that it "
            f"takes, or all that it takes, as a tuple or by name."
        ) from error
    if outputs is None:
        raise InputError(
            f"task {task!r} returns {type(given).__name__}; a certificate needs floating-point numbers, in "
            f"one tensor, or in tuples and dictionaries of tensors."
        )
    if nonfinite_names({"outputs": outputs}):
        raise InputError(f"task {task!r} makes NaN or infinity of the probe images: it is not fit for use.")
    return outputs


@contextmanager
def _one_recipe() -> Iterator[None]:
    """Compute in one thread, in full precision, with fixed random numbers; then all is as before."""
    with (
        _ONE_AT_A_TIME,
        torch.random.fork_rng(devices=[]),
        torch.inference_mode(),
        torch.autocast("cpu", enabled=False),
        exact_products(),
    ):
        torch.default_generator.manual_seed(PROBE_SEED)  # torch.manual_seed would reseed accelerators too
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(threads)


def _recipe(dtype: torch.dtype) -> Recipe:
    return Recipe(
        device="cpu",
        dtype=str(dtype).removeprefix("torch."),
        torch=str(torch.__version__),
        threads=1,
        machine=platform.machine(),
        instructions=torch.backends.cpu.get_cpu_capability(),
        matmul_precision=torch.get_float32_matmul_precision(),
    )
