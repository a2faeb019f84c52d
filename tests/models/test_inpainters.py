"""The inpainter and its smooth fill: what is known stays, a plane goes on, a tile equals the whole."""

import numpy as np
import pytest
import torch
from skimage.restoration import inpaint_biharmonic

from vasari.foundation.devices import threads_of
from vasari.models.cards import NETWORKS
from vasari.models.inpainters import Inpainter, coarser, enlarged, smooth_fill


def hole(height: int, width: int, *boxes: tuple[int, int, int, int]) -> torch.Tensor:
    """A mask [1, 1, height, width] of boxes (top, bottom, left, right)."""
    mask = torch.zeros(1, 1, height, width)
    for top, bottom, left, right in boxes:
        mask[..., top:bottom, left:right] = 1
    return mask


def smooth_picture(height: int, width: int) -> torch.Tensor:
    y, x = torch.meshgrid(torch.linspace(0, 3, height), torch.linspace(0, 4, width), indexing="ij")
    return torch.stack([0.5 + 0.3 * torch.sin(x + y), 0.5 + 0.2 * torch.cos(2 * x), 0.3 + 0.1 * y])[None]


def lively(**options: object) -> Inpainter:
    """A small inpainter that does something."""
    torch.manual_seed(0)
    net = Inpainter(widths=(16, 16, 24, 32), **options).eval()  # type: ignore[arg-type]
    with torch.no_grad():
        net.tail.weight.mul_(30)
    return net


@pytest.mark.parametrize("size", [(64, 96), (61, 97), (130, 47)])
def test_outside_the_mask_nothing_changes_at_any_size(size: tuple[int, int]) -> None:
    picture, mask = torch.rand(2, 3, *size), hole(*size, (10, 40, 5, 30)).expand(2, -1, -1, -1)
    with torch.inference_mode():
        made = lively()(picture, mask)
    outside = (mask == 0).expand_as(made)
    assert made.shape == picture.shape
    assert torch.equal(made[outside], picture[outside])
    assert (made - picture)[~outside].abs().mean() > 1e-3


def test_what_the_hole_held_does_not_matter_to_the_smooth_fill() -> None:
    mask = hole(60, 80, (20, 40, 30, 60))
    picture = smooth_picture(60, 80)
    other = torch.where(mask > 0, torch.rand_like(picture), picture)
    assert torch.equal(smooth_fill(picture, mask), smooth_fill(other, mask))


def test_the_smooth_fill_goes_on_as_the_biharmonic_surface_does() -> None:
    picture, mask = smooth_picture(64, 96), hole(64, 96, (24, 40, 40, 60), (5, 8, 0, 96))
    made = smooth_fill(picture, mask)
    assert torch.equal(made[(mask == 0).expand_as(made)], picture[(mask == 0).expand_as(made)])
    missing = (mask > 0)[0, 0].numpy()
    reference = inpaint_biharmonic(picture[0].numpy() * ~missing, missing, channel_axis=0)
    truth, own = picture[0].numpy()[:, missing], made[0].numpy()[:, missing]
    assert np.abs(own - reference[:, missing]).max() < 0.03
    assert np.abs(own - truth).max() < 0.03


def test_a_batch_is_filled_as_its_pictures_alone() -> None:
    pictures = torch.rand(3, 3, 48, 64)
    masks = torch.cat([hole(48, 64, (4, 20, 4, 30)), hole(48, 64), hole(48, 64, (0, 48, 20, 40))])
    together = smooth_fill(pictures, masks)
    alone = torch.cat([smooth_fill(one[None], mask[None]) for one, mask in zip(pictures, masks, strict=True)])
    torch.testing.assert_close(together, alone, atol=1e-6, rtol=0)
    assert torch.equal(together[1], pictures[1])


def test_where_nothing_is_known_the_fill_is_grey() -> None:
    made = smooth_fill(torch.rand(1, 3, 20, 30), torch.ones(1, 1, 20, 30))
    torch.testing.assert_close(made, torch.full_like(made, 0.5), atol=1e-5, rtol=0)


def test_coarser_means_what_is_known_and_nothing_else() -> None:
    picture, mask = torch.rand(1, 3, 5, 6), torch.zeros(1, 1, 5, 6)
    mask[..., 0:2, 0:2] = 1
    mask[..., 2, 2] = 1
    small, small_mask = coarser(picture, mask)
    assert small.shape == (1, 3, 3, 3) and small_mask.sum() == 1 and small_mask[0, 0, 0, 0] == 1
    known = [picture[0, :, 2, 3], picture[0, :, 3, 2], picture[0, :, 3, 3]]
    torch.testing.assert_close(small[0, :, 1, 1], torch.stack(known).mean(0))
    torch.testing.assert_close(small[0, :, 2, 0], picture[0, :, 4, 0:2].mean(1))


def test_enlarging_undoes_reducing_of_something_smooth() -> None:
    picture = smooth_picture(62, 95)
    back = enlarged(coarser(picture, torch.zeros(1, 1, 62, 95))[0], (62, 95))
    assert (back - picture).abs()[..., 2:-2, 2:-2].max() < 0.01


@pytest.mark.parametrize("pictures", [1, 2])
def test_enlarging_gives_the_same_bits_with_any_number_of_threads(pictures: int) -> None:
    small = torch.rand(pictures, 3, 90, 131)
    found = []
    for threads in ("1", "2", "3"):
        with threads_of({"threads": threads}):
            found.append(enlarged(small, (179, 262)))
    assert torch.equal(found[0], found[1]) and torch.equal(found[0], found[2])
    expected = torch.nn.functional.interpolate(small, scale_factor=2.0, mode="bilinear")[..., :179, :262]
    torch.testing.assert_close(found[0], expected, atol=1e-6, rtol=0)


def test_a_tile_with_its_halo_equals_the_whole_at_the_shipped_size() -> None:
    """Within 1/255, for weights that change the fill by many times that."""
    card = NETWORKS["inpainter"]
    torch.manual_seed(0)
    net = card.build().eval()
    assert isinstance(net, Inpainter)
    with torch.no_grad():
        net.tail.weight.mul_(100)
    side = 2 * card.halo + 64 + 128
    picture = torch.rand(1, 3, side, side)
    mask = (torch.rand(1, 1, side // 16, side // 16) < 0.4).float()
    mask = mask.repeat_interleave(16, 2).repeat_interleave(16, 3)
    start = 64 // card.multiple_of * card.multiple_of
    cut = slice(start, start + 2 * card.halo + 64)
    with torch.inference_mode():
        whole, tile = net(picture, mask), net(picture[..., cut, cut], mask[..., cut, cut])
    inner, place = slice(card.halo, card.halo + 64), slice(start + card.halo, start + card.halo + 64)
    assert (whole - picture).abs().amax() > 20 / 255
    assert (tile[..., inner, inner] - whole[..., place, place]).abs().max() < 1 / 255


def test_it_stays_within_five_million_parameters() -> None:
    assert sum(one.numel() for one in Inpainter().parameters()) <= 5_000_000
