"""Something done again and again beside other work, in a thread that ends with it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

#: What is done takes at most this share of the time, however seldom it then comes.
MOST_SHARE = 0.05


@contextmanager
def repeating(every_s: float, do: Callable[[], object]) -> Iterator[None]:
    """Call `do` every so many seconds until the block is left, less often where it takes long.

    `do` raises nothing; one that is at work when the block is left is waited for.
    """
    over = threading.Event()

    def run() -> None:
        wait_s = every_s
        while not over.wait(wait_s):
            began = time.monotonic()
            do()
            wait_s = max(every_s, (time.monotonic() - began) / MOST_SHARE)

    thread = threading.Thread(target=run, name="vasari-repeating", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
