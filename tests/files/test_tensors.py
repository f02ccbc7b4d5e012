from __future__ import annotations

import hashlib
import io
import struct
import sys
import time

import pytest
import safetensors.torch
import torch

from piggygan.errors import CorruptFileError
from piggygan.files.digests import tensors_digest
from piggygan.files.memory import panics_named
from piggygan.files.tensors import (
    Memory,
    nonfinite_names,
    portable,
    tensors_from_bytes,
    tensors_from_file,
    tensors_to_bytes,
)


def safetensors_file(header: str | bytes, data: bytes) -> bytes:
    header = header.encode() if isinstance(header, str) else header
    return struct.pack("<Q", len(header)) + header + data


def test_tensors_come_back_as_the_same_bytes() -> None:
    tensors = {
        "half": torch.tensor([1.5, -0.0], dtype=torch.float16),
        "brain": torch.tensor([[2.0]], dtype=torch.bfloat16),
        "single": torch.tensor([-0.0, 1e-45, 3e38]),
        "double": torch.randn(2, 3, dtype=torch.float64),
        "count": torch.tensor(7),
        "empty": torch.zeros(0, 3),
    }
    back = tensors_from_bytes(tensors_to_bytes(tensors), "file")
    assert back.keys() == tensors.keys()
    for name, tensor in tensors.items():
        assert back[name].dtype == tensor.dtype
        assert back[name].shape == tensor.shape
        assert back[name].reshape(-1).view(torch.uint8).tolist() == tensor.reshape(-1).view(torch.uint8).tolist()


def test_the_digest_is_the_documented_one() -> None:
    tensors = {"b": torch.tensor([[1.0, -2.0]]), "a": torch.tensor(258, dtype=torch.int64)}
    expected = hashlib.sha256(
        b'["a", "int64", []]\n' + b"\x02\x01\0\0\0\0\0\0" + b'["b", "float32", [1, 2]]\n' + struct.pack("<2f", 1, -2)
    )
    assert tensors_digest(tensors) == expected.hexdigest()


def test_the_digest_tells_names_types_shapes_and_signs_of_zero_apart() -> None:
    variants = [
        {"a": torch.zeros(4)},
        {"b": torch.zeros(4)},
        {"a": torch.zeros(2, 2)},
        {"a": torch.zeros(2, dtype=torch.float64)},
        {"a": -torch.zeros(4)},
        {"a": torch.zeros(2), "b": torch.zeros(2)},
    ]
    assert len({tensors_digest(tensors) for tensors in variants}) == len(variants)


def test_the_digest_depends_on_neither_memory_layout_nor_order() -> None:
    tensor = torch.randn(2, 3, 4, 5)
    other = tensor.to(memory_format=torch.channels_last)
    assert tensors_digest({"a": tensor, "b": tensor[0]}) == tensors_digest({"b": other[0], "a": other})


def test_c16_the_digest_is_the_same_on_a_machine_of_the_other_byte_order(monkeypatch: pytest.MonkeyPatch) -> None:
    if sys.byteorder == "big":
        pytest.skip("simulates a big-endian machine on a little-endian one")
    here = tensors_digest({"a": torch.tensor([1.0, -2.0])})
    swapped = torch.frombuffer(bytearray(struct.pack(">2f", 1, -2)), dtype=torch.float32)  # as that machine's memory
    monkeypatch.setattr(sys, "byteorder", "big")
    assert tensors_digest({"a": swapped}) == here


def test_tensors_in_another_layout_are_serialized_in_rows() -> None:
    tensor = torch.randn(1, 2, 3, 3).to(memory_format=torch.channels_last)
    back = tensors_from_bytes(tensors_to_bytes(portable({"a": tensor})), "file")["a"]
    assert back.is_contiguous()
    assert torch.equal(back, tensor)


def test_c01_a_file_cut_anywhere_is_refused() -> None:
    data = tensors_to_bytes({"weight": torch.randn(3, 5), "bias": torch.randn(3)})
    for length in range(len(data)):
        with pytest.raises(CorruptFileError, match="lungs file is not a safetensors file"):
            tensors_from_bytes(data[:length], "lungs file")


ENTRY = '{"dtype":"F32","shape":[1],"data_offsets":[0,4]}'


@pytest.mark.parametrize(
    "data",
    [
        struct.pack("<Q", 2**63) + b"{}",
        safetensors_file("[" * 100_000, b""),
        safetensors_file('{"a":' * 100_000, b""),
        safetensors_file('{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}', b"\0" * 4),
        safetensors_file('{"a":{"dtype":"F99","shape":[1],"data_offsets":[0,4]}}', b"\0" * 4),
        safetensors_file(f'{{"a":{ENTRY},"b":{ENTRY}}}', b"\0" * 4),  # overlap
        safetensors_file('{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}', b"\0" * 8),  # hole
        safetensors_file(f'{{"a":{ENTRY}}}', b"\0" * 5),  # trailing byte
        safetensors_file(b'{"\xff":1}', b""),
        safetensors_file(f'{{"a":{{"dtype":"F32","shape":[{"1," * 64}1],"data_offsets":[0,4]}}}}', b"\0" * 4),
        safetensors_file(f'{{"a":{{"dtype":"F32","shape":[0,{2**62},{2**62}],"data_offsets":[0,0]}}}}', b""),
        b"PK\x03\x04 a zip file, as torch.save writes",
        b"\x80\x02}q\x00.",  # a pickle
    ],
)
def test_c03_c07_what_no_writer_makes_is_refused(data: bytes) -> None:
    with pytest.raises(CorruptFileError, match="not a safetensors file"):
        tensors_from_bytes(data, "file")


def test_a_shape_of_a_hundred_thousand_axes_is_refused_at_once() -> None:
    header = f'{{"a":{{"dtype":"F32","shape":[{"1," * 100_000}1],"data_offsets":[0,4]}}}}'
    before = time.process_time()
    with pytest.raises(CorruptFileError, match="no tensor can have 100001 axes"):  # torch is busy for hours with one
        tensors_from_bytes(safetensors_file(header, b"\0" * 4), "file")
    assert time.process_time() - before < 5


def test_a_header_that_is_no_text_is_not_repeated_in_the_message() -> None:
    with pytest.raises(CorruptFileError) as raised:
        tensors_from_bytes(safetensors_file(b'{"' + b"\xff" * 10_000, b""), "file")
    assert len(str(raised.value)) < 200


def test_a_header_whose_metadata_is_null_is_read_as_one_without() -> None:
    header = '{"__metadata__": null, "a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}'
    assert tensors_from_bytes(safetensors_file(header, struct.pack("<f", 2.0)), "file")["a"].tolist() == [2.0]


def test_c04_a_name_twice_is_refused() -> None:
    data = safetensors_file(f'{{"a":{ENTRY},"a":{ENTRY}}}', struct.pack("<f", 1))
    assert safetensors.torch.load(data)["a"].item() == 1.0  # safetensors says nothing
    with pytest.raises(CorruptFileError, match="there twice"):
        tensors_from_bytes(data, "file")


def test_a_complex_number_that_is_none_is_refused() -> None:
    with pytest.raises(CorruptFileError, match="NaN or infinity in bad"):
        tensors_from_bytes(tensors_to_bytes({"bad": torch.tensor([complex(0, float("nan"))])}), "file")


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_c05_nan_and_infinity_are_found_and_refused(bad: float) -> None:
    tensors = {"good": torch.ones(3), "bad": torch.tensor([1.0, bad, 2.0]), "count": torch.tensor(3)}
    assert nonfinite_names(tensors) == ["bad"]
    with pytest.raises(CorruptFileError, match="NaN or infinity in bad"):
        tensors_from_bytes(tensors_to_bytes(tensors), "file")


def test_large_numbers_whose_sum_overflows_are_finite() -> None:
    assert nonfinite_names({"a": torch.full((4,), 3e38), "b": torch.full((9,), 60_000.0, dtype=torch.float16)}) == []
    assert nonfinite_names({"a": torch.tensor([float("inf"), -float("inf")])}) == ["a"]


FLOAT8 = [torch.float8_e4m3fn, torch.float8_e5m2, torch.float8_e4m3fnuz, torch.float8_e5m2fnuz]


@pytest.mark.parametrize("kind", FLOAT8)
def test_17_09_a_float8_tensor_is_refused_by_name_and_kind(kind: torch.dtype) -> None:
    data = tensors_to_bytes({"weight": torch.zeros(2), "scale": torch.zeros(2).to(kind)})
    with pytest.raises(CorruptFileError, match=rf"x has tensors of types that are not stored: scale \({kind}\)"):
        tensors_from_bytes(data, "x")


class PanicException(BaseException):
    """As PyO3 names what a library written in Rust panics with."""


@pytest.mark.parametrize(("said", "kind"), [("PyObject pointer is null", MemoryError), ("index out", RuntimeError)])
def test_17_01_a_panic_of_the_library_is_an_ordinary_error(
    monkeypatch: pytest.MonkeyPatch, said: str, kind: type[Exception]
) -> None:
    def panicking(*_: object, **__: object) -> None:
        raise PanicException(said)

    monkeypatch.setattr(safetensors.torch, "save", panicking)
    with pytest.raises(kind):
        tensors_to_bytes({"weight": torch.zeros(2)})


@pytest.mark.parametrize(
    ("said", "kind"), [("can't allocate memory", MemoryError), ("Storage size overflowed", CorruptFileError)]
)
def test_17_01_memory_that_is_missing_for_a_tensor_is_no_damage(
    monkeypatch: pytest.MonkeyPatch, said: str, kind: type[Exception]
) -> None:
    data = tensors_to_bytes({"weight": torch.zeros(2)})

    def refusing(*_: object, **__: object) -> None:
        raise RuntimeError(said)

    monkeypatch.setattr(torch, "empty", refusing)
    with pytest.raises(kind):
        tensors_from_bytes(data, "x")


def test_files_read_into_one_memory_are_the_same_tensors_and_the_next_one_takes_their_place() -> None:
    first = {"weight": torch.arange(6.0).reshape(2, 3), "count": torch.tensor(7), "none": torch.zeros(0, 2)}
    second = {"weight": torch.ones(2, 3), "count": torch.tensor(8), "none": torch.zeros(0, 2)}
    memory = Memory()
    files = [tensors_to_bytes(tensors) for tensors in (first, second)]
    read = tensors_from_file(io.BytesIO(files[0]), len(files[0]), "file", memory)
    assert tensors_digest(read) == tensors_digest(first)
    assert tensors_digest(tensors_from_file(io.BytesIO(files[1]), len(files[1]), "file", memory)) == tensors_digest(
        second
    )
    assert tensors_digest(read) == tensors_digest(second)


def test_17_01_a_library_is_not_called_where_it_would_run_out_of_memory() -> None:
    with pytest.raises(MemoryError), panics_named(2**60):
        pytest.fail("it would panic here, and could hang")
