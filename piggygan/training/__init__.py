"""Training: objectives say what is learned from a batch, the loop does the rest."""

from piggygan.training.checkpoints.folder import Checkpoints
from piggygan.training.checkpoints.kept_networks import load_best, start_from
from piggygan.training.history import EpochRecord, History
from piggygan.training.loop import train
from piggygan.training.objectives.cyclegan import CycleGANObjective
from piggygan.training.objectives.image_pool import ImagePool
from piggygan.training.objectives.losses import GanKind, adversarial_loss, l1_loss, soft_dice_loss
from piggygan.training.objectives.pix2pix import Pix2PixObjective
from piggygan.training.objectives.protocol import Batch, HasSettings, HasState, Objective, Turn
from piggygan.training.objectives.supervised import SupervisedObjective
from piggygan.training.options import TrainingOptions
from piggygan.training.schedules import constant_then_linear, make_schedule

__all__ = [
    "Batch",
    "Checkpoints",
    "CycleGANObjective",
    "EpochRecord",
    "GanKind",
    "HasSettings",
    "HasState",
    "History",
    "ImagePool",
    "Objective",
    "Pix2PixObjective",
    "SupervisedObjective",
    "TrainingOptions",
    "Turn",
    "adversarial_loss",
    "constant_then_linear",
    "l1_loss",
    "load_best",
    "make_schedule",
    "soft_dice_loss",
    "start_from",
    "train",
]
