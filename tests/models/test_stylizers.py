"""The stylizer: any style by its moments, tiles that equal the whole, gradients everywhere."""

import torch

from vasari.foundation import tiles
from vasari.models.cards import NETWORKS
from vasari.models.encoders import Encoder
from vasari.models.style import Moments, moments
from vasari.models.stylizers import PlainStylizer, Stylizer

CARD = NETWORKS["stylizer"]
FEATURES = (8, 8, 12, 16)


def small() -> tuple[Encoder, Stylizer]:
    torch.manual_seed(0)
    return Encoder(FEATURES).eval(), Stylizer((8, 8, 8), features=FEATURES).eval()


def one(found: Moments, which: int) -> Moments:
    part = slice(which, which + 1)
    return Moments(tuple(x[part] for x in found.means), tuple(x[part] for x in found.deviations))


@torch.no_grad()
def test_each_picture_of_a_batch_takes_its_own_style() -> None:
    encoder, stylizer = small()
    features = encoder(torch.rand(2, 3, 64, 96))
    shown = torch.rand(2, 3, 48, 48) * torch.tensor([1.0, 0.3]).view(2, 1, 1, 1)
    own, styles = moments(features), moments(encoder(shown))
    both = stylizer(features, own, styles)
    assert both.shape == (2, 3, 64, 96) and 0 <= float(both.min()) and float(both.max()) <= 1
    for which in (0, 1):
        alone = stylizer([x[which : which + 1] for x in features], one(own, which), one(styles, which))
        torch.testing.assert_close(alone, both[which : which + 1], atol=1e-5, rtol=1e-4)
    swapped = stylizer([x[:1] for x in features], one(own, 0), one(styles, 1))
    assert float((swapped - both[:1]).abs().max()) > 1e-3


@torch.no_grad()
def test_a_tile_with_its_halo_equals_the_whole() -> None:
    encoder, stylizer = small()
    pixels = torch.rand(1, 3, 512, 512)
    own, style = moments(encoder(pixels)), moments(encoder(torch.rand(1, 3, 64, 64).sqrt()))
    whole = stylizer(encoder(pixels), own, style)
    tiled = tiles.in_tiles(
        lambda tile, window: stylizer(encoder(tile), own, style), pixels,
        tile=128, halo=tiles.checked_halo(CARD.halo), multiple_of=CARD.multiple_of,
    )  # fmt: skip
    assert isinstance(tiled, torch.Tensor)
    assert float((tiled - whole).abs().max()) < 1 / 255


@torch.no_grad()
def test_the_plain_one_takes_styles_too_and_its_tiles_equal_the_whole() -> None:
    torch.manual_seed(0)
    encoder, plain = Encoder(FEATURES).eval(), PlainStylizer((8, 8, 8), features=FEATURES).eval()
    pixels = torch.rand(1, 3, 384, 384)
    own, style = moments(encoder(pixels)), moments(encoder(torch.rand(1, 3, 64, 64) ** 3))
    whole = plain(encoder(pixels), own, style)
    assert float((whole - plain(encoder(pixels), own, own)).abs().max()) > 1e-3
    tiled = tiles.in_tiles(
        lambda tile, window: plain(encoder(tile), own, style), pixels,
        tile=128, halo=tiles.checked_halo(NETWORKS["plain-stylizer"].halo), multiple_of=CARD.multiple_of,
    )  # fmt: skip
    assert isinstance(tiled, torch.Tensor) and float((tiled - whole).abs().max()) < 1 / 255


def test_every_weight_learns() -> None:
    encoder, stylizer = small()
    stylizer.train()
    with torch.no_grad():
        for stage in (stylizer.at_eighth, stylizer.at_quarter, stylizer.at_half):
            stage.steer.weight.normal_(std=0.1)  # fresh, they steer nothing, and pass no gradient to what describes
        features, own = encoder(torch.rand(2, 3, 32, 32)), moments(encoder(torch.rand(2, 3, 32, 32)))
    stylizer(features, moments(features), own).square().mean().backward()
    silent = [name for name, weight in stylizer.named_parameters() if weight.grad is None or not weight.grad.any()]
    assert not silent, silent
