"""Node: a receiver, a queue, a translator and a sender, run until they are told to end."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path

from piggygan.prediction.extras import medical
from piggygan.server.held import HeldTasks
from piggygan.server.node.film_queue import FilmQueue
from piggygan.server.node.options import NodeOptions
from piggygan.server.node.receiving import Receiver
from piggygan.server.node.rules import Rules
from piggygan.server.node.sending import Sending
from piggygan.server.node.translating import Translating, check_tasks
from piggygan.server.source import Source
from piggygan.training.signals import Signals

LOG = logging.getLogger("piggygan.node")
GRACE = 10.0
"""Seconds in which senders may finish when the node ends."""


class Node:
    """A node that runs in threads of this process.

    Args:
        source: The registry; read once.
        queue: Folder of the films that wait.
        rules: What is done with them.
        options: How it runs.
        first: Seconds before what failed is tried again for the first time.

    Attributes:
        queue: The films that wait.
        receiver: Answers senders.

    Raises:
        ConfigurationError: If highdicom is not installed, the address or the queue cannot be had, or a rule's task
            makes no masks.
        TaskNotFoundError: If a rule names a task that is not there.
        RegistryError: If the registry is missing, empty or damaged.
    """

    def __init__(self, source: Source, queue: Path, rules: Rules, options: NodeOptions, first: float = 1.0) -> None:
        medical("highdicom", "A node, which sends DICOM Segmentations,")
        held = HeldTasks(source.opened())
        check_tasks(held, rules)
        self._stop = threading.Event()
        self._died = threading.Event()
        self.queue = FilmQueue(queue, room=options.limits.bytes)
        try:
            translating = Translating(self.queue, held, options.limits, options.viewer)
            sending = Sending(self.queue, options)
            self.receiver = Receiver(self.queue, rules, options)
        except BaseException:
            self.queue.close()
            raise
        self._threads = [
            threading.Thread(target=self._run, args=(translating.run, self._stop), name="translating"),
            threading.Thread(target=self._run, args=(sending.run, self._stop, first), name="sending"),
        ]
        for thread in self._threads:
            thread.start()

    @property
    def is_alive(self) -> bool:
        """Whether all of it runs."""
        return not self._died.is_set()

    def close(self, seconds: float = GRACE) -> None:
        """End: what is being sent, translated or received is finished; the rest waits in the queue."""
        if self._stop.is_set():
            return
        self._stop.set()
        self.queue.wake()
        self.receiver.close(seconds)
        for thread in self._threads:
            thread.join()
        self.queue.close()

    def _run(self, work: Callable[..., None], *arguments: object) -> None:
        """Do work whose end is the node's: a node that takes films and sends no masks would go unnoticed."""
        try:
            work(*arguments)
        except Exception as error:
            LOG.error("the node ends: %s", type(error).__name__)  # its text may quote a film
            self._died.set()


def run_node(source: Source, queue: Path, rules: Rules, options: NodeOptions, say: Callable[[str], None]) -> bool:
    """Run a node until a signal ends it.

    Args:
        source: As of :class:`Node`.
        queue: Likewise.
        rules: Likewise.
        options: Likewise.
        say: Is told where it listens once it does.

    Returns:
        Whether it ended as it was told to.

    Raises:
        ConfigurationError, TaskNotFoundError, RegistryError: As of :class:`Node`.
    """
    logging.getLogger("pynetdicom").setLevel(logging.CRITICAL + 1)  # its lines quote what senders say
    with Signals() as signals:
        signals.is_answered = True
        node = Node(source, queue, rules, options)
        say(f"{options.title}@{options.host}:{node.receiver.port}")
        if len(node.queue):
            LOG.info("%s films wait from before", len(node.queue))
        while signals.received is None and node.is_alive:
            time.sleep(0.1)
        node.close()
        LOG.info("ended; %s films wait, answered were %s", len(node.queue), dict(node.receiver.counts))
    return node.is_alive
