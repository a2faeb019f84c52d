"""Heavy answers one at a time: nobody can take all of the server's threads and memory by asking often."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from vasari.app.web.errors import Refusal

#: Who may wait at once, with the one who is served; everybody else is asked to come again.
PLACES = 6


class Turnstile:
    """Lets one through at a time; `PLACES` may stand in it."""

    def __init__(self, places: int = PLACES) -> None:
        self._places = threading.BoundedSemaphore(places)
        self._turn = threading.Lock()

    @contextmanager
    def passed(self) -> Iterator[None]:
        """Wait for one's turn, and keep it while the block lasts; raises `Refusal` (503) where all places are taken."""
        if not self._places.acquire(blocking=False):
            raise Refusal(503, "Several others ask such a thing just now.", remedy="try again in some seconds")
        try:
            with self._turn:
                yield
        finally:
            self._places.release()
