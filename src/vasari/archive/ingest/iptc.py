"""The records of an IPTC block (IPTC-IIM 4.2) as texts."""

from __future__ import annotations

import struct

UTF_8 = b"\x1b%G"
MOST_RECORDS = 4096


def records(block: bytes | None) -> dict[int, list[str]]:
    """The datasets of record 2 as texts: number -> values in order; what is cut off or malformed is left out."""
    found: dict[int, list[bytes]] = {}
    data, at, utf_8 = block or b"", 0, False
    for _ in range(MOST_RECORDS):
        if at + 5 > len(data) or data[at] != 0x1C:
            break
        record, number, size = struct.unpack_from(">BBH", data, at + 1)
        at += 5
        if size & 0x8000:  # an extended dataset: the size of the size; no text is as long
            break
        value = data[at : at + size]
        if len(value) != size:
            break
        at += size
        if (record, number) == (1, 90):
            utf_8 = value == UTF_8
        elif record == 2:
            found.setdefault(number, []).append(value)
    return {number: [_text(value, utf_8) for value in values] for number, values in found.items()}


def _text(value: bytes, utf_8: bool) -> str:
    """A value as text: UTF-8 where it is said or fits, else Latin-1."""
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("utf-8", "replace") if utf_8 else value.decode("latin-1")
