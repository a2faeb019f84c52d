"""What one pass of reading copies leaves to the next: the picture in work when it was killed, and what is settled."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from vasari.foundation.errors import PictureError, WriteError

#: A picture is left alone after so many processes ended beside it: a copy is then made only when it is asked for.
GIVEN_UP_AFTER = 3


class FolderError(WriteError):
    """The folder of the passes cannot be used, so that a pass ends."""


class GivenUpError(PictureError):
    """A picture beside which too many processes ended."""


class PassNotes:
    """Three files in a folder, written by the one pass that holds it: `begun` is there while a picture is in work,
    `ended` has a line for each process that ended beside one, `settled` those that need not be opened again.

    Pictures go by what they contain. Raises `FolderError` where a file can be neither read nor written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ended = self._read("ended").split()
        self._settled: dict[str, set[str]] = {}
        for line in self._read("settled").splitlines():
            content, _, time = line.partition(" ")
            self._settled.setdefault(content, set()).add(time)

    def take_over(self) -> None:
        """Begin a pass: what was in work is held against its picture."""
        if begun := self._read("begun").split():
            self._keep_ended([*self._ended, *begun])
        with usable(self.folder):
            (self.folder / "begun").unlink(missing_ok=True)

    def forget_settled(self) -> None:
        """Have everything opened again."""
        self._settled = {}
        with usable(self.folder):
            (self.folder / "settled").unlink(missing_ok=True)

    def settle(self, content: str, unreadable: Path | None = None) -> None:
        """Note that a picture needs no copy, or that its file `unreadable` is, for as long as that is not changed."""
        times = self._settled.setdefault(content, set())
        time = _changed(unreadable) if unreadable is not None else ""
        if time not in times:
            times.add(time)
            with usable(self.folder), (self.folder / "settled").open("a", encoding="ascii") as file:
                file.write(f"{content} {time}\n")

    def is_settled(self, content: str, path: Path) -> bool:
        """Whether a picture, in this file, need not be opened."""
        times = self._settled.get(content)
        return times is not None and ("" in times or _changed(path) in times)

    def is_given_up(self, content: str) -> bool:
        """Whether too many processes ended beside a picture."""
        return self._ended.count(content) >= GIVEN_UP_AFTER

    @contextlib.contextmanager
    def working_on(self, content: str) -> Iterator[None]:
        """Work on a picture; raises `GivenUpError` for one beside which too many processes ended."""
        if self.is_given_up(content):
            raise GivenUpError(
                f"{GIVEN_UP_AFTER} processes ended while they made its reading copy.",
                remedy=f"give the machine more memory, then delete {self.folder / 'ended'}",
            )
        begun = self.folder / "begun"
        with usable(self.folder):
            begun.write_text(content, encoding="ascii")
        try:
            yield
        finally:  # what went wrong within is told, not that this cannot be noted
            with contextlib.suppress(OSError):
                begun.unlink(missing_ok=True)
        if content in self._ended:
            self._keep_ended([one for one in self._ended if one != content])

    def _keep_ended(self, ended: list[str]) -> None:
        self._ended = ended
        with usable(self.folder):
            (self.folder / "ended").write_text("\n".join(ended), encoding="ascii")

    def _read(self, name: str) -> str:
        with usable(self.folder), contextlib.suppress(FileNotFoundError):
            return (self.folder / name).read_text(encoding="ascii", errors="replace")
        return ""


def let_go(folder: Path) -> None:
    """Hold nothing against the picture in work: the process that makes its copy ends in order."""
    with contextlib.suppress(OSError):
        (folder / "begun").unlink()


@contextlib.contextmanager
def usable(folder: Path) -> Iterator[None]:
    """Tell of what the system refuses as a `FolderError`."""
    try:
        yield
    except OSError as error:
        raise FolderError(
            f"{folder} cannot be used: {error.strerror or error}.",
            remedy="see that the disk has space and may be written to, and try again",
        ) from error


def _changed(path: Path) -> str:
    """When a file was last changed in any way, "gone" where it cannot be reached."""
    try:
        return str(path.stat().st_ctime_ns)
    except OSError:
        return "gone"
