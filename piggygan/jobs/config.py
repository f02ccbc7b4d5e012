"""All that can be chosen about learning a task: one tree of dataclasses, for the command line, TOML and Python."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import tyro

from piggygan.errors import ConfigurationError, InputError
from piggygan.jobs.data import DataConfig
from piggygan.layers.filters import DEFAULT_FRACTION, DEFAULT_MAX_BANK
from piggygan.layers.new_filters import FACTOR_STEP
from piggygan.networks.checks import check_at_least, check_positive, check_share
from piggygan.networks.normalization import NormKind
from piggygan.registry.provenance import MAX_LICENCE, MAX_STATEMENT, check_line
from piggygan.training.objectives.losses import GanKind
from piggygan.training.options import Precision

ObjectiveName = Literal["pix2pix", "supervised", "cyclegan"]
AugmentationName = Literal["none", "pix2pix", "films"]
TrackerName = Literal["none", "tensorboard", "wandb", "trackio", "mlflow"]
Start = Literal["warm", "fresh", "normal"]
Stored = Literal["auto", "float32", "bf16", "int8", "int4"]
AUTO, LAST = "auto", "last"


def _unsaid(metavar: str) -> Any:
    """Show an option whose text says what it is when nobody says it."""
    return tyro.conf.arg(metavar=metavar, help_behavior_hint="")


@dataclass(frozen=True)
class NetworkConfig:
    """The network of a new registry, and the size of its pictures. A registry that is there has its own.

    Example:
        >>> NetworkConfig("unet_128", size=128).norm is None
        True
    """

    net: Annotated[str | None, _unsaid("NAME")] = None
    """unet_128, unet_256, resnet_6blocks, resnet_9blocks, or module:function: your own code, which is RUN. It is called
    with in_channels= and out_channels=. By default the U-Net of the size; unpaired: a ResNet."""
    size: Annotated[int | None, _unsaid("PIXELS")] = None
    """Side of the squares that pictures become. By default that of the registry's first task, or 256."""
    width: Annotated[int | None, _unsaid("CHANNELS")] = None
    """Channels of the first level of generator and discriminator. By default 64."""
    norm: Annotated[NormKind | None, _unsaid("batch|instance")] = None
    """Kind of normalization. By default batch in a U-Net, instance in a ResNet."""
    dropout: Annotated[bool | None, _unsaid("True|False")] = None
    """Drop activations while training. By default in a U-Net."""
    per_task: Annotated[tuple[str, ...], tyro.conf.arg(metavar="PATHS")] = ()
    """Modules of a network of one's own that each task gets a copy of, by path, with * and ?."""
    shared_frozen: Annotated[tuple[str, ...], tyro.conf.arg(metavar="PATHS")] = ()
    """Modules of it that the first task learns and all share."""

    def __post_init__(self) -> None:
        for name in ("size", "width"):
            if getattr(self, name) is not None:
                check_at_least(1, **{name: getattr(self, name)})


@dataclass(frozen=True)
class MethodConfig:
    """How a task is built on those before it; a registry's first task has nothing to build on.

    Example:
        >>> MethodConfig(start_from="facades").start_from
        'facades'
    """

    start_from: Annotated[str, tyro.conf.arg(metavar="TASK")] = AUTO
    """The task it starts as: a name, last, or auto, the one that knows most of it."""
    draws_on: Annotated[tuple[str, ...] | None, _unsaid("TASKS")] = None
    """The tasks whose filters it may mix. By default all."""
    unconstrained_fraction: Annotated[float, tyro.conf.arg(metavar="SHARE")] = DEFAULT_FRACTION
    """Share of filters of its own, 0 to 1."""
    max_bank: Annotated[float, tyro.conf.arg(metavar="TIMES")] = DEFAULT_MAX_BANK
    """Most filters of others that a layer mixes, as a multiple of its own number."""
    factor_step: Annotated[float, tyro.conf.arg(metavar="TIMES")] = FACTOR_STEP
    """How many times farther a step moves a factor than a weight."""
    init: Start = "warm"
    """warm: it starts as the other task is; fresh: so too, but for its own filters; normal: from random numbers, as in
    the paper."""
    stored: Stored = "auto"
    """In how many bits its factors and own filters are stored. auto: the fewest that the validation side does not
    feel."""

    def __post_init__(self) -> None:
        check_share(unconstrained_fraction=self.unconstrained_fraction)
        check_positive(max_bank=self.max_bank, factor_step=self.factor_step)


@dataclass(frozen=True)
class LearningConfig:
    """What is learned by, how long, and what is kept.

    Raises:
        ConfigurationError: If a number is below what it can be.

    Example:
        >>> LearningConfig(epochs=100, keep="best").keep
        'best'
    """

    objective: Annotated[ObjectiveName | None, _unsaid("pix2pix|supervised|cyclegan")] = None
    """By default what the data are for: pix2pix for pairs, supervised for masks, cyclegan for unpaired sides. cyclegan
    takes pairs and masks apart for learning, and scores them as they belong together."""
    epochs: Annotated[int | None, _unsaid("N")] = None
    """Passes over the training side; more than before go on with it. By default 200."""
    batch_size: Annotated[int | None, _unsaid("N")] = None
    """Pictures a step, in each process. By default 4; unpaired: 1."""
    learning_rate: Annotated[float | None, _unsaid("RATE")] = None
    """Adam's step at the start. By default 2e-4."""
    decay_from: Annotated[float, tyro.conf.arg(metavar="SHARE")] = 0.5
    """Share of the epochs after which the learning rate falls towards 0; 1: never."""
    seed: Annotated[int, tyro.conf.arg(metavar="N")] = 0
    """Of everything random. Equal seeds, data and options end in the same bytes on one machine."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where it runs."""
    precision: Precision = "no"
    """bf16: the networks run in bfloat16 where that is safe."""
    augmentation: Annotated[AugmentationName | None, _unsaid("none|pix2pix|films")] = None
    """How training pairs are varied. pix2pix: flips and crops; films: also turned, scaled, lighter and darker. By
    default films for masks, none for masks without pairs, else pix2pix."""
    l1_weight: Annotated[float | None, _unsaid("W")] = None
    """Of the mean absolute difference. By default 100; supervised masks: 1."""
    dice_weight: Annotated[float | None, _unsaid("W")] = None
    """Of the soft Dice loss. By default 0; supervised masks: 1."""
    adversarial_weight: Annotated[float, tyro.conf.arg(metavar="W")] = 1.0
    """Of what the discriminator says (pix2pix)."""
    gan: GanKind = "vanilla"
    """Kind of adversarial loss (pix2pix; CycleGAN's is least_squares)."""
    cycle_weight: Annotated[float, tyro.conf.arg(metavar="W")] = 10.0
    """Of what comes back of a picture that went there and back (cyclegan)."""
    forward_cycle_weight: Annotated[float | None, _unsaid("W")] = None
    """The same of inputs alone. By default that of all; a mask cannot keep all that a film shows: a tenth."""
    instance_noise: Annotated[float | None, _unsaid("SD")] = None
    """Standard deviation of the noise on what a discriminator sees, of pictures in [-1, 1] (cyclegan). By default 0;
    masks: 0.2, or they are told by how sharp they are."""
    identity_weight: Annotated[float | None, _unsaid("W")] = None
    """How much a picture of the output's side is left alone (cyclegan). By default 0.5; other channels: 0."""
    discriminator_layers: Annotated[int | None, _unsaid("N")] = None
    """Halvings of the discriminator. By default 3: it judges patches of 70 pixels; fewer for small pictures. Masks
    without pairs: as many as let it see all of a picture."""
    tolerated_bad_steps: Annotated[int, tyro.conf.arg(metavar="N")] = 0
    """Steps in a row whose losses may be no number before the training gives up."""
    workers: Annotated[int, tyro.conf.arg(metavar="N")] = 0
    """Processes that prepare batches; 0 suits data that fit into memory."""
    validate_every: Annotated[int | None, _unsaid("EPOCHS")] = None
    """Epochs from one look at the validation side to the next. By default as many as cost about 1 % of the time."""
    keep: Literal["last", "best"] = "last"
    """Which epoch is committed. last: the learning rate has gone to 0, and no choice was made on the validation side;
    best: the one that scored most there."""
    commit_anyway: bool = False
    """Commit a task that is not learned: one that scores no more than one and the same answer for every input."""
    keep_checkpoints: bool = False
    """Leave the checkpoints where they are once the task is committed."""
    tracker: Annotated[TrackerName | None, _unsaid("none|tensorboard|wandb|trackio|mlflow")] = None
    """Who gets each epoch's losses, learning rate and validation scores, as they are written down here. By default
    nobody; wandb, and mlflow where a server is set, send them elsewhere."""
    track: Literal["numbers", "pictures"] = "numbers"
    """pictures: also those of validation pairs, which may show patients (tensorboard, wandb)."""

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size", "validate_every", "discriminator_layers"):
            if getattr(self, name) is not None:
                check_at_least(1, **{name: getattr(self, name)})
        check_at_least(0, seed=self.seed, workers=self.workers)


@dataclass(frozen=True)
class ProvenanceConfig:
    """What is said of the data and of the weights where the task is given on. Nothing of it is guessed.

    Raises:
        ConfigurationError: If one is no plain line.

    Example:
        >>> ProvenanceConfig(licence="CC-BY-4.0").data_statement is None
        True
    """

    data_statement: Annotated[str | None, _unsaid("TEXT")] = None
    """What the data are: whose, of whom, how they were gathered and may be used. One line, stored in the registry: no
    names of patients."""
    licence: Annotated[str | None, _unsaid("TEXT")] = None
    """Under which the weights may be used and given on: an SPDX identifier such as CC-BY-4.0, or other words."""

    def __post_init__(self) -> None:
        try:
            check_line("the data statement", self.data_statement, MAX_STATEMENT)
            check_line("the licence", self.licence, MAX_LICENCE)
        except InputError as error:
            raise ConfigurationError(*error.args) from error


@dataclass(frozen=True)
class TrainConfig:
    """All of it.

    Example:
        >>> TrainConfig(network=NetworkConfig(size=128)).network.size
        128
    """

    data: DataConfig = field(default_factory=DataConfig)
    network: NetworkConfig = field(default_factory=NetworkConfig)
    method: MethodConfig = field(default_factory=MethodConfig)
    training: LearningConfig = field(default_factory=LearningConfig)
    provenance: ProvenanceConfig = field(default_factory=ProvenanceConfig)
