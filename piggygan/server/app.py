"""The application: which address answers what."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Collection
from contextlib import AbstractAsyncContextManager
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, Router
from starlette.types import ASGIApp

from piggygan.prediction.png import preview_png
from piggygan.server import examples
from piggygan.server.answers import FORMS, JSON, Answer, chosen_form, headers_of
from piggygan.server.entrance import Entrance
from piggygan.server.metrics import MEDIA_TYPE
from piggygan.server.openapi import description
from piggygan.server.pages import INDEX, Pages
from piggygan.server.service import Service
from piggygan.server.several import MIXED, ZIP, Outcome, packed, unused_names
from piggygan.server.uploads import MULTIPART, Upload, body_of, files_in, while_there
from piggygan.server.wishes import Wish, wish_of
from piggygan.terminal.about import INTENDED_USE, __version__


def application(service: Service, *, names: Collection[str] = (), token: str | None = None) -> ASGIApp:
    """Make the application.

    Args:
        service: What it answers with.
        names: As of :class:`~piggygan.server.entrance.Entrance`.
        token: Likewise.
    """
    pages = Pages()
    interface = Interface(service)
    described = description(has_token=token is not None)

    async def index(request: Request) -> Response:
        return pages.response(INDEX, request)

    async def openapi(_: Request) -> Response:
        return _json(described)

    async def page(request: Request) -> Response:
        return pages.response(request.path_params["file"], request)

    def lifespan(_: object) -> AbstractAsyncContextManager[None]:
        return service.running()

    router = Router(
        routes=[
            Route("/", index),
            Route("/page/{file}", page),
            Route("/health", interface.health),
            Route("/metrics", interface.metrics),
            Route("/api/openapi.json", openapi),
            Route("/api/tasks", interface.tasks),
            Route("/api/tasks/{task}", interface.task),
            Route("/api/tasks/{task}/predict", interface.predict, methods=["POST"]),
            Route("/api/verify", interface.verify, methods=["POST"]),
            Route("/api/preview", interface.preview, methods=["POST"]),
            Route("/api/examples", interface.examples),
            Route("/api/examples/{name}", interface.example),
        ],
        lifespan=lifespan,
    )
    return Entrance(router, names, token, service.metrics)


class Interface:
    """What programs and the page ask for.

    Args:
        service: What answers.
    """

    def __init__(self, service: Service) -> None:
        self._service = service

    async def health(self, _: Request) -> Response:
        """Say that the server lives."""
        service = self._service
        return _json(
            {
                "status": "ok" if service.current.is_loaded else "loading",
                "piggygan": __version__,
                "in_flight": service.in_flight,
                "registry": service.current.held.digest,
                "stale": service.current.stale,
            }
        )

    async def metrics(self, _: Request) -> Response:
        """Say what was counted."""
        service = self._service
        computing = service.workshop.computing
        gauges = {
            "requests_in_flight": service.in_flight,
            "upload_bytes_held": service.memory.held,
            "tasks": len(service.current.held.records),
            "tasks_ready": service.current.held.prepared,
            "registry_is_stale": int(service.current.stale is not None),
        }
        totals = {
            "reloads": service.current.reloads,
            "batch_sizes_proved": computing.proved,
            "batch_sizes_given_up": computing.refused,
        }
        return Response(service.metrics.text(gauges, totals, computing.batches), media_type=MEDIA_TYPE)

    async def tasks(self, _: Request) -> Response:
        """List all tasks."""
        service, served = self._service, await self._service.current.served()
        return _json(
            {
                "piggygan": __version__,
                "intended_use": INTENDED_USE,
                "registry": served.held.digest,
                "networks": list(served.held.models),
                "limits": {
                    "bytes": service.limits.bytes,
                    "pixels": service.limits.pixels,
                    "files": service.limits.files,
                    "requests": service.limits.requests,
                    "seconds": service.limits.seconds,
                },
                "tasks": served.cards,
                "ensembles": served.ensembles,
            }
        )

    async def task(self, request: Request) -> Response:
        """Describe one task."""
        served, name = await self._service.current.served(), request.path_params["task"]
        meant = served.held.resolve(name)
        found = (*served.cards, *served.ensembles)
        return _json(next(card for card in found if card["name"] == meant))

    async def predict(self, request: Request) -> Response:
        """Put files through a task."""
        service, task = self._service, request.path_params["task"]
        is_form = request.headers.get("content-type", "").lower().startswith(MULTIPART)
        packing, form = _wanted(request, is_form)
        wish = wish_of(request.query_params, form, service.limits)
        service.current.held.resolve(task)
        async with service.admitted(), body_of(request, service.limits, service.memory) as body:
            files = await service.workshop.write(
                lambda: files_in(body, request.headers.get("content-type", ""), service.limits)
            )
            if packing is None:
                return _sent(await while_there(request, service.answer(files[0].content, task, wish, form)))
            outcomes = await while_there(request, self._outcomes(files, task, wish, form))
            content, kind = await service.workshop.write(lambda: packed(outcomes, packing))
            return Response(content, media_type=kind)

    async def verify(self, _: Request) -> Response:
        """Compute every certificate again."""
        return _json(await self._service.verifier.verify())

    async def preview(self, request: Request) -> Response:
        """Show a file that browsers cannot show: upright, small, with square pixels."""
        service = self._service
        async with service.admitted(), body_of(request, service.limits, service.memory) as body:
            file = await service.workshop.picture(body, 3)
            content = await service.workshop.write(lambda: preview_png(file.picture, file.aspect))
            rows, columns = file.picture.shape[-2:]
            facts = {"rows": rows, "columns": columns, "format": file.kind, "input_sha256": file.digest}
            return Response(content, headers=headers_of(facts), media_type="image/png")

    async def examples(self, _: Request) -> Response:
        """List the examples."""
        return _json({"examples": examples.listed()})

    async def example(self, request: Request) -> Response:
        """Draw an example."""
        name = request.path_params["name"]
        return Response(await self._service.workshop.write(lambda: examples.example(name)), media_type="image/png")

    async def _outcomes(self, files: list[Upload], task: str, wish: Wish, form: str) -> list[Outcome]:
        async def one(file: Upload) -> Answer | Exception:
            try:
                return await self._service.answer(file.content, task, wish, form)
            except Exception as error:
                return error

        answers = await asyncio.gather(*(one(file) for file in files))
        names = unused_names([file.name for file in files])
        return [Outcome(name, answer) for name, answer in zip(names, answers, strict=True)]


def _wanted(request: Request, is_form: bool) -> tuple[str | None, str]:
    """Say in what the answers are packed, None if they are not, and in which form they are."""
    accept = request.headers.get("accept", "")
    if not is_form:
        return None, chosen_form(accept)
    packing = chosen_form(accept, (ZIP, MIXED, *FORMS))
    if packing not in (ZIP, MIXED):
        return ZIP, packing
    named = ",".join(part for part in accept.split(",") if part.split(";")[0].strip() in FORMS)
    return packing, chosen_form(named)


def _sent(answer: Answer) -> Response:
    headers = {} if answer.form == JSON else headers_of(answer.facts)
    return Response(answer.content, headers=headers, media_type=answer.form)


def _json(value: Any) -> Response:
    return Response(json.dumps(value), media_type="application/json")
