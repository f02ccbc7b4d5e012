"""What a command does from folders to a committed, scored task; each job is a function and a command."""

from piggygan.jobs.comparing import compare_task
from piggygan.jobs.comparison import Rivalled
from piggygan.jobs.data import DataConfig, TaskData, open_task_data
from piggygan.jobs.evaluating import EvaluationOptions, evaluate_task
from piggygan.jobs.evaluation import Case, Comparison, Evaluation, ScoreSummary
from piggygan.jobs.registry_page import write_registry_page

__all__ = [
    "Case",
    "Comparison",
    "DataConfig",
    "Evaluation",
    "EvaluationOptions",
    "Rivalled",
    "ScoreSummary",
    "TaskData",
    "compare_task",
    "evaluate_task",
    "open_task_data",
    "write_registry_page",
]
