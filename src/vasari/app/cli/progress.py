"""Progress of a batch on stderr: a bar with the time left on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from vasari.app.cli.messages import counted, duration
from vasari.foundation.ledgers import FAILED, Entry
from vasari.tasks.batch.tally import Tally

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

# Control signs, which could move the cursor or color a terminal; tabs and line ends stay.
_CONTROLS = {code: "?" for code in (*range(32), *range(127, 160)) if chr(code) not in "\t\n"}


class Lines:
    """One plain line a page, for logs and pipes."""

    def __init__(self) -> None:
        self.tally = Tally()
        self.pages = 0

    def begin(self, sources: int, work: float, already_done: int) -> None:
        """Tell how much there is to do; told again of films after pictures."""
        self.tally.begin(work)
        if already_done:
            self._say(f"{counted(already_done, 'page')} done before, {counted(sources, 'file')} to do")

    def advance(self, source: Path, page: int, share: float, of_work: float) -> None:
        """Keep count."""
        self.tally.advance(source, page, share, of_work)

    def found(self, entry: Entry) -> None:
        """Keep count."""
        self.tally.found(entry)

    def finished(self, entry: Entry) -> None:
        """Tell what became of a page."""
        self.pages += 1
        self.tally.finished(entry)
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
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

        self.tally = Tally()
        self.progress: Progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[left]}"),
            console=Console(stderr=True),
        )
        self.task: TaskID = self.progress.add_task(doing, total=None, left="")

    def begin(self, sources: int, work: float, already_done: int) -> None:
        """Set the bar's length; told again of films after pictures."""
        self.tally.begin(work)
        self.progress.update(self.task, total=max(1.0, self.tally.total), visible=self.tally.total > 0)

    def advance(self, source: Path, page: int, share: float, of_work: float) -> None:
        """Move the bar."""
        self._show(self.tally.advance(source, page, share, of_work), printable(source.name)[:32])

    def found(self, entry: Entry) -> None:
        """Move the bar."""
        self._show(self.tally.found(entry), _named(entry))

    def finished(self, entry: Entry) -> None:
        """Write a line for a failure; of a page that is done the bar tells no name, as another may be in work."""
        done = self.tally.finished(entry)
        self.progress.update(self.task, completed=done)
        if entry.status == FAILED:
            self._show(done, _named(entry))
            self.progress.console.print(printable(entry_line(entry)), style="red", markup=False, highlight=False)

    def _show(self, done: float, name: str) -> None:
        left = self.tally.seconds_left()
        words = "" if left is None else f"{duration(left)} left"
        self.progress.update(self.task, completed=done, description=name, left=words)

    def __enter__(self) -> Bar:
        self.progress.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.progress.stop()


def _named(entry: Entry) -> str:
    """The file of an entry, as the bar shows it."""
    return printable(Path(entry.source).name)[:32]


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
