"""One picture treated in tiles: in memory, or a page of a file of any size, strip by strip from disk to disk."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from vasari.foundation import image_files, tiff_exif, tiles, treatment_xmp
from vasari.foundation.errors import PictureTooLargeError, PlanError
from vasari.foundation.image_color import srgb_decode, srgb_encode
from vasari.foundation.image_files import FORMATS, Limits, RowWriter
from vasari.foundation.picture import Metadata, Picture, Space
from vasari.foundation.plans import from_dict
from vasari.tasks.batch.work import Outputs

if TYPE_CHECKING:
    from vasari.foundation.image_files import Header

# A change map's grey value is twice the 8-bit levels that the most moved channel moved; 255 means 128 or more.
CHANGE_SCALE = 2.0
PIXELS_AT_A_TIME = 1 << 20
# The longest side, in pixels, that a format can hold; TIFF and PNG know no such bound.
LONGEST_SIDES = {"jpeg": 65_535, "webp": 16_383}

P = TypeVar("P")


@dataclass(frozen=True)
class Treated:
    """A tile treated: result [1, C, h, w], sides times `Manner.scale`; damage and change [1, 1, h, w], 0..1.

    `damage` is the probability of damage, 0 where a task knows none; `change` is the largest difference of a
    channel from the source, 0 where the pixel is exactly that of the source.
    """

    result: Tensor
    damage: Tensor
    change: Tensor


def untouched(pixels: Tensor) -> Treated:
    """The tile [1, C, h, w] itself."""
    zeros = torch.zeros_like(pixels[:, :1])
    return Treated(pixels, zeros, zeros)


class Treater(Protocol):
    """A network made ready for a plan; safe to share between threads."""

    @property
    def halo(self) -> int:
        """Pixels of surroundings after which a tile equals the whole."""

    @property
    def multiple_of(self) -> int:
        """What the sides of a padded tile are multiples of."""

    def survey(self, thumbnail: Tensor) -> Any:
        """The global pass: thumbnail float32 [1 or 3, h, w] in sRGB; what it finds is given to every tile."""

    def treat(self, pixels: Tensor, survey: Any, window: Tensor) -> Treated:
        """Treat a tile: pixels float32 [1, 1 or 3, h, w] in sRGB, window [1, 4] in fractions of the picture."""


@dataclass(frozen=True)
class Manner:
    """How a picture is gone through: the long side of the thumbnail, the tiles, the format (None: the source's).

    `exact`: where nothing changed, the source's own samples are copied. `colors_grey`: a grey picture comes out in
    sRGB, without its profile, which is one of grey; the treater then gives three channels for its one. `scale`: the
    sides of a result in those of its source; maps keep the source's size. A thumbnail of 0 px is none: no survey.
    """

    thumbnail_px: int
    tile_px: int
    format: str | None = None
    quality: int = 95
    exact: bool = False
    colors_grey: bool = False
    scale: int = 1


@dataclass(frozen=True)
class Findings:
    """What was found and done: shares 0..1 of all pixels, and the mean change in 8-bit levels."""

    megapixels: float
    damaged_share: float
    changed_share: float
    mean_change_levels: float

    def to_numbers(self) -> dict[str, float]:
        """As records tell it."""
        return {
            "megapixels": round(self.megapixels, 3),
            "damaged_share": round(self.damaged_share, 6),
            "changed_share": round(self.changed_share, 6),
            "mean_change_in_8_bit_levels": round(self.mean_change_levels, 3),
        }


def plan_of(kind: type[P], plan: P | None, options: dict[str, Any], where: str) -> P:
    """The plan, or one from options by name; raises `PlanError` where both are given, or a value is wrong."""
    if plan is not None and options:
        raise PlanError(
            f"Got a plan and the options {', '.join(sorted(options))}.", remedy="give either a plan or options"
        )
    return plan if plan is not None else from_dict(kind, options, where=where)


def as_picture(picture: Picture | np.ndarray | str | Path) -> Picture:
    """A `Picture` from what people have: itself, a path, or an array as `Picture.from_array` takes it."""
    if isinstance(picture, np.ndarray):
        return Picture.from_array(picture)
    return picture if isinstance(picture, Picture) else image_files.read(Path(picture))


def treat_picture(picture: Picture, treater: Treater, manner: Manner) -> Picture:
    """A picture in memory treated, in tiles; equal to what `treat_page` makes of its file."""
    linear = picture.space is Space.LINEAR
    source = srgb_encode(picture.pixels) if linear else picture.pixels
    thumbnail = image_files.shrink(source, manner.thumbnail_px) if manner.thumbnail_px else None
    survey = None if thumbnail is None else treater.survey(thumbnail)

    def treat(pixels: Tensor, window: Tensor) -> Tensor:
        return _folded(treater.treat(pixels, survey, window).result, manner.scale)

    result = tiles.in_tiles(
        treat, source[None], tile=manner.tile_px, halo=treater.halo, multiple_of=treater.multiple_of
    )
    pixels = _unfolded(cast(Tensor, result)[0], manner.scale)
    metadata = _at_scale(picture.metadata, manner.scale, pixels.shape[2], pixels.shape[1])
    if picture.is_grey and manner.colors_grey:
        metadata = replace(metadata, icc=None)
    alpha = None if picture.alpha is None else _repeated(picture.alpha, manner.scale)
    return replace(picture, pixels=srgb_decode(pixels) if linear else pixels, alpha=alpha, metadata=metadata)


def treat_page(
    path: Path,
    page: int,
    treater: Treater,
    manner: Manner,
    outputs: Outputs,
    *,
    xmp: Callable[[Metadata, str], bytes | None],
    limits: Limits,
    advance: Callable[[float], None] = lambda share: None,
    seen: Callable[[Tensor], None] = lambda rows: None,
) -> Findings:
    """Treat one page of a file into `outputs`, in bounded memory; each file is whole or not there.

    `xmp(metadata, format)` gives the packet of the result; `advance` is told the share 0..1 done, and may
    raise to stop; `seen` gets the result's rows [C, n, width] before they are rounded, from the top. Raises
    `PictureError`, `WriteError`; nothing is left behind then.
    """
    if manner.scale > 1:
        _check_size(image_files.inspect(path, page, limits), manner, limits)
    survey = None
    if manner.thumbnail_px:
        survey = treater.survey(image_files.thumbnail(path, manner.thumbnail_px, page=page, limits=limits))
    with image_files.open_rows(path, page=page, limits=limits) as reader:
        header = reader.header
        written_as = manner.format or FORMATS[header.format].written_as
        with _Writers(header, outputs, manner, written_as, xmp(header.metadata, written_as), seen) as writers:
            tiles.stream(
                reader,
                lambda pixels, window: {"all": _joined(treater.treat(pixels, survey, window), manner.scale)},
                {"all": writers.append},
                tile=manner.tile_px,
                halo=treater.halo,
                multiple_of=treater.multiple_of,
                progress=advance,
                scale=manner.scale,
            )
    return writers.findings


def _joined(treated: Treated, scale: int) -> Tensor:
    """All that the writers need of a tile, as channels of one tensor: result, damage, change."""
    return torch.cat([_folded(treated.result, scale), treated.damage, treated.change], 1)


def _folded(result: Tensor, scale: int) -> Tensor:
    """An enlarged result [1, C, scale·h, scale·w] at its source's size, [1, C·scale², h, w], as tiles are cut."""
    return functional.pixel_unshuffle(result, scale) if scale > 1 else result


def _unfolded(result: Tensor, scale: int) -> Tensor:
    """The inverse of `_folded`, of [C·scale², h, w]."""
    return functional.pixel_shuffle(result, scale) if scale > 1 else result


def _repeated(plane: Tensor, scale: int) -> Tensor:
    """Each pixel of [C, h, w] as scale × scale equal ones: of an alpha nothing is inferred."""
    return plane if scale == 1 else plane.repeat_interleave(scale, 1).repeat_interleave(scale, 2)


def _at_scale(metadata: Metadata, scale: int, width: int, height: int) -> Metadata:
    """The metadata of a picture enlarged to width × height pixels: in print it is as large as before."""
    if scale == 1:
        return metadata
    return replace(
        metadata,
        dpi=metadata.dpi and (metadata.dpi[0] * scale, metadata.dpi[1] * scale),
        exif=metadata.exif and tiff_exif.with_size(metadata.exif, width, height),
        xmp=metadata.xmp and treatment_xmp.with_size(metadata.xmp, width, height, scale),
    )


def _check_size(header: Header, manner: Manner, limits: Limits) -> None:
    """Raise `PictureTooLargeError` where the enlarged result is beyond the cap, or beyond what its format holds."""
    width, height = header.width * manner.scale, header.height * manner.scale
    format = manner.format or FORMATS[header.format].written_as
    longest = LONGEST_SIDES.get(format)
    name = header.path.name if header.path else "The picture"
    if width * height > limits.max_pixels:
        raise PictureTooLargeError(
            f"{name} would be {width}×{height} ({width * height / 1e6:.0f} megapixels) when enlarged; the cap is "
            f"{limits.max_pixels / 1e6:.0f}.",
            remedy="enlarge less, or raise the cap with --max-megapixels (max_pixels)",
        )
    if longest is not None and max(width, height) > longest:
        raise PictureTooLargeError(
            f"{name} would be {width}×{height} when enlarged, and {format} holds {longest} pixels a side.",
            remedy="enlarge less, or add --format tiff",
        )


class _Writers:
    """The result and the maps in the making; all become whole together, or none does."""

    def __init__(
        self,
        header: Header,
        outputs: Outputs,
        manner: Manner,
        format: str,
        xmp: bytes | None,
        seen: Callable[[Tensor], None],
    ) -> None:
        self.outputs, self.manner, self.format, self.seen = outputs, manner, format, seen
        size = header.width * manner.scale, header.height * manner.scale
        self.metadata = _at_scale(replace(header.metadata, xmp=xmp), manner.scale, *size)
        self.colored = manner.colors_grey and header.channels == 1
        if self.colored:
            self.metadata = replace(self.metadata, icc=None)
            header = replace(header, channels=3, metadata=replace(header.metadata, icc=None))
        self.header = header
        self.stack = contextlib.ExitStack()
        self.damaged = self.changed = self.pixels = 0
        self.moved = 0.0

    def __enter__(self) -> _Writers:
        with contextlib.ExitStack() as stack:
            scale = self.manner.scale
            header = replace(
                self.header,
                width=self.header.width * scale,
                height=self.header.height * scale,
                metadata=self.metadata,
            )
            self.result = stack.enter_context(
                RowWriter(self.outputs.result, header, self.format, quality=self.manner.quality)
            )
            map_header = replace(self.header, channels=1, depth=8, has_alpha=False, metadata=Metadata())
            self.maps = [
                stack.enter_context(RowWriter(path, map_header, "png")) if path else None
                for path in (self.outputs.damage, self.outputs.change)
            ]
            self.stack = stack.pop_all()
        return self

    def __exit__(self, *error: Any) -> bool | None:
        return self.stack.__exit__(*error)

    def append(self, raw: np.ndarray, rows: Tensor) -> None:
        """Write the next rows: raw source [rows, width, bands], treated [channels·scale² + 2, rows, width].

        In pieces, since a strip of a wide scan is large and encoding makes several copies.
        """
        step = max(1, PIXELS_AT_A_TIME // (raw.shape[1] * self.manner.scale**2))
        for top in range(0, len(raw), step):
            self._append(raw[top : top + step], rows[:, top : top + step])

    def _append(self, raw: np.ndarray, rows: Tensor) -> None:
        scale = self.manner.scale
        result, (damage, change) = _unfolded(rows[:-2], scale), rows[-2:]
        self.seen(result)
        if self.colored:
            raw = np.concatenate([raw[:, :, :1], raw[:, :, :1], raw], axis=2)
        if scale > 1:
            raw = raw.repeat(scale, axis=0).repeat(scale, axis=1)
        encoded = image_files.encode(result, raw, self.header)
        if self.manner.exact:
            # Not by the arithmetic but by copying: what did not change has the source's own samples.
            encoded = np.where(change.numpy()[:, :, None] > 0, encoded, raw)
        self.result.append(encoded)
        # The change is rounded up: 0 stands for "not at all" and nothing else.
        levels = ((damage * 255.0).round(), (change * (CHANGE_SCALE * 255.0)).ceil())
        for writer, plane in zip(self.maps, levels, strict=True):
            if writer:
                writer.append(plane.clamp(0, 255).to(torch.uint8).numpy()[:, :, None])
        self.pixels += damage.numel()
        self.damaged += int((damage >= 0.5).sum())
        self.changed += int((change > 0).sum())
        self.moved += float(change.sum())

    @property
    def findings(self) -> Findings:
        """What was found and done."""
        count = max(1, self.pixels)
        return Findings(count / 1e6, self.damaged / count, self.changed / count, 255.0 * self.moved / count)
