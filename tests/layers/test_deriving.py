"""What is kept is made alike whatever surrounds the call, and made anew when what it is made of moves."""

from collections.abc import Iterator

import pytest
import torch

from piggygan.layers.deriving import for_keeping, in_full_precision, origin

CPU = torch.device("cpu")


def test_full_precision_is_autocast_off_and_nothing_else() -> None:
    one = torch.rand(2, 2)
    with torch.autocast("cpu", torch.bfloat16):
        with in_full_precision(CPU):
            assert (one @ one).dtype == torch.float32
            assert torch.is_grad_enabled()
        assert (one @ one).dtype == torch.bfloat16
    with in_full_precision(torch.device("meta")):  # which has no autocast to leave
        pass


def test_what_is_made_for_keeping_can_be_trained_through_later() -> None:
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16), for_keeping(CPU):
        made = torch.rand(2, 2) @ torch.rand(2, 2)
    assert not made.is_inference()
    assert made.dtype == torch.float32
    (made * torch.ones(2, 2, requires_grad=True)).sum().backward()  # type: ignore[no-untyped-call]


def test_what_is_made_is_of_its_sources_until_one_is_replaced_or_written_to() -> None:
    sources = (torch.ones(2), None, torch.ones(2))
    made = origin(sources)
    assert made.is_of(sources)
    assert not made.is_of(sources[:2])
    assert not made.is_of((torch.ones(2), None, sources[2]))
    assert not made.is_of((sources[0], sources[2], sources[2]))
    sources[0].add_(0.0)
    assert not made.is_of(sources)


def test_sources_made_in_inference_mode_are_known_by_identity() -> None:
    with torch.inference_mode():
        source = torch.ones(2)
    made = origin((source,))
    assert made.is_of((source,))
    assert not made.is_of((source.clone(),))


SWITCHES = (torch.backends.cuda.matmul, torch.backends.mkldnn.matmul)


@pytest.fixture
def switches_put_back() -> Iterator[None]:
    yield
    torch.backends.fp32_precision = "none"
    torch.set_float32_matmul_precision("highest")


@pytest.mark.usefixtures("switches_put_back")
@pytest.mark.filterwarnings("ignore:TF32 acceleration")
@pytest.mark.parametrize("precision", ["highest", "high", "medium"])
def test_what_is_made_for_keeping_is_not_rounded_by_a_switch(precision: str) -> None:
    torch.set_float32_matmul_precision(precision)
    before = [switch.fp32_precision for switch in SWITCHES]
    with for_keeping(CPU), for_keeping(CPU):
        assert [switch.fp32_precision for switch in SWITCHES] == ["ieee", "ieee"]
    assert [switch.fp32_precision for switch in SWITCHES] == before
    assert torch.get_float32_matmul_precision() == precision


@pytest.mark.usefixtures("switches_put_back")
def test_a_switch_that_follows_another_goes_on_following_it() -> None:
    for switch in SWITCHES:
        switch.fp32_precision = "none"
    torch.backends.fp32_precision = "tf32"
    followed = [switch.fp32_precision for switch in SWITCHES]
    with for_keeping(CPU):
        assert [switch.fp32_precision for switch in SWITCHES] == ["ieee", "ieee"]
    assert [switch.fp32_precision for switch in SWITCHES] == followed
    torch.backends.fp32_precision = "ieee"
    assert {switch.fp32_precision for switch in SWITCHES} <= {"ieee", "none"}
