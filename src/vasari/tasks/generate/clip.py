"""Frames into a clip: MP4, WebM and the like by PyAV (extra `film`); WebP, GIF and PNG animations by Pillow."""

from __future__ import annotations

import os
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from vasari.foundation.errors import MissingExtraError, PlanError, WriteError

# Suffix -> (container, codec, options), by PyAV.
FILMS: dict[str, tuple[str, str, dict[str, str]]] = {
    ".mp4": ("mp4", "libx264", {"crf": "16", "preset": "medium", "movflags": "+faststart"}),
    ".mov": ("mov", "libx264", {"crf": "16", "preset": "medium"}),
    ".mkv": ("matroska", "libx264", {"crf": "16", "preset": "medium"}),
    ".webm": ("webm", "libvpx-vp9", {"crf": "24", "b": "0"}),
}
# Suffix -> (format, options), by Pillow.
ANIMATIONS: dict[str, tuple[str, dict[str, Any]]] = {
    ".webp": ("WEBP", {"quality": 90, "method": 4}),
    ".gif": ("GIF", {"optimize": False}),
    ".png": ("PNG", {}),
}
#: Pillow holds all frames of an animation.
LARGEST_ANIMATION_PIXELS = 200_000_000


def check_clip(path: Path, frames: int, size_px: int) -> None:
    """Raise `PlanError` where no clip can be written so, `MissingExtraError` where PyAV is wanted and not there."""
    suffix = path.suffix.lower()
    if suffix in FILMS:
        _pyav()
    elif suffix not in ANIMATIONS:
        raise PlanError(
            f"{path.name}: the ending {suffix or '(none)'} names no kind of clip.",
            remedy=f"choose from: {', '.join((*FILMS, *ANIMATIONS))}",
        )
    elif frames * size_px**2 > LARGEST_ANIMATION_PIXELS:
        raise PlanError(
            f"{frames} frames of {size_px} px are too many for a {suffix} animation, which is held in memory whole.",
            remedy="write an .mp4, fewer frames or a smaller size",
        )


def write_clip(path: Path, frames: Iterator[np.ndarray], fps: int, note: str) -> None:
    """Write frames uint8 [rows, columns, 3], all of one size, to `path`; `note` goes into its metadata.

    The caller gives a temporary path of the wanted suffix. Raises `WriteError`, and what `check_clip` raises.
    """
    suffix = path.suffix.lower()
    try:
        if suffix in FILMS:
            _write_film(path, frames, fps, note, *FILMS[suffix])
        else:
            _write_animation(path, frames, fps, *ANIMATIONS[suffix])
        with path.open("r+b") as file:
            os.fsync(file.fileno())
    except (OSError, ValueError) as error:
        raise WriteError(
            f"{path.name} could not be written: {error}.", remedy="free some space, or choose another kind of clip"
        ) from error


def _write_film(
    path: Path, frames: Iterator[np.ndarray], fps: int, note: str, container: str, codec: str, options: dict[str, str]
) -> None:
    av = _pyav()
    with av.open(str(path), "w", format=container) as film:
        film.metadata["comment"] = note
        stream: Any = None
        for frame in frames:
            # 4:2:0 halves both sides: odd ones get their last row or column twice.
            frame = np.pad(frame, ((0, frame.shape[0] % 2), (0, frame.shape[1] % 2), (0, 0)), mode="edge")
            if stream is None:
                stream = film.add_stream(codec, rate=Fraction(fps), options=options)
                stream.height, stream.width = frame.shape[:2]
                stream.pix_fmt = "yuv420p"
                _tag_color(stream.codec_context)
            film.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")))
        if stream is not None:
            film.mux(stream.encode())


def _tag_color(context: Any) -> None:
    """Say what the numbers mean, lest players guess by the size (ITU-T H.273): sRGB in BT.601's matrix, 16..235."""
    context.color_primaries, context.color_trc, context.colorspace, context.color_range = 1, 13, 6, 1


def _write_animation(path: Path, frames: Iterator[np.ndarray], fps: int, format: str, options: dict[str, Any]) -> None:
    images = (Image.fromarray(frame) for frame in frames)
    first = next(images)
    first.save(path, format=format, save_all=True, append_images=list(images), duration=1000 / fps, loop=0, **options)


def _pyav() -> Any:
    try:
        import av
    except ImportError:
        raise MissingExtraError("A clip in a film format", "film") from None
    return av
