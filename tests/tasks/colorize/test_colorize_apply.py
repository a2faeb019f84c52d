"""Pictures colored: lightness kept, in tiles, from file to file, with hints and palettes; refusals."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from skimage import color, data

import vasari
from vasari.foundation import image_files
from vasari.foundation.errors import PlanError, WeightsError
from vasari.foundation.lab import srgb_to_lab
from vasari.foundation.picture import Metadata, Picture
from vasari.foundation.treatment import read_treatment
from vasari.models import hub
from vasari.models.colorizers import Colorizer
from vasari.models.encoders import WIDTHS
from vasari.tasks.batch.terms import BatchOptions
from vasari.tasks.colorize.colorist import Colorist, network_size, palette_from
from vasari.tasks.colorize.colorize_plan import ColorizePlan
from vasari.tasks.colorize.replay import replay
from vasari.tasks.colorize.work import ColorizeWork, colorize_files

GREY = data.camera()[100:260, 180:400]
SEPIA = (np.array([1.0, 0.85, 0.65]) * data.camera()[100:260, 180:400, None]).astype(np.uint8)


@pytest.fixture(scope="session")
def echo(tmp_path_factory: pytest.TempPathFactory, tiny_colorizer: dict[str, str]) -> dict[str, str]:
    """A colorizer, made by hand, that says of every cell what its hints say, and no color elsewhere."""
    options = {"widths": [8, 4, 4, 4], "depths": [1, 1, 1, 1], "context": 4}
    network = Colorizer(**options)  # type: ignore[arg-type]
    with torch.no_grad():
        for part in network.parameters():
            part.zero_()
        for plane in (0, 1):
            for sign in (0, 1):
                kept = 2 * plane + sign
                network.entries[0].weight[kept, WIDTHS[0] + plane, 1, 1] = 1.0 - 2 * sign
                network.tail.weight[plane, kept, 1, 1] = 1.0 - 2 * sign
    recipe = {"network": {"name": "colorizer", "options": options}, "task": "colorize"}
    path = hub.save(network, tmp_path_factory.mktemp("models") / "echo.safetensors", recipe)
    return {**tiny_colorizer, "model": str(path)}


def lightness(array: np.ndarray) -> np.ndarray:
    """L* by scikit-image."""
    scaled = array.astype(np.float64) / np.iinfo(array.dtype).max
    return color.rgb2lab(scaled if array.shape[-1] == 3 else np.repeat(scaled.reshape(*array.shape[:2], 1), 3, 2))[
        ..., 0
    ]


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("source", [GREY, SEPIA], ids=["grey", "sepia"])
def test_lightness_is_that_of_the_source(source: np.ndarray, depth: int, tiny_colorizer: dict[str, str]) -> None:
    given = source if depth == 8 else source.astype(np.uint16) * 257
    made = vasari.colorize(given, saturation=2.0, **tiny_colorizer)
    assert (made.pixels.shape[0], made.depth) == (3, depth)
    apart = np.abs(lightness(made.to_array()) - lightness(given)).max()
    assert apart <= (0.5 if depth == 8 else 0.02)
    chroma = srgb_to_lab(made.pixels)[1:].norm(dim=0)
    assert chroma.mean() > 10


def test_what_the_picture_came_with_stays_but_for_a_profile_of_grey(tiny_colorizer: dict[str, str]) -> None:
    metadata = Metadata(dpi=(300.0, 300.0), orientation=6, icc=b"profile of grey")
    grey = dataclasses.replace(Picture.from_array(GREY), metadata=metadata, alpha=torch.full((1, *GREY.shape), 0.25))
    made = vasari.colorize(grey, **tiny_colorizer)
    assert made.metadata == dataclasses.replace(metadata, icc=None)
    assert torch.equal(made.alpha, grey.alpha)  # type: ignore[arg-type]
    colored = dataclasses.replace(Picture.from_array(SEPIA), metadata=metadata)
    assert vasari.colorize(colored, **tiny_colorizer).metadata == metadata


def test_tiles_equal_the_whole(tiny_colorizer: dict[str, str]) -> None:
    options = {**tiny_colorizer, "precision": "float32"}
    whole = vasari.colorize(GREY, tile_px=4096, **options).pixels
    tiled = vasari.colorize(GREY, tile_px=64, **options).pixels
    assert (whole - tiled).abs().max() <= 1 / 255


def test_saturation_multiplies_chroma_and_zero_is_grey(tiny_colorizer: dict[str, str]) -> None:
    full, half, none = (
        srgb_to_lab(vasari.colorize(GREY, saturation=share, precision="float32", **tiny_colorizer).pixels)[1:]
        for share in (0.5, 0.25, 0.0)
    )
    within = full.norm(dim=0) > 1
    assert (half / full)[:, within].median() == pytest.approx(0.5, abs=0.02)
    assert none.abs().max() < 0.01
    work = ColorizeWork.of(ColorizePlan(saturation=0.0, **tiny_colorizer))
    assert (work.stages()[0].name, work.source_type) == ("grey", "enhanced")


def test_samples_differ_are_seeded_and_the_first_is_the_likeliest(tiny_colorizer: dict[str, str]) -> None:
    first, second, third = (one.pixels for one in vasari.colorings(GREY, samples=3, seed=5, **tiny_colorizer))
    again = [one.pixels for one in vasari.colorings(GREY, samples=2, seed=5, **tiny_colorizer)]
    assert torch.equal(first, again[0]) and torch.equal(second, again[1])
    assert torch.equal(first, vasari.colorize(GREY, **tiny_colorizer).pixels)
    other = vasari.colorings(GREY, samples=2, seed=6, **tiny_colorizer)[1].pixels
    for one, two in ((first, second), (second, third), (second, other)):
        assert (one - two).abs().mean() > 1 / 255
    with pytest.raises(PlanError, match="several samples") as caught:
        vasari.colorize(GREY, samples=2, **tiny_colorizer)
    assert "colorings" in caught.value.remedy


def test_hints_color_the_place_they_are_for(echo: dict[str, str]) -> None:
    flat = np.full((180, 240), 130, np.uint8)
    flat[:, 90:100] = flat[90:100] = 30  # four fields: color is carried within them, and hardly beyond
    made = srgb_to_lab(vasari.colorize(flat, hints=[(60, 40, "#a05a40"), (200, 150, "#405aa0")], **echo).pixels)
    for (x, y), rgb in (((60, 40), (160, 90, 64)), ((200, 150), (64, 90, 160))):
        told = color.rgb2lab(np.array(rgb, np.uint8)[None, None])[0, 0, 1:]
        there = made[1:, y, x].numpy()
        assert np.dot(there, told) / (np.linalg.norm(there) * np.linalg.norm(told)) > 0.98
        assert np.linalg.norm(there) > 0.5 * np.linalg.norm(told)
    hinted = min(float(made[1:, y, x].norm()) for x, y in ((60, 40), (200, 150)))
    assert (
        max(float(made[1:, 120:, :60].norm(dim=0).mean()), float(made[1:, :60, 150:].norm(dim=0).mean())) < hinted / 2
    )


def test_strokes_color_the_place_they_are_on(echo: dict[str, str], tmp_path: Path) -> None:
    painted = np.zeros((90, 120, 4), np.uint8)
    painted[20:50, 60:100] = (160, 90, 64, 200)
    Image.fromarray(painted).save(tmp_path / "strokes.png")
    flat = np.full((180, 240), 130, np.uint8)
    flat[:, 90:100] = 30
    made = vasari.colorize(flat, hints=tmp_path / "strokes.png", **echo).pixels
    assert torch.equal(made, vasari.colorize(flat, hints=painted, **echo).pixels)
    told = color.rgb2lab(np.array((160, 90, 64), np.uint8)[None, None])[0, 0, 1:]
    lab = srgb_to_lab(made)[1:]
    np.testing.assert_allclose(lab[:, 60:80, 140:180].mean((1, 2)).numpy(), told, atol=0.5)
    apart = lab[:, :, :80].norm(dim=0).mean() / lab[:, 60:80, 140:180].norm(dim=0).mean()
    assert apart < 0.3


def test_the_palette_is_that_of_a_picture_an_array_or_a_code(tmp_path: Path, tiny_colorizer: dict[str, str]) -> None:
    coffee = data.coffee()[:200, :300]
    Image.fromarray(coffee).save(tmp_path / "coffee.png")
    lab = color.rgb2lab(coffee)[..., 1:].reshape(-1, 2)
    mean, deviation = lab.mean(0), lab.std(0)
    expected = torch.tensor([[*(mean / 15), *(np.log1p(deviation) - 2)]], dtype=torch.float32)
    code = vasari.style_code(tmp_path / "coffee.png")
    saved = code.save(tmp_path / "coffee.safetensors")
    for source in (tmp_path / "coffee.png", coffee, Picture.from_array(coffee)):
        torch.testing.assert_close(palette_from(source), expected, atol=2e-3, rtol=0)
    for source in (code, saved):  # coded at another size, so its deviations differ a little
        torch.testing.assert_close(palette_from(source), expected, atol=0.05, rtol=0)
    warm, own = vasari.colorize(GREY, coffee, **tiny_colorizer), vasari.colorize(GREY, **tiny_colorizer)
    assert (warm.pixels - own.pixels).abs().mean() > 3 / 255


@pytest.mark.parametrize(("size", "expected"), [((512, 341), (512, 336)), ((3, 500), (16, 496)), ((41, 30), (48, 32))])
def test_networks_see_sides_of_multiples_of_16(size: tuple[int, int], expected: tuple[int, int]) -> None:
    assert network_size(*size) == expected


@pytest.mark.parametrize("shape", [(1, 1), (7, 300), (33, 20)])
def test_small_pictures_and_strips_are_colored(shape: tuple[int, int], tiny_colorizer: dict[str, str]) -> None:
    given = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    made = vasari.colorize(given, **tiny_colorizer).to_array()
    assert made.shape == (*shape, 3)
    assert np.abs(lightness(made) - lightness(given)).max() <= 0.5


def test_wrong_models_and_encoders_are_refused(
    tiny_colorizer: dict[str, str], tiny_restorer: Path, tiny_painter: dict[str, str]
) -> None:
    with pytest.raises(WeightsError, match="does not color"):
        vasari.colorize(GREY, model=str(tiny_restorer), encoder=tiny_colorizer["encoder"])
    with pytest.raises(WeightsError, match="another encoder") as caught:
        vasari.colorize(GREY, model=tiny_colorizer["model"], encoder=tiny_painter["encoder"])
    assert "--encoder" in caught.value.remedy
    with pytest.raises(WeightsError, match="no model"):
        vasari.colorize(GREY, model="no-such-model")
    with pytest.raises(PlanError, match="one is given"):
        vasari.colorings(GREY, data.coffee(), samples=2, **tiny_colorizer)
    with pytest.raises(PlanError, match="outside"):
        vasari.colorize(GREY, hints=[(1000, 1, "#ff0000")], **tiny_colorizer)
    with pytest.raises(PlanError, match="no style"):
        Colorist.of(ColorizePlan(palette_of="no-such-style", **tiny_colorizer))


def test_a_folder_is_colored_with_records_and_replayed(
    scans: Path, tmp_path: Path, tiny_colorizer: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1000000000")
    plan = ColorizePlan(samples=3, confidence=True, precision="float32", **tiny_colorizer)
    out = tmp_path / "out"
    summary = colorize_files([scans], BatchOptions(out), plan)
    assert sorted(str(one.result) for one in summary.done) == ["box/coffee.tif", "camera.png", "pilot.jpg"]
    record = read_treatment(out / "camera.treatment.json")
    beside = ["camera.confidence.png", "camera.sample-2.png", "camera.sample-3.png"]
    assert [one.name for one in record.evidence] == beside
    assert (out / "box" / "coffee.sample-2.tif").exists() and (out / "pilot.sample-3.jpg").exists()
    assert record.digital_source_type.endswith("compositeWithTrainedAlgorithmicMedia")
    assert [one.name for one in record.stages] == ["colorize", "samples"]
    assert "invented" in record.stages[0].did and "lightness as in the source" in record.stages[0].did
    assert (record.stages[0].numbers["grey_source"], record.seed) == (1.0, 0)
    expected = vasari.colorings(scans / "camera.png", samples=3, precision="float32", **tiny_colorizer)
    for name, one in zip(("camera.png", *beside[1:]), expected, strict=True):
        read = image_files.read(out / name)
        assert (read.pixels - one.pixels).abs().max() <= 0.51 / 255
        assert b"compositeWithTrainedAlgorithmicMedia" in (read.metadata.xmp or b"")
    done = replay(out / "camera.treatment.json", tmp_path / "again")
    for name in ("camera.png", *beside):
        assert (done.result.parent / name).read_bytes() == (out / name).read_bytes()
    assert colorize_files([scans], BatchOptions(out), plan).entries == ()
    # What lies beside results is no picture to color, wherever it is copied to.
    copied = tmp_path / "copied"
    copied.mkdir()
    for one in out.glob("camera.*"):
        (copied / one.name).write_bytes(one.read_bytes())
    more = colorize_files([copied], BatchOptions(tmp_path / "more"), dataclasses.replace(plan, samples=1))
    assert [str(one.result) for one in more.done] == ["camera.png"]


def test_confidence_tells_the_expected_error_in_five_levels_a_unit(
    tmp_path: Path, tiny_colorizer: dict[str, str]
) -> None:
    Image.fromarray(GREY).save(tmp_path / "scan.png")
    plan = ColorizePlan(confidence=True, precision="float32", **tiny_colorizer)
    colorize_files([tmp_path / "scan.png"], BatchOptions(tmp_path / "out"), plan)
    told = np.asarray(Image.open(tmp_path / "out" / "scan.confidence.png"))
    assert (told.shape, told.dtype) == (GREY.shape, np.uint8)
    colorist = Colorist.of(plan)
    overview = image_files.shrink(Picture.from_array(GREY).pixels, 512).expand(3, -1, -1)
    error = colorist.look(overview, *GREY.shape).errors[0][0, 0].numpy()
    assert told.std() > 0
    expected = np.asarray(Image.fromarray(5 * error).resize(GREY.shape[::-1], Image.Resampling.BILINEAR))
    assert np.abs(told - expected).max() < 3
    record = read_treatment(tmp_path / "out" / "scan.treatment.json")
    assert record.stages[0].numbers["mean_expected_error"] == pytest.approx(error.mean(), abs=0.01)


def test_hints_and_palettes_are_recorded_and_held_against_the_record(
    tmp_path: Path, echo: dict[str, str], tiny_colorizer: dict[str, str]
) -> None:
    Image.fromarray(GREY).save(tmp_path / "scan.png")
    strokes, reference = tmp_path / "strokes.png", tmp_path / "reference.png"
    painted = np.zeros((*GREY.shape, 4), np.uint8)
    painted[20:50, 60:100] = (160, 90, 64, 255)
    Image.fromarray(painted).save(strokes)
    Image.fromarray(data.coffee()[:100, :100]).save(reference)
    plan = ColorizePlan(hints=str(strokes), hint=("5,6=#0000ff",), palette_of=str(reference), **tiny_colorizer)
    colorize_files([tmp_path / "scan.png"], BatchOptions(tmp_path / "out"), plan)
    record = read_treatment(tmp_path / "out" / "scan.treatment.json")
    told = {one.name: one.digest for one in record.models}
    assert told["hints strokes.png"] == hub.digest(strokes)
    assert told["palette reference.png"] == hub.digest(reference)
    assert record.plan["hint"] == ["5,6=#0000ff"]
    assert [one.name for one in record.stages] == ["palette", "hints", "colorize"]
    done = replay(tmp_path / "out" / "scan.treatment.json", tmp_path / "again")
    assert done.result.read_bytes() == (tmp_path / "out" / "scan.png").read_bytes()
    painted[20:50, 60:100, 0] = 10
    Image.fromarray(painted).save(strokes)
    with pytest.raises(WeightsError, match=r"hints strokes\.png is another than the recorded one") as refused:
        replay(tmp_path / "out" / "scan.treatment.json", tmp_path / "third")
    assert refused.value.remedy.startswith("put the recorded file back")
    # Other strokes under the same name are other work: the result is made anew.
    changed = colorize_files([tmp_path / "scan.png"], BatchOptions(tmp_path / "out"), plan)
    assert len(changed.done) == 1
    strokes.unlink()
    with pytest.raises(PlanError, match="no hints"):
        replay(tmp_path / "out" / "scan.treatment.json", tmp_path / "third")


def test_hints_are_for_one_picture_of_one_page(scans: Path, tmp_path: Path, tiny_colorizer: dict[str, str]) -> None:
    plan = ColorizePlan(hint=("5,6=#0000ff",), **tiny_colorizer)
    with pytest.raises(PlanError, match="3 were named"):
        colorize_files([scans], BatchOptions(tmp_path / "out"), plan)
    assert not (tmp_path / "out").exists()
    pages, page = tmp_path / "pages.tif", Image.fromarray(GREY)
    page.save(pages, save_all=True, append_images=[page])
    failed = colorize_files([pages], BatchOptions(tmp_path / "out"), plan).failed
    assert len(failed) == 2 and "2 pages" in str(failed[0].error)


def test_a_master_under_the_name_of_a_sample_is_not_overwritten(tmp_path: Path, tiny_colorizer: dict[str, str]) -> None:
    out = tmp_path / "out"
    out.mkdir()
    Image.fromarray(GREY).save(tmp_path / "scan.png")
    Image.fromarray(GREY[::-1].copy()).save(out / "scan.sample-2.png")
    before = (out / "scan.sample-2.png").read_bytes()
    plan = ColorizePlan(samples=2, **tiny_colorizer)
    named = [tmp_path / "scan.png", out / "scan.sample-2.png"]
    summary = colorize_files(named, BatchOptions(out), plan)
    assert (out / "scan.sample-2.png").read_bytes() == before
    assert any("never overwritten" in str(one.error) for one in summary.failed)


def test_a_finished_folder_imports_no_torch(scans: Path, tmp_path: Path, tiny_colorizer: dict[str, str]) -> None:
    colorize_files([scans], BatchOptions(tmp_path / "out"), ColorizePlan(**tiny_colorizer))
    arguments = ["colorize", str(scans), "-o", str(tmp_path / "out")]
    arguments += ["--model", tiny_colorizer["model"], "--encoder", tiny_colorizer["encoder"]]
    code = (
        "import sys\n"
        "from vasari.app.cli.main import main\n"
        f"assert main({arguments!r}) == 0\n"
        "assert 'torch' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
