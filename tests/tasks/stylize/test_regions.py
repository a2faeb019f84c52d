"""Masks: who goes where, shares of a place, other sizes, other aspects, black ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from vasari.foundation.errors import PictureError, PlanError
from vasari.tasks.stylize.regions import Mask, Regions

WHOLE = torch.tensor([[0.0, 0.0, 1.0, 1.0]])


def left_half(height: int, width: int, value: float = 1.0) -> np.ndarray:
    mask = np.zeros((height, width), np.float32)
    mask[:, : width // 2] = value
    return mask


def flat(value: float) -> torch.Tensor:
    return torch.full((1, 3, 40, 60), value)


def test_each_style_goes_where_its_mask_is_and_the_rest_stays() -> None:
    left, right = left_half(40, 60), left_half(40, 60, 0.25)[:, ::-1]
    regions = Regions((Mask.of(left), Mask.of(np.ascontiguousarray(right))))
    regions.check(40, 60)
    made, cover = regions.joined([flat(0.8), flat(0.2)], WHOLE)
    torch.testing.assert_close(made[..., :30], flat(0.8)[..., :30])
    torch.testing.assert_close(made[..., 30:], flat(0.2)[..., 30:])
    assert isinstance(cover, torch.Tensor)
    torch.testing.assert_close(cover[..., :30], torch.ones(1, 1, 40, 30))
    torch.testing.assert_close(cover[..., 30:], torch.full((1, 1, 40, 30), 0.25))


def test_overlapping_masks_share_and_one_result_serves_all() -> None:
    full, half = np.ones((40, 60), np.float32), np.full((40, 60), 0.5, np.float32)
    regions = Regions((Mask.of(full), Mask.of(half)))
    made, cover = regions.joined([flat(0.9), flat(0.3)], WHOLE)
    torch.testing.assert_close(made, flat((0.9 + 0.15) / 1.5))
    assert float(cover.min()) == 1  # type: ignore[union-attr]
    torch.testing.assert_close(regions.joined([flat(0.4)], WHOLE)[0], flat(0.4))
    assert Regions().joined([flat(0.4)], WHOLE)[1] == 1.0


def test_a_mask_of_another_size_is_stretched_and_one_of_another_aspect_refused(tmp_path: Path) -> None:
    path = tmp_path / "mask.png"
    Image.fromarray((left_half(400, 600) * 255).astype(np.uint8)).save(path)
    regions = Regions((Mask.of(path),))
    for height, width in ((40, 60), (400, 600), (3000, 4500), (683, 1024)):
        regions.check(height, width)
    cover = regions.joined([flat(1.0)], WHOLE)[1]
    torch.testing.assert_close(cover, torch.from_numpy(left_half(40, 60))[None, None], atol=0.2, rtol=0)
    for height, width in ((60, 40), (42, 60), (400, 400)):
        with pytest.raises(PlanError, match=r"mask.png \(600×400\) has another aspect"):
            regions.check(height, width)


def test_a_black_mask_and_one_that_is_no_picture_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "ones.png"
    Image.fromarray(left_half(40, 60).astype(np.uint8)).save(path)
    with pytest.raises(PlanError, match="is black"):
        Mask.of(path)
    path.write_text("no picture")
    with pytest.raises(PictureError):
        Mask.of(path)
