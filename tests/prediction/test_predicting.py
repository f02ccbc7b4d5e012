"""Files in, masks and pictures out: each on its own film, none lost without a word."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
import torch
from PIL import Image
from torch import nn

import piggygan as pg
from piggygan.data import read_image, read_mask
from piggygan.errors import ConfigurationError, DatasetError, PredictionError, RegistryError, TaskNotFoundError
from piggygan.prediction import PredictionOptions, PredictionSummary
from piggygan.registry import TaskRegistry

WriteFilm = Callable[..., Path]
SMALL = PredictionOptions(size=32)


def write_grey(path: Path, pixels: np.ndarray[Any, Any]) -> Path:
    Image.fromarray(pixels).save(path, format="PNG")
    return path


def corner(rows: int, columns: int) -> np.ndarray[Any, Any]:
    """Draw a dark film with a bright L in its upper left quarter, which no turn or flip maps to itself."""
    pixels = np.full((rows, columns), 20, dtype=np.uint8)
    pixels[rows // 8 : rows // 2, columns // 8 : columns // 4] = 230
    pixels[3 * rows // 8 : rows // 2, columns // 8 : columns // 2] = 230
    return pixels


def mask_of(out: Path, name: str) -> np.ndarray[Any, Any]:
    return np.asarray(read_mask(out / "masks" / f"{name}.png")[0] > 0)


def dice(one: np.ndarray[Any, Any], other: np.ndarray[Any, Any]) -> float:
    return float(2 * (one & other).sum() / (one.sum() + other.sum()))


@pytest.fixture
def see(mirror_registry: TaskRegistry, make_mirror: Callable[..., nn.Module], tmp_path: Path) -> Any:
    """Predict with a network that gives back what it gets: a mask is what is brighter than mid grey."""

    def see(files: Any, **options: Any) -> PredictionSummary:
        chosen = PredictionOptions(**{"size": 64, **options})
        return pg.predict(mirror_registry, "lungs", files, tmp_path / "out", chosen, generator=make_mirror())

    return see


# ------------------------------------------------------------------ geometry


@pytest.mark.parametrize("fit", ["stretch", "pad", "tile"])
@pytest.mark.parametrize("size", [(160, 160), (301, 200), (97, 400), (48, 40)])
def test_a_mask_lies_on_its_film(see: Any, tmp_path: Path, fit: str, size: tuple[int, int]) -> None:
    pixels = corner(*size)
    see(write_grey(tmp_path / "film.png", pixels), fit=fit)
    mask = mask_of(tmp_path / "out", "film")
    assert mask.shape == size
    assert dice(mask, pixels > 127) > (0.999 if fit == "tile" else 0.93)
    with Image.open(tmp_path / "out/overlays/film.png") as overlay:
        assert overlay.size == size[::-1]


@pytest.mark.parametrize("aspect", [(1, 2), (3, 2)])
def test_pixels_that_are_not_square_change_nothing_of_where_a_mask_lies(
    see: Any, tmp_path: Path, write_film: WriteFilm, aspect: tuple[int, int]
) -> None:
    pixels = corner(200, 160)
    write_film(tmp_path / "film.dcm", pixels, PixelAspectRatio=[str(side) for side in aspect])
    see(tmp_path / "film.dcm", fit="pad", dicom_seg=False)
    mask = mask_of(tmp_path / "out", "film")
    assert dice(mask, pixels > 127) > 0.93
    with Image.open(tmp_path / "out/overlays/film.png") as overlay:
        assert overlay.height / overlay.width == pytest.approx(200 / 160 * aspect[0] / aspect[1], rel=0.02)


def test_a13_what_an_exif_orientation_turns_comes_out_upright(see: Any, tmp_path: Path) -> None:
    upright = corner(120, 80)
    exif = Image.Exif()
    exif[0x0112] = 6  # rows of the file are columns of the picture
    Image.fromarray(np.rot90(upright)).save(tmp_path / "film.png", exif=exif)
    see(tmp_path / "film.png")
    assert dice(mask_of(tmp_path / "out", "film"), upright > 127) > 0.93


def test_b07_a_monochrome1_film_gives_the_mask_of_its_inverse(see: Any, tmp_path: Path, write_film: WriteFilm) -> None:
    pixels = corner(90, 100)
    write_film(tmp_path / "one.dcm", 255 - pixels, PhotometricInterpretation="MONOCHROME1")
    write_film(tmp_path / "two.dcm", pixels)
    see([tmp_path / "one.dcm", tmp_path / "two.dcm"], dicom_seg=False)
    assert np.array_equal(mask_of(tmp_path / "out", "one"), mask_of(tmp_path / "out", "two"))


@pytest.mark.parametrize("size", [(1, 1), (3, 5), (1, 300), (37, 61)])
@pytest.mark.parametrize("fit", ["stretch", "pad", "tile"])
def test_a15_small_and_odd_pictures_come_out_at_their_size(
    registry: TaskRegistry, tmp_path: Path, fit: str, size: tuple[int, int]
) -> None:
    write_grey(tmp_path / "film.png", np.full(size, 99, dtype=np.uint8))
    summary = pg.predict(
        registry, "lungs", tmp_path / "film.png", tmp_path / "out", PredictionOptions(size=32, fit=fit)  # type: ignore[arg-type]
    )  # fmt: skip
    assert not summary.refused
    assert mask_of(tmp_path / "out", "film").shape == size


def test_a16_a_constant_film_is_predicted(registry: TaskRegistry, tmp_path: Path) -> None:
    for level in (0, 255):
        write_grey(tmp_path / f"{level}.png", np.full((40, 40), level, dtype=np.uint8))
    assert not pg.predict(registry, "lungs", tmp_path, tmp_path / "out", SMALL).refused


def test_a09_sixteen_bits_are_not_cut_to_white(see: Any, tmp_path: Path) -> None:
    pixels = corner(64, 64).astype(np.uint16) * 257
    write_grey(tmp_path / "film.png", pixels)
    see(tmp_path / "film.png")
    assert np.array_equal(mask_of(tmp_path / "out", "film"), pixels > 32767)


# ------------------------------------------------------------------ DICOM or PNG


def test_dicom_or_png_give_the_same_mask(
    registry: TaskRegistry, tmp_path: Path, write_film: WriteFilm, chest: np.ndarray[Any, Any]
) -> None:
    write_film(tmp_path / "film.dcm", chest)
    write_grey(tmp_path / "film.png", chest)
    wide = chest.astype(np.uint16) * 16
    write_film(tmp_path / "wide.dcm", wide, BitsStored=12, WindowCenter="2048", WindowWidth="4096")
    write_grey(tmp_path / "wide.png", (wide * (65535 / 4095)).round().astype(np.uint16))
    options = PredictionOptions(size=64, dicom_seg=False)
    summary = pg.predict(registry, "lungs", tmp_path, tmp_path / "out", options)
    masks = {Path(file.source).name: read_mask(tmp_path / "out" / file.outputs["masks"]) for file in summary.predicted}
    assert 0.02 < (masks["film.png"] > 0).float().mean() < 0.98  # a mask that could differ
    for stem in ("film", "wide"):
        assert (masks[f"{stem}.dcm"] != masks[f"{stem}.png"]).float().mean() <= 0.001


@pytest.mark.slow
def test_real_films_give_the_same_lungs_through_dicom_or_png(
    tmp_path: Path, write_film: WriteFilm, shared_data: Path
) -> None:
    torch.manual_seed(0)
    model = pg.MultiTaskGenerator(pg.UNetGenerator(width=8), "facades")
    model.freeze_task("facades")
    model.add_task("lungs", out_channels=1)
    model.freeze_task("lungs")
    registry = TaskRegistry(tmp_path / "registry")
    registry.commit(model, "facades")
    registry.commit(model, "lungs")
    films = sorted((shared_data / "covid_cxr/images").glob("*.png"))[:20]
    assert films
    (tmp_path / "dicom").mkdir()
    for film in films:
        with Image.open(film) as image:
            write_film(tmp_path / "dicom" / f"{film.stem}.dcm", np.asarray(image.convert("L")))
    options = PredictionOptions(dicom_seg=False)
    pg.predict(registry, "lungs", films, tmp_path / "of_png", options)
    pg.predict(registry, "lungs", tmp_path / "dicom", tmp_path / "of_dicom", options)
    shares = []
    for film in films:
        png, dicom = mask_of(tmp_path / "of_png", film.stem), mask_of(tmp_path / "of_dicom", film.stem)
        assert png.shape == dicom.shape
        assert (png != dicom).mean() <= 0.001
        shares.append(png.mean())
    assert max(shares) > 0.01


# ------------------------------------------------------------------ DICOM segmentations


def assert_lies_on(segmentation: Path, source: Path, mask: np.ndarray[Any, Any], certificate: str) -> None:
    """Compare a segmentation with its source and its PNG, bits unpacked by hand."""
    found, film = pydicom.dcmread(segmentation), pydicom.dcmread(source)
    assert (found.Rows, found.Columns) == (film.Rows, film.Columns) == mask.shape
    flat = np.unpackbits(np.frombuffer(found.PixelData, np.uint8), bitorder="little")[: mask.size]
    assert np.array_equal(flat.reshape(mask.shape).astype(bool), mask)
    (series,) = found.ReferencedSeriesSequence
    assert series.SeriesInstanceUID == film.SeriesInstanceUID
    assert series.ReferencedInstanceSequence[0].ReferencedSOPInstanceUID == film.SOPInstanceUID
    assert found.StudyInstanceUID == film.StudyInstanceUID
    assert certificate[:16] in found.SegmentSequence[0].SegmentAlgorithmName


def test_the_dicom_segmentation_is_the_png_mask_on_its_film(
    registry: TaskRegistry, tmp_path: Path, write_film: WriteFilm, chest: np.ndarray[Any, Any]
) -> None:
    pytest.importorskip("highdicom")
    write_film(tmp_path / "film.dcm", chest)
    write_film(tmp_path / "odd.dcm", chest[:71, :93])
    summary = pg.predict(registry, "lungs", tmp_path, tmp_path / "out", SMALL)
    certificate = registry.describe("lungs").networks["generator"].certificate.tensors_digest
    assert summary.certificate == certificate
    for file in summary.predicted:
        name = Path(file.source).stem
        mask = mask_of(tmp_path / "out", name)
        assert file.foreground == pytest.approx(mask.mean())
        assert_lies_on(tmp_path / "out" / file.outputs["segmentations"], Path(file.source), mask, certificate)


def test_real_chest_films_get_segmentations(registry: TaskRegistry, tmp_path: Path, shared_data: Path) -> None:
    pytest.importorskip("highdicom")
    films = [shared_data / "dicom" / f"udacity_test{number}.dcm" for number in (1, 2, 3)]
    summary = pg.predict(registry, "lungs", films, tmp_path / "out", PredictionOptions(size=64))
    assert not summary.refused
    for film, file in zip(films, summary.predicted, strict=True):
        mask = mask_of(tmp_path / "out", film.stem)
        assert_lies_on(tmp_path / "out" / file.outputs["segmentations"], film, mask, summary.certificate)


def test_b20_a_program_in_the_preamble_is_not_copied_out(
    registry: TaskRegistry, tmp_path: Path, write_film: WriteFilm, chest: np.ndarray[Any, Any]
) -> None:
    pytest.importorskip("highdicom")
    film = write_film(tmp_path / "film.dcm", chest)
    film.write_bytes(b"\x7fELF" + b"\x90" * 124 + film.read_bytes()[128:])
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pg.predict(registry, "lungs", film, tmp_path / "out", SMALL)
    written = list((tmp_path / "out").rglob("*.*"))
    assert all(b"\x90" * 16 not in path.read_bytes() for path in written)
    assert (tmp_path / "out/segmentations/film.dcm").read_bytes()[:128] == bytes(128)


def test_b22_an_identifier_is_never_a_path(
    registry: TaskRegistry, tmp_path: Path, write_film: WriteFilm, chest: np.ndarray[Any, Any]
) -> None:
    pytest.importorskip("highdicom")
    write_film(tmp_path / "film.dcm", chest, SOPInstanceUID="../../../escaped")
    (refused,) = pg.predict(registry, "lungs", tmp_path / "film.dcm", tmp_path / "a/b/c/out", SMALL).refused
    assert refused.error == "DicomError"
    assert "escaped" not in refused.reason
    assert not list(tmp_path.rglob("*escaped*"))
    assert not (tmp_path / "a").exists()


def test_a_missing_highdicom_is_said_before_anything_is_written(
    registry: TaskRegistry,
    tmp_path: Path,
    write_film: WriteFilm,
    chest: np.ndarray[Any, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write_film(tmp_path / "film.dcm", chest)
    write_grey(tmp_path / "other.png", chest)
    monkeypatch.setitem(sys.modules, "highdicom", None)
    with pytest.raises(ConfigurationError, match=r"dicom_seg=False.*pip install 'piggygan\[medical\]'"):
        pg.predict(registry, "lungs", tmp_path, tmp_path / "out", SMALL)
    assert not (tmp_path / "out").exists()
    without = PredictionOptions(size=32, dicom_seg=False)
    assert len(pg.predict(registry, "lungs", tmp_path, tmp_path / "out", without).predicted) == 2
    assert len(pg.predict(registry, "lungs", tmp_path / "other.png", tmp_path / "png", SMALL).predicted) == 1


# ------------------------------------------------------------------ masks and pictures


def test_specks_and_holes_are_tidied_when_asked(see: Any, tmp_path: Path) -> None:
    pixels = np.zeros((64, 64), dtype=np.uint8)
    pixels[5:30, 5:30] = pixels[35:60, 35:60] = pixels[60:62, 5:7] = 255
    pixels[10:20, 10:20] = 0
    write_grey(tmp_path / "film.png", pixels)
    see(tmp_path / "film.png", largest=2, fill_holes=True)
    expected = np.zeros((64, 64), dtype=bool)
    expected[5:30, 5:30] = expected[35:60, 35:60] = True
    assert np.array_equal(mask_of(tmp_path / "out", "film"), expected)


@pytest.mark.parametrize("fit", ["stretch", "tile"])
def test_a_task_of_pictures_writes_pictures(registry: TaskRegistry, tmp_path: Path, fit: str) -> None:
    levels = np.random.default_rng(0).integers(0, 256, (50, 70, 3), dtype=np.uint8)
    write_grey(tmp_path / "photo.png", levels)
    options = PredictionOptions(size=32, fit=fit)  # type: ignore[arg-type]
    summary = pg.predict(registry, "facades", tmp_path / "photo.png", tmp_path / "out", options)
    assert [path.name for path in (tmp_path / "out").iterdir() if path.is_dir()] == ["pictures"]
    assert summary.predicted[0].outputs == {"pictures": "pictures/photo.png"}
    assert summary.predicted[0].foreground is None
    written = read_image(tmp_path / "out/pictures/photo.png")
    expected = pg.prediction.translate_pictures(
        registry.load(["facades"]), "facades", [read_image(tmp_path / "photo.png")], options
    )[0]
    assert (written - expected).abs().max() <= 1 / 255 + 1e-6


def test_d07_a_network_that_gives_no_numbers_makes_no_mask(
    mirror_registry: TaskRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make_mirror: Any
) -> None:
    from piggygan.prediction.translator import Translator

    def broken(_: Translator, canvases: list[torch.Tensor]) -> list[torch.Tensor]:
        return [torch.full_like(canvas, float("nan")) for canvas in canvases]

    monkeypatch.setattr(Translator, "__call__", broken)
    write_grey(tmp_path / "film.png", corner(40, 40))
    summary = pg.predict(
        mirror_registry, "lungs", tmp_path / "film.png", tmp_path / "out", SMALL, generator=make_mirror()
    )
    assert summary.refused[0].error == "PredictionError"
    assert not (tmp_path / "out/masks").exists()


# ------------------------------------------------------------------ files that fail


def test_what_cannot_be_used_is_reported_and_the_others_go_on(
    registry: TaskRegistry, tmp_path: Path, write_film: WriteFilm, chest: np.ndarray[Any, Any]
) -> None:
    folder = tmp_path / "films"
    folder.mkdir()
    good = write_grey(folder / "good.png", chest).read_bytes()
    dicom = write_film(folder / "good.dcm", chest).read_bytes()
    (folder / "a01-empty.png").touch()
    (folder / "a01-page.png").write_bytes(b"<html>404</html>")
    (folder / "a03-cut.png").write_bytes(good[: len(good) // 2])
    (folder / "b01-prefix.dcm").write_bytes(bytes(132))
    (folder / "b02-cut.dcm").write_bytes(dicom[:-50])
    (folder / "a18-link.png").symlink_to(folder / "nowhere")
    os.mkfifo(folder / "a18-pipe.png")
    write_film(folder / "b08-unknown.dcm", chest, PhotometricInterpretation="RAINBOW")
    options = PredictionOptions(size=32, batch_size=3, dicom_seg=False)
    summary = pg.predict(registry, "lungs", [folder, tmp_path / "missing.png"], tmp_path / "out", options)
    assert {Path(file.source).name for file in summary.predicted} == {"good.png", "good.dcm"}
    assert len(summary.refused) == 9
    for file in summary.refused:
        assert file.error in ("ImageError", "DicomError")
        assert Path(file.source).name in file.reason
    assert {path.name for path in (tmp_path / "out/masks").iterdir()} == {"good.png", "good-2.png"}
    written = json.loads((tmp_path / "out/summary.json").read_text())
    assert written == json.loads(json.dumps(summary.as_dict()))
    assert [file["source"] for file in written["refused"]] == [file.source for file in summary.refused]


def test_whatever_the_batch_each_file_gets_its_own_mask(see: Any, tmp_path: Path) -> None:
    """Broken files between good ones must not shift the masks by one."""
    for number in range(7):
        pixels = np.zeros((40, 40), dtype=np.uint8)
        pixels[: 5 * number + 3] = 255
        write_grey(tmp_path / f"{number}.png", pixels)
        (tmp_path / f"{number}-broken.png").write_bytes(b"broken")
    summary = see([tmp_path], batch_size=4)
    assert len(summary.refused) == 7
    for file in summary.predicted:
        rows = 5 * int(Path(file.source).stem) + 3
        assert file.foreground == pytest.approx(rows / 40, abs=0.02)


@pytest.mark.parametrize("name", ["two\nlines", "\U0001f642", "a" * 251, "-rf", "a b", "$(x)", "nul\x1b[2J"])
def test_a19_strange_names_are_names(registry: TaskRegistry, tmp_path: Path, name: str) -> None:
    write_grey(tmp_path / f"{name}.png", np.zeros((8, 8), dtype=np.uint8))
    (file,) = pg.predict(registry, "lungs", tmp_path / f"{name}.png", tmp_path / "out", SMALL).predicted
    assert (tmp_path / "out" / file.outputs["masks"]).is_file()
    assert (tmp_path / "out/summary.json").read_bytes().isascii()


def test_a19_a_name_that_is_no_text_is_a_name(registry: TaskRegistry, tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff\xfe.png"))
    try:
        path.touch()
    except OSError:
        pytest.skip("this file system takes text only")
    write_grey(tmp_path / "film.png", np.zeros((8, 8), dtype=np.uint8)).replace(path)
    (file,) = pg.predict(registry, "lungs", path, tmp_path / "out", SMALL).predicted
    assert json.loads((tmp_path / "out/summary.json").read_text())["predicted"][0]["source"] == file.source


# ------------------------------------------------------------------ refusals before anything is written


def test_nothing_is_overwritten(registry: TaskRegistry, tmp_path: Path) -> None:
    write_grey(tmp_path / "film.png", corner(20, 20))
    pg.predict(registry, "lungs", tmp_path / "film.png", tmp_path / "out", SMALL)
    before = {path: path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()}
    for _ in range(2):
        with pytest.raises(PredictionError, match="nothing is overwritten"):
            pg.predict(registry, "facades", tmp_path / "film.png", tmp_path / "out", SMALL)
    assert {path: path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()} == before
    with pytest.raises(PredictionError, match="nothing is overwritten"):
        pg.predict(registry, "lungs", tmp_path / "film.png", tmp_path, SMALL)


def test_d01_what_is_not_there_is_refused_and_nothing_made(registry: TaskRegistry, tmp_path: Path) -> None:
    write_grey(tmp_path / "film.png", corner(20, 20))
    out = tmp_path / "out"
    with pytest.raises(TaskNotFoundError, match="did you mean 'lungs'"):
        pg.predict(registry, "lung", tmp_path / "film.png", out, SMALL)
    with pytest.raises(RegistryError):
        pg.predict(tmp_path / "nowhere", "lungs", tmp_path / "film.png", out, SMALL)
    with pytest.raises(DatasetError):
        pg.predict(registry, "lungs", [], out, SMALL)
    with pytest.raises(ConfigurationError, match="size=33"):
        pg.predict(registry, "lungs", tmp_path / "film.png", out, PredictionOptions(size=33))
    assert not out.exists()


def test_predicting_leaves_the_registry_as_it_is(registry: TaskRegistry, tmp_path: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in registry.folder.rglob("*")}
    write_grey(tmp_path / "film.png", corner(20, 20))
    pg.predict(registry.folder, "lungs", tmp_path / "film.png", tmp_path / "out", SMALL)
    assert {path: path.stat().st_mtime_ns for path in registry.folder.rglob("*")} == before


def test_pictures_come_to_the_size_that_the_task_was_trained_on(tmp_path: Path) -> None:
    model = pg.MultiTaskGenerator(pg.UNetGenerator(depth=2, width=4, out_channels=1), "lungs")
    model.freeze_task("lungs")
    known, unknown = TaskRegistry(tmp_path / "known"), TaskRegistry(tmp_path / "unknown")
    known.commit(model, "lungs", image_size=48)
    unknown.commit(model, "lungs")
    film = write_grey(tmp_path / "film.png", corner(40, 50))

    def size(registry: TaskRegistry, out: str, **chosen: int) -> int | None:
        return pg.predict(registry, "lungs", film, tmp_path / out, PredictionOptions(**chosen)).options.size  # type: ignore[arg-type]

    assert size(known, "recorded") == 48
    assert size(unknown, "usual") == 256
    assert size(unknown, "chosen", size=32) == 32
    with pytest.warns(UserWarning, match="'lungs' was trained on squares of 48 pixels and predicts at 32"):
        assert size(known, "other", size=32) == 32
    masks = [mask_of(tmp_path / out, "film") for out in ("recorded", "usual", "chosen", "other")]
    assert (masks[2] == masks[3]).all()
    assert (masks[0] != masks[2]).any()


def test_17_07_the_summary_names_the_weights_that_predicted_whatever_the_registry_has_by_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def committed(seed: int) -> TaskRegistry:
        torch.manual_seed(seed)
        model = pg.MultiTaskGenerator(pg.UNetGenerator(depth=2, width=4), "lungs")
        model.freeze_task("lungs")
        registry = TaskRegistry(tmp_path / f"registry{seed}")
        registry.commit(model, "lungs")
        return registry

    mine, other = committed(1), committed(2)
    expected = mine.describe("lungs").networks["generator"].certificate.tensors_digest
    real = TaskRegistry.load

    def exchanged(self: TaskRegistry, *args: Any, **rest: Any) -> pg.MultiTaskGenerator:
        loaded = real(self, *args, **rest)
        (mine.folder / "registry.json").write_bytes((other.folder / "registry.json").read_bytes())
        return loaded

    monkeypatch.setattr(TaskRegistry, "load", exchanged)
    write_grey(tmp_path / "film.png", corner(20, 20))
    summary = pg.predict(mine, "lungs", tmp_path / "film.png", tmp_path / "out", SMALL)
    assert mine.describe("lungs").networks["generator"].certificate.tensors_digest != expected
    assert summary.certificate == expected


def test_one_of_several_networks_predicts_when_it_is_named(tmp_path: Path) -> None:
    torch.manual_seed(0)
    models = {name: pg.MultiTaskGenerator(pg.UNetGenerator(depth=2, width=4), "lungs") for name in ("there", "back")}
    for model in models.values():
        model.freeze_task("lungs")
    registry = TaskRegistry(tmp_path / "pair")
    registry.commit(models, "lungs")
    write_grey(tmp_path / "film.png", corner(20, 20))
    summary = pg.predict(registry, "lungs", tmp_path / "film.png", tmp_path / "out", SMALL, network="there")
    assert summary.certificate == registry.describe("lungs").networks["there"].certificate.tensors_digest
    with pytest.raises(ConfigurationError, match="network"):
        pg.predict(registry, "lungs", tmp_path / "film.png", tmp_path / "other", SMALL)


def test_b17_files_nobody_vouches_for_are_decoded_elsewhere_and_come_out_alike(
    see: Any, write_film: WriteFilm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    film = write_film(tmp_path / "film.dcm", corner(50, 40))
    program = tmp_path / "program.dcm"
    program.write_bytes(b"MZ" + film.read_bytes()[2:])
    here = see([film])
    mask = mask_of(tmp_path / "out", "film")
    (tmp_path / "out").rename(tmp_path / "before")

    def not_here(*_: object, **__: object) -> None:
        raise AssertionError("it was decoded in this process")

    with monkeypatch.context() as patch:
        for place in ("piggygan.data.content.open_regular", "piggygan.data.dicom.image.open_regular"):
            patch.setattr(place, not_here)
        apart = see([film, program], untrusted=True)
    assert apart.predicted == here.predicted
    assert np.array_equal(mask_of(tmp_path / "out", "film"), mask)
    assert [refused.error for refused in apart.refused] == ["DicomError"]
    assert "begins as a program does" in apart.refused[0].reason


@pytest.mark.parametrize("untrusted", [False, True])
def test_19_every_kind_of_picture_in_a_folder_is_predicted_alike(
    registry: TaskRegistry, tmp_path: Path, untrusted: bool
) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (20, 30), dtype=np.uint8)
    for suffix in ("png", "tif", "bmp", "webp"):
        options = {"lossless": True} if suffix == "webp" else {}
        (tmp_path / "films").mkdir(exist_ok=True)
        Image.fromarray(pixels).save(tmp_path / "films" / f"{suffix}.{suffix}", **options)
    np.save(tmp_path / "films/npy.npy", pixels)
    summary = pg.predict(
        registry, "lungs", tmp_path / "films", tmp_path / "out", PredictionOptions(size=32, untrusted=untrusted)
    )
    assert [Path(file.source).name for file in summary.predicted] == [
        "bmp.bmp",
        "npy.npy",
        "png.png",
        "tif.tif",
        "webp.webp",
    ]
    assert len({(tmp_path / "out" / file.outputs["masks"]).read_bytes() for file in summary.predicted}) == 1
