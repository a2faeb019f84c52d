"""A GIF from the frames in its segments: one palette for all of them, and a dither that stands still.

Of a palette a frame the colors would flicker, and so would diffused errors: each wanders through the picture with
every change above it. The ordered dither of Bayer (1973) moves nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from vasari.foundation.video_formats import pyav
from vasari.foundation.video_targets import FilmFormat
from vasari.foundation.video_writer import EncodedFrame, read_segment

#: Colors of a palette; the last of the 256 stands for "transparent".
COLORS = 255
#: Pixels of all frames together that the palette is made from.
SAMPLED_PIXELS = 1 << 20
#: The dither's height in 8-bit levels, from its lowest to its highest threshold.
DITHER_LEVELS = 12.0


def write_gif(format: FilmFormat, segments: Sequence[Path], target: Path) -> tuple[str, ...]:
    """Write the frames as a GIF with the times of the source, in hundredths; gives what could not be taken over."""
    av = pyav()
    header = format.header
    palette = _palette(segments)
    # FFmpeg's muxer takes -1 for "once"; a source that is no GIF goes round for ever, as clips on pages do.
    once = header.kind == "gif" and header.loops is None
    options = {"loop": "-1" if once else str(header.loops or 0)}
    with av.open(str(target), "w", format="gif", container_options=options) as film:
        stream = film.add_stream("gif", rate=header.rate)
        turned = header.display_matrix is not None and not header.display_matrix[0]
        size = (header.height, header.width) if turned else (header.width, header.height)
        stream.codec_context.width, stream.codec_context.height = size
        stream.codec_context.pix_fmt = "pal8"
        stream.codec_context.time_base = header.time_base
        for packet, pixels in _frames(segments):
            shown = upright(pixels, header.display_matrix)
            raw = av.VideoFrame.from_ndarray(_indexed(shown, palette), format="pal8")
            raw.pts, raw.time_base, raw.duration = packet.pts, header.time_base, packet.duration
            for made in stream.encode(raw):
                made.duration = packet.duration
                film.mux_one(made)
        film.mux(stream.encode())
    return _left_out(format)


def upright(pixels: np.ndarray, matrix: tuple[int, ...] | None) -> np.ndarray:
    """Pixels [rows, columns, ...] as a display matrix (nine integers) shows them, by quarter turns and mirrors."""
    if matrix is None:
        return pixels
    a, b, _, c, d = matrix[:5]  # the point (x, y) is shown at (a·x + c·y, b·x + d·y)
    if not a and not d:
        pixels, a, d = pixels.swapaxes(0, 1), c, b
    pixels = pixels[:, ::-1] if a < 0 else pixels
    return np.ascontiguousarray(pixels[::-1] if d < 0 else pixels)


def _left_out(format: FilmFormat) -> tuple[str, ...]:
    if format.header.kind == "gif":
        return ()
    return ("Sound, subtitles, chapters and metadata of the source were left out: a GIF has none.",)


def _frames(segments: Sequence[Path]) -> Iterator[tuple[EncodedFrame, np.ndarray]]:
    """The frames with their times: uint8 [rows, columns, 4]."""
    decoder = pyav().CodecContext.create("png", "r")
    for path in segments:
        for packet in read_segment(path):
            made = pyav().Packet(packet.data)
            made.is_keyframe = True  # else the decoder adds it to the picture before
            for raw in decoder.decode(made):
                yield packet, raw.to_ndarray(format="rgba")


def _palette(segments: Sequence[Path]) -> Image.Image:
    """A picture that holds the palette of the whole film, by median cut of a sample of all opaque pixels."""
    packets = sum(len(read_segment(path)) for path in segments)
    most = max(1, SAMPLED_PIXELS // max(1, packets))
    sampled = []
    for _, pixels in _frames(segments):
        opaque = pixels[pixels[..., 3] >= 128][:, :3]
        sampled.append(opaque[:: max(1, len(opaque) // most)])
    colors = np.concatenate(sampled)
    colors = colors if len(colors) else np.zeros((1, 3), np.uint8)
    return Image.fromarray(colors[None]).quantize(COLORS, method=Image.Quantize.MEDIANCUT)


def _indexed(pixels: np.ndarray, palette: Image.Image) -> tuple[np.ndarray, np.ndarray]:
    """Indices uint8 [rows, columns] and the palette uint8 [256, 4] in FFmpeg's order of bytes."""
    rows, columns = pixels.shape[:2]
    pattern = np.tile(_bayer(), (-(-rows // 8), -(-columns // 8)))[:rows, :columns, None]
    dithered = np.clip(np.rint(pixels[..., :3] + pattern * DITHER_LEVELS), 0, 255).astype(np.uint8)
    indices = np.array(Image.fromarray(dithered).quantize(palette=palette, dither=Image.Dither.NONE))
    indices[pixels[..., 3] < 128] = COLORS
    known = np.array(palette.getpalette("RGB"), np.uint8).reshape(-1, 3)[:COLORS]
    table = np.zeros((256, 4), np.uint8)
    table[:COLORS, 0], table[: len(known), 1:] = 255, known
    return indices, table


def _bayer() -> np.ndarray:
    """Thresholds [8, 8], -0.5..0.5."""
    pattern: Any = np.zeros((1, 1))
    for _ in range(3):
        pattern = np.block([[4 * pattern, 4 * pattern + 2], [4 * pattern + 3, 4 * pattern + 1]])
    return (pattern + 0.5) / 64 - 0.5
