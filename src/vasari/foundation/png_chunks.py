"""IPTC in PNG files, which libvips does not write: a text chunk by ImageMagick's convention.

ExifTool reads it too.
"""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

KEYWORD = b"Raw profile type iptc\0"
SIGNATURE_BYTES = 8
#: A text chunk larger than this is no metadata.
LARGEST_CHUNK = 16 << 20


def iptc(path: Path) -> bytes | None:
    """The IPTC records of a PNG file, from a tEXt or zTXt chunk anywhere in it; None where there are none."""
    with path.open("rb") as file:
        file.seek(SIGNATURE_BYTES)
        while len(head := file.read(8)) == 8:
            size, kind = struct.unpack(">I4s", head)
            if kind in (b"tEXt", b"zTXt") and size <= LARGEST_CHUNK:
                data = file.read(size)
                if data.startswith(KEYWORD):
                    return _records(data[len(KEYWORD) :], packed=kind == b"zTXt")
                size = 0
            file.seek(size + 4, 1)
    return None


def _records(text: bytes, packed: bool) -> bytes | None:
    """The bytes that hexadecimal text stands for: a name, a length, then the digits."""
    try:
        if packed:
            text = zlib.decompressobj().decompress(text[1:], LARGEST_CHUNK)
        parts = text.split()
        found = bytes.fromhex(b"".join(parts[2:]).decode("ascii"))
    except (zlib.error, ValueError):
        return None
    # ImageMagick wraps the records in Photoshop's resource; we do not.
    return found or None


def append_iptc(path: Path, records: bytes) -> None:
    """Put IPTC records into a finished PNG of our own, in place, before its end chunk."""
    digits = records.hex()
    lines = "\n".join(digits[at : at + 72] for at in range(0, len(digits), 72))
    data = KEYWORD + f"\niptc\n{len(records):8d}\n{lines}\n".encode("ascii")
    chunk = struct.pack(">I", len(data)) + b"tEXt" + data + struct.pack(">I", zlib.crc32(b"tEXt" + data))
    with path.open("r+b") as file:
        file.seek(-12, 2)
        end = file.read(12)
        file.seek(-12, 2)
        file.write(chunk + end)
