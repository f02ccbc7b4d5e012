"""The command line: what it makes, what it prints, and that every refusal is one line and code 2."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from piggygan.cli import COMMANDS, main
from piggygan.model.generator import MultiTaskGenerator
from piggygan.networks import ResNetGenerator, UNetGenerator
from piggygan.networks.pix2pix import load_pix2pix_generator, save_pix2pix_generator
from piggygan.registry import TaskRegistry


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    save_pix2pix_generator(ResNetGenerator(blocks=2, width=2, affine=False), tmp_path / "latest_net_G.pth")
    return tmp_path / "latest_net_G.pth"


@pytest.fixture
def registry(tmp_path: Path, checkpoint: Path) -> Path:
    assert main(["import-pix2pix", str(checkpoint), str(tmp_path / "clinic"), "--task", "facades"]) == 0
    return tmp_path / "clinic"


def test_an_imported_file_is_a_base_task_and_comes_out_as_the_same_bytes(
    checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, exported = tmp_path / "new" / "clinic", tmp_path / "exported.pth"
    assert main(["import-pix2pix", str(checkpoint), str(folder), "--task", "facades", "--image-size", "16"]) == 0
    registry = TaskRegistry(folder)
    assert [(record.name, record.image_size) for record in registry.records] == [("facades", 16)]
    assert [str(check) for check in registry.verify()] == ["facades: equal"]
    printed = capsys.readouterr()
    parameters = sum(parameter.numel() for parameter in load_pix2pix_generator(checkpoint).parameters())
    assert printed.out.startswith("facades: ResNetGenerator(in_channels=3, out_channels=3, blocks=2, width=2, ")
    assert f"affine=False, dropout=False), {parameters:,} parameters, 0.0 MB, in {folder}\n" in printed.out
    assert printed.err == ""
    assert main(["export-pix2pix", str(folder), "--task", "facades", str(exported)]) == 0
    assert exported.read_bytes() == checkpoint.read_bytes()
    printed = capsys.readouterr()
    assert printed.out.startswith(f"facades: {exported}, to be loaded with --ngf 2 --input_nc 3 --output_nc 3 ")


def test_an_imported_file_may_be_the_base_of_both_ways(
    checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["import-pix2pix", str(checkpoint), "--task", "photos"]
    assert main([*words, str(tmp_path / "same"), "--backward", "same"]) == 0
    assert [line.partition(":")[0] for line in capsys.readouterr().out.splitlines()] == [
        "photos forward",
        "photos backward",
    ]
    registry = TaskRegistry(tmp_path / "same")
    assert sorted(registry.networks) == ["backward", "forward"]
    there, back = (registry.load(network=name).task_tensors("photos") for name in ("forward", "backward"))
    assert all(torch.equal(there[name], back[name]) for name in there)
    torch.manual_seed(1)
    save_pix2pix_generator(ResNetGenerator(blocks=2, width=2, affine=False), tmp_path / "latest_net_G_B.pth")
    assert main([*words, str(tmp_path / "two"), "--backward", str(tmp_path / "latest_net_G_B.pth")]) == 0
    registry = TaskRegistry(tmp_path / "two")
    there, back = (registry.load(network=name).task_tensors("photos") for name in ("forward", "backward"))
    assert not all(torch.equal(there[name], back[name]) for name in there)
    assert main([*words, str(tmp_path / "none"), "--backward", str(tmp_path / "nowhere.pth")]) == 2
    assert not (tmp_path / "none").exists()


def test_a_later_task_is_exported_with_its_own_channels(registry: Path, tmp_path: Path) -> None:
    committed = TaskRegistry(registry)
    model: MultiTaskGenerator = committed.load()
    model.add_task("lungs", out_channels=1, init="normal")
    model.freeze_task("lungs")
    committed.commit(model, "lungs")
    assert main(["export-pix2pix", str(registry), str(tmp_path / "lungs.pth"), "--task", "lungs"]) == 0
    images = torch.rand(1, 3, 16, 16)
    with torch.inference_mode():
        assert torch.equal(load_pix2pix_generator(tmp_path / "lungs.pth")(images), model.eval()(images, task="lungs"))


def test_dropout_of_a_unet_is_kept_in_the_registry(tmp_path: Path) -> None:
    save_pix2pix_generator(UNetGenerator(depth=6, width=2, norm="batch"), tmp_path / "unet.pth")
    assert main(["import-pix2pix", str(tmp_path / "unet.pth"), str(tmp_path / "a"), "--task", "x", "--dropout"]) == 0
    plain = TaskRegistry(tmp_path / "a").load().fold_task("x")
    assert sum(isinstance(module, torch.nn.Dropout) for module in plain.modules()) == 1


def with_nan(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {**tensors, "model.1.bias": torch.full((2,), torch.nan)}


def with_unknown(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {**tensors, "model.4.filt": torch.ones(3)}


@pytest.mark.parametrize(
    ("change", "message"),
    [(with_nan, "NaN or infinity in model.1.bias"), (with_unknown, "unknown: model.4.filt"), (None, "no state dict")],
)
def test_a_file_that_cannot_be_used_makes_no_registry(
    checkpoint: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    change: Callable[[dict[str, Tensor]], dict[str, Tensor]] | None,
    message: str,
) -> None:
    if change is None:
        checkpoint.write_text("some\ntext\n")
    else:
        torch.save(change(torch.load(checkpoint, weights_only=True)), checkpoint)
    assert main(["import-pix2pix", str(checkpoint), str(tmp_path / "clinic"), "--task", "facades"]) == 2
    assert_one_line(capsys, message)
    assert list(tmp_path.iterdir()) == [checkpoint]


def assert_one_line(capsys: pytest.CaptureFixture[str], message: str) -> None:
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("piggygan: ")
    assert printed.err.endswith("\n")
    assert printed.err.count("\n") == 1
    assert message in printed.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["import-pix2pix", "missing.pth", "new", "--task", "facades"], "missing.pth cannot be imported: there is no"),
        (["import-pix2pix", "two\nlines.pth", "new", "--task", "facades"], "two lines.pth cannot be imported"),
        (["import-pix2pix", "latest_net_G.pth", "new", "--task", "Facades!"], "'Facades!' cannot name a task"),
        (["import-pix2pix", "latest_net_G.pth", "clinic", "--task", "other"], "has the base task 'facades' already"),
        (["import-pix2pix", "latest_net_G.pth", "clinic", "--task", "facades"], "name a new folder"),
        (["import-pix2pix", "latest_net_G.pth", "new", "--task", "x", "--dropout"], "--dropout is for a U-Net"),
        (["import-pix2pix", "latest_net_G.pth", "latest_net_G.pth/in", "--task", "x"], "not a regular file"),
        (["export-pix2pix", "clinic", "new.pth", "--task", "facade"], "did you mean 'facades'?"),
        (["export-pix2pix", "nowhere", "new.pth", "--task", "facades"], "there is no registry in"),
        (["export-pix2pix", "clinic", "latest_net_G.pth", "--task", "facades"], "latest_net_G.pth is there already"),
        (["export-pix2pix", "clinic", "no/such/folder/x.pth", "--task", "facades"], "x.pth was not written"),
    ],
)
@pytest.mark.usefixtures("registry")
def test_a_refusal_is_one_line_and_code_2_and_changes_nothing(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    capsys.readouterr()
    assert main(arguments) == 2
    assert_one_line(capsys, message)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("arguments", [[], ["import-pix2pix"], ["no-such-command"], ["import-pix2pix", "a", "b"]])
def test_what_cannot_be_parsed_is_code_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert capsys.readouterr().err


def test_the_help_of_the_import_states_the_risk(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["import-pix2pix", "--help"])
    assert caught.value.code == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "ONLY FOR FILES FROM PEOPLE YOU TRUST" in text
    assert "is a pickle" in text
    assert "CVE-2025-32434" in text


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_subcommand_has_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main([name, "--help"])
    assert caught.value.code == 0
    assert f"piggygan {name}" in capsys.readouterr().out


def test_a_refusal_in_a_process_of_its_own_shows_no_traceback(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "piggygan.cli",
        "import-pix2pix",
        str(tmp_path),
        str(tmp_path / "x"),
        "--task",
        "x",
    ]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 2
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    assert "not a regular file" in result.stderr
