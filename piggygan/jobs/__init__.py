"""What a command does from folders to a committed, scored task; each job is a function and a command."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from piggygan.jobs.comparing.comparison import Rivalled
    from piggygan.jobs.comparing.run import compare_task
    from piggygan.jobs.config import LearningConfig, MethodConfig, NetworkConfig, ProvenanceConfig, TrainConfig
    from piggygan.jobs.config_file import read_config
    from piggygan.jobs.data import DataConfig, TaskData, open_task_data
    from piggygan.jobs.demo import DemoScale, run_demo
    from piggygan.jobs.evaluating.evaluation import Case, Comparison, Evaluation, ScoreSummary
    from piggygan.jobs.evaluating.run import EvaluationOptions, evaluate_task
    from piggygan.jobs.folder import RunFolder, TaskFolder
    from piggygan.jobs.pages.registry_page import write_registry_page
    from piggygan.jobs.sweeping.ranking import SweptTask
    from piggygan.jobs.sweeping.run import sweep_task
    from piggygan.jobs.training.ensemble import train_ensemble
    from piggygan.jobs.training.ensemble_result import TrainedEnsemble
    from piggygan.jobs.training.plan import plan_task
    from piggygan.jobs.training.result import TrainedTask
    from piggygan.jobs.training.run import train_task

__all__ = [
    "Case",
    "Comparison",
    "DataConfig",
    "DemoScale",
    "Evaluation",
    "EvaluationOptions",
    "LearningConfig",
    "MethodConfig",
    "NetworkConfig",
    "ProvenanceConfig",
    "Rivalled",
    "RunFolder",
    "ScoreSummary",
    "SweptTask",
    "TaskData",
    "TaskFolder",
    "TrainConfig",
    "TrainedEnsemble",
    "TrainedTask",
    "compare_task",
    "evaluate_task",
    "open_task_data",
    "plan_task",
    "read_config",
    "run_demo",
    "sweep_task",
    "train_ensemble",
    "train_task",
    "write_registry_page",
]

_OF_MODULES = {
    "Case": "evaluating.evaluation",
    "Comparison": "evaluating.evaluation",
    "DataConfig": "data",
    "DemoScale": "demo",
    "Evaluation": "evaluating.evaluation",
    "EvaluationOptions": "evaluating.run",
    "LearningConfig": "config",
    "MethodConfig": "config",
    "NetworkConfig": "config",
    "ProvenanceConfig": "config",
    "Rivalled": "comparing.comparison",
    "RunFolder": "folder",
    "ScoreSummary": "evaluating.evaluation",
    "SweptTask": "sweeping.ranking",
    "TaskData": "data",
    "TaskFolder": "folder",
    "TrainConfig": "config",
    "TrainedEnsemble": "training.ensemble_result",
    "TrainedTask": "training.result",
    "compare_task": "comparing.run",
    "evaluate_task": "evaluating.run",
    "open_task_data": "data",
    "plan_task": "training.plan",
    "read_config": "config_file",
    "run_demo": "demo",
    "sweep_task": "sweeping.run",
    "train_ensemble": "training.ensemble",
    "train_task": "training.run",
    "write_registry_page": "pages.registry_page",
}

if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        # Imported when it is first used: who asks where a run keeps what needs neither figures nor training.
        if name in _OF_MODULES:
            return getattr(importlib.import_module(f"{__name__}.{_OF_MODULES[name]}"), name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
