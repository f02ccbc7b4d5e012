"""Published folders: what belongs together, what comes out, what is missing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from piggygan.data.datasets import (
    DATASETS,
    CovidXrays,
    DatasetFolder,
    Facades,
    FacadesBase,
    Jsrt,
    Montgomery,
    Pictures,
    Shenzhen,
    SideBySide,
    open_dataset,
)
from piggygan.data.datasets.facades import read_indexed_labels
from piggygan.data.datasets.jsrt import read_gif_mask, read_raw_film
from piggygan.data.palette import CMP_PALETTE
from piggygan.errors import (
    ConfigurationError,
    DatasetError,
    ImageError,
    InputTooLargeError,
    MaskError,
    PairError,
)

MINIATURES = [
    ("montgomery", Montgomery, 4),
    ("shenzhen", Shenzhen, 4),
    ("jsrt", Jsrt, 2),
    ("facades", Facades, 6),
    ("facades_base", FacadesBase, 3),
    ("covid_cxr", CovidXrays, 4),
]


@pytest.mark.parametrize(("fixture", "kind", "count"), MINIATURES)
def test_a_folder_is_recognised_and_gives_its_pairs(
    fixture: str, kind: type[DatasetFolder], count: int, request: pytest.FixtureRequest
) -> None:
    # A miniature of the facades is too small to be recognized.
    dataset = open_dataset(request.getfixturevalue(fixture), "facades" if fixture == "facades" else None)
    assert type(dataset) is kind
    assert DATASETS[dataset.name] is kind
    pairs = dataset.pairs(8, channels=1)
    assert len(pairs) == len(dataset.files) == count
    assert pairs.skipped == []
    channels = 3 if fixture.startswith("facades") else 1
    assert pairs[0].input.shape == pairs[0].target.shape == (channels, 8, 8)
    assert set(dataset.patients) == set(pairs.names)


@pytest.mark.parametrize(("fixture", "kind", "count"), MINIATURES)
def test_a_miniature_is_not_the_complete_set(
    fixture: str, kind: type[DatasetFolder], count: int, request: pytest.FixtureRequest
) -> None:
    assert kind.description is not None
    with pytest.raises(
        DatasetError, match=rf"has {count} pairs; .* has {kind.description.pairs}\. Get it anew: .*http"
    ):
        kind(request.getfixturevalue(fixture)).require_complete()


def test_every_description_says_where_to_get_the_set_its_terms_and_what_to_cite() -> None:
    described = [kind.description for kind in DATASETS.values() if kind.description is not None]
    assert [one.pairs for one in described] == [138, 566, 247, 74, 378, 606]
    for one in described:
        assert "http" in one.source
        assert one.terms
        assert one.citation
        assert one.images >= one.pairs
        assert sum(one.sides.values()) in (0, one.pairs)


def test_the_masks_of_both_lungs_are_united(montgomery: Path) -> None:
    files = Montgomery(montgomery).files[0]
    _, mask = Montgomery.reader(1).read(files)
    left, right = (
        np.asarray(Image.open(montgomery / "ManualMask" / f"{side}Mask" / f"{files.name}.png"))
        for side in ("left", "right")
    )
    assert left.any()
    assert right.any()
    assert not (left & right).any()
    assert np.array_equal(mask[0].numpy() > 0, left | right)


def test_the_real_masks_of_montgomery_are_united(shared_data: Path, tmp_path: Path) -> None:
    name = "MCUCXR_0001_0"
    parts = {side: shared_data / f"others/montgomery_masks_only/{name}_{side}_mask.png" for side in ("left", "right")}
    if not all(path.is_file() for path in parts.values()):
        pytest.skip("the real masks are not there")
    for side, path in parts.items():
        link = tmp_path / "ManualMask" / f"{side}Mask" / f"{name}.png"
        link.parent.mkdir(parents=True)
        link.symlink_to(path.resolve())
    (tmp_path / "CXR_png").mkdir()
    Image.new("L", (4892, 4020)).save(tmp_path / "CXR_png" / f"{name}.png")
    pair = Montgomery(tmp_path).pairs(256, channels=1)[0]
    areas = [np.asarray(Image.open(path)).mean() for path in parts.values()]
    assert min(areas) > 0.05
    assert (pair.target > 0).float().mean().item() == pytest.approx(sum(areas), abs=0.002)


def test_a17_a_film_without_one_of_its_masks_is_left_out_by_name(montgomery: Path) -> None:
    (montgomery / "ManualMask/rightMask/MCUCXR_0001_1.png").unlink()
    (montgomery / "CXR_png/MCUCXR_0002_0.png").unlink()
    dataset = Montgomery(montgomery)
    assert [files.name for files in dataset.files] == ["MCUCXR_0000_0", "MCUCXR_0003_1"]
    assert [tuple(skipped) for skipped in dataset.incomplete] == [
        ("MCUCXR_0001_1", "has no right mask"),
        ("MCUCXR_0002_0", "has a left mask and no image"),
        ("MCUCXR_0002_0", "has a right mask and no image"),
    ]


def test_a17_too_many_films_without_masks_are_an_error(montgomery: Path) -> None:
    (montgomery / "ManualMask/rightMask/MCUCXR_0001_1.png").unlink()
    with pytest.raises(DatasetError, match=r"1 of 4 films .* lack their partner[\s\S]*'MCUCXR_0001_1': has no right"):
        Montgomery(montgomery).pairs(8)
    with pytest.raises(DatasetError, match="lack their partner"):
        Montgomery(montgomery).pairs(8, names=["MCUCXR_0000_0"])
    assert len(Montgomery(montgomery).pairs(8, max_skipped=0.25)) == 3


def test_a17_two_films_of_one_name_are_refused(montgomery: Path) -> None:
    Image.new("L", (4, 4)).save(montgomery / "CXR_png" / "mcucxr_0001_1.PNG", format="PNG")
    with pytest.raises(PairError, match="alike"):
        Montgomery(montgomery)


def test_a13_a17_a_mask_of_another_size_is_skipped_with_both_names(montgomery: Path) -> None:
    Image.new("1", (6, 5)).save(montgomery / "ManualMask/leftMask/MCUCXR_0001_1.png")
    pairs = Montgomery(montgomery).pairs(8, max_skipped=0.25)
    assert [skipped.name for skipped in pairs.skipped] == ["MCUCXR_0001_1"]
    assert "12 x 10 pixels and its mask" in pairs.skipped[0].reason
    assert "6 x 5" in pairs.skipped[0].reason


def test_films_that_were_published_without_mask_are_no_loss(shenzhen: Path) -> None:
    dataset = Shenzhen(shenzhen)
    assert [tuple(skipped) for skipped in dataset.incomplete] == [("CHNCXR_0003_0", "has no mask")]
    assert len(dataset.pairs(8)) == 4


def test_the_masks_of_shenzhen_may_lie_one_folder_deeper(shenzhen: Path) -> None:
    (shenzhen / "mask").rename(shenzhen / "inner")
    (shenzhen / "mask").mkdir()
    (shenzhen / "inner").rename(shenzhen / "mask" / "mask")
    assert len(open_dataset(shenzhen).files) == 4


def test_a_raw_film_is_bright_where_its_density_is_low(jsrt: Path) -> None:
    film = read_raw_film(jsrt / "All247images/JPCLN001.IMG")
    assert film.shape == (1, 2048, 2048)
    assert film[0, 5, 5] == -1.0
    assert film[0, 5, 2000] == 1.0
    assert film[0, 0, 0].item() == pytest.approx(1 - 2 * 256 / 4095, abs=1e-6)  # swapped bytes would give 1 - 2/4095


def test_a_raw_film_of_another_size_or_byte_order_is_refused(jsrt: Path, tmp_path: Path) -> None:
    content = (jsrt / "All247images/JPCLN001.IMG").read_bytes()
    for changed, message in ((content[:-1], "8388607 bytes"), (content + b"\0", "8388609"), (b"", "has 0 bytes")):
        (tmp_path / "x.IMG").write_bytes(changed)
        with pytest.raises(ImageError, match=message):
            read_raw_film(tmp_path / "x.IMG")
    np.frombuffer(content, dtype=">u2").astype("<u2").tofile(tmp_path / "x.IMG")
    with pytest.raises(ImageError, match="12 bits, big-endian"):
        read_raw_film(tmp_path / "x.IMG")


def test_the_masks_of_scr_are_brought_to_the_film_and_the_heart_is_left_out(jsrt: Path) -> None:
    dataset = Jsrt(jsrt)
    image, mask = Jsrt.reader(3).read(dataset.files[0])
    assert image.shape == (3, 2048, 2048)
    lungs = np.zeros((1024, 1024), dtype=bool)
    for part in ("left lung", "right lung"):
        with Image.open(jsrt / "fold1/masks" / part / "JPCLN001.gif") as gif:
            lungs |= np.asarray(gif.convert("L")) > 127
    assert lungs.sum() == 2 * 6 * 3
    assert np.array_equal(mask[0].numpy() > 0, np.kron(lungs, np.ones((2, 2), dtype=bool)))
    assert dataset.sides == {"fold1": ["JPCLN001"], "fold2": ["JPCNN002"]}


def test_scr_may_lie_in_the_folder_of_its_archive(jsrt: Path) -> None:
    (jsrt / "scratch").mkdir()
    for fold in ("fold1", "fold2"):
        (jsrt / fold).rename(jsrt / "scratch" / fold)
    assert len(open_dataset(jsrt).files) == 2


def test_a12_a_gif_mask_of_three_values_or_no_gif_is_refused(tmp_path: Path) -> None:
    Image.fromarray(np.array([[0, 100, 255]], dtype=np.uint8)).save(tmp_path / "three.gif")
    with pytest.raises(MaskError, match=r"three\.gif"):
        read_gif_mask(tmp_path / "three.gif")
    Image.new("L", (4, 4)).save(tmp_path / "png.gif", format="PNG")
    with pytest.raises(ImageError, match="no GIF"):
        read_gif_mask(tmp_path / "png.gif")
    with pytest.raises(InputTooLargeError):
        read_gif_mask(tmp_path / "three.gif", max_pixels=2)


def numbered(folder: Path, counts: dict[str, int], size: tuple[int, int]) -> Path:
    """Make a folder of pairs that are called by numbers; all are one file."""
    folder.mkdir()
    first = folder / ".one.jpg"
    Image.new("RGB", size).save(first)
    for side, count in counts.items():
        (folder / side).mkdir()
        for number in range(1, count + 1):
            (folder / side / f"{number}.jpg").hardlink_to(first)
    first.unlink()
    return folder


@pytest.mark.parametrize(
    ("counts", "size", "kind"),
    [
        ({"train": 400, "val": 100, "test": 106}, (512, 256), Facades),
        ({"train": 400, "val": 100}, (512, 256), Facades),
        ({"train": 396, "val": 97}, (512, 256), Facades),
        ({"train": 4, "val": 2}, (512, 256), SideBySide),
        ({"train": 300, "val": 100}, (512, 256), SideBySide),
        ({"train": 1096, "val": 1098}, (512, 256), SideBySide),
        ({"train": 400, "val": 100}, (128, 64), SideBySide),
        ({"train": 400, "val": 100}, (64, 64), Pictures),
        ({"train": 400}, (512, 256), SideBySide),
    ],
)
def test_16_15_facades_are_recognized_by_their_numbers_and_size_and_no_others(
    tmp_path: Path, counts: dict[str, int], size: tuple[int, int], kind: type[DatasetFolder]
) -> None:
    assert type(open_dataset(numbered(tmp_path / "pairs", counts, size))) is kind


def test_sides_of_facades_keep_files_of_one_name_apart(facades: Path) -> None:
    dataset = Facades(facades)
    assert dataset.sides == {
        "train": ["train/1", "train/2", "train/3"],
        "val": ["val/1", "val/2"],
        "test": ["test/1"],
    }
    assert dataset.pairs(8, side="val").names == ["val/1", "val/2"]


def test_a11_class_numbers_get_the_colours_of_the_palette_whatever_their_own(facades_base: Path) -> None:
    labels = read_indexed_labels(facades_base / "base/cmp_b0001.png")
    levels = ((labels + 1) * 127.5).round().int()
    assert [tuple(levels[:, 0, column].tolist()) for column in range(12)] == [one.rgb for one in CMP_PALETTE]
    pair = FacadesBase(facades_base).pairs(32)[0]
    assert set(((pair.target + 1) * 127.5).round().int().flatten().tolist()) <= {
        value for one in CMP_PALETTE for value in one.rgb
    }


@pytest.mark.parametrize("number", [0, 13, 255])
def test_a12_a_class_number_outside_the_list_is_named_with_count_and_file(facades_base: Path, number: int) -> None:
    path = facades_base / "base/cmp_b0002.png"
    labels = np.ones((10, 12), dtype=np.uint8)
    labels[0, :3] = number
    Image.fromarray(labels).save(path)
    with pytest.raises(MaskError, match=rf"cmp_b0002\.png.*{number} \(3 pixels\)"):
        read_indexed_labels(path)


def test_films_of_one_article_are_of_one_source(covid_cxr: Path) -> None:
    dataset = CovidXrays(covid_cxr)
    assert dataset.patients == {"a-day0": "10.1/x", "a-day3": "10.1/x", "b": "https://e.org/b", "c": "c"}
    assert dataset.licences["b"] == "CC BY"
    assert dataset.pairs(8, side="test").names == ["c"]
    for seed in range(20):
        split = dataset.split({"train": 0.5, "test": 0.5}, seed=seed)
        assert sorted(split["train"] + split["test"]) == sorted(dataset.patients)
        assert ("a-day0" in split["train"]) == ("a-day3" in split["train"])


def test_a_table_without_its_columns_is_an_error(covid_cxr: Path) -> None:
    (covid_cxr / "licences.csv").write_text("file,url\na.png,x\n", encoding="utf-8")
    with pytest.raises(DatasetError, match=r"licences\.csv.*licence_in_source_metadata"):
        _ = CovidXrays(covid_cxr).patients


def test_the_real_films_are_complete_and_their_sides_divide_no_source(shared_data: Path) -> None:
    dataset = open_dataset(shared_data / "covid_cxr")
    dataset.require_complete()
    assert {side: len(names) for side, names in dataset.sides.items()} == {"train": 55, "test": 19}
    train, test = ({dataset.patients[name] for name in dataset.sides[side]} for side in ("train", "test"))
    assert not train & test


def test_the_real_facades_lack_their_test_side(shared_data: Path) -> None:
    dataset = open_dataset(shared_data / "facades")
    assert type(dataset) is Facades
    assert {side: len(names) for side, names in dataset.sides.items()} == {"train": 400, "val": 100}
    with pytest.raises(DatasetError, match="has 500 pairs; CMP facades in pix2pix form has 606"):
        dataset.require_complete()
    assert open_dataset(shared_data / "others/facade_windows").name == "side-by-side"


def test_choosing_pairs_twice_or_wrongly_is_refused(facades: Path) -> None:
    dataset = Facades(facades)
    with pytest.raises(ConfigurationError, match="one of them"):
        dataset.pairs(8, side="train", names=["train/1"])
    with pytest.raises(DatasetError, match="nothing under 'dev'"):
        dataset.pairs(8, side="dev")
    with pytest.raises(PairError, match="'train/9'"):
        dataset.pairs(8, names=["train/9", "train/1"])
    with pytest.raises(ConfigurationError, match="known are montgomery"):
        open_dataset(facades, "mnist")
    with pytest.raises(DatasetError, match="no such folder"):
        open_dataset(facades / "nowhere")


def test_pairs_are_the_same_as_the_training_read_before(facades: Path, covid_cxr: Path) -> None:
    from piggygan.data import PairDataset

    before = PairDataset.side_by_side(facades / "train", 8)
    now = Facades(facades).pairs(8, side="train")
    assert all(torch.equal(now[index].target, before[index].target) for index in range(3))
    films = PairDataset.with_masks(covid_cxr / "images", covid_cxr / "masks", 8, names=["c"])
    assert CovidXrays(covid_cxr).pairs(8, side="test").fingerprint == films.fingerprint
