"""Whether Vasari's own files are still those that a process began with: an update beneath it mixes two versions."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from pathlib import Path

from vasari.foundation import version
from vasari.models.model_files import BUNDLED_FOLDER


def fingerprint() -> str:
    """What changes when Vasari is updated or its weights are replaced, a SHA-256.

    Of the names, sizes and times of the bundled weights and of the file of the version; quick enough for every job.
    """
    facts = []
    with suppress(OSError):  # in the middle of an update there may be none: that, too, is another state
        for path in (Path(version.__file__), *sorted(BUNDLED_FOLDER.iterdir())):
            found = path.stat()
            facts.append((path.name, found.st_size, found.st_mtime_ns, found.st_ino))
    return hashlib.sha256(repr(facts).encode()).hexdigest()
