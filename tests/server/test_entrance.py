"""Who is let in: by host, origin and token; and that a failure tells nothing."""

from __future__ import annotations

import logging

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, Router
from starlette.testclient import TestClient

from piggygan.server.entrance import Entrance

TOKEN = "a-token-of-some-length"  # noqa: S105
HERE = "http://127.0.0.1:8765"


async def answer(request: Request) -> Response:
    if "fail" in request.query_params:
        raise RuntimeError("Plantagenet")
    return PlainTextResponse("in")


def visitor(token: str | None = None) -> TestClient:
    routes = [Route("/", answer), Route("/api/tasks", answer), Route("/page/{file}", answer)]
    return TestClient(Entrance(Router(routes), ("films.example",), token), base_url=HERE)


@pytest.mark.parametrize("host", ["127.0.0.1:8765", "localhost", "[::1]:80", "films.example:8765", "FILMS.example"])
def test_addresses_and_names_of_ours_are_let_in(host: str) -> None:
    assert visitor().get("/api/tasks", headers={"Host": host}).text == "in"


@pytest.mark.parametrize(
    "host", ["evil.example", "films.example.evil.example", "127.0.0.1.evil.example", "", "[", "a b"]
)
def test_a_name_that_somebody_else_made_mean_this_machine_is_refused(host: str) -> None:
    assert visitor().get("/api/tasks", headers={"Host": host}).status_code == 421


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": HERE}, 200),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "http://127.0.0.1:9000"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": ""}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
    ],
)
def test_a_page_of_another_origin_is_refused(headers: dict[str, str], status: int) -> None:
    assert visitor().get("/api/tasks", headers=headers).status_code == status


def test_the_page_itself_may_be_reached_by_a_link() -> None:
    assert visitor().get("/", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 200


@pytest.mark.parametrize("given", [None, "Bearer", "Bearer wrong", f"Basic {TOKEN}", f"Bearer {TOKEN}x"])
def test_h05_without_the_token_nothing_but_the_page_is_told(given: str | None) -> None:
    headers = {} if given is None else {"Authorization": given}
    refused = visitor(TOKEN).get("/api/tasks", headers=headers)
    assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")
    assert visitor(TOKEN).get("/page/app.js", headers=headers).status_code == 200


def test_with_the_token_it_is() -> None:
    assert visitor(TOKEN).get("/api/tasks", headers={"Authorization": f"bearer {TOKEN}"}).text == "in"


def test_a_failure_is_told_by_its_kind_alone_and_so_it_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "piggygan.server")
    failed = visitor().get("/api/tasks?fail=Plantagenet")
    assert failed.status_code == 500
    assert failed.headers["x-content-type-options"] == "nosniff"
    logged = "\n".join(record.getMessage() for record in caplog.records)
    assert "RuntimeError at " in logged
    assert "GET /api/tasks 500" in logged
    assert "Plantagenet" not in failed.text + logged


def test_a_path_that_nobody_knows_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "piggygan.server")
    assert visitor().get("/Plantagenet").status_code == 404
    assert "Plantagenet" not in caplog.text
