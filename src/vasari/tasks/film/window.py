"""The frames around the one in work, with their pixels and the motion between them, each made once."""

from __future__ import annotations

from collections.abc import Iterator

from torch import Tensor

from vasari.foundation.video_files import Frame
from vasari.tasks.film.flow import Motion, motion


class FrameWindow:
    """A film's frames, moved through once from first to last; the one in work and its neighbors are held."""

    def __init__(self, frames: Iterator[Frame]) -> None:
        self._coming = frames
        self._held: dict[int, Frame] = {}
        self._pixels: dict[int, Tensor] = {}
        self._motions: dict[int, Motion] = {}

    def move_to(self, index: int) -> Frame | None:
        """Make a frame the one in work, and hold its neighbors; None where the film ends before it."""
        while index + 1 not in self._held:
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
        """The pixels [3, h, w] of the frame in work or of a neighbor."""
        if index not in self._pixels:
            self._pixels[index] = self._held[index].pixels()
        return self._pixels[index]

    def motion(self, index: int) -> Motion:
        """The motion from a frame to the next, of which one is the one in work."""
        if index not in self._motions:
            self._motions[index] = motion(self.pixels(index), self.pixels(index + 1))
        return self._motions[index]
