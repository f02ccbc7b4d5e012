"""A task's part of one network, as a manifest says it: how it is built, where its tensors are, and its certificate."""

from __future__ import annotations

from dataclasses import dataclass, field

from piggygan.files.precision import Precision
from piggygan.registry.formats import since
from piggygan.registry.store import StoredObject, check_digest

MAX_CHANNELS = 2**16
MAX_BANK = 2.0**16
"""The most channels of an image, and filters of a bank for each of a layer, that are believed."""


@dataclass(frozen=True)
class Recipe:
    """How a certificate's outputs were computed: where one of these differs, rounding may differ too.

    Attributes:
        device: Device type, such as ``"cpu"``.
        dtype: Element type of the probe, such as ``"float32"``.
        torch: Version of torch.
        threads: Threads that computed one operation.
        machine: Machine architecture, such as ``"x86_64"``.
        instructions: Vector instructions that torch used, such as ``"AVX2"``.
        matmul_precision: What ``torch.get_float32_matmul_precision`` said.
    """

    device: str
    dtype: str
    torch: str
    threads: int
    machine: str
    instructions: str
    matmul_precision: str


@dataclass(frozen=True)
class Certificate:
    """What a task was when it was committed, so that anyone can check that it still is.

    Attributes:
        tensors_digest: :func:`~piggygan.files.tensors.tensors_digest` of the task's tensors.
        outputs_digest: The same of ``{"outputs": ...}``, what the task makes of the probe.
        probe: Object with the images ``inputs``.
        outputs: Object with the images ``outputs``, to say by how much others differ.
        recipe: How the outputs were computed.
    """

    tensors_digest: str
    outputs_digest: str
    probe: StoredObject
    outputs: StoredObject
    recipe: Recipe

    def __post_init__(self) -> None:
        check_digest(self.tensors_digest)
        check_digest(self.outputs_digest)


@dataclass(frozen=True)
class TaskSettings:
    """How a task is built in one network; attributes as in :meth:`piggygan.MultiTaskGenerator.add_task`.

    ``stored`` is :meth:`~piggygan.MultiTaskGenerator.freeze_task`'s: in how many bits the file has its tensors.

    Fractions are kept layer by layer, so that the rule that dealt them out may change.
    """

    unconstrained_fraction: dict[str, float]
    in_channels: int | None
    out_channels: int | None
    output_layer_unconstrained: bool
    max_bank: float | None
    stored: Precision | None = field(default=None, metadata=since(2))

    def __post_init__(self) -> None:
        if not all(0.0 <= share <= 1.0 for share in self.unconstrained_fraction.values()):
            raise ValueError(f"unconstrained_fraction is {self.unconstrained_fraction}, needed is 0 to 1")
        for name, channels in (("in_channels", self.in_channels), ("out_channels", self.out_channels)):
            if channels is not None and not 1 <= channels <= MAX_CHANNELS:
                raise ValueError(f"{name} is {channels}; an image has 1 to {MAX_CHANNELS} channels")
        if self.max_bank is not None and not 0.0 < self.max_bank <= MAX_BANK:
            raise ValueError(f"max_bank is {self.max_bank}, needed is above 0 and at most {MAX_BANK}")


@dataclass(frozen=True)
class TaskInNetwork:
    """A task's part of one network.

    Attributes:
        settings: How it is built.
        weights: Object with its tensors.
        bank: For each task that it draws on, the digest of that task's tensors: factors fit no other bank.
        certificate: What it was when committed.
    """

    settings: TaskSettings
    weights: StoredObject
    bank: dict[str, str]
    certificate: Certificate

    def __post_init__(self) -> None:
        for digest in self.bank.values():
            check_digest(digest)

    @property
    def objects(self) -> tuple[StoredObject, ...]:
        """All files that it is made of."""
        return self.weights, self.certificate.probe, self.certificate.outputs
