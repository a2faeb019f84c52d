"""A film read frame by frame, from the first to the last, with its time stamps; what is wrong with it is told."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from vasari.foundation.errors import PictureError, PictureTooLargeError
from vasari.foundation.image_formats import DEFAULT_LIMITS, Limits
from vasari.foundation.video_formats import DEMUXERS, FILM_KINDS, ColorTags, FilmHeader, pyav
from vasari.foundation.video_gaps import Gaps
from vasari.foundation.video_layouts import Layout, check_colors, layout_of, settled
from vasari.foundation.video_planes import alpha_of, planes_of, to_srgb

#: How much earlier than announced, in seconds, a Matroska film may end without being taken for a truncated one.
EARLY_END_S = 0.1


@dataclass(frozen=True, eq=False)
class Frame:
    """A decoded frame: `index` from 0; `pts`, `duration` in units of the film's time base; pixels when asked for."""

    index: int
    pts: int
    duration: int
    raw: Any
    layout: Layout
    color: ColorTags

    def pixels(self) -> Tensor:
        """float32 [3, h, w] in sRGB encoding, 0..1 nominal, as the film stores it: a display matrix is not applied."""
        return to_srgb(planes_of(self.raw, self.layout), self.layout, self.color)

    def alpha(self) -> np.ndarray | None:
        """The transparency, float32 [h, w] in 0..1, or None where the film has none."""
        return alpha_of(planes_of(self.raw, self.layout), self.layout) if self.layout.alpha else None

    def small(self, long_side_px: int) -> np.ndarray:
        """A rough reduction for looking at: uint8 [rows, columns, 3]."""
        modes = pyav().video.reformatter.Interpolation
        scale = min(1.0, long_side_px / max(self.raw.width, self.raw.height))
        width, height = (max(1, round(size * scale)) for size in (self.raw.width, self.raw.height))
        steady = modes.AREA | modes.ACCURATE_RND | modes.BITEXACT
        found = self.raw.reformat(width=width, height=height, format="rgb24", interpolation=steady, threads=1)
        return np.ascontiguousarray(found.to_ndarray())


class FilmReader:
    """Reads the first film stream of a file.

        with FilmReader(path) as reader:
            for frame in reader.frames():
                frame.pixels()          # float32 [3, h, w]
        reader.faults                   # what was wrong, in sentences; none where all is well

    Raises `PictureError`: unreadable, no film stream, no frame, colors that are not understood;
    `PictureTooLargeError`; `MissingExtraError` without the extra `film`.
    """

    def __init__(self, path: str | Path, limits: Limits = DEFAULT_LIMITS) -> None:
        self.path = Path(path)
        self.faults: list[str] = []
        self.container = open_container(self.path)
        try:
            self.stream = film_stream(self.container, self.path)
            self.header = _header(self.path, self.container, self.stream, limits)
            layout = layout_of(self.header.pixel_format)
            if layout is None:
                raise PictureError(
                    f"{self.path.name} holds pictures of the kind {self.header.pixel_format}.",
                    remedy="convert a copy to yuv420p first",
                )
            self.layout = layout
            self.color = settled(self.header.color, layout, self.header.height, self.header.codec)
            check_colors(self.path.name, self.color, layout)
        except BaseException:
            self.container.close()
            raise

    def __enter__(self) -> FilmReader:
        return self

    def __exit__(self, *error: object) -> None:
        self.container.close()

    def frames(self) -> Iterator[Frame]:
        """The frames in the order in which they are shown; once. Raises `PictureError` where there is none."""
        index, last, undated, damaged = 0, None, 0, 0
        rate = self.header.rate
        gaps = Gaps(1 / (rate * self.header.time_base) if rate else None)
        for raw in self._decoded():
            if (raw.width, raw.height) != (self.header.width, self.header.height):
                raise PictureError(
                    f"{self.path.name} changes its size from {self.header.width}×{self.header.height} to "
                    f"{raw.width}×{raw.height} at frame {index + 1}.",
                    remedy="cut it into films of one size each",
                )
            pts = raw.pts if raw.pts is not None else raw.dts
            if pts is None or (last is not None and pts <= last[0]):
                undated += 1
                pts = 0 if last is None else last[0] + max(1, last[1])
            elif last is not None:
                gaps.see(*last, pts)
            damaged += bool(raw.is_corrupt)
            last = (pts, raw.duration or 0)
            yield Frame(index, pts, last[1], raw, self.layout, self.color)
            index += 1
        if not index:
            raise PictureError(f"{self.path.name} holds no frame that can be decoded.", remedy="check the file")
        if undated:
            self.faults.append(f"{undated} frames had no time stamp, or one that goes back; they follow those before.")
        if damaged:
            self.faults.append(f"{damaged} frames are damaged in the source and were decoded as far as they go.")
        self.faults += gaps.told(self.header.time_base)

    def _decoded(self) -> Iterator[Any]:
        """The raw frames; a packet that cannot be decoded is counted and passed over."""
        error = pyav().error
        broken = 0
        ended = 0.0
        packets = self.container.demux()
        while True:
            try:
                packet = next(packets, None)
            except (error.FFmpegError, OSError) as problem:
                self.faults.append(f"The source cannot be read to its end ({problem.strerror or problem}).")
                break
            if packet is None:
                break
            if packet.pts is not None:
                ended = max(ended, float((packet.pts + (packet.duration or 0)) * packet.time_base))
            if packet.stream.index != self.stream.index:
                continue
            try:
                yield from packet.decode()
            except error.FFmpegError:
                broken += 1
        if broken:
            self.faults.append(f"{broken} pieces of the source could not be decoded, and what they held is missing.")
        self.faults += _truncation(self.path, self.container, self.stream, ended)


def open_container(path: Path) -> Any:
    """A film file opened by PyAV for reading: no other file and no address is let near; raises `PictureError`."""
    av = pyav()
    if not path.is_file():
        raise PictureError(f"There is no file {path}.", remedy="check the spelling")
    options = {"format_whitelist": DEMUXERS, "protocol_whitelist": "file"}
    try:
        return av.open(str(path.absolute()), options=options, metadata_errors="surrogateescape")
    except (av.error.FFmpegError, OSError, ValueError) as error:
        raise PictureError(
            f"{path.name} cannot be read as a film ({getattr(error, 'strerror', None) or error}).",
            remedy="check the file: MP4, MOV, MKV, WebM and GIF are read; a truncated MP4 may have lost its index",
        ) from None


def inspect_film(path: str | Path, limits: Limits = DEFAULT_LIMITS) -> FilmHeader:
    """The header of a film; raises as `FilmReader` does."""
    with FilmReader(path, limits) as reader:
        return reader.header


def film_stream(container: Any, path: Path) -> Any:
    """The first stream of moving pictures, covers passed over; raises `PictureError`."""
    cover = pyav().stream.Disposition.attached_pic
    streams = [one for one in container.streams.video if not one.disposition & cover and one.codec_context is not None]
    if not streams:
        kinds = ", ".join(sorted({one.type for one in container.streams})) or "nothing"
        raise PictureError(f"{path.name} holds no film, but {kinds}.", remedy="name a file with moving pictures")
    return streams[0]


def _header(path: Path, container: Any, stream: Any, limits: Limits) -> FilmHeader:
    context = stream.codec_context
    if context.width * context.height > limits.max_pixels:
        raise PictureTooLargeError(
            f"{path.name} has frames of {context.width}×{context.height} pixels.",
            remedy="raise --max-megapixels where that is meant",
        )
    first = _first_frame(path, limits)
    format = first.format
    return FilmHeader(
        path=path,
        kind=_kind(path, container),
        codec=context.codec.canonical_name,
        width=first.width,
        height=first.height,
        pixel_format=format.name,
        depth=max(one.bits for one in format.components),
        time_base=stream.time_base,
        rate=stream.average_rate or stream.guessed_rate,
        aspect=stream.sample_aspect_ratio,
        end=stream.duration and (stream.start_time or 0) + stream.duration,
        color=ColorTags(
            first.colorspace,
            2 if format.name.startswith("yuvj") else first.color_range,
            first.color_trc,
            first.color_primaries,
        ),
        display_matrix=_display_matrix(first),
        interlaced=first.interlaced_frame,
        loops=_loops(path) if container.format.name == "gif" else None,
    )


def _first_frame(path: Path, limits: Limits) -> Any:
    """The first frame, decoded on its own: its tags count, as those of a container are often missing."""
    error = pyav().error
    with open_container(path) as container:
        try:
            for packet in container.demux(film_stream(container, path)):
                try:
                    for frame in packet.decode():
                        return frame
                except error.FFmpegError:
                    continue
        except (error.FFmpegError, OSError):
            pass
    raise PictureError(f"{path.name} holds no frame that can be decoded.", remedy="check the file")


def _kind(path: Path, container: Any) -> str:
    """The kind by the content, and where that fits several by the ending."""
    fitting = [name for name, kind in FILM_KINDS.items() if kind.demuxer == container.format.name]
    by_name = [name for name in fitting if path.suffix.lower() in FILM_KINDS[name].suffixes]
    return (by_name or fitting)[0]


def _display_matrix(frame: Any) -> tuple[int, ...] | None:
    kinds = pyav().sidedata.sidedata.Type
    for one in frame.side_data:
        if one.type == kinds.DISPLAYMATRIX:
            return struct.unpack("=9i", bytes(one))
    return None


def _loops(path: Path) -> int | None:
    """How often a GIF is shown again (0: for ever), from its NETSCAPE2.0 block; None where it has none."""
    with path.open("rb") as file:
        head = file.read(1 << 16)
    place = head.find(b"NETSCAPE2.0\x03\x01")
    return int.from_bytes(head[place + 13 : place + 15], "little") if place >= 0 else None


def _truncation(path: Path, container: Any, stream: Any, ended: float) -> list[str]:
    """What tells that the file goes on beyond its end: samples that lie there, a later end announced, no last byte."""
    name = container.format.name
    if name == "gif":
        with path.open("rb") as file:
            file.seek(-1, os.SEEK_END)
            return [] if file.read(1) == b";" else ["The source is truncated: its last byte is missing."]
    if "mp4" in name:
        size = path.stat().st_size
        beyond = sum(one.pos + one.size > size for one in stream.index_entries)
        return [f"The source is truncated: {beyond} frames that it announces are missing."] if beyond else []
    announced = Fraction(container.duration or 0, 1_000_000)
    if float(announced) > ended + EARLY_END_S:
        return [f"The source is truncated: it ends after {ended:.2f} of {float(announced):.2f} seconds."]
    return []
