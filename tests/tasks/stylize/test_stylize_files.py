"""Folders stylized: records with sources and rights, replayed, resumed, done anew where a style changed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data

import vasari
from vasari.foundation import image_files
from vasari.foundation.errors import PictureError, PlanError, WeightsError
from vasari.foundation.treatment import read_treatment
from vasari.tasks.batch.terms import BatchOptions
from vasari.tasks.stylize import styles
from vasari.tasks.stylize.replay import replay
from vasari.tasks.stylize.stylize_plan import StylizePlan
from vasari.tasks.stylize.work import StylizeWork, stylize_files


@pytest.fixture(autouse=True)
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1000000000")


@pytest.fixture
def cat(tmp_path: Path) -> Path:
    Image.fromarray(data.chelsea()[:120, :160]).save(tmp_path / "cat.png")
    return tmp_path / "cat.png"


def test_a_folder_is_stylized_with_records_and_replayed(
    scans: Path, cat: Path, tmp_path: Path, tiny_painter: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = {"title": "Chelsea", "rights": "CC0"}
    named = styles.add("my-cat", [cat], facts, scale=0.25, encoder=tiny_painter["encoder"])
    Image.fromarray(np.asarray(Image.open(cat))[::-1]).save(tmp_path / "upside.png")
    monkeypatch.chdir(tmp_path)
    plan = StylizePlan(
        ("my-cat:0.3", "upside.png:0.9"), strength=0.8, precision="float32", evidence=True, **tiny_painter
    )
    out = BatchOptions(tmp_path / "out")
    summary = stylize_files([scans], out, plan)
    assert sorted(str(one.result) for one in summary.done) == ["box/coffee.tif", "camera.png", "pilot.jpg"]
    record = read_treatment(out.output / "box" / "coffee.treatment.json")
    assert record.operation == "stylize"
    assert record.digital_source_type.endswith("compositeWithTrainedAlgorithmicMedia")
    told = [(one.name, one.share) for one in record.models]
    assert told == [
        ("tiny-encoder", 1.0), ("tiny-stylizer", 1.0), ("style my-cat", 0.25), ("style upside.png", 0.75)
    ]  # fmt: skip
    assert record.models[2].digest == styles.find("my-cat").digest
    assert [(one.name, one.did) for one in record.stages] == [
        ("style", "my-cat (Chelsea; CC0)"),
        ("style", "upside.png"),
        ("stylize", "painted by tiny-stylizer in these styles"),
        ("blend", "strength 0.8 of 1"),
    ]
    assert record.plan["style"] == ["my-cat:0.3", f"{tmp_path / 'upside.png'}:0.9"]
    assert record.stages[2].numbers["working_px"] == 1024 and "damaged_share" not in record.stages[2].numbers
    assert [one.name for one in record.evidence] == ["coffee.change.png"]
    read = image_files.read(out.output / "box" / "coffee.tif")
    expected = vasari.stylize(
        scans / "box" / "coffee.tif", [(named, 0.25), ("upside.png", 0.75)], strength=0.8, precision="float32",
        **tiny_painter,
    )  # fmt: skip
    assert read.depth == 16
    assert (read.pixels - expected.pixels).abs().max() <= 1 / 65535
    monkeypatch.chdir(scans)
    for name in ("box/coffee.tif", "camera.png"):
        sidecar = (out.output / name).with_suffix(".treatment.json")
        done = replay(sidecar, tmp_path / "again")
        assert done.result.read_bytes() == (out.output / name).read_bytes()
    monkeypatch.chdir(tmp_path)
    assert stylize_files([scans], out, plan).entries == ()


def test_another_picture_under_the_same_name_is_another_style(
    scans: Path, cat: Path, tmp_path: Path, tiny_painter: dict[str, str]
) -> None:
    plan, out = StylizePlan((str(cat),), style_scale=0.25, **tiny_painter), BatchOptions(tmp_path / "out")
    assert len(stylize_files([scans], out, plan).done) == 3
    first = (out.output / "camera.png").read_bytes()
    Image.fromarray(data.coffee()[:120, :160]).save(cat)
    assert len(stylize_files([scans], out, plan).done) == 3
    assert (out.output / "camera.png").read_bytes() != first
    with pytest.raises(WeightsError, match=r"style cat\.png is another"):
        Image.fromarray(data.astronaut()[:120, :160]).save(cat)
        replay(out.output / "camera.treatment.json", tmp_path / "again")


@pytest.mark.parametrize(("keep", "channels"), [("none", 3), ("luminance", 1)])
@pytest.mark.parametrize("kind", ["png", "tiff", "jpeg", "webp"])
def test_grey_files_come_out_in_color_and_say_so(
    keep: str, channels: int, kind: str, cat: Path, tmp_path: Path, tiny_painter: dict[str, str]
) -> None:
    source = tmp_path / "in" / "grey.png"
    source.parent.mkdir()
    grey = data.camera()[100:180, 200:300]
    with_alpha = np.stack([grey, np.full_like(grey, 128)], 2) if kind in ("png", "tiff") else grey
    Image.fromarray(with_alpha).save(source)
    plan = StylizePlan((str(cat),), style_scale=0.25, keep_color=keep, format=kind, precision="float32", **tiny_painter)
    done = stylize_files([source], BatchOptions(tmp_path / "out"), plan).done
    assert [one.status for one in done] == ["done"]
    result = tmp_path / "out" / str(done[0].result)
    made = image_files.read(result)
    assert made.pixels.shape[0] == (3 if kind == "webp" else channels)
    if kind in ("png", "tiff"):
        assert made.alpha is not None and float(made.alpha.mean()) == pytest.approx(128 / 255)
    record = read_treatment(result.with_suffix(".treatment.json"))
    assert ("the grey source came out in color" in [one.did for one in record.stages]) is (channels == 3)
    if kind == "png":
        expected = vasari.stylize(
            source, cat, style_scale=0.25, keep_color=keep, precision="float32", **tiny_painter
        ).pixels
        assert (made.pixels - expected).abs().max() <= 1 / 255


def test_masks_stand_in_the_record_and_one_that_does_not_fit_is_in_the_ledger(
    scans: Path, cat: Path, tmp_path: Path, tiny_painter: dict[str, str]
) -> None:
    mask = np.zeros((120, 160), np.uint8)
    mask[:, :80] = 255
    Image.fromarray(mask).save(tmp_path / "mask.png")
    plan = StylizePlan((str(cat),), (str(tmp_path / "mask.png"),), style_scale=0.25, format="png", **tiny_painter)
    summary = stylize_files([scans], BatchOptions(tmp_path / "out"), plan)
    assert [str(one.result) for one in summary.done] == ["pilot.png"]
    assert len(summary.failed) == 2
    for one in summary.failed:
        header = image_files.inspect(one.source)
        sizes = f"mask.png (160×120) has another aspect than the picture ({header.width}×{header.height})"
        assert sizes in str(one.error)
    made, source = (image_files.read(one).pixels for one in (tmp_path / "out" / "pilot.png", scans / "pilot.jpg"))
    assert (made[..., 84:] - source[..., 84:]).abs().max() == 0 < (made[..., :76] - source[..., :76]).abs().mean()
    record = read_treatment(tmp_path / "out" / "pilot.treatment.json")
    assert [one.name for one in record.models][2:] == ["style cat.png", "mask mask.png"]
    assert "regions" in [one.name for one in record.stages]


def test_what_cannot_be_done_is_said_before_the_first_page(
    scans: Path, cat: Path, tmp_path: Path, tiny_painter: dict[str, str]
) -> None:
    text = tmp_path / "text.png"
    text.write_text("no picture")
    cases = (
        (StylizePlan((str(text),), **tiny_painter), PictureError, "none of the formats"),
        (StylizePlan(("no-such.jpg",), **tiny_painter), PlanError, "There is no style"),
        (StylizePlan(**tiny_painter), PlanError, "No style was named"),
        (StylizePlan((str(cat),), ("no-such.png",), **tiny_painter), PlanError, "There is no mask"),
        (StylizePlan((str(cat),), (str(text),), **tiny_painter), PictureError, "none of the formats"),
        (StylizePlan((str(cat),), model="no-such", encoder=tiny_painter["encoder"]), WeightsError, "no model"),
        (StylizePlan(method="no-such-translator"), WeightsError, "no model"),
    )
    for plan, kind, told in cases:
        with pytest.raises(kind, match=told):
            stylize_files([scans], BatchOptions(tmp_path / "out"), plan)
    assert not (tmp_path / "out").exists()


def test_a_style_that_cannot_be_used_is_told_before_anything_is_loaded_or_made(
    scans: Path, cat: Path, tmp_path: Path, tiny_painter: dict[str, str]
) -> None:
    """No torch is imported: that alone takes seconds."""
    styles.add("my-cat", [cat], {}, scale=0.25, encoder=tiny_painter["encoder"])
    (tmp_path / "text.png").write_text("no picture")
    code = f"""
import sys
from vasari.app.cli.main import main
for words in (
    ["stylize", {str(scans)!r}, "-o", {str(tmp_path / "out")!r}, "--style", {str(tmp_path / "text.png")!r}],
    ["stylize", {str(scans)!r}, "-o", {str(tmp_path / "out")!r}, "--style", "my-cat", "--keep-color", "histogram"],
    ["stylize", {str(scans)!r}, "-o", {str(tmp_path / "out")!r}, "--style", "my-cat", "--style-kind", "photo"],
    ["restore", {str(scans)!r}, "-o", {str(tmp_path / "out")!r}, "--style", {str(tmp_path / "text.png")!r}],
    ["styles", "add", "my-cat", {str(cat)!r}],
    ["styles", "add", "other", {str(tmp_path / "text.png")!r}],
):
    assert main(words) != 0, words
assert "torch" not in sys.modules
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("remedy: ") == 6
    assert not (tmp_path / "out").exists()


def test_a_damaged_style_is_told_before_the_networks_are_loaded(cat: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(cat.read_bytes()[:6000])
    with pytest.raises(PictureError):
        vasari.stylize(cat, broken, model="no-such-model")


def test_cmyk_is_refused_and_the_rest_goes_on(
    scans: Path, cat: Path, tmp_path: Path, tiny_painter: dict[str, str]
) -> None:
    Image.fromarray(data.astronaut()[:64, :64]).convert("CMYK").save(scans / "press.jpg")
    plan = StylizePlan((str(cat),), style_scale=0.25, **tiny_painter)
    summary = stylize_files([scans], BatchOptions(tmp_path / "out"), plan)
    assert len(summary.done) == 3 and [one.error for one in summary.failed if "CMYK" in str(one.error)]


def test_a_finished_folder_imports_no_torch(
    scans: Path, cat: Path, tmp_path: Path, tiny_painter: dict[str, str]
) -> None:
    stylize_files([scans], BatchOptions(tmp_path / "out"), StylizePlan((str(cat),), style_scale=0.25, **tiny_painter))
    words = ["stylize", str(scans), "--style", str(cat), "--style-scale", "0.25", "-o", str(tmp_path / "out")]
    words += [word for name, path in tiny_painter.items() for word in (f"--{name}", path)]
    code = (
        "import sys\n"
        "from vasari.app.cli.main import main\n"
        f"assert main({words!r}) == 0\n"
        "assert 'torch' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Nothing to do" in done.stderr


def test_a_translator_as_method_is_told(scans: Path, tmp_path: Path, tiny_translator: Path) -> None:
    plan = StylizePlan(method=str(tiny_translator), detail=0.5, working_px=64)
    assert len(stylize_files([scans], BatchOptions(tmp_path / "out"), plan).done) == 3
    record = read_treatment(tmp_path / "out" / "pilot.treatment.json")
    assert [one.name for one in record.models] == ["tiny-translator"]
    assert record.stages[0].did == "taken by tiny-translator from one domain of pictures to another"
    assert image_files.read(tmp_path / "out" / "camera.png").is_grey


def test_strength_zero_is_told_as_nothing_done(cat: Path, tiny_painter: dict[str, str]) -> None:
    work = StylizeWork.of(StylizePlan((str(cat),), strength=0.0, **tiny_painter))
    assert (work.stages({"megapixels": 1.0})[0].name, work.source_type) == ("none", "enhanced")
