"""A card: what a registry's tasks are, in words that another person can go by."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

from piggygan.jobs.folder import registry_at
from piggygan.registry import TaskRecord, TaskRegistry
from piggygan.terminal.about import INTENDED_USE
from piggygan.terminal.escaping import escaped

KNOWN_LICENCES = frozenset(
    [
        "apache-2.0",
        "mit",
        "bsd-2-clause",
        "bsd-3-clause",
        "cc0-1.0",
        "cc-by-4.0",
        "cc-by-sa-4.0",
        "cc-by-nc-4.0",
        "cc-by-nc-sa-4.0",
        "gpl-3.0",
        "lgpl-3.0",
        "agpl-3.0",
        "mpl-2.0",
        "unlicense",
        "openrail",
    ]
)
"""Those that the Hugging Face Hub knows by these names; it calls others ``other``."""


def registry_card(folder: Path, task: str | None = None) -> str:
    """Write a card in Markdown, from what the registry itself records: nothing is measured, guessed or fetched.

    Args:
        folder: A registry, or the folder of a run.
        task: Which task, or ensemble; None: all.

    Returns:
        The card. It begins with the block of metadata that the Hugging Face Hub reads.

    Raises:
        RegistryError: If there is no registry, or it cannot be read.
        TaskNotFoundError: If there is no such task.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> import piggygan as pg
        >>> model = pg.MultiTaskGenerator(pg.UNetGenerator(depth=4, width=2), "facades")
        >>> model.freeze_task("facades")
        >>> with TemporaryDirectory() as folder:
        ...     pg.TaskRegistry(folder).commit(model, "facades", licence="MIT")
        ...     print(registry_card(Path(folder)).splitlines()[1])
        license: mit
    """
    registry = TaskRegistry(registry_at(folder))
    chosen = registry.ensembles.get(task, (task,)) if task is not None else registry.tasks or ("",)
    records = [registry.describe(name) for name in chosen]
    lines = [*_metadata(records), "", *_head(records), ""]
    for group, members in registry.ensembles.items():
        if set(members) <= {record.name for record in records}:
            lines += [_ensemble(group, members, records), ""]
    for record in records:
        lines += [*_task(record, registry.records[0]), ""]
    return "\n".join([*lines, *_use(records, registry.digest), ""])


def _metadata(records: list[TaskRecord]) -> Iterator[str]:
    licences = {record.licence for record in records}
    known = {(licence or "").lower() for licence in licences} & KNOWN_LICENCES
    yield "---"
    if len(licences) == 1 and known:
        yield f"license: {known.pop()}"
    elif licences != {None}:
        yield "license: other"
    yield "library_name: piggygan"
    yield "pipeline_tag: image-to-image"
    yield "tags:"
    yield from ("- continual-learning", "- image-to-image", "- gan")
    yield "---"


def _head(records: list[TaskRecord]) -> Iterator[str]:
    one = len(records) == 1
    yield f"# {_text(records[0].name) if one else f'{len(records)} tasks of one image-to-image network'}"
    yield ""
    yield (
        f"{'A task' if one else 'Tasks'} of a network that learns one image-to-image task after another by "
        f"[Piggyback GAN](https://arxiv.org/abs/2104.11939): the filters of a later task are mixtures of the frozen "
        f"filters of earlier tasks and a few of its own, so an earlier task keeps its bits."
    )
    yield ""
    yield f"**{INTENDED_USE}** Nobody has shown here that it works on other pictures than those it was scored on."


def _ensemble(group: str, members: tuple[str, ...], records: list[TaskRecord]) -> str:
    of = next(record.member.of for record in records if record.name == members[0] and record.member is not None)
    listed = ", ".join(f"`{name}`" for name in members)
    lacking = "" if len(members) == of else f" {of - len(members)} of {of} are lacking, so that it cannot be used."
    return (
        f"{_text(group)} is an ensemble of {listed}: `piggygan predict --task {group}` takes the mean of their outputs."
        f"{lacking}"
    )


def _task(record: TaskRecord, base: TaskRecord) -> Iterator[str]:
    yield f"## {_text(record.name)}"
    yield ""
    drawn = ", ".join(f"`{name}`" for name in record.draws_on)
    yield f"- Draws on: {drawn or 'nothing; the network itself learned it'}"
    size = record.weight_bytes
    yield f"- Stores: {size / 1e6:.2f} MB, {size / base.weight_bytes:.1%} of the first task's network"
    if record.image_size:
        yield f"- Trained on squares of {record.image_size} pixels"
    data = record.data
    if data is not None and (data.kind or data.counts):
        counts = ", ".join(f"{count:,} to {use}" for side, use in _SIDES.items() if (count := data.counts.get(side)))
        yield f"- Data: {data.kind or 'pictures'}{f'; {counts}' if counts else ''}"
    if data is not None and data.fingerprint:
        yield f"- Fingerprint of the data: `sha256:{data.fingerprint}`"
    said = data.statement if data is not None else None
    yield f"- About the data, in the words of who committed it: {_text(said) if said else 'nothing was said'}"
    yield f"- Licence of the weights: {_text(record.licence) if record.licence else 'nobody has said one'}"
    yield f"- Committed {_text(record.created[:10])} with piggygan {_text(record.versions.piggygan)}"
    for name, part in record.networks.items():
        of = "" if len(record.networks) == 1 else f" of `{name}`"
        certificate = part.certificate
        yield f"- Certificate{of}: tensors `{certificate.tensors_digest}`, outputs `{certificate.outputs_digest}`"
    yield ""
    if record.scores:
        yield f"| score{_scored_on(record)}, as its committer measured it | |"
        yield "|---|---:|"
        yield from (f"| {_text(name)} | {value:.4g} |" for name, value in record.scores.items())
    else:
        yield "No score was recorded."


def _scored_on(record: TaskRecord) -> str:
    """Say on how many pictures a task was scored: on the test side, and without one on that which it was chosen by."""
    counts = record.data.counts if record.data is not None else {}
    side = next((side for side in ("test", "val") if counts.get(side)), None)
    if side is None:
        return ""
    return f" on the {counts[side]:,} pictures " + ("to test" if side == "test" else "that it was chosen by")


_SIDES = {"train": "learn from", "val": "choose by", "test": "test"}


def _use(records: list[TaskRecord], digest: str) -> Iterator[str]:
    name = records[-1].name
    yield "## How to load it"
    yield ""
    yield "```python"
    yield "import piggygan as pg"
    yield ""
    yield f"registry = pg.TaskRegistry({json.dumps('FOLDER')}, expect={json.dumps(digest)})"
    yield f"plain = registry.load_plain({json.dumps(name)})  # a torch module; `generator=` for your own class"
    yield "```"
    yield ""
    yield "`piggygan pull hf://OWNER/NAME FOLDER` fetches it, `piggygan verify FOLDER` proves that it is as certified."


def _text(words: str) -> str:
    """Show what a file says as text: it makes no link, heading or table of its own."""
    return re.sub(r"([\\`*_{}\[\]<>#|!])", r"\\\1", escaped(words))
