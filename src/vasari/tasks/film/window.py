"""The frames around the one in work, with their pixels and the motion between them, each made once."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

from torch import Tensor

from vasari.foundation.video_files import Frame
from vasari.tasks.film.flow import Motion, motion

#: Frames that are held after the one in work: motion may be looked for one ahead.
AHEAD = 2


class FrameWindow:
    """A film's frames, moved through once from first to last; the one in work and its neighbors are held.

    Motion can be asked for before it is needed (`prepare`), and is then looked for in a thread of its own.
    """

    def __init__(self, frames: Iterator[Frame]) -> None:
        self._coming = frames
        self._held: dict[int, Frame] = {}
        self._pixels: dict[int, Tensor] = {}
        self._motions: dict[int, Future[Motion]] = {}
        self._looking = ThreadPoolExecutor(1, thread_name_prefix="vasari-motion")

    def __enter__(self) -> FrameWindow:
        return self

    def __exit__(self, *error: object) -> None:
        self._looking.shutdown(cancel_futures=True)

    def move_to(self, index: int) -> Frame | None:
        """Make a frame the one in work, and hold its neighbors; None where the film ends before it."""
        while index + AHEAD not in self._held:
            frame = next(self._coming, None)
            if frame is None:
                break
            if frame.index >= index - 1:
                self._held[frame.index] = frame
        for one in [one for one in self._held if one < index - 1]:
            del self._held[one]
            self._pixels.pop(one, None)
            self._motions.pop(one, None)
        return self._held.get(index)

    def pixels(self, index: int) -> Tensor:
        """The pixels [3, h, w] of the frame in work or of one near it."""
        if index not in self._pixels:
            self._pixels[index] = self._held[index].pixels()
        return self._pixels[index]

    def prepare(self, index: int) -> None:
        """Begin to look for the motion from a frame to the next, where both are held."""
        if index not in self._motions and index in self._held and index + 1 in self._held:
            self._motions[index] = self._looking.submit(motion, self.pixels(index), self.pixels(index + 1))

    def motion(self, index: int) -> Motion:
        """The motion from a frame to the next, both of them held."""
        self.prepare(index)
        return self._motions[index].result()
