"""Frames into encoded segments, each whole or not there; `video_mux` puts them together.

A segment is encoded on its own: it begins with a key frame and needs no other. It holds the packets as the encoder
gave them, less their decoding times, which are given anew when all segments are known.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from vasari.foundation.atomic_files import write_whole
from vasari.foundation.errors import WriteError
from vasari.foundation.video_formats import ENCODER_THREADS, FILM_CODECS, ColorTags, pyav
from vasari.foundation.video_layouts import layout_of, settled
from vasari.foundation.video_planes import frame_of, from_srgb
from vasari.foundation.video_targets import FilmFormat


@dataclass(frozen=True)
class EncodedFrame:
    """A packet of a segment, in the order of decoding; times in units of the film's time base."""

    data: bytes
    pts: int
    duration: int
    is_key: bool


class SegmentWriter:
    """Encodes the frames of one segment.

        with SegmentWriter(path, format) as writer:
            writer.append(pixels, frame.pts, frame.duration)

    On a clean exit the segment stands at `path` whole; on any error nothing is left. Raises `WriteError`.
    """

    def __init__(self, path: Path, format: FilmFormat) -> None:
        self.path, self.format = path, format
        layout = layout_of(format.pixel_format)
        if layout is None:
            raise WriteError(f"{format.pixel_format} cannot be written.", remedy="choose another codec")
        self.layout = layout
        self.color = settled(format.header.color, layout, format.header.height, format.codec)
        rules = FILM_CODECS[format.codec]
        self.context = pyav().CodecContext.create(rules.encoder, "w")
        prepare(self.context, format)
        self.packets: list[Any] = []
        self.durations: dict[int, int] = {}

    def __enter__(self) -> SegmentWriter:
        return self

    def __exit__(self, kind: object, *error: object) -> None:
        if kind is None:
            self._encode(None)
            write_whole(self.path, b"".join(self._parts()))

    def append(self, pixels: Tensor, pts: int, duration: int, alpha: np.ndarray | None = None) -> None:
        """Encode pixels float32 [3, h, w] in sRGB, 0..1 nominal, and transparency [h, w] where the format has any."""
        raw = frame_of(from_srgb(pixels, self.layout, self.color, alpha), self.layout)
        if raw.format.name != self.format.pixel_format:
            raw = raw.reformat(format=self.format.pixel_format, threads=1)
        # After reformatting: FFmpeg would take a difference of tags for the wish to convert.
        _tag(raw, tags_of(self.format))
        raw.pts, raw.time_base, raw.duration = pts, self.format.header.time_base, duration
        self.durations[pts] = duration
        self._encode(raw)

    def _encode(self, raw: Any) -> None:
        try:
            self.packets += self.context.encode(raw)
        except (pyav().error.FFmpegError, ValueError) as error:
            raise WriteError(
                f"The frames cannot be encoded as {self.format.codec} ({error}).", remedy="choose another --film-codec"
            ) from error

    def _parts(self) -> Iterator[bytes]:
        listed = [[len(bytes(one)), one.pts, self.durations[one.pts], one.is_keyframe] for one in self.packets]
        yield json.dumps({"packets": listed}).encode() + b"\n"
        for one in self.packets:
            yield bytes(one)


def prepare(context: Any, format: FilmFormat) -> None:
    """Set up an encoder, the same for every segment and for the header of the whole."""
    header = format.header
    context.width, context.height, context.pix_fmt = header.width, header.height, format.pixel_format
    context.time_base = header.time_base
    if header.rate:
        context.framerate = header.rate
    if header.aspect:
        context.sample_aspect_ratio = header.aspect
    context.thread_count = ENCODER_THREADS
    context.flags |= pyav().codec.context.Flags.global_header
    context.options = format.options
    _tag(context, tags_of(format))


def tags_of(format: FilmFormat) -> ColorTags:
    """What is said of the colors: as the source says it, and nothing where it says nothing, but for the range.

    Players guess what is left open by rules of their own, and shall go on guessing as they did. Where RGB became
    something else or the reverse, all is said.
    """
    header = format.header
    layout, source = layout_of(format.pixel_format), layout_of(header.pixel_format)
    if layout is None or source is None:
        return header.color
    full = settled(header.color, layout, header.height, format.codec)
    return full if layout.rgb != source.rgb else replace(full, matrix=0 if layout.rgb else header.color.matrix)


def _tag(target: Any, tags: ColorTags) -> None:
    """Say what the numbers of a frame or an encoder mean."""
    target.colorspace, target.color_range = tags.matrix, tags.range
    target.color_trc, target.color_primaries = tags.transfer, tags.primaries


def read_segment(path: Path) -> list[EncodedFrame]:
    """The packets of a segment; raises `WriteError` where it is not as it was written."""
    try:
        with path.open("rb") as file:
            listed = json.loads(file.readline())["packets"]
            found = [EncodedFrame(file.read(size), pts, duration, key) for size, pts, duration, key in listed]
    except (OSError, ValueError, KeyError) as error:
        raise WriteError(f"{path} cannot be read ({error}).", remedy="remove its folder, and run again") from error
    if any(len(one.data) != size for one, (size, *_) in zip(found, listed)):
        raise WriteError(f"{path} is cut off.", remedy="remove its folder, and run again")
    return found
