"""Files that torch.save wrote, that it did not, and that somebody made to do harm."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import warnings
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
import safetensors.torch
import torch
from torch import Tensor, nn

from piggygan.errors import CheckpointError
from piggygan.networks.pix2pix.layout import listed
from piggygan.networks.pix2pix.pickles import read_checkpoint, write_checkpoint

Save = Callable[[object], Path]


def archive(members: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as file:
        for name, data in members.items():
            file.writestr(name, data)
    return buffer.getvalue()


def members_of(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as file:
        return {name: file.read(name) for name in file.namelist()}


def test_storages_tagged_cuda_come_to_the_cpu(saved: Save) -> None:
    path = saved({"weight": torch.arange(6.0).reshape(2, 3)})
    members = members_of(path)
    name = next(name for name in members if name.endswith("data.pkl"))
    tagged = members[name].replace(b"X\x03\x00\x00\x00cpu", b"X\x06\x00\x00\x00cuda:0")
    assert tagged != members[name]
    path.write_bytes(archive({**members, name: tagged}))
    tensor = read_checkpoint(path)["weight"]
    assert tensor.device.type == "cpu"
    assert tensor.tolist() == [[0, 1, 2], [3, 4, 5]]


def test_files_from_before_torch_1_6_are_read(tmp_path: Path) -> None:
    torch.save({"weight": torch.arange(3.0)}, tmp_path / "old.pth", _use_new_zipfile_serialization=False)
    assert not (tmp_path / "old.pth").read_bytes().startswith(b"PK")
    assert read_checkpoint(tmp_path / "old.pth")["weight"].tolist() == [0, 1, 2]


def test_tensors_share_no_memory_with_each_other_and_are_row_major(saved: Save) -> None:
    whole = torch.arange(12.0).reshape(3, 4)
    tensors = read_checkpoint(saved({"a": whole.T, "b": torch.arange(5.0), "filler": torch.zeros(99)}))
    assert tensors["a"].is_contiguous()
    assert tensors["a"].tolist() == whole.T.tolist()
    assert tensors["a"].untyped_storage().nbytes() == 12 * 4


def test_a_link_is_followed_to_a_regular_file(saved: Save, tmp_path: Path) -> None:
    target = saved({"weight": torch.ones(1)})
    (tmp_path / "link.pth").symlink_to(target)
    assert read_checkpoint(tmp_path / "link.pth")["weight"].tolist() == [1]


class Trap:
    """Would make a file when it is unpickled without care."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, (str(self.path),)


def test_a_file_that_names_code_is_refused_and_nothing_runs(tmp_path: Path, saved: Save) -> None:
    marker = tmp_path / "ran"
    for content in (Trap(marker), {"weight": torch.ones(1), "extra": Trap(marker)}):
        with pytest.raises(CheckpointError, match=r"holds Python objects \(posix\.mkdir\)"):
            read_checkpoint(saved(content))
    (tmp_path / "plain.pth").write_bytes(pickle.dumps(Trap(marker)))
    with pytest.raises(CheckpointError):
        read_checkpoint(tmp_path / "plain.pth")
    assert not marker.exists()


def test_a_whole_network_is_refused_with_what_to_do(saved: Save) -> None:
    with pytest.raises(CheckpointError, match=r"save network\.state_dict\(\) instead") as caught:
        read_checkpoint(saved(nn.Sequential(nn.Conv2d(3, 3, 1))))
    assert "weights_only" not in str(caught.value)  # torch's own hint is to open it without care


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "no state dict that torch.save wrote"),
        (b"just some text\n", "no state dict that torch.save wrote"),
        (b"PK\x03\x04", "damaged, or was cut short"),
        (bytes(range(256)) * 16, "no state dict that torch.save wrote"),
        (safetensors.torch.save({"weight": torch.ones(3)}), "no state dict that torch.save wrote"),
        (archive({"a/data.pkl": bytes(10**7)}, zipfile.ZIP_DEFLATED), "a zip that is compressed"),
        (archive({"notes.txt": b"hello"}), "no state dict that torch.save wrote"),
    ],
    ids=["empty", "text", "stub", "noise", "safetensors", "zip bomb", "zip"],
)
def test_other_files_are_refused(tmp_path: Path, data: bytes, message: str) -> None:
    path = tmp_path / "latest_net_G.pth"
    path.write_bytes(data)
    with pytest.raises(CheckpointError, match=message):
        read_checkpoint(path)


def test_a_zip_bomb_is_refused_before_it_is_unpacked(saved: Save) -> None:
    path = saved({"weight": torch.rand(64)})
    path.write_bytes(archive(members_of(path), zipfile.ZIP_DEFLATED))  # torch would read this one
    with pytest.raises(CheckpointError, match="compressed or repeats its bytes"):
        read_checkpoint(path)
    with zipfile.ZipFile(path, "w") as file:  # uncompressed, and listed a thousand times
        file.writestr("archive/data.pkl", bytes(10_000))
        file.filelist += file.filelist * 1000
    with pytest.raises(CheckpointError, match="compressed or repeats its bytes"):
        read_checkpoint(path)


def test_a_file_cut_anywhere_is_refused(saved: Save) -> None:
    path = saved({"weight": torch.rand(64), "bias": torch.rand(8)})
    data = path.read_bytes()
    for length in range(0, len(data), 7):
        path.write_bytes(data[:length])
        with pytest.raises(CheckpointError):
            read_checkpoint(path)


def test_any_changed_bit_of_the_weights_is_seen(saved: Save) -> None:
    weight = torch.rand(64)
    path = saved({"weight": weight})
    data = path.read_bytes()
    start = data.index(weight.numpy().tobytes())
    for place in range(start, start + 256, 15):
        path.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
        with pytest.raises(CheckpointError, match=r"damaged: the CRC-32 of latest_net_G/data/0 is another"):
            read_checkpoint(path)


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no such file"):
        read_checkpoint(tmp_path / "missing.pth")
    with pytest.raises(CheckpointError, match="not a regular file"):
        read_checkpoint(tmp_path)
    os.mkfifo(tmp_path / "pipe.pth")  # opening it must not wait for a writer
    with pytest.raises(CheckpointError, match="not a regular file"):
        read_checkpoint(tmp_path / "pipe.pth")
    (tmp_path / "loop.pth").symlink_to("loop.pth")
    with pytest.raises(CheckpointError):
        read_checkpoint(tmp_path / "loop.pth")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (torch.ones(3), "holds a Tensor; needed is a state dict"),
        ([torch.ones(3)], "holds a list"),
        ({}, "holds no tensors"),
        ({"state_dict": {}}, "holds no tensors"),
        ({0: torch.ones(3)}, "one of its names is a int"),
        ({"weight": torch.ones(3), "epoch": 3}, "epoch is a int, not a tensor"),
        (
            {"model": {"weight": torch.ones(1)}, "params": {"weight": torch.ones(1)}},
            "several state dicts, model, params",
        ),
        ({"weight": torch.ones(3, dtype=torch.int8)}, "weight is torch.int8; needed are floats"),
        ({"weight": torch.ones(3, dtype=torch.complex64)}, "weight is torch.complex64"),
        ({"weight": torch.ones(3, 3).to_sparse()}, "weight is a torch.sparse_coo tensor"),
        ({"a.num_batches_tracked": torch.ones(1, dtype=torch.complex64)}, "torch.complex64; needed are floats"),
        ({"a.num_batches_tracked": torch.ones(1, dtype=torch.bool)}, "torch.bool; needed are floats"),
        ({"weight": torch.ones(3, device="meta")}, "weight is a torch.strided tensor on meta"),
        ({"weight": torch.ones(1).expand(10**12)}, "larger than the file"),
        ({"weight": torch.tensor([1.0, torch.nan])}, "NaN or infinity in weight"),
        ({"weight\x1b[2J": torch.tensor([torch.inf])}, r"NaN or infinity in 'weight\\x1b\[2J'"),
    ],
)
def test_other_contents_are_refused(saved: Save, content: object, message: str) -> None:
    with pytest.raises(CheckpointError, match=message):
        read_checkpoint(saved(content))


@pytest.mark.parametrize("name", ["weight", "norm.num_batches_tracked"])
@pytest.mark.parametrize("kind", ["nested", "quantized"])
def test_17_14_tensors_that_are_no_plain_numbers_are_refused(saved: Save, name: str, kind: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's, of how it makes them
        nested, quantized = torch.nested.nested_tensor, torch.quantize_per_tensor
        made = nested([torch.ones(2)]) if kind == "nested" else quantized(torch.ones(2), 0.1, 0, torch.qint8)
        path = saved({name: made})
    with pytest.raises(CheckpointError, match=f"{name} is a torch.strided tensor on cpu, not a plain one"):
        read_checkpoint(path)


def test_long_lists_of_names_are_cut() -> None:
    assert listed(["a", "b"]) == "a, b"
    assert listed(list("abcdefgh")) == "a, b, c, d, e and 3 more"
    assert len(listed(["x" * 10**6])) < 100


def test_a_written_file_holds_no_more_than_its_tensors(tmp_path: Path) -> None:
    part: Tensor = torch.zeros(10**6)[:10]
    double = torch.tensor([0.1], dtype=torch.float64)
    write_checkpoint(tmp_path / "part.pth", {"part": part, "double": double, "count": torch.tensor(7)})
    assert (tmp_path / "part.pth").stat().st_size < 10_000
    tensors = torch.load(tmp_path / "part.pth", weights_only=True)
    assert tensors["double"].dtype == torch.float32
    assert tensors["double"].item() == pytest.approx(0.1)
    assert tensors["count"].item() == 7


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "latest_net_G.pth"
    path.write_bytes(b"from before")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CheckpointError, match=r"latest_net_G\.pth was not written: No space left on device"):
        write_checkpoint(path, {"weight": torch.ones(3)})
    assert path.read_bytes() == b"from before"
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(CheckpointError, match="NaN or infinity in weight cannot be exported"):
        write_checkpoint(path, {"weight": torch.tensor([torch.nan])})


def test_reading_looks_up_no_class_by_name(saved: Save) -> None:
    path = saved({"weight": torch.ones(3)})
    # An audit hook cannot be taken off again: it gets a process of its own.
    code = (
        "import sys; from piggygan.networks.pix2pix.pickles import read_checkpoint; found = []\n"
        "sys.addaudithook(lambda event, _: event == 'pickle.find_class' and found.append(event))\n"
        f"assert read_checkpoint({str(path)!r})['weight'].tolist() == [1, 1, 1]\n"
        "print(len(found))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "0\n"


@pytest.mark.parametrize("dtype", [torch.complex64, torch.bool, torch.float8_e4m3fn])
def test_a_count_of_batches_that_is_no_number_is_refused(tmp_path: Path, dtype: torch.dtype) -> None:
    """Complex ones were read with a warning of torch's, the rest silently."""
    torch.save({"weight": torch.ones(64), "norm.num_batches_tracked": torch.zeros(1).to(dtype)}, tmp_path / "x.pth")
    with pytest.raises(CheckpointError, match="needed are floats"):
        read_checkpoint(tmp_path / "x.pth")
