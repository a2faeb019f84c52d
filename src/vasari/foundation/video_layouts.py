"""How the samples of films lie and what they mean: pixel formats, and colors that can be taken for sRGB's. No torch."""

from __future__ import annotations

import functools
from dataclasses import dataclass

from vasari.foundation.errors import PictureError
from vasari.foundation.video_formats import ColorTags, pyav

#: Kr and Kb of ITU-T H.273, table 4, by code point.
MATRIX_WEIGHTS = {
    1: (0.2126, 0.0722),
    4: (0.30, 0.11),
    5: (0.299, 0.114),
    6: (0.299, 0.114),
    7: (0.212, 0.087),
    9: (0.2627, 0.0593),
}
#: Transfer characteristics that are no display curves of standard dynamic range, in words.
_STRANGE_CURVES = {
    8: "linear light",
    9: "a logarithmic curve",
    10: "a logarithmic curve",
    16: "PQ (HDR)",
    17: "DCI X'Y'Z'",
    18: "HLG (HDR)",
}
_SUBSAMPLINGS = {(0, 0): "444", (1, 0): "422", (1, 1): "420", (0, 1): "440", (2, 0): "411", (2, 2): "410"}


@dataclass(frozen=True)
class Layout:
    """How samples lie: `canonical` is FFmpeg's name of the planar little-endian format of the same samples.

    `across` and `down` count how often the resolution of colors was halved; `depth` in bits.
    """

    canonical: str
    rgb: bool
    colored: bool
    across: int
    down: int
    depth: int
    alpha: bool


@functools.cache
def layout_of(pixel_format: str) -> Layout | None:
    """The layout of one of FFmpeg's pixel formats; None for those that films do not have (floats, Bayer, bits)."""
    try:
        format = pyav().VideoFormat(pixel_format, 64, 64)
        parts = format.components
    except ValueError:
        return None
    depth = max(one.bits for one in parts)
    if format.is_bit_stream or format.is_bayer or depth > 16 or "f16" in pixel_format or "xyz" in pixel_format:
        return None
    alpha = format.has_palette or any(one.is_alpha for one in parts)
    rgb = bool(format.is_rgb or format.has_palette)
    colored = rgb or len(parts) >= 3
    across = down = 0
    if colored and not rgb:
        across = (64 // parts[1].width).bit_length() - 1
        down = (64 // parts[1].height).bit_length() - 1
    if not colored and alpha:
        rgb = colored = True
    depth = max(depth, 8)
    bits = "" if depth == 8 else f"{depth}le"
    if rgb:
        name = f"gbr{'a' if alpha else ''}p{bits}"
    elif colored:
        name = f"yuv{'a' if alpha else ''}{_SUBSAMPLINGS.get((across, down), '')}p{bits}"
    else:
        name = f"gray{bits}"
    return Layout(name, rgb, colored, across, down, depth, alpha) if _exists(name) else None


def _exists(name: str) -> bool:
    try:
        return bool(pyav().VideoFormat(name, 64, 64))
    except ValueError:
        return False


def settled(tags: ColorTags, layout: Layout, height: int, codec: str = "") -> ColorTags:
    """The tags with what a film leaves open filled in, as players do it: BT.709 from 720 rows on, limited range.

    RGB and grey that no video codec wrote have full range.
    """
    matrix, range = tags.matrix, tags.range
    if matrix == 2 or (matrix == 0 and not layout.rgb):
        matrix = 1 if height >= 720 else 6
    if range == 0:
        video = layout.colored or codec in ("h264", "hevc", "av1", "vp9")
        range = 1 if video and not layout.rgb else 2
    if layout.rgb:
        matrix, range = 0, 2
    return ColorTags(matrix, range, tags.transfer, tags.primaries)


def check_colors(name: str, tags: ColorTags, layout: Layout) -> None:
    """Raise `PictureError` for colors that cannot be taken for sRGB's: HDR, linear light, odd matrices."""
    if tags.transfer in _STRANGE_CURVES:
        raise PictureError(
            f"{name} is in {_STRANGE_CURVES[tags.transfer]}, and the models know pictures of standard dynamic range.",
            remedy="convert a copy to BT.709 first",
        )
    if not layout.rgb and layout.colored and tags.matrix not in MATRIX_WEIGHTS:
        raise PictureError(
            f"{name} has colors of the matrix {tags.matrix} of ITU-T H.273.", remedy="convert a copy to BT.709 first"
        )
