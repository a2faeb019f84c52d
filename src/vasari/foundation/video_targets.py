"""What a film is written as: by default its own container, codec and pixel format, as far as they can be written."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path

from vasari.foundation.errors import PictureError, PlanError
from vasari.foundation.video_formats import FILM_CODECS, FILM_KINDS, KEPT_AS, FilmHeader, pyav
from vasari.foundation.video_layouts import Layout, layout_of

#: Codecs that are written with transparency where the source has it.
WITH_ALPHA = ("ffv1", "prores")


@dataclass(frozen=True)
class FilmFormat:
    """What is written: container and codec (keys of the tables), pixel format, quality, and all that a header tells."""

    kind: str
    codec: str
    pixel_format: str
    crf: int | None
    header: FilmHeader
    notes: tuple[str, ...] = ()

    @property
    def options(self) -> dict[str, str]:
        """The options of the encoder."""
        found = dict(FILM_CODECS[self.codec].options)
        if self.crf is not None:
            found["crf"] = str(self.crf)
        if self.codec == "h264" and _has_avx512():
            # By its AVX-512 code x264 gives other bytes for the same frames once in a while, by its AVX2 code never.
            found["x264-params"] = "asm=avx2"
        return found


@functools.cache
def _has_avx512() -> bool:
    """True where the processor has AVX-512 (read from /proc/cpuinfo; elsewhere unknown, and taken for no)."""
    try:
        return "avx512f" in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").split()
    except OSError:
        return False


def format_for(
    header: FilmHeader, kind: str | None = None, codec: str | None = None, crf: int | None = None
) -> FilmFormat:
    """What a film is written as: by default its own container, codec and pixel format, as far as they can be written.

    Raises `PlanError` where the container does not take the codec, or the codec has no such quality.
    """
    kind = kind or header.kind
    taken = FILM_KINDS[kind].codecs
    kept = KEPT_AS.get(header.codec, "")
    chosen = codec or (kept if kept in taken else taken[0])
    if chosen not in taken:
        raise PlanError(f"A {kind} film does not take the codec {chosen}.", remedy=f"choose from: {', '.join(taken)}")
    rules = FILM_CODECS[chosen]
    if crf is not None and (rules.crf is None or crf > rules.worst_crf):
        allowed = f"0..{rules.worst_crf}" if rules.crf is not None else "none"
        raise PlanError(f"crf={crf} is no quality of the codec {chosen}.", remedy=f"it takes {allowed}")
    pixel_format, notes = _writable(header, chosen)
    return FilmFormat(kind, chosen, pixel_format, rules.crf if crf is None else crf, header, notes)


def _writable(header: FilmHeader, codec: str) -> tuple[str, tuple[str, ...]]:
    """The source's pixel format or the nearest that the codec takes, and what is lost by it."""
    if codec == "gif":
        return "rgba", ()
    own, layouts = layout_of(header.pixel_format), _layouts(codec)
    if own is None or not layouts:
        raise PictureError(
            f"{header.path.name}: pictures of the kind {header.pixel_format} cannot be written as {codec}.",
            remedy="convert a copy to yuv420p first",
        )
    # H.264 and HEVC share colors between two pixels, and refuse a side with one left over.
    whole = codec in ("h264", "hevc") and bool(header.width % 2 or header.height % 2)
    name, best = min(layouts.items(), key=lambda item: _lost(own, item[1], whole))
    notes = []
    if best.depth < own.depth:
        notes.append(f"The source has {own.depth} bits a sample, of which {codec} keeps {best.depth}.")
    if own.alpha and not best.alpha:
        notes.append(f"The transparency of the source was left out: {codec} has none.")
    if best.across > own.across or best.down > own.down:
        notes.append(f"The colors of the source were written at a lower resolution, as {codec} takes them.")
    return name, tuple(notes)


def _layouts(codec: str) -> dict[str, Layout]:
    """The pixel formats that are written by a codec."""
    found: dict[str, Layout] = {}
    for one in pyav().Codec(FILM_CODECS[codec].encoder, "w").video_formats:
        layout = None if one.name.startswith("yuvj") else layout_of(one.name)
        # Few players know RGB in codecs other than FFV1.
        if layout is not None and (codec in WITH_ALPHA or not layout.alpha) and (codec == "ffv1" or not layout.rgb):
            found[one.name] = layout
    return found


def _lost(own: Layout, layout: Layout, whole: bool) -> tuple[float, ...]:
    """What a layout loses of the source's, the worst first; then what it adds.

    `whole`: colors of halved resolution cannot be written at all.
    """
    return (
        float(whole and bool(layout.across or layout.down)),
        float(own.colored and not layout.colored),
        float(max(0, own.depth - layout.depth)),
        float(own.alpha and not layout.alpha),
        float(max(0, layout.across - own.across) + max(0, layout.down - own.down)),
        float(own.rgb != layout.rgb),
        float(layout.alpha and not own.alpha),
        float(layout.depth - own.depth + own.across - layout.across + own.down - layout.down),
        float(layout.colored and not own.colored),
    )


def suffix_of(header: FilmHeader, kind: str | None) -> str:
    """The source's own ending where it fits the container that is written, else that one's first."""
    suffixes = FILM_KINDS[kind or header.kind].suffixes
    return header.path.suffix if header.path.suffix.lower() in suffixes else suffixes[0]
