"""Pictures stylized in memory: by hand, in tiles, at a working size, blended, by regions, in odd shapes."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from skimage import color, data
from torch import Tensor

import vasari
from vasari.foundation import image_files
from vasari.foundation.errors import PlanError, WeightsError
from vasari.foundation.picture import Metadata, Picture, Space
from vasari.models import hub
from vasari.models.canvas import on_canvas
from vasari.models.encoders import Encoder
from vasari.models.style import StyleCode, moments
from vasari.tasks.stylize.coding import coded_size, sized
from vasari.tasks.stylize.hands import FADES_BELOW
from vasari.tasks.stylize.painter import Painter
from vasari.tasks.stylize.stylize_plan import StylizePlan

CAT, CUP = data.chelsea()[40:240, 60:360], data.coffee()[100:300, 100:300]
SCALE = 0.25
WHOLE = torch.tensor([[0.0, 0.0, 1.0, 1.0]])


@pytest.fixture
def pilot() -> Picture:
    picture = Picture.from_array(data.astronaut()[:112, 150:310].astype(np.uint16) * 257)
    alpha = torch.full((1, picture.height, picture.width), 0.5)
    return dataclasses.replace(picture, metadata=Metadata(dpi=(300.0, 300.0), orientation=6), alpha=alpha)


@pytest.fixture
def options(tiny_painter: dict[str, str]) -> dict[str, Any]:
    """Styles are coded small, which is quick, and pictures painted once."""
    return {**tiny_painter, "precision": "float32", "style_scale": SCALE, "passes": 1}


def for_codes(options: dict[str, Any]) -> dict[str, Any]:
    """The same for styles that are coded already."""
    return {name: value for name, value in options.items() if name != "style_scale"}


def coded(picture: np.ndarray, options: dict[str, Any]) -> StyleCode:
    return vasari.style_code(picture, scale=SCALE, encoder=options["encoder"])


def mirrored_by_hand(pixels: Tensor) -> Tensor:
    """[3, h, w], sides multiples of 16 -> [1, 3, h + 128, w + 128]."""
    return torch.from_numpy(np.pad(pixels.numpy(), ((0, 0), (64, 64), (64, 64)), mode="reflect"))[None]


def by_hand(pixels: Tensor, style: Tensor, options: dict[str, Any], strength: float = 1.0) -> Tensor:
    """The whole picture [3, h, w] in one call of each network, the style at the size that it is coded at."""
    encoder, stylizer = hub.load(options["encoder"]).network, hub.load(options["model"]).network
    with torch.inference_mode():
        features = encoder(on_canvas(mirrored_by_hand(pixels), -64, -64))
        inner = []
        for one in features:
            margin = 64 * one.shape[2] // (pixels.shape[1] + 128)
            inner.append(one[:, :, margin:-margin, margin:-margin])
        own, wanted = moments(inner), moments(encoder(style[None]))
        return stylizer(features, own, own.toward(wanted, strength))[0, :, 64:-64, 64:-64]


def test_a_picture_is_stylized_and_keeps_what_it_came_with(pilot: Picture, options: dict[str, Any]) -> None:
    made = vasari.stylize(pilot, CAT, **options)
    expected = by_hand(pilot.pixels, sized(CAT, SCALE), options)
    torch.testing.assert_close(made.pixels, expected, atol=1e-5, rtol=0)
    assert (made.metadata, made.depth) == (pilot.metadata, 16) and made.alpha is pilot.alpha
    other = vasari.stylize(pilot, CUP, **options)
    assert (made.pixels - other.pixels).abs().mean() > 2 / 255
    assert torch.equal(made.pixels, vasari.stylize(pilot, CAT, **options).pixels)


@pytest.mark.parametrize("working_px", [0, 96])
def test_tiles_equal_the_whole(pilot: Picture, options: dict[str, Any], working_px: int) -> None:
    options = {**options, "working_px": working_px, "passes": 2 if working_px else None}
    whole = vasari.stylize(pilot, CAT, tile_px=4096, **options).pixels
    tiled = vasari.stylize(pilot, CAT, tile_px=64, **options).pixels
    assert (whole - tiled).abs().max() <= 1 / 255


def test_large_working_sizes_are_painted_in_tiles_too(
    pilot: Picture, options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = vasari.stylize(pilot, CAT, **options).pixels
    monkeypatch.setattr("vasari.tasks.stylize.hands.WHOLE_PX", 64)
    tiled = vasari.stylize(pilot, CAT, tile_px=64, **options).pixels
    assert 0 < (whole - tiled).abs().max() <= 1 / 255


@pytest.mark.parametrize("detail", [0.0, 0.7])
def test_at_a_working_size_the_result_is_enlarged_and_detail_laid_over(
    pilot: Picture, options: dict[str, Any], detail: float
) -> None:
    made = vasari.stylize(pilot, CAT, working_px=80, detail=detail, **options).pixels
    small = image_files.shrink(pilot.pixels, 80)
    painted = vasari.stylize(Picture(small), CAT, **options).pixels
    size = (pilot.width, pilot.height)

    def enlarged(pixels: Tensor) -> np.ndarray:
        # OpenCV's bicubic has the same kernel (a = -0.75) and the same centers.
        return cv2.resize(pixels.permute(1, 2, 0).numpy(), size, interpolation=cv2.INTER_CUBIC)

    expected = enlarged(painted) + detail * (pilot.pixels.permute(1, 2, 0).numpy() - enlarged(small))
    assert np.abs(made.permute(1, 2, 0).numpy() - expected.clip(0, 1)).max() < 1e-3


def test_strength_goes_from_the_picture_itself_to_the_style(pilot: Picture, options: dict[str, Any]) -> None:
    assert torch.equal(vasari.stylize(pilot, CAT, strength=0.0, **options).pixels, pilot.pixels)
    style = sized(CAT, SCALE)
    half = vasari.stylize(pilot, CAT, strength=0.5, **options).pixels
    torch.testing.assert_close(half, by_hand(pilot.pixels, style, options, 0.5), atol=1e-5, rtol=0)
    little = vasari.stylize(pilot, CAT, strength=FADES_BELOW / 3, **options).pixels
    expected = by_hand(pilot.pixels, style, options, FADES_BELOW / 3) / 3 + pilot.pixels * 2 / 3
    torch.testing.assert_close(little, expected, atol=1e-5, rtol=0)


def test_each_pass_goes_over_what_the_one_before_painted(
    pilot: Picture, options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vasari.tasks.stylize.hands.COARSEST_PX", 80)
    moved = vasari.stylize(pilot, CAT, **{**options, "passes": 2}).pixels
    monkeypatch.setattr("vasari.tasks.stylize.hands.PHASES", ())
    small = image_files.shrink(pilot.pixels, 80)
    coarse = vasari.stylize(Picture(small), CAT, **options).pixels - small
    enlarged = cv2.resize(coarse.permute(1, 2, 0).numpy(), (160, 112), interpolation=cv2.INTER_CUBIC)
    start = (pilot.pixels + torch.from_numpy(enlarged).permute(2, 0, 1)).clamp(0, 1).contiguous()
    expected = vasari.stylize(Picture(start), CAT, **options).pixels
    # A third pass, at 40 px, would be below the coarsest.
    for passes in (2, 3):
        made = vasari.stylize(pilot, CAT, **{**options, "passes": passes}).pixels
        torch.testing.assert_close(made, expected, atol=1e-3, rtol=0)
    assert torch.equal(vasari.stylize(pilot, CAT, **{**options, "passes": None}).pixels, made)
    # The mean of two coarse passes is near each of them, and not the same.
    assert 0 < (moved - made).abs().mean() < (made - pilot.pixels).abs().mean() / 2
    half = vasari.stylize(pilot, CAT, strength=0.5, **{**options, "passes": 2}).pixels
    assert (half - pilot.pixels).abs().mean() < (made - pilot.pixels).abs().mean()


def test_several_styles_are_blended_as_their_codes_are(pilot: Picture, options: dict[str, Any], tmp_path: Path) -> None:
    blend = vasari.stylize(pilot, [(CAT, 0.7), (CUP, 0.3)], **options).pixels
    mean = StyleCode.mean([coded(one, options) for one in (CAT, CUP)], (7, 3))
    saved = mean.save(tmp_path / "mean.safetensors")
    for style in (mean, saved, f"{saved}:0.2"):
        made = vasari.stylize(pilot, style, **for_codes(options)).pixels
        torch.testing.assert_close(made, blend, atol=1e-5, rtol=0)
    alone = [vasari.stylize(pilot, one, **options).pixels for one in (CAT, CUP)]
    between = [(blend - one).abs().mean() for one in alone]
    assert between[0] < (alone[0] - alone[1]).abs().mean() and between[1] > 1e-3


def test_each_region_takes_its_style_and_the_rest_stays(pilot: Picture, options: dict[str, Any]) -> None:
    left, right = np.zeros((2, pilot.height, pilot.width), np.uint8)
    left[:, :80], right[:, 120:] = 255, 255
    made = vasari.stylize(pilot, [CAT, CUP], [left, right], **options).pixels
    cat, cup = (vasari.stylize(pilot, one, **options).pixels for one in (CAT, CUP))
    torch.testing.assert_close(made[..., :80], cat[..., :80], atol=1e-5, rtol=0)
    torch.testing.assert_close(made[..., 120:], cup[..., 120:], atol=1e-5, rtol=0)
    assert torch.equal(made[..., 84:116], pilot.pixels[..., 84:116])
    for wrong in ([left], [left, right, right]):
        with pytest.raises(PlanError, match="masks for 2 styles"):
            vasari.stylize(pilot, [CAT, CUP], wrong, **options)
    with pytest.raises(PlanError, match="another aspect"):
        vasari.stylize(pilot, CAT, left[:50], **options)


def test_the_picture_s_own_colors_stay(pilot: Picture, options: dict[str, Any]) -> None:
    muted = pilot.with_pixels(0.4 + 0.2 * pilot.pixels)
    full = vasari.stylize(muted, CAT, **options).pixels
    kept = vasari.stylize(muted, CAT, keep_color="luminance", **options).pixels
    lab, own = (color.rgb2lab(one.permute(1, 2, 0).numpy()) for one in (kept, muted.pixels))
    inside = (kept > 0.001).all(0).numpy() & (kept < 0.999).all(0).numpy()
    assert inside.mean() > 0.5
    np.testing.assert_allclose(lab[inside][:, 1:], own[inside][:, 1:], atol=0.1)
    lightness = color.rgb2lab(full.permute(1, 2, 0).numpy())[..., 0]
    np.testing.assert_allclose(lab[inside][:, 0], lightness[inside], atol=0.1)


def test_the_colors_of_the_style_are_matched_before(pilot: Picture, options: dict[str, Any]) -> None:
    matched = vasari.stylize(pilot, CAT, keep_color="histogram", **options).pixels
    style, wanted = sized(CAT, SCALE).flatten(1).double(), pilot.pixels.flatten(1).double()

    def root(matrix: Tensor, power: float) -> Tensor:
        values, vectors = torch.linalg.eigh(matrix)
        return vectors @ torch.diag(values**power) @ vectors.T

    transfer = root(torch.cov(wanted), 0.5) @ root(torch.cov(style), -0.5)
    moved = transfer @ (style - style.mean(1, keepdim=True)) + wanted.mean(1, keepdim=True)
    shape = sized(CAT, SCALE).shape
    expected = vasari.stylize(pilot, Picture(moved.clamp(0, 1).float().reshape(shape)), **options).pixels
    # Here without the little that keeps a style of one color from being divided by nothing.
    torch.testing.assert_close(matched, expected, atol=0.01, rtol=0)
    for refused in ({"keep_color": "histogram"}, {"style_scale": 2.0}):
        with pytest.raises(PlanError, match="named or saved style"):
            vasari.stylize(pilot, coded(CAT, options), **refused, **for_codes(options))


def test_grey_comes_out_in_color_unless_its_colors_are_kept(options: dict[str, Any]) -> None:
    grey = Picture.from_array(data.camera()[:96, :96])
    grey = dataclasses.replace(grey, metadata=Metadata(icc=b"a profile of grey"))
    as_rgb = Picture(grey.pixels.expand(3, -1, -1).contiguous())
    made, expected = vasari.stylize(grey, CAT, **options), vasari.stylize(as_rgb, CAT, **options)
    assert torch.equal(made.pixels, expected.pixels) and made.metadata.icc is None
    for kept in ("luminance", "histogram"):
        still = vasari.stylize(grey, CAT, keep_color=kept, **options)
        assert still.is_grey and still.metadata.icc == b"a profile of grey"
    assert vasari.stylize(grey, CAT, strength=0.0, **options).is_grey


def test_sizes_of_strokes(pilot: Picture, options: dict[str, Any]) -> None:
    assert coded_size(600, 900, 1.0) == (512, 768) and coded_size(600, 900, 0.5) == (256, 384)
    height, width = coded_size(20, 20_000, 4.0)
    assert height * width < 2**23 and width / height == pytest.approx(1000, rel=0.1)
    made = vasari.stylize(pilot, CAT, **for_codes(options), style_scale=0.5).pixels
    style = sized(Picture.from_array(CAT), 0.5)
    assert min(style.shape[1:]) == 256
    torch.testing.assert_close(made, by_hand(pilot.pixels, style, options), atol=1e-5, rtol=0)


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (3, 2), (17, 33)])
@pytest.mark.parametrize("working_px", [0, 16, 1024])
def test_pictures_of_any_shape(size: tuple[int, int], working_px: int, options: dict[str, Any]) -> None:
    tiny = Picture(torch.rand(3, *size, generator=torch.Generator().manual_seed(1)))
    made = vasari.stylize(tiny, CAT, **{**options, "working_px": working_px, "passes": None}).pixels
    assert made.shape == tiny.pixels.shape and torch.isfinite(made).all()
    assert 0 <= float(made.min()) and float(made.max()) <= 1


def test_linear_pictures_come_out_linear_and_wide_colors_stay_where_nothing_is_painted(
    pilot: Picture, options: dict[str, Any]
) -> None:
    from vasari.foundation.image_color import srgb_decode

    linear = dataclasses.replace(pilot, pixels=srgb_decode(pilot.pixels), space=Space.LINEAR)
    made = vasari.stylize(linear, CAT, **options)
    expected = srgb_decode(vasari.stylize(pilot, CAT, **options).pixels)
    torch.testing.assert_close(made.pixels, expected, atol=1e-3, rtol=0)
    wide = pilot.with_pixels(pilot.pixels * 1.6 - 0.3)
    mask = np.zeros((pilot.height, pilot.width), np.uint8)
    mask[:, :80] = 255
    masked = vasari.stylize(wide, CAT, mask, **options).pixels
    assert torch.equal(masked[..., 84:], wide.pixels[..., 84:])
    assert 0 <= float(masked[..., :76].min()) and float(masked[..., :76].max()) <= 1


def test_a_translator_is_a_method(pilot: Picture, tiny_translator: Path) -> None:
    made = vasari.stylize(pilot, method=str(tiny_translator), working_px=0, precision="float32").pixels
    translated = vasari.translate(pilot, tiny_translator, precision="float32").pixels
    # They differ at the border alone, which is mirrored here, and by the size of the survey.
    assert (made - translated)[..., 40:-40, 40:-40].abs().mean() < 2 / 255
    half = vasari.stylize(pilot, method=str(tiny_translator), working_px=0, strength=0.5, precision="float32").pixels
    torch.testing.assert_close(half, (made + pilot.pixels) / 2, atol=1e-5, rtol=0)


def test_models_that_do_not_fit_are_refused(
    pilot: Picture, options: dict[str, Any], tiny_restorer: Path, tiny_translator: Path, tmp_path: Path
) -> None:
    for name, told in (("model", "takes no style codes"), ("encoder", "is no encoder")):
        with pytest.raises(WeightsError, match=told):
            vasari.stylize(pilot, CAT, **{**options, name: str(tiny_restorer)})
    torch.manual_seed(0)
    widths, depths = [8, 8, 12, 16], [1, 1, 1, 1]
    recipe = {"network": {"name": "encoder", "options": {"widths": widths, "depths": depths}}, "task": "encode"}
    other = hub.save(Encoder(tuple(widths), tuple(depths)), tmp_path / "other.safetensors", recipe)
    with pytest.raises(WeightsError, match="another encoder"):
        vasari.stylize(pilot, CAT, **{**options, "encoder": str(other)})
    with pytest.raises(WeightsError, match="another encoder"):
        code = vasari.style_code(CAT, encoder=str(other), scale=SCALE)
        vasari.stylize(pilot, code, **for_codes(options))
    with pytest.raises(PlanError, match="No style"):
        vasari.stylize(pilot, [], **options)
    with pytest.raises(PlanError, match="There is no style 'no-such-style'"):
        vasari.stylize(pilot, "no-such-style", **options)
    with pytest.raises(PlanError, match="learned its one style"):
        vasari.stylize(pilot, CAT, method=str(tiny_translator))


def test_bfloat16_is_near_float32(pilot: Picture, tiny_painter: dict[str, str]) -> None:
    plan = StylizePlan(precision="bfloat16", style_scale=SCALE, **tiny_painter)
    painter = Painter.of(plan, [(CAT, None)])
    rough = painter.treat(pilot.pixels[None], painter.survey(pilot.pixels), WHOLE).result[0]
    fine = vasari.stylize(pilot, CAT, precision="float32", style_scale=SCALE, **tiny_painter).pixels
    assert 0 < (rough - fine).abs().mean() < 0.01
