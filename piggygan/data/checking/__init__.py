"""Reading all of a data set to learn what is in it and what is wrong with it."""

from piggygan.data.checking.check import check_dataset
from piggygan.data.checking.report import DatasetReport, Problem

__all__ = ["DatasetReport", "Problem", "check_dataset"]
