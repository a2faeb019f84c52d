"""What a IIIF address asks of a picture: region, size, rotation, quality and format, read and worked out.

Nothing here touches pixels. Source: IIIF Image API 3.0 (https://iiif.io/api/image/3.0/), section 4; the errors are
those of section 7.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum

from vasari.app.web.errors import Refusal

QUALITIES = ("default", "color", "gray", "bitonal")
#: The formats of the specification that are made, with their media types.
FORMATS = {
    "jpg": "image/jpeg",
    "png": "image/png",
    "webp": "image/webp",
    "tif": "image/tiff",
    "gif": "image/gif",
}
#: Formats that the specification knows and that are not made.
UNMADE_FORMATS = ("jp2", "pdf")
_WHOLE = re.compile(r"[0-9]{1,9}")
_DECIMAL = re.compile(r"[0-9]{1,9}(\.[0-9]{1,12})?|\.[0-9]{1,12}")
_EXAMPLE = "such as full/max/0/default.jpg; https://iiif.io/api/image/3.0/ has the rules"


class ImageRequestError(Refusal):
    """An address of the Image API that cannot be answered: `status` is the HTTP status of section 7."""

    def __init__(self, message: str, *, remedy: str = _EXAMPLE, status: int = 400) -> None:
        super().__init__(status, message, remedy=remedy)


class Area(StrEnum):
    """The kinds of region (section 4.1)."""

    FULL = "full"
    SQUARE = "square"
    PIXELS = "pixels"
    PERCENT = "percent"


class Scaling(StrEnum):
    """The kinds of size (section 4.2)."""

    MAX = "max"
    WIDTH = "width"
    HEIGHT = "height"
    PERCENT = "percent"
    EXACT = "exact"
    WITHIN = "within"


@dataclass(frozen=True)
class ImageRequest:
    """An address as it was read; `region` is x, y, w, h in pixels or percent, `size` w, h or a percentage."""

    area: Area
    region: tuple[Decimal, ...]
    scaling: Scaling
    size: tuple[Decimal | None, ...]
    upscale: bool
    mirror: bool
    degrees: Decimal
    quality: str
    format: str


@dataclass(frozen=True)
class SizeLimits:
    """The largest pictures that are answered with, in pixels; what is asked for beyond them is refused."""

    width: int = 6000
    height: int = 6000
    area: int = 24_000_000

    def scale(self, width: int, height: int) -> float:
        """By how much a picture of this size may be enlarged, or must be reduced, to be as large as is allowed."""
        return min(self.width / width, self.height / height, math.sqrt(self.area / (width * height)))

    def allow(self, width: int, height: int) -> bool:
        """Whether a picture of this size is answered with."""
        return width <= self.width and height <= self.height and width * height <= self.area


DEFAULT_SIZE_LIMITS = SizeLimits()


@dataclass(frozen=True)
class Work:
    """What is to be done: pixels `left`, `top`, `width`, `height` of the upright picture brought to `to` (w, h).

    `path` is the canonical address after the identifier (section 4.7).
    """

    left: int
    top: int
    width: int
    height: int
    to: tuple[int, int]
    mirror: bool
    degrees: float
    quality: str
    format: str
    path: str


def parse(region: str, size: str, rotation: str, last: str) -> ImageRequest:
    """Read the four parts of an address, the last being "quality.format"; raises `ImageRequestError`."""
    area, numbers = _region(region)
    scaling, sizes, upscale = _size(size)
    mirror, degrees = _rotation(rotation)
    quality, dot, format = last.rpartition(".")
    if not dot or quality not in QUALITIES:
        raise ImageRequestError(f"{last!r} is no quality and format.", remedy=f"use one of {', '.join(QUALITIES)}")
    if format not in FORMATS:
        known = format in UNMADE_FORMATS
        raise ImageRequestError(
            f"{format!r} is {'not made here' if known else 'no format'}.",
            remedy=f"use one of {', '.join(FORMATS)}",
            status=501 if known else 400,
        )
    return ImageRequest(area, numbers, scaling, sizes, upscale, mirror, degrees, quality, format)


def worked_out(request: ImageRequest, width: int, height: int, limits: SizeLimits = DEFAULT_SIZE_LIMITS) -> Work:
    """What a request means for an upright picture of this size; raises `ImageRequestError`."""
    left, top, across, down = _pixels(request, width, height)
    to = _scaled(request, across, down, limits)
    if not limits.allow(*to):
        raise ImageRequestError(
            f"{to[0]}×{to[1]} pixels are more than {limits.width}×{limits.height}, or {limits.area} in all.",
            remedy="ask for a smaller size; max gives the largest",
        )
    degrees = request.degrees % 360
    path = "/".join(
        (
            "full" if (across, down) == (width, height) else f"{left},{top},{across},{down}",
            _canonical_size(across, down, to, limits),
            ("!" if request.mirror else "") + _short(degrees),
            f"{request.quality}.{request.format}",
        )
    )
    return Work(
        left, top, across, down, to, request.mirror, float(degrees), request.quality, request.format, path
    )  # fmt: skip


def largest(width: int, height: int, limits: SizeLimits = DEFAULT_SIZE_LIMITS) -> tuple[int, int]:
    """The size that "max" means."""
    return _fitted(width, height, min(1.0, limits.scale(width, height)), limits)


def _region(text: str) -> tuple[Area, tuple[Decimal, ...]]:
    if text in (Area.FULL, Area.SQUARE):
        return Area(text), ()
    percent = text.startswith("pct:")
    pattern = _DECIMAL if percent else _WHOLE
    parts = text.removeprefix("pct:").split(",")
    if len(parts) != 4 or not all(map(pattern.fullmatch, parts)):
        raise ImageRequestError(f"{text!r} is no region.", remedy="use full, square, x,y,w,h or pct:x,y,w,h")
    numbers = tuple(map(Decimal, parts))
    if not (numbers[2] and numbers[3]):
        raise ImageRequestError(f"The region {text!r} is empty.", remedy="give a width and a height above 0")
    return (Area.PERCENT if percent else Area.PIXELS), numbers


def _size(text: str) -> tuple[Scaling, tuple[Decimal | None, ...], bool]:
    wrong = ImageRequestError(f"{text!r} is no size.", remedy="use max, w, or ,h or pct:n or w,h or !w,h, ^ before it")
    upscale = text.startswith("^")
    plain = text.removeprefix("^")
    if plain == Scaling.MAX:
        return Scaling.MAX, (), upscale
    if plain.startswith("pct:"):
        number = plain.removeprefix("pct:")
        if not _DECIMAL.fullmatch(number):
            raise wrong
        if not 0 < Decimal(number) <= (10_000 if upscale else 100):
            raise ImageRequestError(f"{number} percent are not above 0, up to 100.", remedy="use ^pct:n to enlarge")
        return Scaling.PERCENT, (Decimal(number),), upscale
    within = plain.startswith("!")
    parts = plain.removeprefix("!").split(",")
    if len(parts) != 2 or not any(parts) or (within and not all(parts)):
        raise wrong
    if not all(_WHOLE.fullmatch(part) for part in parts if part):
        raise wrong
    sizes = tuple(Decimal(part) if part else None for part in parts)
    if 0 in sizes:
        raise ImageRequestError(f"The size {text!r} is empty.", remedy="give a width and a height above 0")
    if within:
        return Scaling.WITHIN, sizes, upscale
    kind = Scaling.HEIGHT if sizes[0] is None else Scaling.WIDTH if sizes[1] is None else Scaling.EXACT
    return kind, sizes, upscale


def _rotation(text: str) -> tuple[bool, Decimal]:
    number = text.removeprefix("!")
    if not _DECIMAL.fullmatch(number) or not 0 <= Decimal(number) <= 360:
        raise ImageRequestError(f"{text!r} is no rotation.", remedy="use 0..360 degrees, ! before it to mirror")
    return text.startswith("!"), Decimal(number)


def _pixels(request: ImageRequest, width: int, height: int) -> tuple[int, int, int, int]:
    """The region in pixels, cut at the picture's edges."""
    if request.area is Area.FULL:
        return 0, 0, width, height
    if request.area is Area.SQUARE:
        side = min(width, height)
        return (width - side) // 2, (height - side) // 2, side, side
    numbers = request.region
    if request.area is Area.PERCENT:
        numbers = tuple(number * side / 100 for number, side in zip(numbers, (width, height) * 2, strict=True))
    left, top, across, down = (int(number.quantize(Decimal(1), ROUND_HALF_UP)) for number in numbers)
    if left >= width or top >= height:
        raise ImageRequestError(
            f"The region begins at {left},{top}, outside of {width}×{height} pixels.", remedy="ask for what is inside"
        )
    return left, top, max(1, min(across, width - left)), max(1, min(down, height - top))


def _scaled(request: ImageRequest, width: int, height: int, limits: SizeLimits) -> tuple[int, int]:
    """The size to which a region of this size is brought."""
    allowed = limits.scale(width, height) if request.upscale else min(1.0, limits.scale(width, height))
    if request.scaling is Scaling.MAX:
        return _fitted(width, height, allowed, limits)
    if request.scaling is Scaling.WITHIN:
        box = [int(side) for side in request.size if side is not None]
        to = _fitted(width, height, min(allowed, box[0] / width, box[1] / height), limits)
        return min(to[0], box[0]), min(to[1], box[1])
    if request.scaling is Scaling.PERCENT:
        share = (request.size[0] or Decimal(0)) / 100
        to = _round(width * share), _round(height * share)
    else:
        across, down = request.size
        if across is None and down is not None:
            across = width * down / height
        elif down is None and across is not None:
            down = height * across / width
        to = _round(across or Decimal(0)), _round(down or Decimal(0))
    if 0 in to:
        raise ImageRequestError(f"{to[0]}×{to[1]} pixels are less than one.", remedy="ask for a larger size")
    if not request.upscale and (to[0] > width or to[1] > height):
        raise ImageRequestError(
            f"{to[0]}×{to[1]} pixels are more than the region's {width}×{height}.", remedy="write ^ before the size"
        )
    return to


def _fitted(width: int, height: int, scale: float, limits: SizeLimits) -> tuple[int, int]:
    """A size scaled and rounded, down where it would go beyond the limits; at least one pixel each way."""
    to = max(1, round(width * scale)), max(1, round(height * scale))
    return to if limits.allow(*to) else (max(1, math.floor(width * scale)), max(1, math.floor(height * scale)))


def _canonical_size(width: int, height: int, to: tuple[int, int], limits: SizeLimits) -> str:
    if to == largest(width, height, limits):
        return "max"
    upscaled = to[0] > width or to[1] > height
    if upscaled and to == _fitted(width, height, limits.scale(width, height), limits):
        return "^max"
    return f"{'^' if upscaled else ''}{to[0]},{to[1]}"


def _round(number: Decimal) -> int:
    return int(number.quantize(Decimal(1), ROUND_HALF_UP))


def _short(number: Decimal) -> str:
    """A number without zeros at its end, and with one before its point."""
    text = format(number, "f")
    return (text.rstrip("0").rstrip(".") if "." in text else text) or "0"
