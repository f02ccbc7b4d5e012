"""A film that a node is sent comes out at the destination as the mask that predicting makes of it, once."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import highdicom
import numpy as np
import pydicom
import pytest
from PIL import Image

import piggygan as pg
from piggygan.errors import ConfigurationError
from piggygan.server.node.node import Node
from piggygan.server.node.rules import Rule, Rules
from tests.server.node.conftest import Archive, associated, store, wait_until

Film = Callable[..., pydicom.Dataset]
RunNode = Callable[..., Node]


def test_masks_arrive_once_with_the_pixels_of_predict_and_in_the_films_study(
    film: Film, archive: Archive, run_node: RunNode, clinic: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    node, films = run_node(archive.port), [film(seed) for seed in range(3)]
    association = associated(node)
    assert association.send_c_echo().Status == 0
    association.release()
    assert store(node, *films, films[0]) == [0, 0, 0, 0]
    masks = archive.wait_for(3)
    assert len(masks) == 3
    pg.predict(clinic, "lungs", [tmp_path / f"film{seed}.dcm" for seed in range(3)], tmp_path / "predicted")
    sources = {str(one.SOPInstanceUID): (seed, one) for seed, one in enumerate(films)}
    for mask in masks:
        reference = mask.ReferencedSeriesSequence[0].ReferencedInstanceSequence[0].ReferencedSOPInstanceUID
        seed, source = sources.pop(str(reference))
        assert (mask.PatientID, mask.StudyInstanceUID) == (source.PatientID, source.StudyInstanceUID)
        pixels = highdicom.seg.Segmentation.from_dataset(mask).pixel_array > 0
        predicted = np.asarray(Image.open(tmp_path / f"predicted/masks/film{seed}.png")) > 0
        assert np.array_equal(pixels, predicted)
    assert not sources
    said = caplog.text
    assert "was received for lungs" in said
    for told in ("Plantagenet", *(str(one.SOPInstanceUID) for one in films), "SENDER"):
        assert told not in said
    # Of what was delivered nothing is kept but a digest.
    wait_until(lambda: len(node.queue) == 0)
    left = [path for path in (tmp_path / "queue").rglob("*") if path.is_file() and path.name != ".lock"]
    assert {path.parent.name for path in left} == {"sent"}
    assert b"Plantagenet" not in b"".join(path.read_bytes() for path in left)


def test_the_called_title_and_the_film_choose_the_task(film: Film, archive: Archive, run_node: RunNode) -> None:
    rules = Rules((Rule("hearts", called="HEARTS"), Rule(None, body_part="HAND"), Rule("lungs", body_part="CHEST")))
    node = run_node(archive.port, rules)
    assert store(node, film(0), called="HEARTS") == [0]
    assert store(node, film(1), film(2, BodyPartExamined="HAND"), film(3, BodyPartExamined="SKULL")) == [0, 0, 0xA900]
    assert sorted(mask.SegmentSequence[0].SegmentLabel for mask in archive.wait_for(2)) == ["hearts", "lungs"]
    assert associated(node, called="SOMEBODY").is_rejected
    assert node.receiver.counts == {"success": 3, "0xA900": 1}


def test_a_node_that_is_ended_goes_on_where_it_was(film: Film, run_node: RunNode) -> None:
    nobody = Archive()
    nobody.close()
    node = run_node(nobody.port)
    assert store(node, film(0), film(1)) == [0, 0]
    node.close()
    archive = Archive()
    try:
        again = run_node(archive.port)
        archive.wait_for(2)
        assert store(again, film(0)) == [0]  # another film by its UID
        archive.wait_for(3)
    finally:
        archive.close()


def test_two_nodes_do_not_share_a_queue_and_pictures_are_no_masks(archive: Archive, run_node: RunNode) -> None:
    run_node(archive.port)
    with pytest.raises(ConfigurationError, match="another node has the queue"):
        run_node(archive.port)
    with pytest.raises(ConfigurationError, match="makes pictures"):
        run_node(archive.port, Rules((Rule("facades"),)), queue="other")
