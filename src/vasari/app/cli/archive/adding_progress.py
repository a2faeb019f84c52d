"""Progress of `archive add` on stderr: a bar with the time left on a terminal, now and then a line elsewhere."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from vasari.app.cli.progress import printable
from vasari.foundation.errors import VasariError

#: Seconds between two lines where there is no terminal.
LINE_SECONDS = 10.0


@contextmanager
def progress(inputs: Sequence[str], outside: Path) -> Iterator[Callable[[str, str], None]]:
    """What is told of every file (path, what became of it), and shows how far the work is."""
    if not sys.stderr.isatty():
        yield _Lines()
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("adding", total=None)
        stop = threading.Event()
        counter = threading.Thread(
            target=_count, args=(inputs, outside, stop, lambda total: bar.update(task, total=total)), daemon=True
        )
        counter.start()

        def told(path: str, what: str) -> None:
            bar.update(task, advance=1, description=printable(Path(path).name)[:32])
            if what == "failed":
                bar.console.print(printable(f"{path}: failed, see ledger.jsonl"), style="red", markup=False)

        try:
            yield told
        finally:
            stop.set()
            counter.join()


@contextmanager
def counting(name: str) -> Iterator[Callable[[int], None]]:
    """What is told how many records of a catalog were read."""
    told_at = time.monotonic()

    def told(records: int) -> None:
        nonlocal told_at
        if sys.stderr.isatty() or time.monotonic() - told_at > LINE_SECONDS:
            told_at = time.monotonic()
            ending = "\r" if sys.stderr.isatty() else "\n"
            print(printable(f"{name}: {records} records"), end=ending, file=sys.stderr, flush=True)

    yield told
    if sys.stderr.isatty():
        print(file=sys.stderr)


class _Lines:
    """A line for each failure, and every few seconds how many files are done."""

    def __init__(self) -> None:
        self.files = 0
        self.told_at = time.monotonic()

    def __call__(self, path: str, what: str) -> None:
        self.files += 1
        if what == "failed":
            self._say(f"{path}: failed, see ledger.jsonl")
        if time.monotonic() - self.told_at > LINE_SECONDS:
            self.told_at = time.monotonic()
            self._say(f"{self.files} files done")

    @staticmethod
    def _say(text: str) -> None:
        print(printable(text), file=sys.stderr, flush=True)


def _count(inputs: Sequence[str], outside: Path, stop: threading.Event, tell: Callable[[int], None]) -> None:
    """Count the files beside the work, so that the time left is known; a second walk that reads no file."""
    from vasari.archive.ingest.walk import Walk

    total = 0
    try:
        for _ in Walk(inputs, outside):
            total += 1
            if stop.is_set():
                return
    except VasariError:
        return  # the work itself tells of it
    tell(total)
