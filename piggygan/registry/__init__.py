"""The registry: tasks on disk, durable and checked, each with a certificate of what it computes."""

from piggygan.registry.certificates import TaskCheck
from piggygan.registry.leftovers import Collected
from piggygan.registry.manifest import GENERATOR, TaskRecord
from piggygan.registry.provenance import Member, TrainingData
from piggygan.registry.registry import TaskRegistry
from piggygan.registry.repairing import Repair
from piggygan.registry.sharing.moving import Moved, pull, push
from piggygan.registry.signatures import new_key
from piggygan.registry.verification import Verification

__all__ = [
    "GENERATOR",
    "Collected",
    "Member",
    "Moved",
    "Repair",
    "TaskCheck",
    "TaskRecord",
    "TaskRegistry",
    "TrainingData",
    "Verification",
    "new_key",
    "pull",
    "push",
]
