"""Progress of work on an archive on stderr: a bar on a terminal, now and then a line elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

#: Seconds between two lines where there is no terminal.
_LINE_SECONDS = 10.0


@contextmanager
def counting(doing: str, what: str) -> Iterator[Callable[[int], None]]:
    """What is told how many more are done; `what` are they, in the plural."""
    if not sys.stderr.isatty():
        yield _Lines(doing, what)
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(doing, total=None)
        done = 0

        def told(more: int) -> None:
            nonlocal done
            done += more
            bar.update(task, description=f"{doing}: {done:,} {what}")

        yield told


class _Lines:
    """Every few seconds a line with how many are done."""

    def __init__(self, doing: str, what: str) -> None:
        self.doing, self.what = doing, what
        self.done = 0
        self.told_at = time.monotonic()

    def __call__(self, more: int) -> None:
        self.done += more
        if time.monotonic() - self.told_at > _LINE_SECONDS:
            self.told_at = time.monotonic()
            print(f"{self.doing}: {self.done:,} {self.what}", file=sys.stderr, flush=True)
