"""EXIF in TIFF files, which libvips drops: read as one block, and written back by patching the directory.

A TIFF file keeps EXIF as directories (IFDs) among its own. Other formats carry the same directories
as a block, which is itself a small TIFF file. Both are read here with every offset checked, and an
EXIF block is written into a finished TIFF by appending a new directory and pointing to it: the
pixels are not touched, whatever the size. Sources: TIFF 6.0, section 2; BigTIFF; EXIF 2.32, 4.6.
"""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

#: TIFF field type -> (bytes of one value, bytes of the unit that a byte order swaps).
TYPES: dict[int, tuple[int, int]] = {
    1: (1, 1),
    2: (1, 1),
    3: (2, 2),
    4: (4, 4),
    5: (8, 4),
    6: (1, 1),
    7: (1, 1),
    8: (2, 2),
    9: (4, 4),
    10: (8, 4),
    11: (4, 4),
    12: (8, 8),
    13: (4, 4),
    16: (8, 8),
    17: (8, 8),
    18: (8, 8),
}
IPTC_TAG = 33723
EXIF_TAG, GPS_TAG, INTEROPERABILITY_TAG, MAKER_NOTE_TAG = 34665, 34853, 40965, 37500
RESOLUTION_TAGS = (282, 283, 296)
#: Width and height, in the directory of EXIF and in the first one.
SIZE_TAGS, MAIN_SIZE_TAGS = (40962, 40963), (256, 257)
#: Tags of the first directory that tell of the photograph and not of how its samples are stored.
DESCRIPTIVE_TAGS = frozenset(
    {269, 270, 271, 272, 285, 305, 306, 315, 316, 33432, 18246, 18249, 40091, 40092, 40093, 40094, 40095}
)
#: An entry, a directory or a block larger than this is damaged or no metadata.
LARGEST_ENTRY = 16 << 20
MOST_ENTRIES = 4096


@dataclass(frozen=True)
class Entry:
    """One field of a directory; `data` in little-endian order."""

    type: int
    count: int
    data: bytes


Directory = dict[int, Entry]


@dataclass
class Blocks:
    """The three directories of EXIF."""

    main: Directory = field(default_factory=dict)
    exif: Directory = field(default_factory=dict)
    gps: Directory = field(default_factory=dict)


class _Malformed(Exception):
    """A directory that breaks the rules; the caller leaves the metadata out."""


@dataclass(frozen=True)
class _Layout:
    """Byte order and offset size of a file."""

    order: str
    big: bool

    @property
    def word(self) -> str:
        return self.order + ("Q" if self.big else "I")

    @property
    def entry_size(self) -> int:
        return 20 if self.big else 12


def _layout(file: BinaryIO) -> tuple[_Layout, int]:
    """The layout of a TIFF stream and the offset of its first directory."""
    start = _take(file, 0, 8)
    order = {b"II": "<", b"MM": ">"}.get(start[:2])
    if order is None:
        raise _Malformed
    version = struct.unpack(order + "H", start[2:4])[0]
    if version == 42:
        return _Layout(order, False), struct.unpack(order + "I", start[4:8])[0]
    if version == 43:
        return _Layout(order, True), struct.unpack(order + "Q", _take(file, 8, 8))[0]
    raise _Malformed


def _take(file: BinaryIO, offset: int, size: int) -> bytes:
    if size > LARGEST_ENTRY or offset < 0:
        raise _Malformed
    file.seek(offset)
    data = file.read(size)
    if len(data) != size:
        raise _Malformed
    return data


def _raw_directory(file: BinaryIO, layout: _Layout, offset: int) -> tuple[bytes, int]:
    """The entries of a directory as they stand, and the offset of the next one."""
    head = 8 if layout.big else 2
    count = struct.unpack(layout.order + ("Q" if layout.big else "H"), _take(file, offset, head))[0]
    if count > MOST_ENTRIES:
        raise _Malformed
    size = count * layout.entry_size
    word = 8 if layout.big else 4
    body = _take(file, offset + head, size)
    try:
        following = struct.unpack(layout.word, _take(file, offset + head + size, word))[0]
    except _Malformed:  # many writers of EXIF blocks leave the last offset out
        following = 0
    return body, following


def _entries(file: BinaryIO, layout: _Layout, body: bytes, wanted: frozenset[int] | None) -> Directory:
    """The entries of a directory with their values; damaged entries are left out."""
    found: Directory = {}
    word = 8 if layout.big else 4
    for at in range(0, len(body), layout.entry_size):
        tag, kind = struct.unpack_from(layout.order + "HH", body, at)
        count = struct.unpack_from(layout.word, body, at + 4)[0]
        if kind not in TYPES or (wanted is not None and tag not in wanted):
            continue
        size = count * TYPES[kind][0]
        inline = body[at + 4 + word : at + 4 + 2 * word]
        try:
            data = inline[:size] if size <= word else _take(file, struct.unpack(layout.word, inline)[0], size)
        except _Malformed:
            continue
        found[tag] = Entry(kind, count, _swapped(data, TYPES[kind][1]) if layout.order == ">" else data)
    return found


def _entries_of_page(file: BinaryIO, page: int, wanted: frozenset[int]) -> tuple[_Layout, Directory]:
    """The file's layout and the `wanted` entries of a page's main directory; raises `_Malformed`."""
    layout, offset = _layout(file)
    for _ in range(page):
        _, offset = _raw_directory(file, layout, offset)
    body, _ = _raw_directory(file, layout, offset)
    return layout, _entries(file, layout, body, wanted)


def _swapped(data: bytes, unit: int) -> bytes:
    """Every `unit` bytes reversed."""
    if unit == 1:
        return data
    return b"".join(data[at : at + unit][::-1] for at in range(0, len(data), unit))


def _blocks(file: BinaryIO, page: int, main_tags: frozenset[int] | None) -> Blocks:
    layout, offset = _layout(file)
    for _ in range(page):
        _, offset = _raw_directory(file, layout, offset)
        if offset == 0:
            raise _Malformed
    body, _ = _raw_directory(file, layout, offset)
    pointers = frozenset({EXIF_TAG, GPS_TAG})
    main = _entries(file, layout, body, None if main_tags is None else main_tags | pointers)
    found = Blocks(main)
    for tag, target in ((EXIF_TAG, found.exif), (GPS_TAG, found.gps)):
        pointer = main.pop(tag, None)
        if pointer is not None and len(pointer.data) in (4, 8):
            try:
                inner, _ = _raw_directory(file, layout, int.from_bytes(pointer.data, "little"))
            except _Malformed:
                continue
            target.update(_entries(file, layout, inner, None))
    found.exif.pop(INTEROPERABILITY_TAG, None)  # a pointer to a directory that only names "R98"
    return found


def read(path: Path, page: int = 0) -> bytes | None:
    """The EXIF of one page of a TIFF file as a block (without "Exif\\0\\0"); None where there is none."""
    try:
        with path.open("rb") as file:
            blocks = _blocks(file, page, DESCRIPTIVE_TAGS)
    except (_Malformed, OSError):
        return None
    return build(blocks) if blocks.main or blocks.exif or blocks.gps else None


def numbers(path: Path, page: int, tags: tuple[int, ...]) -> dict[int, int]:
    """The first value of whole-number tags of one page of a TIFF file; tags that are missing are left out."""
    try:
        with path.open("rb") as file:
            _, found = _entries_of_page(file, page, frozenset(tags))
    except (_Malformed, OSError):
        return {}
    sizes = {3: 2, 4: 4, 16: 8}
    return {
        tag: int.from_bytes(entry.data[: sizes[entry.type]], "little")
        for tag, entry in found.items()
        if entry.type in sizes and entry.count
    }


def iptc(path: Path, page: int = 0) -> bytes | None:
    """The IPTC records of one page of a TIFF file, in file order whatever type the writer gave them."""
    try:
        with path.open("rb") as file:
            layout, found = _entries_of_page(file, page, frozenset({IPTC_TAG}))
    except (_Malformed, OSError):
        return None
    entry = found.get(IPTC_TAG)
    if entry is None:
        return None
    return _swapped(entry.data, TYPES[entry.type][1]) if layout.order == ">" else entry.data


def parse(block: bytes) -> Blocks:
    """The directories of an EXIF block; empty ones where it is damaged."""
    try:
        return _blocks(io.BytesIO(block), 0, None)
    except _Malformed:
        return Blocks()


def resolution(block: bytes | None) -> tuple[float, float] | None:
    """Pixels per inch as an EXIF block says them, or None."""
    main = parse(block).main if block else {}
    across, down, unit = (main.get(tag) for tag in RESOLUTION_TAGS)
    if across is None or down is None or (across.type, down.type) != (5, 5):
        return None
    (a, b), (c, d) = struct.unpack_from("<II", across.data), struct.unpack_from("<II", down.data)
    scale = {2: 1.0, 3: 2.54}.get(int.from_bytes(unit.data, "little") if unit else 2)
    if scale is None or 0 in (a, b, c, d):
        return None
    return a / b * scale, c / d * scale


def with_size(block: bytes, width: int, height: int) -> bytes:
    """The block of a picture that has another size now, in pixels, wherever it tells of its size."""
    blocks = parse(block)
    places = [(blocks.exif, SIZE_TAGS), (blocks.main, MAIN_SIZE_TAGS)]
    told = [(tags, tag, size) for tags, pair in places for tag, size in zip(pair, (width, height), strict=True)]
    told = [(tags, tag, size) for tags, tag, size in told if tag in tags]
    for tags, tag, size in told:
        tags[tag] = Entry(4, 1, struct.pack("<I", size))
    return build(blocks) if told else block


def build(blocks: Blocks) -> bytes:
    """An EXIF block (a classic little-endian TIFF stream without pixels) from its directories."""
    layout = _Layout("<", False)
    start = b"II*\0\x08\0\0\0"
    main = dict(blocks.main)
    # Pointers have a fixed size, so the main directory can be laid out before their values are known.
    for tag, directory in ((EXIF_TAG, blocks.exif), (GPS_TAG, blocks.gps)):
        if directory:
            main[tag] = Entry(4, 1, b"\0\0\0\0")
    tail = b""
    base = len(start) + len(_serialized(main, layout, len(start)))
    for tag, directory in ((EXIF_TAG, blocks.exif), (GPS_TAG, blocks.gps)):
        if directory:
            main[tag] = Entry(4, 1, struct.pack("<I", base + len(tail)))
            tail += _serialized(directory, layout, base + len(tail))
    return start + _serialized(main, layout, len(start)) + tail


def _serialized(directory: Directory, layout: _Layout, at: int, following: int = 0) -> bytes:
    """A directory and its values as bytes that will stand at offset `at`; even in length."""
    word = 8 if layout.big else 4
    head = struct.pack(layout.order + ("Q" if layout.big else "H"), len(directory))
    values_at = at + len(head) + len(directory) * layout.entry_size + word
    body, values = b"", b""
    for tag, entry in sorted(directory.items()):
        data = entry.data if layout.order == "<" else _swapped(entry.data, TYPES[entry.type][1])
        if len(data) > word:
            place = struct.pack(layout.word, values_at + len(values))
            values += data + b"\0" * (len(data) % 2)
        else:
            place = data.ljust(word, b"\0")
        body += struct.pack(layout.order + "HH", tag, entry.type) + struct.pack(layout.word, entry.count) + place
    whole = head + body + struct.pack(layout.word, following) + values
    return whole + b"\0" * (len(whole) % 2)


def patch(path: Path, block: bytes | None, iptc: bytes | None = None) -> None:
    """Put an EXIF block and IPTC records into the first page of a finished TIFF file, in place.

    Only our own temporary files are patched. The new directory holds the entries of the old one as
    they stand, the block's descriptive entries, and pointers to its EXIF and GPS directories.
    """
    blocks = parse(block) if block else Blocks()
    with path.open("r+b") as file:
        layout, offset = _layout(file)
        body, following = _raw_directory(file, layout, offset)
        entries = {
            struct.unpack_from(layout.order + "H", body, at)[0]: body[at : at + layout.entry_size]
            for at in range(0, len(body), layout.entry_size)
        }
        end = file.seek(0, io.SEEK_END)
        added = bytearray(b"\0" * (end % 2))
        described = {tag: entry for tag, entry in blocks.main.items() if tag in DESCRIPTIVE_TAGS}
        if iptc:
            described[IPTC_TAG] = Entry(7, len(iptc), iptc)
        for tag, directory in ((EXIF_TAG, blocks.exif), (GPS_TAG, blocks.gps)):
            if directory:
                target = end + len(added)
                added += _serialized(directory, layout, target)
                described[tag] = Entry(18 if layout.big else 4, 1, target.to_bytes(8 if layout.big else 4, "little"))
        for tag, entry in described.items():
            entries[tag] = _entry_with_value(tag, entry, layout, end, added)
        new = end + len(added)
        head = struct.pack(layout.order + ("Q" if layout.big else "H"), len(entries))
        added += head + b"".join(entries[tag] for tag in sorted(entries)) + struct.pack(layout.word, following)
        file.write(added)
        file.seek(8 if layout.big else 4)
        file.write(struct.pack(layout.word, new))


def _entry_with_value(tag: int, entry: Entry, layout: _Layout, end: int, added: bytearray) -> bytes:
    """One entry as it stands in the directory; a value too long for it is appended to `added`."""
    word = 8 if layout.big else 4
    data = entry.data if layout.order == "<" else _swapped(entry.data, TYPES[entry.type][1])
    place = data.ljust(word, b"\0")
    if len(data) > word:
        place = struct.pack(layout.word, end + len(added))
        added += data + b"\0" * (len(data) % 2)
    return struct.pack(layout.order + "HH", tag, entry.type) + struct.pack(layout.word, entry.count) + place
