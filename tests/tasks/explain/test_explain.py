"""Maps say what they claim: they add up, turn with the picture, and stand in their own units."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
import skimage.data
import tifffile
import torch
from PIL import Image

from vasari.foundation.errors import PictureError, PlanError
from vasari.foundation.picture import Picture
from vasari.models import hub
from vasari.models.style import StyleCode
from vasari.tasks.explain.drawing import LEGEND_PX, colored, drawn
from vasari.tasks.explain.explaining import explain
from vasari.tasks.explain.plan import ExplainPlan
from vasari.tasks.explain.restoring import restoration_maps, seen_again
from vasari.tasks.explain.styling import place_shares, style_maps
from vasari.tasks.restore.apply import restore


@pytest.fixture
def scan() -> Picture:
    return Picture.from_array(skimage.data.astronaut()[:90, 150:250])


@pytest.fixture
def plan(tiny_restorer: Path) -> ExplainPlan:
    return ExplainPlan(model=str(tiny_restorer), precision="float32", shifts=1)


def test_the_first_view_is_the_restoration_itself(scan: Picture, plan: ExplainPlan) -> None:
    found = restoration_maps(scan, plan)
    restored = restore(scan, model=plan.model, precision="float32")
    torch.testing.assert_close(found.result, restored.pixels)
    torch.testing.assert_close(found.change, (restored.pixels - scan.pixels).abs().amax(0) * 255)
    assert found.views == 8
    for one in (found.damage, found.change, found.uncertainty):
        assert one.shape == (90, 100) and one.min() >= 0
    assert found.damage.max() <= 1


def test_vividness_explains_the_weights_that_it_restores_with(scan: Picture, tmp_path: Path) -> None:
    half = ExplainPlan(vividness=0.5, precision="float32", shifts=0, other="restore-faithful")
    found = restoration_maps(scan, half)
    restored = restore(scan, vividness=0.5, precision="float32").pixels
    torch.testing.assert_close(found.result, restored)
    apart = (restored - restore(scan, precision="float32").pixels).abs().amax(0) * 255
    assert found.disagreement is not None and apart.max() > 1
    torch.testing.assert_close(found.disagreement, apart)
    scan.save(tmp_path / "scan.png")
    facts = explain(tmp_path / "scan.png", tmp_path / "out", half)
    assert facts["vividness"] == 0.5
    assert "restore-faithful is from restore at vividness 0.5" in (tmp_path / "out/scan.restoration.html").read_text()


@pytest.mark.parametrize(
    "wrong", [{"model": "restore-vivid"}, {"style": "mosaic"}, {"critic": "run"}, {"generator": "generate-paintings"}]
)
def test_vividness_is_of_the_restoration_by_two_weights(wrong: dict[str, str]) -> None:
    with pytest.raises(PlanError, match="vividness") as refused:
        ExplainPlan(vividness=0.5, **wrong)  # type: ignore[arg-type]
    assert "leave out --vividness" in refused.value.remedy


def test_uncertainty_is_the_deviation_over_views(scan: Picture, plan: ExplainPlan) -> None:
    flips = restoration_maps(scan, ExplainPlan(model=plan.model, precision="float32", shifts=0))
    results = []
    for axes in ((), (2,), (1,), (1, 2)):
        turned = Picture(scan.pixels.flip(axes) if axes else scan.pixels)
        result = restore(turned, model=plan.model, precision="float32").pixels
        results.append(result.flip(axes) if axes else result)
    expected = torch.stack(results).std(0, correction=0).amax(0) * 255
    torch.testing.assert_close(flips.uncertainty, expected, atol=2e-3, rtol=1e-3)
    assert flips.uncertainty.max() > 0.05


def test_views_are_turned_back_to_the_pixel() -> None:
    pixels = torch.rand(1, 3, 11, 13)
    for flip in ((), (2,), (3,), (2, 3)):
        for shift in ((0, 0), (3, 5)):
            torch.testing.assert_close(seen_again(pixels, flip, shift, lambda x: x * 2), pixels * 2)
    # What follows the places of the view, not of the picture, must differ.
    ramp = torch.arange(13.0).expand(1, 3, 11, 13)
    assert not torch.equal(seen_again(pixels, (3,), (0, 0), lambda x: x + ramp), pixels + ramp)


def test_a_network_that_does_nothing_is_sure(scan: Picture, tiny_restorer: Path, tmp_path: Path) -> None:
    network = hub.load(tiny_restorer).network
    with torch.no_grad():
        for name, value in network.named_parameters():
            if name.startswith(("tail.", "surveyor.moves", "surveyor.field")):
                value.zero_()
    options = hub.read_recipe(tiny_restorer)
    path = hub.save(network, tmp_path / "still.safetensors", options)
    found = restoration_maps(scan, ExplainPlan(model=str(path), precision="float32", shifts=1))
    assert found.uncertainty.max() < 0.01


def test_the_shares_of_places_add_up_to_the_distance_of_codes() -> None:
    generator = torch.Generator().manual_seed(1)
    features = [torch.rand(1, 5, 8, 6, generator=generator), torch.rand(1, 7, 4, 3, generator=generator) * 3]
    features[0][:, 2] = 0.0  # a silent channel
    style = StyleCode(
        tuple(torch.rand(one.shape[1], generator=generator) for one in features),
        tuple(torch.rand(one.shape[1], generator=generator) for one in features),
        torch.zeros(6),
        "",
    )
    for depth, shares in enumerate(place_shares(features, style)):
        flat = features[depth][0].flatten(1).double().numpy()
        mean, deviation = style.means[depth].double().numpy(), style.deviations[depth].double().numpy()
        distance = ((flat.mean(1) - mean) ** 2 + (flat.std(1) - deviation) ** 2).sum()
        expected = distance / (mean**2 + deviation**2).sum()
        assert float(shares.mean()) == pytest.approx(expected, rel=1e-4)
        assert shares.shape == features[depth].shape[2:]


def test_a_picture_is_no_distance_from_its_own_style(tmp_path: Path, tiny_painter: dict[str, str]) -> None:
    array = skimage.data.coffee()[:160, :200]
    Image.fromarray(array).save(tmp_path / "own.png")
    Image.fromarray(skimage.data.chelsea()[:160, :200]).save(tmp_path / "other.png")
    found = [
        style_maps(Picture.from_array(array), ExplainPlan(style=str(tmp_path / name)), tiny_painter["encoder"])
        for name in ("own.png", "other.png")
    ]
    assert max(found[0].depths) < 1e-3 < 1e-2 < min(found[1].depths)
    assert max(map(abs, found[0].colors)) < 1
    assert found[1].whole.shape == found[1].pixels.shape[1:]


def test_maps_are_written_as_pictures_and_arrays(scan: Picture, plan: ExplainPlan, tmp_path: Path) -> None:
    scan.save(tmp_path / "scan.png")
    facts = explain(tmp_path / "scan.png", tmp_path / "out", plan)
    names = {f"scan.{one}.{kind}" for one in ("damage", "change", "uncertainty") for kind in ("png", "npy")}
    assert {one.name for one in (tmp_path / "out").iterdir()} == names | {
        "scan.restoration.html",
        "scan.restoration.json",
    }
    change = np.load(tmp_path / "out" / "scan.change.npy", allow_pickle=False)
    assert change.shape == (90, 100) and change.dtype == np.float32
    assert change.mean() == pytest.approx(facts["mean_change_levels"], rel=1e-5)
    assert json.loads((tmp_path / "out" / "scan.restoration.json").read_text()) == facts
    page = (tmp_path / "out" / "scan.restoration.html").read_text()
    assert page.count("data:image/png;base64,") == 3 and "http" not in page and "<script" not in page


def test_grey_scans_are_explained_and_bad_ones_refused(plan: ExplainPlan, tmp_path: Path) -> None:
    Image.fromarray(skimage.data.camera()[:70, :80]).save(tmp_path / "grey.png")
    assert explain(tmp_path / "grey.png", tmp_path / "out", plan)["views"] == 8
    holed = np.full((40, 40, 3), 0.5, np.float32)
    holed[3, 4] = np.inf
    tifffile.imwrite(tmp_path / "holed.tif", holed, photometric="rgb")
    with pytest.raises(PictureError, match="not numbers"):
        explain(tmp_path / "holed.tif", tmp_path / "out", plan)
    Image.fromarray(skimage.data.camera()[:200, :80]).save(tmp_path / "large.png")
    with pytest.raises(PictureError, match="cap"):
        explain(tmp_path / "large.png", tmp_path / "out", ExplainPlan(model=plan.model, max_megapixels=0.01))


def test_drawings_have_a_legend_and_the_colors_of_their_scale() -> None:
    values = np.zeros((30, 300))
    values[:, 150:] = 2.0
    png = drawn(values, np.zeros((30, 300, 3)), 0.0, 2.0, "levels")
    array = np.asarray(Image.open(io.BytesIO(png)))
    assert array.shape == (30 + LEGEND_PX, 300, 3)
    low, high = array[5, 5].astype(int), array[5, 200].astype(int)
    assert high.sum() > low.sum() + 200
    np.testing.assert_allclose(low / 255, colored(np.array(0.0)) * 0.65, atol=0.01)
    assert len(np.unique(array[30:].reshape(-1, 3), axis=0)) > 50
    around = colored(np.array([0.0, 0.5, 1.0]), around=True)
    assert around[0, 2] > around[0, 0] and around[2, 0] > around[2, 2] and np.ptp(around[1]) < 1e-9
