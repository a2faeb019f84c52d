"""A picture file decoded to 8-bit RGB, reduced and corrected, as it is kept."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from PIL import ExifTags, Image, ImageCms

MAX_PIXELS = 160_000_000
MIN_SIDE_PX = 8
LONGEST = 4  # the long side kept, as a multiple of the short side
GREY_LEVELS = 2
GREY_SHARE = 0.99
LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # BT.601, as JPEG has it
LEVELS_PERCENTILES = (0.5, 99.5)
SMALLEST_STRETCH = 16.0  # levels: a nearly even picture has no black and white to find
HIGHEST_GAIN = 1.6  # gray-world: a sunset is not turned into noon
# EXIF orientation -> what brings the picture upright (CIPA DC-008, tag 0x0112)
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
LYING = tuple(TURNS[one] for one in (5, 6, 7, 8))


@dataclass(frozen=True)
class Decoded:
    """A picture as it is kept: `pixels` uint8 [rows, columns, 3]; the width and height of its file; whether grey."""

    pixels: np.ndarray
    width: int
    height: int
    is_grey: bool


def decode(data: bytes, kept_px: int, color: str, correction: str) -> Decoded:
    """Decode a file's bytes upright, with its short side reduced to `kept_px` (never enlarged).

    The ends of a picture longer than four times its short side are cut. Transparent pixels lie over white;
    embedded profiles are turned into sRGB. Raises whatever a decoder raises; `ValueError` for a picture too
    large or too small.
    """
    with Image.open(io.BytesIO(data)) as opened:
        width, height = opened.size
        if width * height > MAX_PIXELS:
            raise ValueError(f"{width} × {height} pixels are more than {MAX_PIXELS // 10**6} million")
        if min(width, height) < MIN_SIDE_PX:
            raise ValueError(f"{width} × {height} pixels: a side is shorter than {MIN_SIDE_PX}")
        if min(width, height) > 2 * kept_px:
            opened.draft(None, (2 * kept_px, 2 * kept_px))  # a JPEG comes reduced, still at least twice what is kept
        opened.load()
        turn, profile = TURNS.get(_orientation(opened)), opened.info.get("icc_profile")
        picture = _over_white(_reduced(_in_eight_bits(opened), kept_px))
    if turn is not None:
        picture = picture.transpose(turn)
    pixels = np.array(_in_srgb(picture, profile))
    is_grey = bool(np.mean(np.ptp(pixels, axis=2) <= GREY_LEVELS) >= GREY_SHARE)
    pixels = corrected(pixels, correction)
    if color == "grey":
        pixels = np.repeat(_luma(pixels).round().astype(np.uint8)[..., None], 3, axis=2)
    if turn in LYING:
        width, height = height, width
    return Decoded(np.ascontiguousarray(pixels), width, height, is_grey)


def _orientation(picture: Image.Image) -> int:
    """The orientation 1..8 that the EXIF block states; 1 where it states none, or is damaged itself."""
    try:
        return int(picture.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # a damaged block makes its parser raise nearly anything; the pixels are sound
        return 1


def _in_eight_bits(picture: Image.Image) -> Image.Image:
    """8 bits a sample; 16-bit and float pictures are scaled by their range, palettes resolved."""
    if picture.mode in ("P", "PA"):
        return picture.convert("RGBA" if "transparency" in picture.info or picture.mode == "PA" else "RGB")
    if picture.mode == "L" and "transparency" in picture.info:
        return picture.convert("LA")
    if picture.mode == "RGB" and "transparency" in picture.info:
        return picture.convert("RGBA")
    if picture.mode in ("I", "F") or picture.mode.startswith("I;16"):
        values = np.asarray(picture).astype(np.float64)
        highest = _full_scale(picture.mode, values)
        scaled = np.nan_to_num(values / highest, nan=0.0, posinf=1.0, neginf=0.0).clip(0, 1) * 255
        return Image.fromarray(scaled.round().astype(np.uint8))
    return picture.convert("L") if picture.mode == "1" else picture


def _full_scale(mode: str, values: np.ndarray) -> float:
    """The value that stands for white: that of the format where it says so, else the next usual one."""
    if mode.startswith("I;16"):
        return 65535.0
    finite = values[np.isfinite(values)]
    largest = float(finite.max()) if finite.size else 1.0
    usual = (1.0, 255.0, 65535.0) if mode == "F" else (255.0, 65535.0)
    return next((one for one in usual if largest <= one), max(largest, 1.0))


def _reduced(picture: Image.Image, kept_px: int) -> Image.Image:
    """The middle of a very long picture, its short side reduced to `kept_px`."""
    width, height = picture.size
    short = min(width, height)
    if max(width, height) > LONGEST * short:
        long = LONGEST * short
        left, top = max(0, width - long) // 2, max(0, height - long) // 2
        picture = picture.crop((left, top, left + min(width, long), top + min(height, long)))
        width, height = picture.size
    if short <= kept_px:
        return picture
    size = (max(kept_px, round(width * kept_px / short)), max(kept_px, round(height * kept_px / short)))
    return picture.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)


def _over_white(picture: Image.Image) -> Image.Image:
    if picture.mode not in ("RGBA", "LA", "RGBa", "La"):
        return picture
    opaque = picture.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", opaque.size, "white"), opaque).convert("RGB")


def _in_srgb(picture: Image.Image, profile: bytes | None) -> Image.Image:
    """RGB by the embedded profile, where there is one that fits; else as Pillow converts."""
    if profile and picture.mode in ("RGB", "CMYK", "L"):
        try:
            of_picture = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            if "srgb" not in (ImageCms.getProfileDescription(of_picture) or "").lower():
                srgb = ImageCms.createProfile("sRGB")
                converted = ImageCms.profileToProfile(picture, of_picture, srgb, outputMode="RGB")
                picture = converted if converted is not None else picture
        except (ImageCms.PyCMSError, OSError):
            pass  # a damaged profile, or one of another kind of picture: the numbers are taken as sRGB
    return picture.convert("RGB")


def corrected(pixels: np.ndarray, correction: str) -> np.ndarray:
    """uint8 [rows, columns, 3] with its levels stretched or its channels balanced; "none" gives it back."""
    if correction == "none":
        return pixels
    values = pixels.astype(np.float32)
    if correction == "levels":
        low, high = np.percentile(_luma(pixels), LEVELS_PERCENTILES)
        values = (values - low) * (255.0 / max(high - low, SMALLEST_STRETCH)) if high > low else values
    else:
        means = values.mean((0, 1))
        gains = np.clip(means.mean() / np.maximum(means, 1.0), 1 / HIGHEST_GAIN, HIGHEST_GAIN)
        values = values * gains
    return values.round().clip(0, 255).astype(np.uint8)


def _luma(pixels: np.ndarray) -> np.ndarray:
    return pixels.astype(np.float32) @ LUMA
