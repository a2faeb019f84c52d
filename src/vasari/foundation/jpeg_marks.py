"""Whether a JPEG is progressive: such files are decoded whole, baseline ones row by row."""

from __future__ import annotations

from pathlib import Path

#: Start-of-frame markers of the progressive processes (ITU-T T.81, table B.1).
PROGRESSIVE = frozenset({0xC2, 0xC6, 0xCA, 0xCE})
FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


def is_progressive(path: Path) -> bool:
    """True where the frame header of the file says so; False too for a file without one."""
    with path.open("rb") as file:
        file.seek(2)
        while True:
            mark = file.read(4)
            if len(mark) < 4 or mark[0] != 0xFF:
                return False
            if mark[1] in FRAMES:
                return mark[1] in PROGRESSIVE
            if mark[1] == 0xFF:  # fill byte
                file.seek(-3, 1)
                continue
            file.seek(int.from_bytes(mark[2:4], "big") - 2, 1)
