"""The subcommand that learns a task from folders of files."""

from __future__ import annotations

import dataclasses
import sys
import typing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import tyro
from docstring_parser import parse_from_object

from piggygan.cli.commands import DONE, AsJson, show, show_result
from piggygan.cli.ending import until_ended
from piggygan.errors import ConfigurationError
from piggygan.jobs.comparing.run import check_comparable, compare_task
from piggygan.jobs.config import TrainConfig
from piggygan.jobs.config_file import read_config
from piggygan.jobs.folder import RunFolder
from piggygan.jobs.pages.registry_page import write_registry_page
from piggygan.jobs.training.ensemble import plan_ensemble, train_ensemble
from piggygan.jobs.training.plan import plan_task
from piggygan.jobs.training.run import train_task
from piggygan.terminal.launched import launched_number

Folder = Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="FOLDER")]
Plainly = Annotated[tyro.conf.OmitArgPrefixes[TrainConfig], tyro.conf.arg(name="")]
USED_MOST = ("data", "images", "masks", "net", "size", "epochs", "batch_size", "learning_rate", "start_from")
COLUMN = 18
"""Where the words on an option begin in the short help."""


@dataclass(frozen=True)
class Train:
    """Learn a task from a folder of files: the first of a new registry, or one more of an old one.

    Checks the data, says what the task costs, chooses the task that it starts as, trains, scores, freezes, commits and
    verifies. The same line after any stop goes on, to the same bytes; with more --epochs it goes on further. A task
    that is committed is never touched; --compare may be asked of it later.

    Exit code: 0 when it is committed; 2 if refused; 3 if it is not learned, and so not committed; 130 or 143 if a
    signal ended it, and all is saved.
    """

    folder: Folder
    """Folder of the run, or a registry; made if it is new."""
    task: Annotated[str, tyro.conf.arg(metavar="NAME")]
    """Name of the task: 1 to 64 of a-z, 0-9, _ and -."""
    options: Plainly = field(default_factory=TrainConfig)
    """All that can be chosen."""
    config: Annotated[Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint="")] = None
    """A TOML file of options; what stands on the line wins."""
    folds: Annotated[int | None, tyro.conf.arg(metavar="N", help_behavior_hint="")] = None
    """Learn an ensemble of N members, such as 5. Each learns from all folds of the films but one, and costs about 0.29
    networks."""
    compare: Annotated[str, tyro.conf.arg(metavar="METHODS", help_behavior_hint="")] = ""
    """Learn it again by fine-tuning, separate or both, with a comma between; write report.html. Each takes as long as
    the task itself."""
    plan: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Say what would be done and what it costs; do nothing."""
    json: AsJson = False

    @classmethod
    def brief_help(cls, name: str) -> str:
        """Name the options that people use, and list the others."""
        parts = typing.get_type_hints(TrainConfig)
        about = {option: said for kind in parts.values() for option, said in first_sentences(kind).items()}
        own = first_sentences(cls)
        shown = {
            "FOLDER": own["folder"],
            "--task NAME": own["task"],
            **{_flag(option): about[option] for option in USED_MOST},
            "--folds N": own["folds"],
            "--compare": own["compare"],
            "--config FILE": own["config"],
            "--plan": own["plan"],
        }
        lines = [f"usage: {name} FOLDER --task NAME --data DIR [OPTIONS]", "", (cls.__doc__ or "").split("\n\n")[0], ""]
        lines += [f"  {option:<{COLUMN - 2}}{said}" for option, said in shown.items()]
        lines += ["", f"More, explained by {name} --help-all:"]
        for part, kind in parts.items():
            others = [_flag(option.name) for option in dataclasses.fields(kind) if option.name not in USED_MOST]
            lines.append(f"  {part:<{COLUMN - 2}}{' '.join(others)}")
        return "\n".join(lines)

    def defaults(self) -> Train:
        """Take what the words do not say from the file that they name, or from how the task was begun."""
        if self.config is not None:
            return Train(self.folder, self.task, read_config(self.config))
        begun = RunFolder.at(self.folder).task(self.task).config
        return Train(self.folder, self.task, read_config(begun) if begun.is_file() else TrainConfig())

    def run(self) -> int:
        """Train, and print what came of it."""
        methods = tuple(filter(None, self.compare.split(",")))
        if self.folds is not None or RunFolder.at(self.folder).task(self.task).folds.exists():
            return self._run_ensemble(methods)
        methods = check_comparable(self.folder, self.task, methods)
        if self.plan:
            lines = plan_task(self.folder, self.task, self.options)
            lines += [f"then once more by {method}, for as many epochs" for method in methods]
            show_result(lines, {"plan": lines}, self.json)
            return DONE
        return until_ended(lambda: self._train(methods))

    def _run_ensemble(self, methods: tuple[str, ...]) -> int:
        if methods:
            raise ConfigurationError(f"--compare is of one task, and {self.task!r} is an ensemble: compare one member.")
        if self.plan:
            lines = plan_ensemble(self.folder, self.task, self.options, folds=self.folds)
            show_result(lines, {"plan": lines}, self.json)
            return DONE
        return until_ended(self._train_ensemble)

    def _train_ensemble(self) -> int:
        run = RunFolder.at(self.folder)
        result = train_ensemble(self.folder, self.task, self.options, folds=self.folds, tell=self._tell)
        where = f"{self.task}: {len(result.members)} members committed to {run.registry_folder}; page: "
        lines = [*str(result).splitlines(), f"{where}{run.task(self.task).page}"]
        show_result(lines, dataclasses.asdict(result), self.json)
        return DONE

    def _tell(self, line: str) -> None:
        if launched_number() == 0:
            show(line, sys.stderr if self.json else sys.stdout)

    def _train(self, methods: tuple[str, ...]) -> int:
        run = RunFolder.at(self.folder)
        result = train_task(self.folder, self.task, self.options, tell=self._tell)
        lines, fields = str(result).splitlines(), dataclasses.asdict(result)
        if methods:
            found = compare_task(self.folder, self.task, methods, tell=self._tell)
            page = write_registry_page(self.folder)
            lines += [line for rivalled in found for line in str(rivalled).splitlines()]
            lines.append(f"report: {page}")
            fields |= {"compare": [dataclasses.asdict(rivalled) for rivalled in found], "report": str(page)}
        where = f"{self.task}: committed to {run.registry_folder}; page: {run.task(self.task).page}"
        show_result([*lines, where], fields, self.json)
        return DONE


def first_sentences(kind: type) -> dict[str, str]:
    """Read what a dataclass's fields are off the texts below them."""
    found = {}
    for parameter in parse_from_object(kind).params:
        words = " ".join((parameter.description or "").split())
        found[parameter.arg_name] = words.partition(". ")[0].rstrip(".")
    return found


def _flag(option: str) -> str:
    return f"--{option.replace('_', '-')}"
