"""The description of the interface: whole, and what the interface does."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from starlette.routing import Route
from starlette.testclient import TestClient

from piggygan.server.openapi import WISHES, description
from piggygan.server.wishes import NAMES

DESCRIBED = description(has_token=True)
KINDS = {
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "null": type(None),
    "array": list,
    "object": dict,
}


def found(reference: str) -> Any:
    value: Any = DESCRIBED
    for name in reference.removeprefix("#/").split("/"):
        value = value[name]
    return value


WORDS = {
    "$ref", "type", "properties", "required", "items", "additionalProperties", "oneOf", "enum", "description", "format",
}  # fmt: skip


def faults(value: Any, schema: dict[str, Any], place: str = "") -> Iterator[str]:
    """Say where a value is not of a schema, in the words that ours use."""
    assert set(schema) <= WORDS
    if "$ref" in schema:
        yield from faults(value, found(schema["$ref"]), place)
    elif "oneOf" in schema:
        if sum(not list(faults(value, one, place)) for one in schema["oneOf"]) != 1:
            yield f"{place} is none, or several, of the choices"
    elif not isinstance(value, KINDS[schema["type"]]) or (isinstance(value, bool) and schema["type"] != "boolean"):  # type: ignore[arg-type]
        yield f"{place} is no {schema['type']}: {value!r}"
    elif value not in schema.get("enum", [value]):
        yield f"{place} is {value!r}"
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from faults(item, schema["items"], f"{place}[{number}]")
    elif isinstance(value, dict):
        yield from faults_of_members(value, schema, place)


def faults_of_members(value: dict[str, Any], schema: dict[str, Any], place: str) -> Iterator[str]:
    yield from (f"{place} lacks {name}" for name in schema.get("required", []) if name not in value)
    for name, item in value.items():
        inner = schema.get("properties", {}).get(name, schema.get("additionalProperties"))
        if inner is not None:
            yield from faults(item, inner, f"{place}.{name}")
        elif "properties" in schema:
            yield f"{place}.{name} is not described"


def nodes(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from nodes(item)


def test_what_is_referred_to_is_there_and_what_is_there_is_referred_to() -> None:
    references = {node["$ref"] for node in nodes(DESCRIBED) if "$ref" in node}
    assert all(found(reference) for reference in references)
    assert {f"#/components/schemas/{name}" for name in DESCRIBED["components"]["schemas"]} == references
    json.dumps(DESCRIBED, allow_nan=False)


def test_every_operation_is_whole() -> None:
    for path, operations in DESCRIBED["paths"].items():
        for operation in operations.values():
            assert operation["summary"].endswith(".")
            given = {one["name"] for one in operation.get("parameters", []) if one["in"] == "path"}
            assert given == set(re.findall(r"{(\w+)}", path))
            for status, response in operation["responses"].items():
                assert re.fullmatch(r"[245]\d\d", status)
                assert response["description"]
                assert response["content"]
    assert tuple(WISHES) == NAMES


def test_the_routes_are_those_that_are_described(client: TestClient) -> None:
    routes: list[Route] = client.app._app.routes  # type: ignore[attr-defined]
    served = {(route.path, (route.methods or set()) - {"HEAD"} == {"POST"}) for route in routes}
    described = {(path, "post" in operations) for path, operations in DESCRIBED["paths"].items()}
    assert served - described == {("/", False), ("/page/{file}", False)}
    assert described <= served
    assert client.get("/api/openapi.json").json()["paths"] == DESCRIBED["paths"]


@pytest.mark.parametrize(
    "path", ["/health", "/api/tasks", "/api/tasks/lungs", "/api/examples", "/api/verify", "predict"]
)
def test_what_is_said_is_of_its_schema(client: TestClient, picture: Callable[..., bytes], path: str) -> None:
    if path == "predict":
        path = "/api/tasks/{task}/predict"
        answer = client.post("/api/tasks/lungs/predict", content=picture(), headers={"Accept": "application/json"})
        operation = DESCRIBED["paths"][path]["post"]
    else:
        described = DESCRIBED["paths"].get(path, DESCRIBED["paths"]["/api/tasks/{task}"])
        (method, operation), *_ = described.items()
        answer = client.request(method, path)
    schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
    assert list(faults(answer.json(), schema, path)) == []
    problem = client.post("/api/tasks/lungs/predict", content=b"x").json()
    assert list(faults(problem, found("#/components/schemas/Problem"))) == []


def test_a_fault_would_be_seen() -> None:
    problem = found("#/components/schemas/Problem")
    assert list(faults({"type": 1, "title": "", "status": True, "detail": "", "more": ""}, problem)) == [
        ".type is no string: 1",
        ".status is no integer: True",
        ".more is not described",
    ]
    assert next(faults({}, problem)) == " lacks type"
