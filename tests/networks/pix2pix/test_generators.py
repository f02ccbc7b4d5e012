"""Generators of pytorch-CycleGAN-and-pix2pix in and out, against its modules stated anew in conftest.py."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from piggygan.errors import CheckpointError, ConfigurationError
from piggygan.model.generator import MultiTaskGenerator
from piggygan.networks import PatchDiscriminator, ResNetGenerator, UNetGenerator
from piggygan.networks.pix2pix import load_pix2pix_generator, pix2pix_options, save_pix2pix_generator
from piggygan.registry import TaskRegistry

Make = Callable[..., nn.Module]
Save = Callable[[object], Path]
SHARED = Path(__file__).parents[2] / "../shared/data"
VINTAGIFY = SHARED / "weights" / "vintagify_G_A2B_epoch33.pth"
PHOTOS = SHARED / "facades" / "val"


def images(channels: int = 3, side: int = 32) -> Tensor:
    return torch.rand(2, channels, side, side, generator=torch.Generator().manual_seed(1)) * 2 - 1


def outputs(network: nn.Module, inputs: Tensor) -> Tensor:
    with torch.inference_mode():
        return network.eval()(inputs)


@pytest.mark.parametrize("norm", ["batch", "instance", "affine", "tracked"])
@pytest.mark.parametrize(("downs", "c_in", "c_out"), [(5, 1, 2), (7, 3, 1), (8, 3, 3)])
def test_a_unet_comes_in_and_computes_the_same(
    make_unet: Make, saved: Save, norm: str, downs: int, c_in: int, c_out: int
) -> None:
    there = make_unet(downs, 2, norm, c_in, c_out)
    here = load_pix2pix_generator(saved(there.state_dict()))
    assert here.arguments == {
        "in_channels": c_in,
        "out_channels": c_out,
        "depth": downs,
        "width": 2,
        "norm": "batch" if norm == "batch" else "instance",
        "affine": norm in ("batch", "affine"),
        "dropout": False,
    }
    if norm == "tracked":  # the repository drops these statistics; every image is normalized by itself
        for module in there.modules():
            if isinstance(module, nn.InstanceNorm2d):
                module.track_running_stats, module.running_mean, module.running_var = False, None, None
    inputs = images(c_in, 2**downs)
    assert torch.equal(outputs(here, inputs), outputs(there, inputs))


@pytest.mark.parametrize("norm", ["batch", "instance", "affine"])
@pytest.mark.parametrize("dropout", [False, True])
@pytest.mark.parametrize(("blocks", "c_in", "c_out"), [(6, 1, 2), (9, 3, 3)])
def test_a_resnet_comes_in_and_computes_the_same(
    make_resnet: Make, saved: Save, norm: str, dropout: bool, blocks: int, c_in: int, c_out: int
) -> None:
    there = make_resnet(blocks, 2, norm, c_in, c_out, dropout)
    here = load_pix2pix_generator(saved(there.state_dict()))
    assert here.arguments == {
        "in_channels": c_in,
        "out_channels": c_out,
        "blocks": blocks,
        "width": 2,
        "norm": "batch" if norm == "batch" else "instance",
        "affine": norm in ("batch", "affine"),
        "dropout": dropout,
    }
    assert not here.training
    assert torch.equal(outputs(here, images(c_in)), outputs(there, images(c_in)))


def test_dropout_of_a_unet_is_what_the_caller_says(make_unet: Make, make_resnet: Make, saved: Save) -> None:
    path = saved(make_unet(7, 2, "batch", dropout=True).state_dict())
    with_dropout = load_pix2pix_generator(path, dropout=True)
    assert sum(isinstance(module, nn.Dropout) for module in with_dropout.modules()) == 2
    assert not any(isinstance(module, nn.Dropout) for module in load_pix2pix_generator(path).modules())
    with pytest.raises(ConfigurationError, match="dropout=True is for a U-Net"):
        load_pix2pix_generator(saved(make_resnet(2, 2, "instance").state_dict()), dropout=True)


def test_wrappings_and_other_names_make_no_difference(make_resnet: Make, saved: Save) -> None:
    tensors = make_resnet(2, 2, "instance").state_dict()
    expected = outputs(load_pix2pix_generator(saved(tensors)), images())
    variants: list[object] = [
        {f"module.{name}": tensor for name, tensor in tensors.items()},
        {f"module.module.{name}": tensor for name, tensor in tensors.items()},
        {f"_orig_mod.module.{name}": tensor for name, tensor in tensors.items()},
        {name.replace("conv_block", "block"): tensor for name, tensor in tensors.items()},
        {"state_dict": tensors, "epoch": 200},
        {"model": dict(tensors), "optimizer": {"lr": 2e-4}},
        {"params": {f"module.{name}": nn.Parameter(tensor) for name, tensor in tensors.items()}},
        dict(reversed(tensors.items())),
        {name: tensor.double() for name, tensor in tensors.items()},
    ]
    for variant in variants:
        assert torch.equal(outputs(load_pix2pix_generator(saved(variant)), images()), expected)


def test_half_precision_becomes_single(make_unet: Make, saved: Save) -> None:
    tensors = make_unet(5, 2, "batch").state_dict()
    halves = {name: tensor.half() for name, tensor in tensors.items()}  # the counters too, as such scripts do
    here = load_pix2pix_generator(saved(halves)).state_dict()
    assert {tensor.dtype for tensor in here.values()} == {torch.float32, torch.int64}
    assert all(torch.equal(here[name], tensor.to(here[name].dtype)) for name, tensor in halves.items())


def test_batch_norms_of_old_torch_versions_had_no_counter(make_unet: Make, saved: Save) -> None:
    there = make_unet(5, 2, "batch")
    old = {name: t for name, t in there.state_dict().items() if not name.endswith("num_batches_tracked")}
    here = load_pix2pix_generator(saved(old))
    assert torch.equal(outputs(here, images(side=64)), outputs(there, images(side=64)))
    counters = [t for name, t in here.state_dict().items() if name.endswith("num_batches_tracked")]
    assert len({counter.data_ptr() for counter in counters}) == len(counters) == 7


def without(name: str) -> Callable[[dict[str, Tensor]], object]:
    return lambda tensors: {other: tensor for other, tensor in tensors.items() if other != name}


def with_also(**more: Tensor) -> Callable[[dict[str, Tensor]], object]:
    return lambda tensors: {**tensors, **{name.replace("__", "."): tensor for name, tensor in more.items()}}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (without("model.4.weight"), "missing: model.4.weight"),
        (without("model.1.weight"), "none of a known generator; supported are the generators unet_128"),
        (without("model.19.weight"), "not model.19.weight"),
        (with_also(model__4__filt=torch.ones(3)), "unknown: model.4.filt"),
        (with_also(model__4__weight=torch.ones(8, 4, 5, 5)), "of another shape: model.4.weight"),
        (with_also(model__1__weight=torch.ones(3)), "needed is a kernel of four axes"),
        (with_also(model__10__block__1__weight=torch.ones(3)), "both block and conv_block"),
        (with_also(model__4__weight=torch.full((8, 4, 3, 3), torch.nan)), "NaN or infinity in model.4.weight"),
        (with_also(model__4__weight=torch.full((8, 4, 3, 3), 1e300, dtype=torch.float64)), "NaN or infinity"),
        (with_also(model__2__weight=torch.ones(4), model__2__running_mean=torch.ones(4)), "the file cannot tell"),
        (without("model.1.bias"), "no known normalization after model.1"),
    ],
)
def test_what_is_no_such_generator_is_refused_by_name(
    make_resnet: Make, saved: Save, change: Callable[[dict[str, Tensor]], object], message: str
) -> None:
    path = saved(change(make_resnet(2, 4, "instance").state_dict()))
    with pytest.raises(CheckpointError, match=message) as caught:
        load_pix2pix_generator(path)
    assert str(caught.value).startswith("latest_net_G.pth cannot be imported: ")
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 700


@pytest.mark.parametrize("dropout", [False, True])
def test_padding_with_zeros_is_refused_by_name(make_resnet: Make, saved: Save, dropout: bool) -> None:
    moved = {"conv_block.1.": "conv_block.0.", "conv_block.5.": "conv_block.3.", "conv_block.6.": "conv_block.4."}
    tensors = {}
    for name, tensor in make_resnet(2, 2, "instance", dropout=dropout).state_dict().items():
        for old, new in moved.items():
            name = name.replace(old, new)
        tensors[name] = tensor
    with pytest.raises(CheckpointError, match="padding_type 'zero'"):
        load_pix2pix_generator(saved(tensors))


def test_other_networks_are_refused(make_unet: Make, saved: Save) -> None:
    discriminator = PatchDiscriminator(6, width=4).state_dict()
    with pytest.raises(CheckpointError, match=r"model\.0\.weight.* none of a known generator"):
        load_pix2pix_generator(saved(discriminator))
    deep, level = make_unet(5, 2, "batch").state_dict(), "model.model.1.model"
    for _ in range(14):
        level += ".3.model"
        deep[f"{level}.1.weight"] = torch.ones(16, 16, 4, 4)
    with pytest.raises(CheckpointError, match="halves its images more than 12 times"):
        load_pix2pix_generator(saved(deep))


def test_an_import_draws_no_random_numbers(make_unet: Make, saved: Save) -> None:
    path = saved(make_unet(5, 2, "batch").state_dict())
    before = torch.random.get_rng_state()
    load_pix2pix_generator(path)
    assert torch.equal(torch.random.get_rng_state(), before)


# ---------------------------------------------------------------------- out


@pytest.mark.parametrize("norm", ["batch", "instance", "affine"])
@pytest.mark.parametrize("kind", ["unet", "resnet"])
def test_the_repositorys_own_modules_take_what_is_written(
    make_unet: Make, make_resnet: Make, tmp_path: Path, norm: str, kind: str
) -> None:
    torch.manual_seed(0)
    arguments = {"width": 2, "norm": "batch" if norm == "batch" else "instance", "affine": norm == "affine"}
    here: nn.Module
    if kind == "unet":
        here, there = UNetGenerator(3, 1, depth=7, **arguments), make_unet(7, 2, norm, 3, 1)
    else:
        here, there = ResNetGenerator(3, 1, blocks=6, **arguments), make_resnet(6, 2, norm, 3, 1)
    path = tmp_path / "latest_net_G.pth"
    save_pix2pix_generator(here, path, affine_instance_norms=norm == "affine")
    tensors = torch.load(path, map_location="cpu", weights_only=True)
    assert type(tensors) is OrderedDict
    assert list(tensors) == list(there.state_dict())
    assert all(tensor.is_contiguous() and tensor.device.type == "cpu" for tensor in tensors.values())
    there.load_state_dict(tensors, strict=True)
    assert torch.equal(outputs(there, images(side=256)), outputs(here, images(side=256)))


def test_a_folded_task_goes_out_with_its_own_channels(make_unet: Make, tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = MultiTaskGenerator(UNetGenerator(depth=7, width=2, norm="batch", dropout=True), "facades")
    model.freeze_task("facades")
    model.add_task("lungs", in_channels=1, out_channels=2, init="normal")
    plain = model.eval().fold_task("lungs")
    path = tmp_path / "lungs.pth"
    save_pix2pix_generator(plain, path)
    there = make_unet(7, 2, "batch", 1, 2, True)
    there.load_state_dict(torch.load(path, weights_only=True), strict=True)
    inputs = images(1, 128)
    with torch.inference_mode():
        expected = model(inputs, task="lungs")
    assert torch.equal(outputs(there, inputs), expected)
    assert pix2pix_options(plain) == "--netG unet_128 --ngf 2 --input_nc 1 --output_nc 2 --norm batch --eval"


def test_out_and_in_again_gives_the_same_bytes(make_unet: Make, make_resnet: Make, saved: Save, tmp_path: Path) -> None:
    for there in (make_unet(5, 2, "batch"), make_resnet(2, 2, "affine"), make_resnet(2, 2, "instance")):
        here = load_pix2pix_generator(saved(there.state_dict()))
        save_pix2pix_generator(here, tmp_path / "once.pth", affine_instance_norms=True)
        again = load_pix2pix_generator(tmp_path / "once.pth")
        save_pix2pix_generator(again, tmp_path / "twice.pth", affine_instance_norms=True)
        assert (tmp_path / "once.pth").read_bytes() == (tmp_path / "twice.pth").read_bytes()
        for name, tensor in there.state_dict().items():
            assert again.state_dict()[name].numpy().tobytes() == tensor.numpy().tobytes()


def test_the_options_say_what_no_option_gives() -> None:
    assert pix2pix_options(ResNetGenerator(blocks=6, width=4, affine=False)) == (
        "--netG resnet_6blocks --ngf 4 --input_nc 3 --output_nc 3 --norm instance --no_dropout --eval"
    )
    assert pix2pix_options(UNetGenerator(depth=8, width=2)).startswith("--netG unet_256 ")
    assert pix2pix_options(ResNetGenerator(blocks=9, width=2)).endswith(
        "; and affine=True for InstanceNorm2d in its get_norm_layer"
    )
    assert "UnetGenerator built with num_downs=5" in pix2pix_options(UNetGenerator(depth=5, width=4, norm="batch"))
    assert "ResnetGenerator built with n_blocks=2" in pix2pix_options(ResNetGenerator(blocks=2, width=4))


def test_instance_norms_with_a_learned_scale_go_out_only_where_that_is_asked_for(
    make_resnet: Make, tmp_path: Path
) -> None:
    here, path = ResNetGenerator(blocks=2, width=2), tmp_path / "latest_net_G.pth"
    with pytest.raises(ConfigurationError, match=r"the repository's loader refuses .* affine=False or norm='batch'"):
        save_pix2pix_generator(here, path)
    assert not path.exists()
    save_pix2pix_generator(here, path, affine_instance_norms=True)
    written = torch.load(path, weights_only=True)
    with pytest.raises(RuntimeError, match="Unexpected key"):  # as the repository is, so it says
        make_resnet(2, 2, "instance").load_state_dict(written)
    make_resnet(2, 2, "affine").load_state_dict(written)


def test_only_plain_generators_of_ours_go_out(tmp_path: Path) -> None:
    path = tmp_path / "latest_net_G.pth"
    generator = UNetGenerator(depth=5, width=2)
    with pytest.raises(ConfigurationError, match="a Sequential cannot be exported"):
        save_pix2pix_generator(nn.Sequential(nn.Conv2d(3, 3, 1)), path)
    model = MultiTaskGenerator(generator, "facades")
    for wrapped in (model, generator):  # the second was wrapped in place
        with pytest.raises(ConfigurationError, match="fold_task"):
            save_pix2pix_generator(wrapped, path)
    diverged = ResNetGenerator(blocks=1, width=2, affine=False)
    with torch.no_grad():
        next(diverged.parameters()).fill_(torch.inf)
    with pytest.raises(CheckpointError, match=r"NaN or infinity in model\.1\.weight"):
        save_pix2pix_generator(diverged, path)
    assert not list(tmp_path.iterdir())


# ---------------------------------------------------------------------- a published checkpoint


@pytest.mark.skipif(not VINTAGIFY.is_file(), reason="the published checkpoint is not on this machine")
def test_a_published_generator_becomes_the_base_of_a_second_task(tmp_path: Path) -> None:
    from piggygan.data import read_image

    generator = load_pix2pix_generator(VINTAGIFY)
    assert generator.arguments["blocks"] == 9
    assert generator.arguments["affine"]
    save_pix2pix_generator(generator, tmp_path / "once.pth", affine_instance_norms=True)
    original = torch.load(VINTAGIFY, map_location="cpu", weights_only=True)
    written = torch.load(tmp_path / "once.pth", weights_only=True)
    for (name, tensor), (new_name, new) in zip(original.items(), written.items(), strict=True):
        assert new_name == name.replace(".block.", ".conv_block.")
        assert new.numpy().tobytes() == tensor.numpy().tobytes()

    photo = read_image(PHOTOS / "1.jpg")[None, :, :128, :128]
    vintage = outputs(generator, photo)
    grey = torch.stack([photo.mean(1).flatten(), vintage.mean(1).flatten()])
    assert torch.corrcoef(grey)[0, 1] > 0.9  # the same picture ...
    assert (vintage - photo).abs().mean() > 0.05  # ... in other colours
    # old photographs are warm: more red than blue, by more than in the photo
    assert (vintage[:, 0] - vintage[:, 2]).mean() > (photo[:, 0] - photo[:, 2]).mean() + 0.05

    model = MultiTaskGenerator(generator, "vintage")
    model.freeze_task("vintage")
    model.add_task("lungs", out_channels=1)
    film, mask = photo[..., :32, :32], torch.ones(1, 1, 32, 32)
    optimizer = torch.optim.Adam(model.task_parameters("lungs"), lr=2e-4)
    losses = []
    for _ in range(2):
        loss = (model.train()(film, task="lungs") - mask).abs().mean()
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert losses[1] < losses[0]
    model.freeze_task("lungs")

    registry = TaskRegistry(tmp_path / "registry")
    for task in model.tasks:
        registry.commit(model, task, probe=film)
    loaded = registry.load()
    assert all(check.state == "equal" for check in registry.verify())
    with torch.inference_mode():
        assert loaded(photo, task="vintage").numpy().tobytes() == vintage.numpy().tobytes()
        assert loaded(film, task="lungs").shape == mask.shape
    save_pix2pix_generator(loaded.fold_task("vintage"), tmp_path / "twice.pth", affine_instance_norms=True)
    assert (tmp_path / "once.pth").read_bytes() == (tmp_path / "twice.pth").read_bytes()
