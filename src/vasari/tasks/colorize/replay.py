"""Make a colorized file again from its record, byte for byte, or say why that cannot be."""

from __future__ import annotations

from pathlib import Path

from vasari.tasks.batch.replay import Replayed, replay_file
from vasari.tasks.colorize.work import ColorizeWork


def replay(
    sidecar: Path,
    output: Path | None = None,
    *,
    source: Path | None = None,
    trust: bool = False,
    overwrite: bool = False,
) -> Replayed:
    """Make the result of a record again in `output` (default: where the record lies); see `replay_file`."""
    return replay_file(ColorizeWork, sidecar, output, source=source, trust=trust, overwrite=overwrite)
