"""Progress of `archive add`: the files are counted beside the work, so that the time left is known."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from vasari.app.cli.meters import Meter, meter
from vasari.foundation.errors import VasariError


@contextmanager
def adding(inputs: Sequence[str], outside: Path) -> Iterator[Callable[[str, str], None]]:
    """What is told of every file (path, what became of it), and shows how far the work is."""
    with meter("adding", "files") as files:

        def told(path: str, what: str) -> None:
            files.advance(name=Path(path).name)
            if what == "failed":
                files.failed(f"{path}: failed, see ledger.jsonl")

        if not sys.stderr.isatty():
            yield told  # for a line now and then, no second walk
            return
        stop = threading.Event()
        counter = threading.Thread(target=_count, args=(inputs, outside, stop, files), daemon=True)
        counter.start()
        try:
            yield told
        finally:
            stop.set()
            counter.join()


def _count(inputs: Sequence[str], outside: Path, stop: threading.Event, files: Meter) -> None:
    """Count the files; a second walk that reads none of them."""
    from vasari.archive.ingest.walk import Walk

    total = 0
    try:
        for _ in Walk(inputs, outside):
            total += 1
            if stop.is_set():
                return
    except VasariError:
        return  # the work itself tells of it
    files.expect(total)
