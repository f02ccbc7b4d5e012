"""Receiver: answers C-ECHO and C-STORE; a sender is told of success once its film is durably in the queue."""

from __future__ import annotations

import errno
import logging
import threading
import time
from collections import Counter
from typing import Any

from pydicom.dataset import Dataset
from pydicom.uid import UID
from pynetdicom import AE, _config, evt
from pynetdicom import sop_class as kinds

from piggygan.errors import ConfigurationError, DicomError
from piggygan.prediction.reproducible import moment_of_now
from piggygan.server.node.bounded import ASKED_PDU, BoundedRequest, BoundedServer, on_pdu
from piggygan.server.node.film_facts import FilmFacts, film_facts
from piggygan.server.node.film_queue import FilmQueue, Record, key_of
from piggygan.server.node.options import NodeOptions
from piggygan.server.node.rules import Rule, Rules

LOG = logging.getLogger("piggygan.node")
SUCCESS, OUT_OF_RESOURCES, DOES_NOT_MATCH, NOT_UNDERSTOOD, OTHER_PIXELS = 0x0000, 0xA700, 0xA900, 0xC000, 0xC100
"""Statuses of C-STORE (PS3.4 B.2.3)."""
FILMS = tuple(
    str(getattr(kinds, f"{name}ImageStorage" + suffix))
    for name, suffix in (
        ("ComputedRadiography", ""),
        ("DigitalXRay", "ForPresentation"),
        ("DigitalXRay", "ForProcessing"),
        ("DigitalMammographyXRay", "ForPresentation"),
        ("DigitalMammographyXRay", "ForProcessing"),
        ("DigitalIntraOralXRay", "ForPresentation"),
        ("DigitalIntraOralXRay", "ForProcessing"),
        ("SecondaryCapture", ""),
    )
)
"""Kinds of images that are accepted; for the others the standard has a refused presentation context."""
_JPEG = "1.2.840.10008.1.2.4."
SYNTAXES = (
    "1.2.840.10008.1.2.1",
    "1.2.840.10008.1.2",
    *(f"{_JPEG}{number}" for number in (50, 51, 57, 70, 80, 81, 90, 91)),
    "1.2.840.10008.1.2.5",
)
"""Transfer syntaxes that are read; a deflated one is not, which might be small here and large when it is inflated."""


class Receiver:
    """Listens, and puts what comes into the queue.

    Args:
        queue: Takes the films.
        rules: Say what is done with each.
        options: Where it listens, and to whom.

    Attributes:
        counts: How many films were answered, by what was answered.

    Raises:
        ConfigurationError: If the address cannot be listened on.
    """

    def __init__(self, queue: FilmQueue, rules: Rules, options: NodeOptions) -> None:
        self._queue, self._rules, self._limits = queue, rules, options.limits
        self._titles = rules.titles(options.title)
        self.counts: Counter[str] = Counter()
        self._counting = threading.Lock()
        _config.LOG_HANDLER_LEVEL = "none"  # what it would log of a message may be a patient's
        self._entity = _entity(options)
        handlers: list[Any] = [
            (evt.EVT_REQUESTED, self._on_requested),
            (evt.EVT_REJECTED, self._on_rejected),
            (evt.EVT_PDU_RECV, on_pdu),
            (evt.EVT_C_STORE, self._on_store),
        ]
        try:
            server: Any = self._entity.make_server(
                (options.host, options.port),
                evt_handlers=handlers,
                server_class=BoundedServer,
                request_handler=BoundedRequest,
            )
        except (OSError, OverflowError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise ConfigurationError(
                f"{options.host} cannot be listened on at port {options.port}: {reason}. Choose another --port, or end "
                f"what has it."
            ) from error
        server.limits = options.limits
        self._server = server
        self._entity._servers.append(server)
        self._thread = threading.Thread(target=self._server.serve_forever, name="receiving", daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._server.server_address[1])

    def close(self, seconds: float) -> None:
        """Listen no more; let senders end for some seconds, and then end them.

        What was not answered with success is not kept, and its sender keeps it.
        """
        self._server.shutdown()
        until = time.monotonic() + seconds
        while self._server.active_associations and time.monotonic() < until:
            time.sleep(0.05)
        for association in self._server.active_associations:
            association.abort()
        self._thread.join()

    def _on_requested(self, event: Any) -> None:
        """Reject a request for an association that calls somebody else."""
        if event.assoc.requestor.primitive.called_ae_title.strip() not in self._titles:
            event.assoc.acse.send_reject(0x01, 0x01, 0x07)
            event.assoc.kill()  # which waits until that was sent
            LOG.warning("an association was rejected: it called an AE title that the node does not go by")

    def _on_rejected(self, event: Any) -> None:  # noqa: ARG002  # whoever it was stays unsaid
        LOG.warning("an association was rejected: its calling AE title is not allowed, or there are too many")

    def _on_store(self, event: Any) -> Dataset:
        kept = event.assoc.kept
        try:
            status, comment = self._stored(event) if kept.next_is_whole() else self._too_large()
        except Exception as error:
            # Nothing of it may end the association without an answer, and its text may quote the film.
            LOG.error("a film was refused: %s", type(error).__name__)
            status, comment = NOT_UNDERSTOOD, "the node failed"
        finally:
            kept.answered()
        with self._counting:
            self.counts["success" if status == SUCCESS else f"0x{status:04X}"] += 1
        answer = Dataset()
        answer.Status = status
        if comment:
            answer.ErrorComment = comment
        return answer

    def _too_large(self) -> tuple[int, str]:
        LOG.warning("a film was refused: it has more than %s MB", self._limits.megabytes)
        return OUT_OF_RESOURCES, "the film is too large"

    def _stored(self, event: Any) -> tuple[int, str]:
        content = event.encoded_dataset()
        try:
            facts = film_facts(content)
        except DicomError as error:
            LOG.warning("a film was refused: %s", error)
            return NOT_UNDERSTOOD, "this is no film"
        name = f"film {facts.pixels[:16]}"
        named = (UID(event.request.AffectedSOPClassUID), UID(event.request.AffectedSOPInstanceUID))
        if named != (facts.sop_class, facts.sop_instance):
            LOG.warning("%s was refused: it is another image than was announced", name)
            return DOES_NOT_MATCH, "another image than was announced"
        called = event.assoc.requestor.primitive.called_ae_title.strip()
        rule = self._rules.rule_for(called, facts.modality, facts.body_part)
        if rule is None:
            LOG.warning("%s was refused: no rule is for it", name)
            return DOES_NOT_MATCH, "no rule is for this film"
        if rule.task is None:
            LOG.info("%s is ignored, as its rule says", name)
            return SUCCESS, ""
        return self._queued(content, facts, rule, rule.task)

    def _queued(self, content: bytes, facts: FilmFacts, rule: Rule, task: str) -> tuple[int, str]:
        record = Record(facts.pixels, task, rule.largest, rule.fill_holes, moment_of_now())
        if len(self._queue) >= self._limits.waiting:
            LOG.warning("%s was refused: %s films wait", record.name, self._limits.waiting)
            return OUT_OF_RESOURCES, "too many films wait"
        try:
            answer = self._queue.put(key_of(facts.sop_instance), content, record)
        except OSError as error:
            LOG.error("%s was refused: the disk refused it (%s)", record.name, errno.errorcode.get(error.errno or 0))
            return OUT_OF_RESOURCES, "the disk refused the film"
        if answer == "other":
            LOG.warning("%s was refused: another film of its SOP Instance UID is known", record.name)
            return OTHER_PIXELS, "known with other pixels"
        LOG.info("%s %s", record.name, f"was received for {task}" if answer == "new" else "came again")
        return SUCCESS, ""


def _entity(options: NodeOptions) -> AE:
    entity = AE(options.title)
    limits = options.limits
    entity.maximum_associations = limits.associations
    entity.maximum_pdu_size = ASKED_PDU
    entity.acse_timeout = entity.network_timeout = entity.dimse_timeout = limits.seconds
    entity.require_calling_aet = list(options.allow)
    entity.add_supported_context(kinds.Verification)  # type: ignore[attr-defined]  # made when it is imported
    for kind in FILMS:
        entity.add_supported_context(kind, list(SYNTAXES))
    return entity
