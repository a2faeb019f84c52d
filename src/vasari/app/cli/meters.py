"""Progress of work whose parts are counted, on stderr: a bar on a terminal, now and then a line elsewhere.

with meter("verifying", "files") as meter:
    meter.advance()
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from vasari.app.cli.messages import duration
from vasari.app.cli.progress import printable

if TYPE_CHECKING:
    from rich.progress import Progress

#: Seconds between two lines where there is no terminal.
LINE_SECONDS = 10.0
LONGEST_NAME = 32


class Meter:
    """How far work is: `doing` names it, `what` are its parts in the plural; the total may be told at any time."""

    def __init__(self, doing: str, what: str, bar: Progress | None = None) -> None:
        self.doing, self.what = doing, what
        self.done = 0
        self.total: int | None = None
        self._began = self._told_at = time.monotonic()
        self._bar = bar
        self._task = bar.add_task(doing, total=None) if bar is not None else None

    def advance(self, more: int = 1, name: str = "") -> None:
        """So many parts more are done; `name` is the last."""
        self.show(self.done + more, name=name)

    def expect(self, total: int) -> None:
        """How many parts there are."""
        self.total = total
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, total=total)

    def show(self, done: int, total: int | None = None, name: str = "") -> None:
        """So many parts are done in all."""
        self.done = done
        if total is not None:
            self.total = total
        if self._bar is not None and self._task is not None:
            shown = printable(name)[:LONGEST_NAME] or self.doing
            self._bar.update(self._task, completed=done, total=self.total, description=shown)
        elif time.monotonic() - self._told_at > LINE_SECONDS:
            self._told_at = time.monotonic()
            self._say(self._line())

    def failed(self, text: str) -> None:
        """Tell of a part that failed, in a line of its own."""
        if self._bar is not None:
            self._bar.console.print(printable(text), style="red", markup=False, highlight=False)
        else:
            self._say(text)

    def _line(self) -> str:
        if self.total is None:
            return f"{self.doing}: {self.done:,} {self.what}"
        line = f"{self.doing}: {self.done:,} of {self.total:,} {self.what}"
        if not 0 < self.done < self.total:
            return line
        left = (time.monotonic() - self._began) * (self.total - self.done) / self.done
        return f"{line}, about {duration(left)} left"

    @staticmethod
    def _say(text: str) -> None:
        print(printable(text), file=sys.stderr, flush=True)


@contextmanager
def meter(doing: str, what: str) -> Iterator[Meter]:
    """A meter for as long as the work takes."""
    if not sys.stderr.isatty():
        yield Meter(doing, what)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        yield Meter(doing, what, bar)
