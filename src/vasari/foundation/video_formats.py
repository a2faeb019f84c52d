"""Which films Vasari opens and writes: containers, codecs, and a film's header. Imports neither PyAV nor torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

from vasari.foundation.errors import MissingExtraError


@dataclass(frozen=True)
class FilmKind:
    """A container: FFmpeg's names of its demuxer and muxer, its endings, and the codecs it takes, the usual first."""

    demuxer: str
    muxer: str
    suffixes: tuple[str, ...]
    codecs: tuple[str, ...]


FILM_KINDS: dict[str, FilmKind] = {
    "mp4": FilmKind("mov,mp4,m4a,3gp,3g2,mj2", "mp4", (".mp4", ".m4v"), ("h264", "hevc", "vp9")),
    "mov": FilmKind("mov,mp4,m4a,3gp,3g2,mj2", "mov", (".mov",), ("h264", "hevc", "prores", "ffv1")),
    "mkv": FilmKind("matroska,webm", "matroska", (".mkv",), ("h264", "hevc", "vp9", "ffv1", "prores")),
    "webm": FilmKind("matroska,webm", "webm", (".webm",), ("vp9",)),
    "gif": FilmKind("gif", "gif", (".gif",), ("gif",)),
}
#: By these endings, in lower case, films are told from pictures.
FILM_SUFFIXES = frozenset(suffix for kind in FILM_KINDS.values() for suffix in kind.suffixes)
#: Demuxers that are let near a file: others (playlists, lists of files) would open further files and addresses.
DEMUXERS = ",".join(dict.fromkeys(kind.demuxer for kind in FILM_KINDS.values()))


@dataclass(frozen=True)
class FilmCodec:
    """How frames are encoded: PyAV's encoder, its options, and the usual constant rate factor (None: it has none).

    The number of threads is fixed (`ENCODER_THREADS`), since it decides the bytes.
    """

    encoder: str
    options: Mapping[str, str]
    crf: int | None = None
    worst_crf: int = 0


ENCODER_THREADS = 4
_X265 = f"log-level=none:frame-threads=1:pools={ENCODER_THREADS}"
FILM_CODECS: dict[str, FilmCodec] = {
    "h264": FilmCodec("libx264", {"preset": "medium"}, 16, 51),
    "hevc": FilmCodec("libx265", {"preset": "medium", "x265-params": _X265}, 18, 51),
    "vp9": FilmCodec("libvpx-vp9", {"b": "0", "deadline": "good", "cpu-used": "3"}, 24, 63),
    "prores": FilmCodec("prores_ks", {}),
    "ffv1": FilmCodec("ffv1", {"level": "3", "slices": "4", "slicecrc": "1", "g": "1"}),
    # In the making a GIF's frames lie in segments as PNG: its palette is that of the whole film.
    "gif": FilmCodec("png", {}),
}
#: FFmpeg's name of a source's codec -> what is written in its place; others become the container's usual codec.
KEPT_AS: dict[str, str] = {
    **{name: name for name in FILM_CODECS},
    "vp8": "vp9",
    "av1": "vp9",
    **dict.fromkeys(("huffyuv", "ffvhuff", "utvideo", "rawvideo", "v210", "png", "qtrle"), "ffv1"),
}


@dataclass(frozen=True)
class ColorTags:
    """What the numbers of a film mean: code points of ITU-T H.273, 2 where a film does not say; `range` 0 likewise.

    `range` is 1 for limited (16..235 of 8 bits), 2 for full.
    """

    matrix: int = 2
    range: int = 0
    transfer: int = 2
    primaries: int = 2


@dataclass(frozen=True)
class FilmHeader:
    """What a film says of itself and its pictures.

    `kind` is of `FILM_KINDS`; `codec` and `pixel_format` are FFmpeg's names; `depth` in bits; `time_base` is the
    unit of time stamps in seconds; `rate` the average in frames a second; `aspect` a pixel's width to its height;
    `end` is the time stamp at which the film says that it ends; `display_matrix` holds nine integers of FFmpeg's
    AV_PKT_DATA_DISPLAYMATRIX, never applied to pixels; `loops` of a GIF, 0 for ever, None for once.
    """

    path: Path
    kind: str
    codec: str
    width: int
    height: int
    pixel_format: str
    depth: int
    time_base: Fraction
    rate: Fraction | None = None
    aspect: Fraction | None = None
    color: ColorTags = field(default_factory=ColorTags)
    end: int | None = None
    display_matrix: tuple[int, ...] | None = None
    interlaced: bool = False
    loops: int | None = None


def pyav() -> Any:
    """The module `av`; raises `MissingExtraError`."""
    try:
        import av
    except ImportError:
        raise MissingExtraError("A film", "film") from None
    return av


def opencv() -> Any:
    """The module `cv2`; raises `MissingExtraError`."""
    try:
        import cv2
    except ImportError:
        raise MissingExtraError("The motion in films", "film") from None
    return cv2
