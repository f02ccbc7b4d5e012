"""The subcommand that learns a task with several settings, and ranks them."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import tyro

from piggygan.cli.commands import DONE, AsJson, show, show_result, terminal_width
from piggygan.cli.ending import until_ended
from piggygan.cli.train import COLUMN, Folder, Plainly, first_sentences
from piggygan.jobs.config import TrainConfig
from piggygan.jobs.config_file import read_config
from piggygan.jobs.sweeping.engines import EngineName
from piggygan.jobs.sweeping.run import plan_sweep, sweep_task

INCOMPLETE = 1
"""Exit code of a sweep of which a training failed."""
Varied = Annotated[
    tyro.conf.UseAppendAction[tuple[str, ...]],
    tyro.conf.arg(name="set", metavar="OPTION=VALUE,VALUE", help_behavior_hint=""),
]


@dataclass(frozen=True)
class Sweep:
    """Learn a task with several settings and seeds, and rank them by their scores on the validation side.

    Each training has a folder of its own below sweeps/TASK, with a copy of the registry whose files are links: the run
    itself is not changed. The same line after any stop goes on, and learns nothing twice. At the end come a table, the
    same in sweep.json and sweep.csv, and the line to type for the best. The choice is made on the validation side,
    where the best of several looks better than it is; how good it is, the test side says when that line has run.

    Exit code: 0; 1 if a training failed, which the same line tries again; 2 if refused; 130 or 143 if a signal ended
    it.
    """

    folder: Folder
    """Folder of the run, or a registry; made if it is new."""
    task: Annotated[str, tyro.conf.arg(metavar="NAME")]
    """Name of the task, which the registry does not hold yet."""
    vary: Varied = ()
    """An option of train and its values, such as learning_rate=2e-4,8e-4. Given several times, every value is combined
    with every other."""
    seeds: Annotated[int, tyro.conf.arg(metavar="N")] = 1
    """How many seeds each setting is learned with, from --seed on."""
    engine: EngineName = "here"
    """Who learns. here: this process, one training after another; ray: a Ray cluster (piggygan[ray]); slurm: jobs
    (piggygan[slurm])."""
    hours: Annotated[float, tyro.conf.arg(metavar="HOURS")] = 24.0
    """After which Slurm ends a job; it is then submitted again and goes on."""
    plan: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Say how many trainings it would be and about how long they take; do nothing."""
    options: Plainly = field(default_factory=TrainConfig)
    """What all trainings have in common."""
    config: Annotated[Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint="")] = None
    """A TOML file of options; what stands on the line wins."""
    json: AsJson = False

    @classmethod
    def brief_help(cls, name: str) -> str:
        """Name what a sweep takes beside the options of a training."""
        own = first_sentences(cls)
        shown = {
            "FOLDER": own["folder"],
            "--task NAME": own["task"],
            "--set OPTION=VALUE,...": own["vary"],
            "--seeds N": own["seeds"],
            "--engine NAME": own["engine"],
            "--hours HOURS": own["hours"],
            "--config FILE": own["config"],
            "--plan": own["plan"],
        }
        usage = f"usage: {name} FOLDER --task NAME --data DIR --set OPTION=VALUE,VALUE [OPTIONS]"
        summary, about = (" ".join(part.split()) for part in (cls.__doc__ or "").split("\n\n")[:2])
        lines = [usage, "", summary, "", about, ""]
        for option, said in shown.items():
            lines += (
                [f"  {option}", f"{'':<{COLUMN}}{said}"]
                if len(option) > COLUMN - 3
                else [f"  {option:<{COLUMN - 2}}{said}"]
            )
        return "\n".join(
            [*lines, "", "All options of piggygan train hold for every training: piggygan train --help-all."]
        )

    def defaults(self) -> Sweep:
        """Take what the words do not say from the file that they name."""
        options = TrainConfig() if self.config is None else read_config(self.config)
        return Sweep(self.folder, self.task, options=options)

    def run(self) -> int:
        """Sweep, and print the ranking."""
        if self.plan:
            lines = plan_sweep(self.folder, self.task, self.options, vary=self.vary, seeds=self.seeds)
            show_result(lines, {"plan": lines}, self.json)
            return DONE
        return until_ended(self._sweep)

    def _sweep(self) -> int:
        swept = sweep_task(
            self.folder,
            self.task,
            self.options,
            vary=self.vary,
            seeds=self.seeds,
            engine=self.engine,
            hours=self.hours,
            tell=lambda line: show(line, sys.stderr if self.json else sys.stdout),
        )
        show_result(swept.lines(terminal_width(sys.stdout)), swept.as_dict(), self.json)
        return DONE if swept.is_complete else INCOMPLETE
