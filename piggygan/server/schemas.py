"""The shapes of what the interface says, as OpenAPI has them."""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
NUMBER: Schema = {"type": "number"}
WHOLE: Schema = {"type": "integer"}
YES_NO: Schema = {"type": "boolean"}


def ref(name: str) -> Schema:
    """Refer to a schema by its name."""
    return {"$ref": f"#/components/schemas/{name}"}


def object_of(properties: dict[str, Schema], said: str = "", optional: tuple[str, ...] = ()) -> Schema:
    """Describe an object, all of whose members are there but for the optional ones."""
    required = [name for name in properties if name not in optional]
    described: Schema = {"type": "object", "properties": properties, "required": required}
    return {**described, "description": said} if said else described


def list_of(items: Schema) -> Schema:
    """Describe a list."""
    return {"type": "array", "items": items}


def by_name(values: Schema) -> Schema:
    """Describe an object whose members' names are data."""
    return {"type": "object", "additionalProperties": values}


def or_null(schema: Schema) -> Schema:
    """Describe what may be null."""
    return {"oneOf": [schema, {"type": "null"}]}


SCHEMAS: dict[str, Schema] = {
    "Problem": object_of(
        {
            "type": TEXT,
            "title": TEXT,
            "status": WHOLE,
            "detail": TEXT,
            "files": list_of(ref("Outcome")),
        },
        "RFC 9457. The type is urn:piggygan:problem: and a kind.",
        optional=("files",),
    ),
    "Health": object_of(
        {
            "status": {**TEXT, "enum": ["loading", "ok"], "description": "Until tasks are in memory, requests wait."},
            "piggygan": TEXT,
            "in_flight": WHOLE,
            "registry": TEXT,
            "stale": or_null({**TEXT, "description": "Why a change of the registry could not be read."}),
        }
    ),
    "Tasks": object_of(
        {
            "piggygan": TEXT,
            "intended_use": TEXT,
            "registry": {**TEXT, "description": "SHA-256 of registry.json."},
            "networks": list_of(TEXT),
            "limits": object_of(dict.fromkeys(("bytes", "pixels", "files", "requests", "seconds"), WHOLE)),
            "tasks": list_of(ref("Card")),
            "ensembles": list_of(ref("Ensemble")),
        }
    ),
    "Ensemble": object_of(
        {
            "name": TEXT,
            "version": WHOLE,
            "pinned": TEXT,
            "is_newest": YES_NO,
            "members": list_of(TEXT),
            "networks": by_name(object_of({"kind": or_null(TEXT), "rules": or_null(TEXT), "can_predict": YES_NO})),
        },
        "Tasks that answer together, by the mean of their outputs.",
    ),
    "Card": object_of(
        {
            "name": TEXT,
            "version": WHOLE,
            "pinned": {**TEXT, "description": "The name that means this version for ever."},
            "is_newest": {**YES_NO, "description": "Whether the name without a version means this one."},
            "member": or_null(object_of({"group": TEXT, "number": WHOLE, "of": WHOLE}, "Its place in an ensemble.")),
            "draws_on": list_of(TEXT),
            "image_size": or_null(WHOLE),
            "scores": by_name(NUMBER),
            "created": TEXT,
            "versions": by_name(TEXT),
            "networks": by_name(ref("Network")),
            "trained": or_null(ref("Trained")),
        },
        "A task.",
    ),
    "Network": object_of(
        {
            "kind": or_null({**TEXT, "enum": ["mask", "picture"]}),
            "rules": or_null(TEXT),
            "in_channels": or_null(WHOLE),
            "out_channels": or_null(WHOLE),
            "can_predict": YES_NO,
            "cost": object_of({"parameters": WHOLE, "share": NUMBER, "bytes": WHOLE}),
            "certificate": object_of(
                {"tensors_digest": TEXT, "outputs_digest": TEXT, "recipe": {"type": "object"}},
            ),
        },
        "A task in one network.",
    ),
    "Trained": object_of(
        {
            "data": TEXT,
            "pairs": by_name(WHOLE),
            "epochs": WHOLE,
            "seconds": NUMBER,
            "start_from": or_null(TEXT),
            "relatedness": by_name(NUMBER),
            "scores": by_name(by_name(NUMBER)),
            "floor": by_name(NUMBER),
            "is_learned": or_null(YES_NO),
            "finished": TEXT,
        },
        "How a task was trained, if that was here.",
    ),
    "Facts": object_of(
        {
            "task": TEXT,
            "kind": TEXT,
            "rows": WHOLE,
            "columns": WHOLE,
            "certificate": TEXT,
            "input_sha256": TEXT,
            "remarks": list_of(TEXT),
            "members": list_of(TEXT),
            "foreground": {**NUMBER, "description": "Share of a mask that is foreground."},
            "findings": list_of(ref("Finding")),
        },
        "What is known of an answer; also its headers Piggygan-Task and so on.",
        optional=("members", "foreground", "findings"),
    ),
    "Finding": object_of(
        {"name": TEXT, "value": {"oneOf": [NUMBER, YES_NO, TEXT, {"type": "null"}]}, "says": TEXT},
        "What was found out: how far the film is from those of training, how sure the mask is, what it is like.",
    ),
    "Outcome": object_of(
        {"name": TEXT, "file": TEXT, "status": WHOLE, "error": TEXT, "detail": TEXT},
        "What came of one of several files: its facts, or why there is no answer.",
        optional=("file", "status", "error", "detail"),
    ),
    "Verification": object_of(
        {
            "sound": YES_NO,
            "registry": TEXT,
            "seconds": NUMBER,
            "tasks": list_of(ref("Check")),
            "notes": list_of(TEXT),
        }
    ),
    "Check": object_of(
        {
            "task": TEXT,
            "network": TEXT,
            "state": {**TEXT, "enum": ["equal", "files equal", "recipe differs", "damaged"]},
            "largest_difference": or_null(NUMBER),
            "reason": TEXT,
            "is_sound": YES_NO,
        }
    ),
    "Examples": object_of(
        {"examples": list_of(object_of({"name": TEXT, "of": TEXT, "side": WHOLE, "url": TEXT}))},
    ),
}
