"""Requests that wait for the same task, computed at once, where their outputs do not depend on it to the bit."""

from __future__ import annotations

import queue
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from piggygan.prediction.findings import Finding
from piggygan.prediction.running import Translated
from piggygan.server.held import Ready

SIZES = (8, 4, 2)
"""How many pictures are computed at once: few sizes, each of which has to prove itself."""
TRIES = 3
"""How often a size may be no gain before it is given up: a machine that does other things too measures badly."""
WORTH = 0.95
"""Share of the time of one after another that a batch may take: else it is not worth it."""


Made = tuple[Tensor, tuple[Finding, ...]]
"""What the network made of a canvas, and what was found out on the way."""


@dataclass(eq=False)
class _Order:
    """Something to compute.

    Attributes:
        work: What to do; None: translate ``canvas``.
        ready: What translates.
        canvas: What is translated.
        done: Is told what came of it.
    """

    work: Callable[[], Any] | None = None
    ready: Any = None
    canvas: Any = None
    done: Future[Any] = field(default_factory=Future)

    def joins(self, first: _Order) -> bool:
        """Say whether both can be computed at once: by one task in one way, and each on one tile."""
        if first.work is not None or self.ready is not first.ready:
            return False
        side = first.ready.side
        return all(order.canvas.shape[-2:] == (side, side) for order in (self, first))

    def may_be_one_of(self, size: int) -> bool:
        """Say whether so many at once are worth it, or were not tried yet."""
        return self.ready is not None and self.ready.proof.batches.get(size) is not False


class Computing:
    """One thread that computes what it is given, in order; what joins the first is computed with it.

    A batch of a size is first computed both ways, one after another and at once. Only if all outputs are the same bits,
    and at once is faster, later batches of that size, of that task in that way, are computed at once. Which kernels a
    processor runs depends on shapes, not on values, so what holds of some pictures holds of all.

    Attributes:
        batches: How many of each size were computed.
        proved: How many sizes, of a task in a way, gave the same bits and are faster.
        refused: How many gave other bits or no gain.
    """

    def __init__(self) -> None:
        self.batches: Counter[int] = Counter()
        self.proved = self.refused = 0
        self._orders: queue.SimpleQueue[_Order | None] = queue.SimpleQueue()
        self._waiting: list[_Order] = []
        self._is_ended = False
        self._thread = threading.Thread(target=self._work, name="computing", daemon=True)
        self._thread.start()

    def do(self, work: Callable[[], Any]) -> Future[Any]:
        """Do something in the thread."""
        return self._put(_Order(work=work))

    def translate(self, ready: Ready, canvas: Tensor) -> Future[Any]:
        """Translate a canvas; a :data:`Made` comes of it."""
        return self._put(_Order(ready=ready, canvas=canvas))

    def close(self) -> None:
        """End the thread once what it computes is done; what waits is not begun."""
        self._orders.put(None)
        self._thread.join()

    def _put(self, order: _Order) -> Future[Any]:
        self._orders.put(order)
        return order.done

    def _work(self) -> None:
        while orders := self._next():
            for order, result in zip(orders, self._results(orders), strict=True):
                if isinstance(result, Exception):
                    order.done.set_exception(result)
                else:
                    order.done.set_result(result)
            del orders, order, result  # a thread that waits would keep the last pictures
        for order in self._waiting:
            order.done.cancel()

    def _next(self) -> list[_Order]:
        """Take the first order and those that join it; none at the end."""
        orders: list[_Order] = []
        while not orders:
            while not self._is_ended and (not self._waiting or not self._orders.empty()):
                self._take(self._orders.get())
            if self._is_ended:
                return []
            self._waiting = [order for order in self._waiting if not order.done.cancelled()]
            together = self._together()
            self._waiting = [order for order in self._waiting if order not in together]
            orders = [order for order in together if order.done.set_running_or_notify_cancel()]
        return orders

    def _take(self, order: _Order | None) -> None:
        if order is None:
            self._is_ended = True
        else:
            self._waiting.append(order)

    def _together(self) -> list[_Order]:
        if not self._waiting:
            return []
        first, *others = self._waiting
        together = [first, *(order for order in others if order.joins(first))]
        sizes = (size for size in SIZES if size <= len(together) and first.may_be_one_of(size))
        return together[: next(sizes, 1)]

    def _results(self, orders: Sequence[_Order]) -> Sequence[Any]:
        first = orders[0]
        try:
            if first.work is not None:
                return [first.work()]
            # What is wrong with one picture is its own.
            made = self._translated(first.ready, [order.canvas for order in orders])
            return [one[0] if isinstance(one[0], Exception) else one for one in made]
        except Exception as error:
            return [error] * len(orders)

    def _translated(self, ready: Ready, canvases: list[Tensor]) -> list[Translated]:
        size = len(canvases)
        proof = ready.proof
        if size == 1 or proof.batches.get(size):
            self.batches[size] += 1
            return ready.network(canvases)
        self.batches[1] += size
        if size not in SIZES:  # one of them was given up just now
            return [ready.network([canvas])[0] for canvas in canvases]
        began = time.perf_counter()
        alone = [ready.network([canvas])[0] for canvas in canvases]
        between = time.perf_counter()
        at_once = ready.network(canvases)
        is_faster = time.perf_counter() - between <= WORTH * (between - began)
        proof.slow[size] += not is_faster
        is_same = all(map(_are_same, alone, at_once))
        if not is_same or is_faster or proof.slow[size] == TRIES:
            proof.batches[size] = is_same and is_faster
            self.proved += proof.batches[size]
            self.refused += not proof.batches[size]
        return alone


def _are_same(one: Translated, other: Translated) -> bool:
    """Compare outputs to the bit, and what was found out."""
    (first, found), (second, found_too) = one, other
    if isinstance(first, Exception) or isinstance(second, Exception):
        return False
    is_equal = first.shape == second.shape and torch.equal(first.view(torch.int32), second.view(torch.int32))
    return is_equal and found == found_too
