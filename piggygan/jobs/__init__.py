"""What a command does from folders to a committed, scored task; each job is a function and a command."""

from piggygan.jobs.data import DataConfig, TaskData, open_task_data
from piggygan.jobs.evaluating import EvaluationOptions, evaluate_task
from piggygan.jobs.evaluation import Case, Comparison, Evaluation, ScoreSummary

__all__ = [
    "Case",
    "Comparison",
    "DataConfig",
    "Evaluation",
    "EvaluationOptions",
    "ScoreSummary",
    "TaskData",
    "evaluate_task",
    "open_task_data",
]
