"""The interface, described for programs: OpenAPI 3.1."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from piggygan.prediction.options import Fit, Viewer
from piggygan.server.answers import DICOM, JSON, NPY, PNG, SHOWS
from piggygan.server.problems import MEDIA_TYPE as PROBLEM
from piggygan.server.schemas import SCHEMAS, TEXT, WHOLE, Schema, ref
from piggygan.server.several import MIXED, ZIP
from piggygan.server.uploads import MULTIPART
from piggygan.server.wishes import PATIENTS
from piggygan.terminal.about import INTENDED_USE, __version__

_BINARY: Schema = {"type": "string", "format": "binary"}
_BUSY = ("429", "503")
_FILE_REFUSED = ("400", "404", "406", "408", "413", "422", *_BUSY)
_SAID = {
    "400": "The query or the form is not right.",
    "404": "There is none of this name.",
    "406": "There is no such form of the answer.",
    "408": "The file came too slowly.",
    "413": "The file is too large, or there are too many.",
    "422": "The file cannot be used.",
    "429": "The server is busy: try again after Retry-After seconds.",
    "503": "It took too long, or there is too little memory just now.",
}
_FLAG: Schema = {**TEXT, "enum": ["0", "1", "true", "false"]}
WISHES: Mapping[str, tuple[Schema, str]] = {
    "network": (TEXT, "Which of several networks."),
    "show": (
        {**TEXT, "enum": list(SHOWS)},
        "Of a mask: itself, its values (foreground is 128 or more), or its outline; or where an ensemble disagrees.",
    ),
    "size": (WHOLE, "Side of the square that the network gets; by default the one that the task was trained on."),
    "fit": ({**TEXT, "enum": list(get_args(Fit))}, "How a picture comes to that size."),
    "largest": (WHOLE, "Keep so many connected parts of a mask."),
    "fill_holes": (_FLAG, "Fill holes in masks."),
    "body_part": (TEXT, "Refuse DICOM files that are no radiographs of this part."),
    "patient": ({**TEXT, "enum": list(PATIENTS)}, "Whom a DICOM Segmentation names: the film's patient, or nobody."),
    "viewer": ({**TEXT, "enum": list(get_args(Viewer))}, "Which viewer a DICOM Segmentation is for."),
    "require": (TEXT, "What a mask has to be like: lungs, hearts, or rules; what it is not is among the findings."),
    "measure": (_FLAG, "Say areas and shape of a mask among the findings."),
}


def description(has_token: bool) -> dict[str, Any]:
    """Describe the interface.

    Args:
        has_token: Whether requests have to bear a token.
    """
    described: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {"title": "piggygan", "version": __version__, "description": INTENDED_USE},
        "paths": _paths(),
        "components": {"schemas": SCHEMAS},
    }
    if has_token:
        described["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
        described["security"] = [{"token": []}]
    return described


def _paths() -> dict[str, Any]:
    task, example = _in_path("task", "Name of a task."), _in_path("name", "Name of an example.")
    return {
        "/health": {"get": _operation("Say that the server lives.", _json("Health"), security=[])},
        "/metrics": {"get": _operation("Say what was counted.", {"text/plain": {"schema": TEXT}})},
        "/api/openapi.json": {"get": _operation("Describe the interface.", {JSON: {"schema": {"type": "object"}}})},
        "/api/tasks": {"get": _operation("List all tasks.", _json("Tasks"), ["503"])},
        "/api/tasks/{task}": {
            "get": _operation("Describe a task.", _json("Card", "Ensemble"), ["404", "503"], parameters=[task])
        },
        "/api/tasks/{task}/predict": {"post": _predict(task)},
        "/api/preview": {
            "post": _operation("Show a file that browsers cannot show.", _png(), _FILE_REFUSED, requestBody=_one_file())
        },
        "/api/verify": {"post": _operation("Compute every certificate again.", _json("Verification"), ["503"])},
        "/api/examples": {"get": _operation("List generated examples.", _json("Examples"))},
        "/api/examples/{name}": {"get": _operation("Draw an example.", _png(), ["404"], parameters=[example])},
    }


def _predict(task: Schema) -> dict[str, Any]:
    wishes = [
        {"name": name, "in": "query", "required": False, "schema": schema, "description": said}
        for name, (schema, said) in WISHES.items()
    ]
    form = {"type": "object", "properties": {"file": {"type": "array", "items": _BINARY}}}
    answers: dict[str, Any] = {form: {"schema": _BINARY} for form in (PNG, NPY, DICOM, ZIP, MIXED)}
    body = _one_file()
    body["content"][MULTIPART] = {"schema": form}
    return _operation(
        "Put a file through a task; or several, which come back as an archive.",
        {**answers, **_json("Facts")},
        _FILE_REFUSED,
        parameters=[task, *wishes],
        requestBody=body,
    )


def _operation(
    summary: str, content: dict[str, Any], refused: list[str] | tuple[str, ...] = (), **more: Any
) -> dict[str, Any]:
    problems = {
        status: {"description": _SAID[status], "content": {PROBLEM: {"schema": ref("Problem")}}} for status in refused
    }
    return {"summary": summary, **more, "responses": {"200": {"description": "Done.", "content": content}, **problems}}


def _json(*names: str) -> dict[str, Any]:
    kinds = [ref(name) for name in names]
    return {JSON: {"schema": kinds[0] if len(kinds) == 1 else {"oneOf": kinds}}}


def _png() -> dict[str, Any]:
    return {PNG: {"schema": _BINARY}}


def _one_file() -> dict[str, Any]:
    return {"required": True, "content": {"application/octet-stream": {"schema": _BINARY}}}


def _in_path(name: str, said: str) -> Schema:
    return {"name": name, "in": "path", "required": True, "schema": TEXT, "description": said}
