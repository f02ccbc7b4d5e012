"""What a command does from folders to a committed, scored task; each job is a function and a command."""

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
    "TaskData",
    "TaskFolder",
    "TrainConfig",
    "TrainedTask",
    "compare_task",
    "evaluate_task",
    "open_task_data",
    "plan_task",
    "read_config",
    "run_demo",
    "train_task",
    "write_registry_page",
]
