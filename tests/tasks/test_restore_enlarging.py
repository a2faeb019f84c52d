"""The stage enlarge: in memory and from file to file, alone and after restoring."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import pyvips
import tifffile
import torch
from PIL import ExifTags, Image
from skimage import data

import vasari
from vasari.app.cli.main import main
from vasari.foundation import image_files
from vasari.foundation.errors import ExitCode, PictureTooLargeError, PlanError, WeightsError
from vasari.foundation.image_formats import Limits
from vasari.foundation.ledgers import Ledger
from vasari.foundation.picture import Metadata, Picture
from vasari.foundation.treatment import SOURCE_TYPES, read_treatment
from vasari.models import hub
from vasari.tasks.film.film_plan import FilmPlan
from vasari.tasks.film.work import FilmWork
from vasari.tasks.restore.apply import Outputs, treat_file
from vasari.tasks.restore.batch import BatchOptions, restore_files
from vasari.tasks.restore.enlarging import treater_of
from vasari.tasks.restore.plan import RestorePlan
from vasari.tasks.restore.replay import replay
from vasari.tasks.restore.work import RestoreWork
from vasari.tasks.stylize.restored import RestoreStylizePlan

ALL = ("tone", "repair", "enlarge")


@pytest.fixture
def models(tiny_restorer: Path, tiny_enlarger: Path) -> dict[str, str]:
    return {"model": str(tiny_restorer), "enlarger": str(tiny_enlarger), "precision": "float32"}


@pytest.fixture
def astronaut() -> Picture:
    picture = Picture.from_array(data.astronaut()[:101, 120:251])
    alpha = torch.linspace(0, 1, 131).expand(1, 101, -1).clone()
    return replace(picture, metadata=Metadata(dpi=(300.0, 200.0), orientation=6), alpha=alpha)


def treat(path: Path, outputs: Outputs, plan: RestorePlan, limits: Limits = Limits()):  # noqa: B008 - frozen
    return treat_file(path, 0, treater_of(plan), outputs, xmp=lambda m, f: m.xmp, limits=limits)


@pytest.mark.parametrize("scale", [2, 4])
def test_a_picture_alone_is_what_the_network_makes_of_it(astronaut: Picture, models: dict, scale: int) -> None:
    made = vasari.restore(astronaut, stages=("enlarge",), scale=scale, **models)
    with torch.inference_mode():
        expected = hub.load(models["enlarger"]).network(astronaut.pixels[None], scale)[0].clamp(0, 1)
    assert made.pixels.shape == (3, 101 * scale, 131 * scale)
    torch.testing.assert_close(made.pixels, expected, atol=1e-5, rtol=0)
    assert made.metadata == replace(astronaut.metadata, dpi=(300.0 * scale, 200.0 * scale))
    assert made.alpha is not None and astronaut.alpha is not None
    assert torch.equal(made.alpha[:, ::scale, ::scale], astronaut.alpha)
    assert made.depth == astronaut.depth


@pytest.mark.parametrize("scale", [2, 4])
@pytest.mark.parametrize("stages", [("enlarge",), ALL])
def test_tiles_equal_the_whole_within_a_level(astronaut: Picture, models: dict, stages: tuple, scale: int) -> None:
    whole, tiled = (
        vasari.restore(astronaut, stages=stages, scale=scale, tile_px=tile_px, **models).pixels
        for tile_px in (4096, 64)
    )
    assert (whole - tiled).abs().max() <= 1 / 255


def test_after_restoring_it_is_the_restored_picture_that_is_enlarged(astronaut: Picture, models: dict) -> None:
    restored = vasari.restore(astronaut, **{**models, "enlarger": None})
    made = vasari.restore(astronaut, stages=ALL, **models).pixels
    with torch.inference_mode():
        expected = hub.load(models["enlarger"]).network(restored.pixels[None], 2)[0].clamp(0, 1)
    inner = (slice(None), slice(0, 150), slice(0, 200))  # beyond, the network sees how the picture was filled up
    torch.testing.assert_close(made[inner], expected[inner], atol=1e-4, rtol=0)


def test_grey_stays_grey_with_one_channel_and_with_three(models: dict) -> None:
    camera = data.camera()[:60, :70]
    one = vasari.restore(camera, stages=("enlarge",), **models)
    three = vasari.restore(np.repeat(camera[:, :, None], 3, axis=2), stages=("enlarge",), **models)
    assert one.is_grey
    assert torch.equal(three.pixels, one.pixels.expand(3, -1, -1))


def test_colors_beyond_srgb_are_interpolated_and_not_clipped(astronaut: Picture, models: dict) -> None:
    wide = astronaut.with_pixels(astronaut.pixels * 1.6 - 0.3)
    made = vasari.restore(wide, stages=("enlarge",), **models).pixels
    assert made.max() > 1.2 and made.min() < -0.2


def test_a_16_bit_file_with_alpha_comes_out_as_in_memory(scans: Path, tmp_path: Path, models: dict) -> None:
    source = tmp_path / "rgba.tif"
    pixels = np.dstack([data.coffee()[50:151, 100:231], data.camera()[:101, :131]]).astype(np.uint16) * 257
    tifffile.imwrite(source, pixels, photometric="rgb", extrasamples=["unassalpha"], resolution=(600, 600))
    plan = RestorePlan(stages=("enlarge",), scale=4, tile_px=64, **models)
    found = treat(source, Outputs(tmp_path / "out.tif"), plan)
    streamed, whole = image_files.read(tmp_path / "out.tif"), vasari.restore(source, plan)
    assert streamed.depth == 16
    assert streamed.pixels.shape == (3, 404, 524)
    assert (streamed.pixels - whole.pixels).abs().max() <= 1 / 255
    assert torch.equal(streamed.alpha, whole.alpha)  # type: ignore[arg-type]
    assert streamed.metadata.dpi == pytest.approx((2400, 2400))
    assert found.megapixels == pytest.approx(101 * 131 / 1e6)


def test_a_wide_gamut_profile_is_kept_and_meant(tmp_path: Path, models: dict) -> None:
    srgb = pyvips.Image.black(1, 1, bands=3).copy(interpretation="srgb")
    display_p3 = srgb.icc_transform("p3", input_profile="srgb").get("icc-profile-data")
    source = tmp_path / "p3.png"
    Image.fromarray(data.astronaut()[:61, 150:231]).save(source, icc_profile=display_p3, dpi=(144, 144))
    plan = RestorePlan(stages=("enlarge",), **models)
    treat(source, Outputs(tmp_path / "out.png"), plan)
    made, expected = image_files.read(tmp_path / "out.png"), vasari.restore(source, plan)
    assert made.metadata.icc == expected.metadata.icc == display_p3
    assert made.metadata.dpi == pytest.approx((288, 288), abs=0.1)
    assert (made.pixels - expected.pixels.clamp(0, 1)).abs().mean() < 1 / 255


@pytest.mark.parametrize("format", ["jpeg", "tiff"])
def test_exif_tells_the_new_size(tmp_path: Path, models: dict, format: str) -> None:
    exif = Image.Exif()
    exif[ExifTags.IFD.Exif] = {40962: 40, 40963: 30, 36867: "1932:05:01 12:00:00"}
    Image.new("RGB", (40, 30), (120, 90, 60)).save(tmp_path / "scan.jpg", exif=exif)
    treat(tmp_path / "scan.jpg", Outputs(tmp_path / "out"), RestorePlan(stages=("enlarge",), format=format, **models))
    with Image.open(tmp_path / "out") as made:
        told = made.getexif().get_ifd(ExifTags.IFD.Exif)
    assert (told[40962], told[40963], told[36867]) == (80, 60, "1932:05:01 12:00:00")


SIZED_XMP = b"""<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:tiff="http://ns.adobe.com/tiff/1.0/" xmlns:exif="http://ns.adobe.com/exif/1.0/"
 tiff:ImageWidth="40" tiff:XResolution="720000/10000" exif:PixelYDimension="30"><tiff:Make>Zeiss</tiff:Make>
<tiff:ImageLength>30</tiff:ImageLength><exif:PixelXDimension>99</exif:PixelXDimension>
<tiff:YResolution>72</tiff:YResolution></rdf:Description></rdf:RDF></x:xmpmeta>"""


@pytest.mark.parametrize("format", ["jpeg", "png", "webp", "tiff"])
def test_no_tag_tells_the_size_of_before(tmp_path: Path, models: dict, format: str) -> None:
    """Neither the first directory of EXIF nor XMP, written as attributes or as elements, right or wrong before."""
    exif = Image.Exif()
    exif[256], exif[257], exif[271] = 40, 30, "Zeiss"
    Image.new("RGB", (40, 30), (120, 90, 60)).save(tmp_path / "scan.jpg", exif=exif, xmp=SIZED_XMP)
    plan = RestorePlan(stages=("enlarge",), scale=4, format=format, **models)
    treat(tmp_path / "scan.jpg", Outputs(tmp_path / "out"), plan)
    with Image.open(tmp_path / "out") as made:
        assert made.size == (160, 120)
        told = dict(made.getexif())
        assert (told.get(256, 160), told.get(257, 120), told[271]) == (160, 120, "Zeiss")
    packet = image_files.inspect(tmp_path / "out").metadata.xmp
    assert packet is not None and vasari.restore(tmp_path / "scan.jpg", plan).metadata.xmp == packet
    (about,) = ElementTree.fromstring(packet).iter("{http://www.w3.org/1999/02/22-rdf-syntax-ns#}Description")
    values = {**about.attrib, **{one.tag: one.text for one in about}}
    assert {name.partition("}")[2]: value for name, value in values.items() if "tiff/1.0" in name} == {
        "ImageWidth": "160", "XResolution": "2880000/10000", "ImageLength": "120", "YResolution": "288", "Make": "Zeiss"
    }  # fmt: skip
    assert [values[f"{{http://ns.adobe.com/exif/1.0/}}Pixel{axis}Dimension"] for axis in "XY"] == ["160", "120"]


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp"])
def test_every_format_comes_out_in_the_right_size(tmp_path: Path, models: dict, suffix: str) -> None:
    source = tmp_path / f"scan{suffix}"
    Image.fromarray(data.chelsea()[:67, :75]).save(source, dpi=(100, 100))
    treat(source, Outputs(tmp_path / f"out{suffix}"), RestorePlan(stages=ALL, **models))
    with Image.open(tmp_path / f"out{suffix}") as made:
        assert made.size == (150, 134)
        if suffix == ".jpg":
            assert made.info["dpi"] == pytest.approx((200, 200))
            assert made.getexif().get(282, 200) == pytest.approx(200)


def test_maps_keep_the_size_of_the_source(tmp_path: Path, scans: Path, models: dict) -> None:
    outputs = Outputs(tmp_path / "out.png", tmp_path / "damage.png", tmp_path / "change.png")
    treat(scans / "camera.png", outputs, RestorePlan(stages=ALL, evidence=True, **models))
    headers = [image_files.inspect(one) for one in (outputs.result, outputs.damage, outputs.change) if one]
    assert [(one.width, one.height) for one in headers] == [(260, 200), (130, 100), (130, 100)]


def test_what_would_be_too_large_is_refused_before_any_work(tmp_path: Path, scans: Path, models: dict) -> None:
    def untouched(*_: object) -> None:
        raise AssertionError("the work began")

    def refused(source: Path, limits: Limits = Limits(), **options: object) -> str:  # noqa: B008 - frozen
        plan = RestorePlan(stages=("enlarge",), **models, **options)
        with pytest.raises(PictureTooLargeError) as caught:
            treat_file(
                source,
                0,
                treater_of(plan),
                Outputs(tmp_path / "out.x"),
                xmp=untouched,
                limits=limits,
                advance=untouched,
            )
        assert caught.value.remedy
        return caught.value.message

    assert "260×200" in refused(scans / "camera.png", Limits(max_pixels=40_000))
    Image.fromarray(np.zeros((4, 16_400), np.uint8)).save(tmp_path / "wide.png")
    assert "jpeg holds 65535" in refused(tmp_path / "wide.png", scale=4, format="jpeg")
    assert "webp holds 16383" in refused(tmp_path / "wide.png", format="webp")
    assert not list(tmp_path.glob("out*"))


def test_the_record_tells_of_it_and_is_replayed(
    tmp_path: Path, scans: Path, models: dict, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1000000000")
    plan = RestorePlan(stages=("tone", "enlarge"), scale=4, **models)
    summary = restore_files([scans], BatchOptions(tmp_path / "out"), plan)
    assert len(summary.done) == 3
    sidecar = tmp_path / "out" / "camera.treatment.json"
    record = read_treatment(sidecar)
    assert [one.name for one in record.stages] == ["tone", "enlarge"]
    assert "4 times" in record.stages[-1].did and "inferred" in record.stages[-1].did
    assert [one.digest for one in record.models] == [hub.digest(models["model"]), hub.digest(models["enlarger"])]
    assert record.digital_source_type == SOURCE_TYPES["composite"]
    assert record.plan["scale"] == 4
    made = replay(sidecar, tmp_path / "again")
    assert made.result.read_bytes() == (tmp_path / "out" / "camera.png").read_bytes()
    assert not restore_files([scans], BatchOptions(tmp_path / "out"), plan).entries
    assert {one.megapixels for one in Ledger(tmp_path / "out").entries.values()} > {0.013}


def test_alone_it_needs_no_restorer(tmp_path: Path, scans: Path, models: dict) -> None:
    plan = RestorePlan(stages=("enlarge",), enlarger=models["enlarger"], model=str(tmp_path / "none.safetensors"))
    work = RestoreWork.of(plan)
    assert [one.name for one in work.models] == ["tiny-enlarger"]
    assert work.stages({"megapixels": 0.5})[0].numbers == {"megapixels": 0.5}
    assert vasari.restore(scans / "camera.png", plan).height == 200


def test_another_kind_of_model_is_refused(models: dict) -> None:
    with pytest.raises(WeightsError, match="does not enlarge"):
        treater_of(RestorePlan(stages=("enlarge",), enlarger=models["model"]))


def test_films_and_styles_are_not_enlarged(models: dict) -> None:
    plan = RestorePlan(stages=ALL, **models)
    with pytest.raises(PlanError, match="flicker"):
        FilmWork(RestoreWork.of(plan), FilmPlan()).ready({})
    with pytest.raises(PlanError, match="last thing"):
        RestoreStylizePlan(restore=plan)


def test_the_command_enlarges(tmp_path: Path, scans: Path, models: dict) -> None:
    arguments = ["restore", str(scans / "camera.png"), "-o", str(tmp_path / "out"), "--stages", "enlarge"]
    assert main([*arguments, "--scale", "4", "--enlarger", models["enlarger"]]) == ExitCode.DONE
    assert image_files.inspect(tmp_path / "out" / "camera.png").width == 4 * 130
