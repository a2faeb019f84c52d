"""What a person says of colors, brought to what a colorizer takes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from skimage import color

from vasari.foundation.errors import PlanError
from vasari.models.colorizers import CHROMA_UNIT
from vasari.tasks.colorize.colorize_plan import ColorizePlan, Hint, parse_hint
from vasari.tasks.colorize.hints import Strokes, hint_planes

RED = (200, 30, 40)


def chroma_of(rgb: tuple[int, int, int]) -> np.ndarray:
    return color.rgb2lab(np.array(rgb, np.uint8)[None, None])[0, 0, 1:]


def strokes(height: int = 60, width: int = 90) -> np.ndarray:
    """A red rectangle on a clear ground whose hidden color is green."""
    made = np.zeros((height, width, 4), np.uint8)
    made[..., 1] = 255
    made[height // 4 : height // 2, width // 3 : width // 2] = (*RED, 90)
    return made


def test_a_hint_is_a_place_and_a_color() -> None:
    assert parse_hint(" 12.5, 7 = #Ff8000 ") == Hint(12.5, 7, (255, 128, 0))
    assert ColorizePlan(hint=("1,2=#000000", "3,4=ffffff")).places[1].color == (255, 255, 255)
    for wrong in ("12,7", "12=#ffffff", "a,b=#ffffff", "1,2=#fff", "-1,2=#ffffff", "1,2=red"):
        with pytest.raises(PlanError, match="no place with a color") as caught:
            parse_hint(wrong)
        assert "X,Y=#RRGGBB" in caught.value.remedy


@pytest.mark.parametrize("scale", [1, 4, 12])
def test_strokes_count_where_they_are_not_clear_at_any_size(tmp_path: Path, scale: int) -> None:
    painted = strokes().repeat(scale, 0).repeat(scale, 1)
    Image.fromarray(painted).save(tmp_path / "strokes.png")
    of_file, of_array = Strokes.of(tmp_path / "strokes.png"), Strokes.of(painted)
    torch.testing.assert_close(of_file.planes, of_array.planes, atol=1e-5, rtol=0)
    planes = hint_planes(of_file, (), (48, 80), (120, 180))[0]
    inside = planes[:, 15:21, 30:37]
    np.testing.assert_allclose(inside[2], 1.0, atol=1e-4)
    told = inside[:2].mean((1, 2)).numpy() * CHROMA_UNIT
    np.testing.assert_allclose(told, chroma_of(RED), atol=0.1)
    assert planes[:, :8].abs().max() < 1e-4  # what is hidden below a clear ground is not said


def test_a_disc_covers_its_place_and_later_ones_lie_above() -> None:
    places = (Hint(100, 50, RED), Hint(101, 50, (40, 60, 200)), Hint(399, 0, RED))
    planes = hint_planes(None, places, (96, 128), (300, 400))[0]
    x = (planes[2] > 0).nonzero()[:, 1]
    assert planes[2, 50 * 96 // 300, 100 * 128 // 400] == 1 and planes[2, 0, 127] == 1
    first = x < 64
    assert ((x[first] + 0.5) * 400 / 128 - 100.5).abs().max() <= 0.015 * 400 + 1
    assert 2 <= first.sum() <= 16
    told = planes[:2, 50 * 96 // 300, 101 * 128 // 400].numpy() * CHROMA_UNIT
    np.testing.assert_allclose(told, chroma_of((40, 60, 200)), atol=0.1)


def test_a_hint_of_a_tiny_picture_still_counts() -> None:
    planes = hint_planes(None, (Hint(3, 3, RED),), (16, 16), (10, 10))
    assert planes[0, 2].sum() >= 1


def test_wrong_hints_are_refused(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match="outside the picture") as caught:
        hint_planes(None, (Hint(400, 3, RED),), (96, 128), (300, 400))
    assert "399,299" in caught.value.remedy
    with pytest.raises(PlanError, match="no alpha"):
        Strokes.of(strokes()[..., :3])
    with pytest.raises(PlanError, match="clear everywhere"):
        Strokes.of(np.zeros((4, 4, 4), np.uint8))
    Image.fromarray(strokes()[..., :3]).save(tmp_path / "opaque.png")
    with pytest.raises(PlanError, match="no alpha"):
        Strokes.of(tmp_path / "opaque.png")
    with pytest.raises(PlanError, match="other proportions"):
        hint_planes(Strokes.of(strokes(60, 95)), (), (96, 144), (600, 900))
    assert hint_planes(Strokes.of(strokes(60, 90)), (), (96, 144), (602, 900)).shape == (1, 3, 96, 144)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"samples": 2, "palette_of": "monet"}, "one is given"),
        ({"samples": 10}, "above 9"),
        ({"seed": 3}, "changes nothing"),
        ({"saturation": 2.5}, "above 2"),
        ({"saturation": float("nan")}, "not a number"),
    ],
)
def test_plans_that_contradict_themselves_are_refused(options: dict[str, object], told: str) -> None:
    with pytest.raises(PlanError, match=told) as caught:
        ColorizePlan(**options)  # type: ignore[arg-type]
    assert caught.value.remedy
