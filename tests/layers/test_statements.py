"""What a state dict says survives what others do to state dicts."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from piggygan.errors import InputError
from piggygan.layers.statements import Fingerprint, Statement, from_tensor, to_tensor

DIGEST = "0123456789abcdef" * 4
STATEMENTS = {
    "facades": Statement(Fingerprint("float32", DIGEST, Fingerprint("bfloat16", DIGEST[::-1]))),
    "lungs": Statement(None, {"facades": Fingerprint("float32", DIGEST)}, 0.1),
}


@given(share=st.floats(0, 1), noise=st.floats(-0.4, 0.4))
def test_averages_and_noise_leave_it_readable(share: float, noise: float) -> None:
    written = to_tensor(STATEMENTS)
    assert from_tensor(share * written + (1 - share) * written + noise, "it") == STATEMENTS


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64, torch.uint8, torch.int64])
def test_any_type_holds_it(dtype: torch.dtype) -> None:
    read = from_tensor(to_tensor(STATEMENTS).to(dtype), "it")
    assert read == STATEMENTS
    assert read["facades"].frozen is not None
    assert read["facades"].frozen.cast == Fingerprint("bfloat16", DIGEST[::-1])  # which comparing leaves out


@given(data=st.binary(max_size=60).filter(lambda data: b"".join(data.split()) != b"{}"))
def test_any_other_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(InputError, match="no statement") as caught:
        from_tensor(torch.tensor(list(data)), "it")
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("value", [None, "text", float("nan"), -5.0, 1e30])
def test_what_is_no_text_is_refused(value: object) -> None:
    with pytest.raises(InputError, match="no statement"):
        from_tensor(torch.full((4,), value) if isinstance(value, float) else value, "it")


def test_a_fingerprint_follows_one_cast_of_what_was_unmoved() -> None:
    tensors = {"weight": torch.tensor([0.1, 0.2]), "count": torch.tensor(3)}
    half = {name: tensor.half() if tensor.is_floating_point() else tensor for name, tensor in tensors.items()}
    double = {name: tensor.double() if tensor.is_floating_point() else tensor for name, tensor in half.items()}
    kept = Fingerprint.of(tensors)
    assert kept.difference(half) == "is float16, was float32"
    followed = kept.after_cast(tensors, half)
    assert followed.difference(half) is None
    assert followed.difference(tensors) is None
    assert followed.after_cast(half, double).difference(double) == "is float64, was float32"
    assert kept.after_cast(tensors, {**tensors, "count": torch.tensor(4)}) == kept
    assert kept.difference({**tensors, "count": torch.tensor(4)}) == "has other values"
