"""Raw samples to sRGB-encoded float and back, through the source's ICC profile, without loss.

The profile connection space is reached in floats and unclipped, by tables for matrix profiles and by
lcms (inside libvips) for all others, so colors outside sRGB become values below 0 or above 1. From
there sRGB is a formula, extended oddly to negative values as in IEC 61966-2-2 (scRGB).
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vasari.foundation.errors import PictureError, WriteError
from vasari.foundation.icc_matrix import INVERSE_STEPS, matrix_profile
from vasari.foundation.image_formats import Header, vips

#: Full scale of a raw sample.
SCALES: dict[int, float] = {8: 255.0, 16: 65535.0, 32: 1.0}
#: IEC 61966-2-1, linear sRGB to CIE XYZ under D65, Y of white = 1.
SRGB_TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
XYZ_TO_SRGB = np.linalg.inv(SRGB_TO_XYZ)
#: A profile whose sRGB values stay this close to plain scaling is sRGB in all but name.
SAME_AS_SRGB = 1.5 / 255


def srgb_encode(linear: Tensor) -> Tensor:
    """Linear light to the sRGB curve (IEC 61966-2-1), odd for negative values."""
    size = linear.abs()
    curve = 1.055 * size.clamp_min(0.0031308).pow(1 / 2.4) - 0.055
    return torch.where(size <= 0.0031308, linear * 12.92, torch.copysign(curve, linear))


def srgb_decode(encoded: Tensor) -> Tensor:
    """The inverse of `srgb_encode`."""
    size = encoded.abs()
    curve = ((size.clamp_min(0.04045) + 0.055) / 1.055).pow(2.4)
    return torch.where(size <= 0.04045, encoded / 12.92, torch.copysign(curve, encoded))


def decode(raw: np.ndarray, header: Header) -> Tensor:
    """Raw rows [rows, width, bands] to float32 [1 or 3, rows, width] in sRGB encoding, alpha left out.

    Values lie in 0..1; with a wide-gamut profile they may leave it. Rows are decoded independently.
    """
    colors = raw[:, :, : header.channels]
    icc = header.metadata.icc
    if icc is not None and needs_conversion(icc, header.channels, header.depth):
        return _through_profile(colors, icc)
    planes = np.empty((header.channels, *raw.shape[:2]), np.float32)
    for band in range(header.channels):  # plane by plane is twice as fast as a transposed copy of all
        np.divide(colors[:, :, band], np.float32(SCALES[header.depth]), out=planes[band])
    return torch.from_numpy(planes)


def encode(pixels: Tensor, raw: np.ndarray, header: Header) -> np.ndarray:
    """The inverse of `decode`: float32 [1 or 3, rows, width] to raw rows like `raw`, whose alpha is kept.

    `encode(decode(raw), raw, header)` equals `raw` bit for bit: with a profile, a pixel that did not
    change keeps its raw value. Raises `WriteError` for values that are not finite.
    """
    if tuple(pixels.shape) != (header.channels, *raw.shape[:2]):
        raise PictureError(
            f"Got pixels of shape {tuple(pixels.shape)} for raw rows of shape {raw.shape}.",
            remedy=f"pass [{header.channels}, {raw.shape[0]}, {raw.shape[1]}]",
        )
    if not bool(torch.isfinite(pixels.sum())):
        if raw.dtype.kind == "f" and not np.isfinite(raw).all():
            raise PictureError(
                "The file holds values that are not numbers (NaN or infinite).",
                remedy="replace them in a copy, for example by 0, or save a copy in 16 bits",
            )
        raise WriteError("The result holds values that are not numbers.", remedy="run again in float32 precision")
    icc = header.metadata.icc
    if icc is not None and needs_conversion(icc, header.channels, header.depth):
        colors = _into_profile(pixels, icc, header.depth)
        source = raw[:, :, : header.channels]
        same = (_through_profile(source, icc) == pixels).all(dim=0).numpy()
        colors = np.where(same[:, :, None], source, colors)
    else:
        colors = quantize(pixels, header.depth)
    if not header.has_alpha:
        return colors
    return np.concatenate([colors, raw[:, :, header.channels :]], axis=2)


def quantize(pixels: Tensor, depth: int) -> np.ndarray:
    """Float [channels, rows, width] in 0..1 to raw [rows, width, channels] of `depth` bits, rounded and clipped."""
    if depth == 32:
        return pixels.to(torch.float32).permute(1, 2, 0).contiguous().numpy()
    top = SCALES[depth]
    levels = pixels.to(torch.float32).mul(top).round_().clamp_(0.0, top).permute(1, 2, 0)
    return levels.to(torch.uint8 if depth == 8 else torch.uint16, memory_format=torch.contiguous_format).numpy()


@functools.lru_cache(maxsize=16)
def needs_conversion(icc: bytes, channels: int, depth: int) -> bool:
    """Whether a profile's colors differ from sRGB by more than rounding.

    A profile that is damaged, or made for another number of channels, converts nothing; it is
    carried along unchanged, as image editors do. Raises `PictureError` for a profile in a float file.
    """
    if icc[16:20] != {1: b"GRAY", 3: b"RGB "}[channels]:
        return False
    steps = np.linspace(0, 65535, 17).astype(np.uint16)
    grid = np.stack(np.meshgrid(*[steps] * channels, indexing="ij"), axis=-1).reshape(1, -1, channels)
    try:
        converted = _through_profile(grid, icc)
    except PictureError:
        return False
    plain = torch.from_numpy(grid.astype(np.float32) / 65535.0).permute(2, 0, 1)
    if float((converted - plain).abs().max()) <= SAME_AS_SRGB:
        return False
    if depth == 32:
        raise PictureError(
            "Got a floating-point file with a profile other than sRGB; those are read in 8 and 16 bits only.",
            remedy="convert the file to 16 bits, or to sRGB",
        )
    return True


def _vips_image(array: np.ndarray, interpretation: str, icc: bytes) -> Any:
    """A libvips image over an array [rows, width, bands], with a profile attached."""
    kind = {"uint8": "uchar", "uint16": "ushort", "float32": "float"}[array.dtype.name]
    rows, width, bands = array.shape
    image = vips().Image.new_from_memory(np.ascontiguousarray(array).data, width, rows, bands, kind)
    image = image.copy(interpretation=interpretation)
    image.set_type(vips().GValue.blob_type, "icc-profile-data", icc)
    return image


@functools.lru_cache(maxsize=16)
def _tables(icc: bytes, channels: int, depth: int) -> _Tables | None:
    """What a matrix profile needs at one depth, or None for profiles of other kinds."""
    profile = matrix_profile(icc, channels)
    if profile is None:
        return None
    light = profile.light_tables(depth)
    if profile.to_srgb is None:
        # Grey needs no matrix, so its table can hold the sRGB curve already.
        encoded = srgb_encode(torch.from_numpy(light[0].astype(np.float64))).float().numpy()
        return _Tables([encoded], profile.inverse_tables(depth), None, None)
    matrix = torch.tensor(profile.to_srgb, dtype=torch.float32)
    back = torch.tensor(np.linalg.inv(profile.to_srgb), dtype=torch.float32)
    return _Tables(light, profile.inverse_tables(depth), matrix, back)


@dataclass(frozen=True, eq=False)
class _Tables:
    """Raw value to light (grey: to sRGB); light to raw value; matrices to linear sRGB and back."""

    values: list[np.ndarray]
    inverse: list[np.ndarray]
    to_srgb: Tensor | None
    from_srgb: Tensor | None


def _through_profile(colors: np.ndarray, icc: bytes) -> Tensor:
    """Raw colors [rows, width, 1 or 3] to sRGB-encoded float [1 or 3, rows, width] by relative colorimetry."""
    tables = _tables(icc, colors.shape[2], 8 * colors.dtype.itemsize)
    if tables is None:
        return through_lcms(colors, icc)
    planes = torch.from_numpy(np.stack([table[colors[:, :, band]] for band, table in enumerate(tables.values)]))
    if tables.to_srgb is None:
        return planes
    return srgb_encode((tables.to_srgb @ planes.flatten(1)).reshape(planes.shape))


def _into_profile(pixels: Tensor, icc: bytes, depth: int) -> np.ndarray:
    """The way back: sRGB-encoded float to raw colors of the profile, rounded and clipped."""
    tables = _tables(icc, pixels.shape[0], depth)
    if tables is None:
        return into_lcms(pixels, icc, depth)
    light = srgb_decode(pixels.to(torch.float32))
    if tables.from_srgb is not None:
        light = (tables.from_srgb @ light.flatten(1)).reshape(pixels.shape)
    steps = light.clamp_(0.0, 1.0).sqrt_().mul_(INVERSE_STEPS - 1).round_().to(torch.int32).numpy()
    return np.stack([table[plane] for table, plane in zip(tables.inverse, steps)], axis=2)


def through_lcms(colors: np.ndarray, icc: bytes) -> Tensor:
    """`_through_profile` by lcms, for profiles of any kind."""
    grey = colors.shape[2] == 1
    depth = 8 if colors.dtype == np.uint8 else 16
    names = {(8, False): "srgb", (16, False): "rgb16", (8, True): "b-w", (16, True): "grey16"}
    try:
        image = _vips_image(colors, names[depth, grey], icc).icc_import(embedded=True, pcs="xyz", intent="relative")
        xyz = torch.from_numpy(image.numpy()).div_(100.0)
    except vips().Error as error:
        raise PictureError(f"The ICC profile cannot be used ({error}).", remedy="assign another profile") from None
    if grey:
        return srgb_encode(xyz[:, :, 1:2].permute(2, 0, 1).contiguous())
    matrix = torch.tensor(XYZ_TO_SRGB, dtype=torch.float32)
    return srgb_encode((matrix @ xyz.reshape(-1, 3).T).reshape(3, *colors.shape[:2]))


def into_lcms(pixels: Tensor, icc: bytes, depth: int) -> np.ndarray:
    """`_into_profile` by lcms, for profiles of any kind."""
    linear = srgb_decode(pixels.to(torch.float32))
    if pixels.shape[0] == 1:
        linear = linear.repeat(3, 1, 1)
    matrix = torch.tensor(SRGB_TO_XYZ * 100.0, dtype=torch.float32)
    xyz = (matrix @ linear.reshape(3, -1)).T.reshape(*pixels.shape[1:], 3)
    image = _vips_image(xyz.contiguous().numpy(), "xyz", icc)
    try:
        colors = image.icc_export(depth=depth, intent="relative", pcs="xyz").numpy()
    except vips().Error as error:
        raise WriteError(f"The ICC profile cannot be written into ({error}).", remedy="convert to sRGB first") from None
    return colors.reshape(*pixels.shape[1:], -1)[:, :, : pixels.shape[0]]
