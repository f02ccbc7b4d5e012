"""What may surround a call: contexts that nobody here likes, by name, each as what runs an action inside it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch

Action = Callable[[], Any]
Runner = Callable[[Action], Any]


def inside(context: Callable[[], Any]) -> Runner:
    def run(action: Action) -> Any:
        with context():
            return action()

    return run


@contextmanager
def default_dtype() -> Iterator[None]:
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(torch.float32)


@contextmanager
def deterministic() -> Iterator[None]:
    torch.use_deterministic_algorithms(True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(False)


@contextmanager
def inexact_products() -> Iterator[None]:
    """On a processor that has such instructions this rounds products to bfloat16; on others it takes another path."""
    torch.set_float32_matmul_precision("medium")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision("highest")


def in_a_thread(action: Action) -> Any:
    results: list[Any] = []
    errors: list[BaseException] = []

    def work() -> None:
        try:
            results.append(action())
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return results[0]


def in_a_coroutine(action: Action) -> Any:
    async def work() -> Any:
        await asyncio.sleep(0)
        return action()

    async def beside_another() -> Any:
        result, _ = await asyncio.gather(work(), asyncio.sleep(0))
        return result

    return asyncio.run(beside_another())


RUNNERS: dict[str, Runner] = {
    "nothing": lambda action: action(),
    "autocast": inside(lambda: torch.autocast("cpu", dtype=torch.bfloat16)),
    "inference mode": inside(torch.inference_mode),
    "no gradients": inside(torch.no_grad),
    "inexact products": inside(inexact_products),
    "default dtype float64": inside(default_dtype),
    "default device meta": inside(lambda: torch.device("meta")),
    "deterministic algorithms": inside(deterministic),
    "a thread": in_a_thread,
    "a coroutine": in_a_coroutine,
}
