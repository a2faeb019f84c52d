"""Segments into a film, with all that its source holds beside the pictures (sound, subtitles ...) untouched."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Any

from vasari.foundation.errors import WriteError
from vasari.foundation.video_formats import FILM_CODECS, FILM_KINDS, pyav
from vasari.foundation.video_gif import write_gif
from vasari.foundation.video_reader import film_stream, open_container
from vasari.foundation.video_targets import FilmFormat
from vasari.foundation.video_writer import prepare, read_segment

#: Keys of a container's metadata that its muxer writes itself, and of a Matroska track that speak of its old bytes.
_MUXERS_OWN = frozenset({"major_brand", "minor_version", "compatible_brands", "encoder"})
_OLD_BYTES = ("bps", "duration", "number_of_", "_statistics_", "encoder")
#: Where the note on the treatment goes: the first of these that the source leaves free.
_PLACES_FOR_A_NOTE = ("comment", "description", "synopsis")
#: The finest clock, in ticks a second, that is given to an MP4 file as a whole.
_FINEST_CLOCK = 10_000_000


def assemble(format: FilmFormat, segments: Sequence[Path], target: Path, note: str) -> tuple[str, ...]:
    """Write the film `target` from its segments and the rest of its source; gives in words what was left out.

    Packets of sound, subtitles, attachments and further pictures are copied byte for byte with their times, chapters
    and metadata too; `note` goes into the metadata. Equal inputs give equal bytes. The caller gives a temporary path.
    Raises `WriteError`, `PictureError`; nothing is left behind then.
    """
    try:
        if format.kind == "gif":
            left_out = write_gif(format, segments, target)
        else:
            left_out = _mux(format, segments, target, note)
        with target.open("r+b") as file:
            os.fsync(file.fileno())
    except (pyav().error.FFmpegError, OSError, ValueError) as error:
        target.unlink(missing_ok=True)
        raise WriteError(
            f"{target.name} could not be written ({error}).",
            remedy="free some space, or choose another --film-format or --film-codec",
        ) from error
    except BaseException:
        target.unlink(missing_ok=True)
        raise
    return left_out


def _mux(format: FilmFormat, segments: Sequence[Path], target: Path, note: str) -> tuple[str, ...]:
    av = pyav()
    with open_container(format.header.path) as source:
        options = _muxer_options(format, source)
        kind = FILM_KINDS[format.kind]
        film = av.open(
            str(target), "w", format=kind.muxer, container_options=options, metadata_errors="surrogateescape"
        )
        with film:
            film.metadata.update(_metadata(source.metadata, note))
            film.set_chapters(source.chapters())
            pictures, copies, left_out = _streams(format, source, film)
            _interleave(film, _film_packets(format, segments, pictures), _copied(source, copies))
    return left_out


def _muxer_options(format: FilmFormat, source: Any) -> dict[str, str]:
    """Options of the container: no random numbers, and in MP4 a clock that can tell every time exactly."""
    options = {"fflags": "+bitexact"}
    if format.kind in ("mp4", "mov"):
        base = format.header.time_base
        options["movflags"] = "+faststart"
        if any(key.startswith("com.") for key in source.metadata):
            options["movflags"] += "+use_metadata_tags"
        if base.numerator == 1:
            options["video_track_timescale"] = str(base.denominator)
        clocks = [one.time_base.denominator for one in source.streams if one.time_base and one.type != "data"]
        clock = math.lcm(*clocks) if clocks else base.denominator
        options["movie_timescale"] = str(clock if clock <= _FINEST_CLOCK else base.denominator)
    return options


def _metadata(found: dict[str, str], note: str) -> dict[str, str]:
    kept = {key: value for key, value in found.items() if key.lower() not in _MUXERS_OWN}
    free = [one for one in _PLACES_FOR_A_NOTE if one not in {key.lower() for key in kept}]
    return {**kept, free[0]: note} if free else kept


def _streams(format: FilmFormat, source: Any, film: Any) -> tuple[Any, dict[int, Any], tuple[str, ...]]:
    """The stream of the new pictures, the copied ones by their index in the source, and what was left out."""
    pictures: Any = None
    copies: dict[int, Any] = {}
    left_out: list[str] = []
    main = film_stream(source, format.header.path)
    for stream in source.streams:
        if stream.index == main.index:
            pictures = film.add_stream(FILM_CODECS[format.codec].encoder, rate=format.header.rate)
            prepare(pictures.codec_context, format)
            pictures.set_display_matrix(format.header.display_matrix)
            kept = {key: value for key, value in stream.metadata.items() if not key.lower().startswith(_OLD_BYTES)}
            pictures.metadata.update(kept)
            pictures.disposition = stream.disposition
        elif stream.type != "data":
            with suppress(ValueError):
                copies[stream.index] = _copy_of(stream, film)
        if stream.index != main.index and stream.index not in copies and not _made_anew(stream, source):
            name = stream.name or "unknown"
            left_out.append(f"The stream {stream.index} ({stream.type}, {name}) cannot stand in {format.kind}.")
    return pictures, copies, tuple(left_out)


def _copy_of(stream: Any, film: Any) -> Any:
    """A stream like this one, for its packets; raises ValueError where the container does not take it."""
    copy = film.add_stream_from_template(stream, opaque=True)
    copy.metadata.update(stream.metadata)
    copy.disposition = stream.disposition
    return copy


def _made_anew(stream: Any, source: Any) -> bool:
    """True for what a muxer of MP4 writes by itself: the track of the chapters, the track of the time code."""
    if stream.type != "data":
        return False
    return bool(source.chapters()) if stream.name == "bin_data" else "timecode" in stream.metadata


def _film_packets(format: FilmFormat, segments: Sequence[Path], stream: Any) -> Iterator[Any]:
    """The packets of all segments, with the times at which they are decoded."""
    av = pyav()
    header = format.header
    shown = [packet.pts for path in segments for packet in read_segment(path)]
    decoded = decoding_times(shown)
    place = 0
    for path in segments:
        for packet in read_segment(path):
            made = av.Packet(packet.data)
            made.stream, made.time_base = stream, header.time_base
            made.pts, made.dts, made.is_keyframe = packet.pts, decoded[place], packet.is_key
            made.duration = packet.duration
            place += 1
            if header.kind in ("mp4", "mov") and header.end is not None and place == len(shown):
                # MP4 adds up how long packets are decoded: the last one makes the sum that of the source.
                made.duration = max(1, header.end - min(shown) - (decoded[-1] - decoded[0]))
            yield made


def decoding_times(shown: Sequence[int]) -> list[int]:
    """When packets are decoded that are shown at these times, each another; given in the order of decoding.

    With n frames held back for reordering, a packet is decoded at the time at which the n-th frame before it, in the
    order of showing, is shown; the first n as long before the first. So times never go back, nor come too late.
    """
    times = sorted(shown)
    rank = {pts: place for place, pts in enumerate(times)}
    held = max((place - rank[pts] for place, pts in enumerate(shown)), default=0)
    lead = times[held] - times[0] if shown else 0
    return [times[place - held] if place >= held else times[place] - lead for place in range(len(shown))]


def _copied(source: Any, copies: dict[int, Any]) -> Iterator[Any]:
    """The packets of the copied streams, as they lie in the source; a truncated source ends where it ends."""
    held: dict[int, list[Any]] = {}
    for packet in _packets(source, copies):
        index = packet.stream.index
        if packet.dts is None:
            held.setdefault(index, []).append(packet)  # a cover, or the first of a Matroska stream that reorders
            continue
        before = held.pop(index, [])
        for place, one in enumerate(before):
            one.dts = packet.dts - len(before) + place
            one.stream = copies[index]
            yield one
        packet.stream = copies[index]
        yield packet
    for index, rest in held.items():
        for one in rest:
            one.dts = one.pts = one.pts or 0
            one.stream = copies[index]
            yield one


def _packets(source: Any, copies: dict[int, Any]) -> Iterator[Any]:
    av = pyav()
    if not copies:
        return
    packets = source.demux([source.streams[index] for index in copies])
    while True:
        try:
            packet = next(packets, None)
        except (av.error.FFmpegError, OSError):
            return  # the reader has told of it
        if packet is None:
            return
        if packet.size or packet.dts is not None:
            yield packet


def _interleave(film: Any, pictures: Iterator[Any], others: Iterator[Any]) -> None:
    """Write packets by their times, so that the muxer need not hold many."""
    waiting = next(pictures, None)
    for other in others:
        while waiting is not None and _time(waiting) <= _time(other):
            film.mux_one(waiting)
            waiting = next(pictures, None)
        film.mux_one(other)
    while waiting is not None:
        film.mux_one(waiting)
        waiting = next(pictures, None)


def _time(packet: Any) -> Fraction:
    return packet.dts * packet.time_base
