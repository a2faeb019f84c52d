"""Films: read frame by frame, written in segments, put together with the sound of their source.

This is the public face; the parts are `video_formats` (what is opened), `video_layouts`, `video_planes` and
`video_primaries` (what samples mean), `video_reader`, `video_targets` (what is written), `video_writer` (segments),
`video_mux` and `video_gif` (the whole). They need the extra `film`.
"""

from __future__ import annotations

from vasari.foundation.video_formats import (
    FILM_CODECS,
    FILM_KINDS,
    FILM_SUFFIXES,
    ColorTags,
    FilmHeader,
    pyav,
)
from vasari.foundation.video_mux import assemble
from vasari.foundation.video_reader import FilmReader, Frame, inspect_film
from vasari.foundation.video_targets import FilmFormat, format_for, suffix_of
from vasari.foundation.video_writer import EncodedFrame, SegmentWriter, read_segment

__all__ = [
    "FILM_CODECS",
    "FILM_KINDS",
    "FILM_SUFFIXES",
    "ColorTags",
    "EncodedFrame",
    "FilmFormat",
    "FilmHeader",
    "FilmReader",
    "Frame",
    "SegmentWriter",
    "assemble",
    "format_for",
    "inspect_film",
    "pyav",
    "read_segment",
    "suffix_of",
]
