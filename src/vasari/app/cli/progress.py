"""Progress of a batch on stderr: a bar with the time left on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from vasari.app.cli.messages import counted, duration
from vasari.foundation.ledgers import FAILED, Entry

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

# Control signs, which could move the cursor or color a terminal; tabs and line ends stay.
_CONTROLS = {code: "?" for code in (*range(32), *range(127, 160)) if chr(code) not in "\t\n"}


class Tally:
    """How much of a batch is done, in bytes of the sources, and how long the rest will take."""

    def __init__(self) -> None:
        self.total = 0
        self.settled = 0
        self.running: dict[Path, float] = {}
        self.began = time.monotonic()
        self.lock = threading.Lock()

    def advance(self, source: Path, share: float, of_bytes: int) -> float:
        """Note the share of a page in work; the bytes done so far."""
        with self.lock:
            self.running[source] = share * of_bytes
            if share >= 1.0:
                self.settled += of_bytes
                self.running.pop(source)
            return self.settled + sum(self.running.values())

    def dropped(self, source: Path) -> None:
        """Count a file that failed as dealt with: nothing of it is left to wait for."""
        with self.lock:
            self.running.pop(source, None)
            with suppress(OSError):
                self.settled = min(self.total, self.settled + source.stat().st_size)

    def seconds_left(self) -> float | None:
        """From the speed so far; None before there is one."""
        with self.lock:
            done = self.settled + sum(self.running.values())
        spent = time.monotonic() - self.began
        return spent * (self.total - done) / done if done and self.total else None


class Lines:
    """One plain line a page, for logs and pipes."""

    def __init__(self) -> None:
        self.tally = Tally()
        self.sources = 0
        self.pages = 0

    def begin(self, sources: int, source_bytes: int, already_done: int) -> None:
        """Tell how much there is to do."""
        self.tally.total, self.sources = source_bytes, sources
        self.tally.began = time.monotonic()
        if already_done:
            self._say(f"{counted(already_done, 'page')} done before, {counted(sources, 'file')} to do")

    def advance(self, source: Path, share: float, of_bytes: int) -> None:
        """Keep count."""
        self.tally.advance(source, share, of_bytes)

    def finished(self, entry: Entry) -> None:
        """Tell what became of a page."""
        self.pages += 1
        if entry.status == FAILED:
            self.tally.dropped(Path(entry.source))
        left = self.tally.seconds_left()
        self._say(f"[{self.pages}] {entry_line(entry)}" + (f", about {duration(left)} left" if left else ""))

    def __enter__(self) -> Lines:
        return self

    def __exit__(self, *error: object) -> None:
        return None

    @staticmethod
    def _say(text: str) -> None:
        print(printable(text), file=sys.stderr, flush=True)


class Bar:
    """A bar with the time left, and a line only for what failed."""

    def __init__(self, doing: str) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

        self.tally = Tally()
        self.progress: Progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
        )
        self.task: TaskID = self.progress.add_task(doing, total=None)
        self.pages = 0

    def begin(self, sources: int, source_bytes: int, already_done: int) -> None:
        """Set the bar's length."""
        self.progress.update(self.task, total=max(1, source_bytes), visible=sources > 0)

    def advance(self, source: Path, share: float, of_bytes: int) -> None:
        """Move the bar."""
        done = self.tally.advance(source, share, of_bytes)
        self.progress.update(self.task, completed=done, description=printable(source.name)[:32])

    def finished(self, entry: Entry) -> None:
        """Write a line for a failure."""
        if entry.status == FAILED:
            self.tally.dropped(Path(entry.source))
            self.progress.console.print(printable(entry_line(entry)), style="red", markup=False, highlight=False)

    def __enter__(self) -> Bar:
        self.progress.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.progress.stop()


def entry_line(entry: Entry) -> str:
    """A page in one line."""
    name = Path(entry.source).name + (f" page {entry.page + 1}" if entry.pages > 1 else "")
    if entry.status == FAILED:
        return f"{name}: failed. {entry.error} Remedy: {entry.remedy}"
    speed = f", {entry.megapixels:.1f} MP in {entry.seconds:.1f} s" if entry.megapixels and entry.seconds else ""
    return f"{name} -> {entry.result}{speed}"


def printable(text: str) -> str:
    """A text as a terminal shows it: file names and catalogs may hold bytes that none can, and signs that steer one."""
    shown = text.translate(_CONTROLS).encode("utf-8", "replace").decode()
    letters = sys.stdout.encoding or "utf-8"
    return shown.encode(letters, "backslashreplace").decode(letters)


def watcher(doing: str = "restoring") -> Lines | Bar:
    """A bar where stderr is a terminal, headed by what is being done until the first picture is, else lines."""
    return Bar(doing) if sys.stderr.isatty() else Lines()
