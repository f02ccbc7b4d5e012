"""What a training depends on is taken out and put back, all of it or nothing."""

import copy
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from piggygan.errors import ResumeError
from piggygan.training import SupervisedObjective
from piggygan.training.checkpoints.snapshot import Run, capture, check_fits, copy_into, parse, restore
from piggygan.training.epochs import learn_epoch
from piggygan.training.session import Session, session_of
from tests.training.running import digest, quick

Document = dict[str, Any]
Tensors = dict[str, Tensor]


class Pooled(SupervisedObjective):
    """Keeps a number from batch to batch, and takes no negative one back."""

    pool = torch.zeros(1)

    def state(self) -> Tensors:
        return {"pool": self.pool}

    def load_state(self, state: Any) -> None:
        self.pool = state["pool"]
        if self.pool < 0:
            raise ValueError("a pool is not negative")


@pytest.fixture
def session(make_pair: Any) -> Iterator[Session]:
    """A training whose first epoch of two is learned."""
    torch.manual_seed(0)
    images = torch.rand(3, 1, 1, 8, 8)
    batches = [make_pair(image, -image, ["x"]) for image in images]
    objective = Pooled(nn.Sequential(nn.Conv2d(1, 2, 3, padding=1), nn.BatchNorm2d(2), nn.Conv2d(2, 1, 1)))
    with session_of(objective, batches, quick(), None) as session:
        learn_epoch(session)
        yield session


def taken(run: Run) -> tuple[Document, Tensors]:
    document, tensors = capture(run)
    return json.loads(json.dumps(document)), {name: tensor.clone() for name, tensor in tensors.items()}


def test_what_was_taken_out_is_there_again_after_it_was_put_back(session: Session) -> None:
    run = session.run
    document, tensors = taken(run)
    before, losses = digest(run.objective), run.history.epochs[0].losses
    learn_epoch(session)
    after = digest(run.objective)
    run.best = 0.5
    assert after != before
    restore(run, parse(document, (1, 0)), tensors)
    assert (digest(run.objective), run.position, run.best) == (before, (1, 0), None)
    assert [record.losses for record in run.history.epochs] == [losses]
    again, same = taken(run)
    assert (again, {name: t.tolist() for name, t in same.items()}) == (
        document,
        {name: t.tolist() for name, t in tensors.items()},
    )
    learn_epoch(session)
    assert digest(run.objective) == after  # and goes on to the same bytes


def without(name: str) -> Callable[[Document, Tensors], object]:
    return lambda _, tensors: tensors.pop(next(given for given in tensors if given.startswith(name)))


BAD: dict[str, tuple[Callable[[Document, Tensors], object], str]] = {
    "a parameter is missing": (without("network.generator.0"), "only in one of both"),
    "another shape": (
        lambda _, t: t.update({"network.generator.2.bias": torch.zeros(2)}),
        r"was .*\(2,\), is .*\(1,\)",
    ),
    "an optimizer is missing": (without("optimizer"), "only in one of its list and its tensors"),
    "no optimizer, and no list": (
        lambda d, t: (d.update(tensors=None), [t.pop(name) for name in list(t) if name.startswith("optimizer")]),
        "generator has moved, and the state of its optimizer is missing",
    ),
    "a random state is missing": (without("random"), "only in one of its list"),
    "an objective that refuses": (lambda _, t: t.update({"objective.pool": -torch.ones(1)}), "a pool is not negative"),
}


@pytest.mark.parametrize("kind", BAD)
def test_what_does_not_fit_is_refused_and_nothing_is_put_back(session: Session, kind: str) -> None:
    document, tensors = taken(session.run)
    change, message = BAD[kind]
    change(document, tensors)
    learn_epoch(session)
    before, optimizers = digest(session.run.objective), copy.deepcopy(session.run.state.optimizer_tensors())
    with pytest.raises(ResumeError, match=message):
        restore(session.run, parse(document, (1, 0)), tensors)
    assert digest(session.run.objective) == before
    assert session.run.position == (2, 0)
    assert session.run.objective.pool.tolist() == [0.0]  # type: ignore[attr-defined]  # a Pooled
    assert all(torch.equal(tensor, optimizers[name]) for name, tensor in session.run.state.optimizer_tensors().items())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": 2}, "has format 2; this piggygan knows 1"),
        ({"format": None}, "has format None"),
        ({"finished_epochs": 2}, "the history is not that of 2 finished epochs"),
        ({"history": []}, "the history is not that of 1 finished epochs"),
        ({"seconds": -1.0}, "seconds is -1"),
        ({"best": "highest"}, "best is 'highest'"),
        ({"more": 1}, "none of piggygan's"),
    ],
)
def test_a_document_that_nobody_can_have_written_is_refused(session: Session, change: Document, message: str) -> None:
    document, _ = taken(session.run)
    with pytest.raises(ResumeError, match=message):
        parse(document | change, (1, 0))
    with pytest.raises(ResumeError, match=r"named as one of \(1, 5\), and is one of \(1, 0\)"):
        parse(document, (1, 5))
    with pytest.raises(ResumeError, match="has format None"):
        parse([document], (1, 0))


@pytest.mark.parametrize("best", [None, 0.25, float("inf"), -float("inf")])
def test_the_highest_score_comes_back_infinite_ones_too(session: Session, best: float | None) -> None:
    session.run.best = best
    document, _ = taken(session.run)
    assert parse(document, (1, 0)).highest == best


def test_values_are_copied_in_place_and_only_between_tensors_of_one_form() -> None:
    here, there = {"a": torch.zeros(2), "b": torch.zeros(1)}, {"a": torch.ones(2), "b": torch.ones(1)}
    held = here["a"]
    check_fits(here, there)
    copy_into(here, there)
    assert held.tolist() == [1.0, 1.0]
    with pytest.raises(ResumeError, match=r"b is only in one of both \(of 2 differences\)"):
        check_fits(here, {"a": torch.ones(3)})
