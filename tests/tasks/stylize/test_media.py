"""Media: filters that leave a picture of the same size, differ from one another, and draw all chance from the seed."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from skimage import data

from vasari.tasks.stylize.media import MEDIA, drawn

PHOTOGRAPH = torch.from_numpy(data.astronaut()[:96, 100:220].copy()).permute(2, 0, 1).float() / 255


@pytest.mark.parametrize("medium", MEDIA)
def test_a_medium_makes_a_picture_of_its_own(medium: str) -> None:
    made = drawn(PHOTOGRAPH, medium, np.random.default_rng(1))
    assert made.shape == PHOTOGRAPH.shape and made.dtype == torch.float32
    assert 0 <= float(made.min()) and float(made.max()) <= 1 and bool(made.isfinite().all())
    assert float((made - PHOTOGRAPH).abs().mean()) > 0.03
    torch.testing.assert_close(drawn(PHOTOGRAPH, medium, np.random.default_rng(1)), made, rtol=0, atol=0)
    assert float((drawn(PHOTOGRAPH, medium, np.random.default_rng(2)) - made).abs().mean()) > 1e-3
    flat = drawn(torch.full((3, 64, 64), 0.5), medium, np.random.default_rng(1))
    assert bool(flat.isfinite().all())


def test_drawings_are_grey_and_mosaics_flat_in_each_stone() -> None:
    rng = np.random.default_rng(5)
    for medium in ("pencil", "ink"):
        made = drawn(PHOTOGRAPH, medium, rng)
        assert float((made[0] - made[2]).std()) < 0.05 < float(made.mean(0).std())
    stones = drawn(PHOTOGRAPH, "mosaic", rng).flatten(1).T
    assert len(torch.unique((stones * 255).round(), dim=0)) < 0.6 * len(stones)
