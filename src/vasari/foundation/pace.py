"""How much work files are, and how long the rest of it takes. Pure; torch is not needed, nor any header.

Bytes alone mislead: a thumbnail of 2 KB takes more time than its bytes, and a JPEG holds ten times as many pixels in a
megabyte as a TIFF. Work is therefore counted in pixels, guessed from the ending and the size, and each file has a
share besides, for what is the same for all: opening, the record, bringing it to the disk.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath

#: What a file is beside its pixels, in pixels.
FILE_PIXELS = 1 << 16
#: Bytes that a pixel takes, by ending: of 1,058 photographs as JPEG the median is 0.25; a TIFF is taken for 8 bits a
#: channel, uncompressed; the others for photographs as they are usually saved.
BYTES_A_PIXEL: Mapping[str, float] = {
    ".jpg": 0.25, ".jpeg": 0.25, ".jpe": 0.25, ".webp": 0.15, ".heic": 0.15, ".heif": 0.15, ".hif": 0.15,
    ".png": 1.5, ".tif": 3.0, ".tiff": 3.0,
    ".mp4": 0.02, ".m4v": 0.02, ".mov": 0.02, ".mkv": 0.02, ".webm": 0.02, ".gif": 0.3,
}  # fmt: skip
OTHER_BYTES_A_PIXEL = 1.0
#: From when on the speed so far says something of the rest: after so many seconds this share of the work, or after so
#: many more whatever share.
LEAST_SECONDS, LEAST_SHARE, LONG_SECONDS = 3.0, 0.02, 60.0


def work_of(file: PurePath, size_bytes: int) -> float:
    """How much work a file is likely to be, in pixels; above 0 for any."""
    return FILE_PIXELS + size_bytes / BYTES_A_PIXEL.get(file.suffix.lower(), OTHER_BYTES_A_PIXEL)


def seconds_left(spent_s: float, done: float, total: float) -> float | None:
    """How long the rest takes at the speed so far; None where too little is done to tell, or nothing is known.

    `done` and `total` are work in any one unit, `spent_s` the seconds in which `done` was done.
    """
    if done <= 0 or total <= 0 or spent_s < LEAST_SECONDS:
        return None
    if spent_s < LONG_SECONDS and done < LEAST_SHARE * total:
        return None
    return max(0.0, spent_s * (total - done) / done)
