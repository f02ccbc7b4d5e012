"""Names without records: of thousands of tasks none is read further than somebody asks."""

from __future__ import annotations

import json

from piggygan.files.strict_json import decode
from piggygan.layers.tasks import is_task_name
from piggygan.registry.manifest import MOST_INDENTED, manifest_from_bytes
from piggygan.registry.provenance import Member
from piggygan.registry.sealing import damage_named, sealed_fields


def places_from_bytes(data: bytes) -> dict[str, Member | None]:
    """Return for each task of a manifest its place in an ensemble, in the order of the commits.

    The checksum is that of all the manifest. Of a manifest of many tasks, records are checked by those who read them:
    JSON is read as Python reads it, in half the time.

    Raises:
        CorruptFileError, FormatVersionError: As of :func:`~piggygan.registry.manifest.manifest_from_bytes`.
    """
    with damage_named():
        tasks = sealed_fields(data, json.loads).get("tasks")
        if not isinstance(tasks, list) or len(tasks) <= MOST_INDENTED:
            return manifest_from_bytes(data).places
        places: dict[str, Member | None] = {}
        for number, task in enumerate(tasks):
            if not isinstance(task, dict) or not is_task_name(name := task.get("name")) or name in places:
                raise ValueError(f"task {number} has no name, or that of another")
            member = task.get("member")
            places[name] = None if member is None else decode(Member, member, f"the member of {name}")
        return places
