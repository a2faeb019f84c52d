"""Networks of previews: each loaded once, one preview at a time, and of what a visitor asks only the newest."""

from __future__ import annotations

import functools
import statistics
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeVar

from vasari.app.web.errors import Refusal
from vasari.app.web.workbench import LOG
from vasari.foundation.errors import VasariError

if TYPE_CHECKING:
    from vasari.tasks.restore.conservator import Conservator
    from vasari.tasks.restore.plan import RestorePlan

T = TypeVar("T")

#: How many latencies are remembered of each kind of preview.
REMEMBERED = 200
#: How many requests may wait behind the others at a time.
MOST_PATIENT = 8


class Turns:
    """Whose turn it is: one at a time, in order; of several requests under one name only the newest gets a turn.

    What nobody waits for with a hand on a slider, such as the swatches of styles, comes after all that is.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._newest: dict[str, int] = {}
        self._waiting: list[int] = []
        self._patient: list[int] = []
        self._tickets = 0
        self._busy = False

    @contextmanager
    def turn(self, name: str) -> Iterator[bool]:
        """Wait for a turn; gives False at once where something newer was asked for under the same name."""
        with self._changed:
            self._tickets += 1
            ticket = self._tickets
            self._newest[name] = ticket
            self._waiting.append(ticket)
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._newest[name] != ticket or self._is_next(ticket))
            self._waiting.remove(ticket)
            mine = self._newest[name] == ticket
            self._busy = self._busy or mine
            self._changed.notify_all()
        try:
            yield mine
        finally:
            if mine:
                with self._changed:
                    self._busy = False
                    if self._newest.get(name) == ticket:
                        del self._newest[name]
                    self._changed.notify_all()

    @contextmanager
    def patient_turn(self) -> Iterator[None]:
        """Wait for a turn that no other request takes away, behind all that wait by `turn`.

        Raises `Refusal` (503) where `MOST_PATIENT` wait so: each holds a thread that pages and tiles need too.
        """
        with self._changed:
            if len(self._patient) >= MOST_PATIENT:
                raise Refusal(503, "Several others ask such a thing just now.", remedy="try again in some seconds")
            self._tickets += 1
            ticket = self._tickets
            self._patient.append(ticket)
            self._changed.wait_for(lambda: not self._busy and not self._waiting and self._patient[0] == ticket)
            self._patient.remove(ticket)
            self._busy = True
        try:
            yield
        finally:
            with self._changed:
                self._busy = False
                self._changed.notify_all()

    def _is_next(self, ticket: int) -> bool:
        return not self._busy and self._waiting[0] == ticket


class Kept:
    """The last things that were made, by what they depend on; used by one thread at a time or made twice at worst."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._things: OrderedDict[Hashable, Any] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, key: Hashable, make: Callable[[], T]) -> T:
        """What `make` made for this key."""
        with self._lock:
            if key in self._things:
                self._things.move_to_end(key)
                found: T = self._things[key]
                return found
        made = make()
        with self._lock:
            self._things[key] = made
            while len(self._things) > self.most:
                self._things.popitem(last=False)
        return made


@dataclass(eq=False)
class PreviewModels:
    """The networks that previews need, and the turns in which they are used; codes of styles and last pictures."""

    turns: Turns = field(default_factory=Turns)
    networks: Kept = field(default_factory=lambda: Kept(8))
    codes: Kept = field(default_factory=lambda: Kept(256))
    pictures: Kept = field(default_factory=lambda: Kept(24))
    seconds: dict[str, deque[float]] = field(default_factory=dict)
    _warming: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def conservator(self, plan: RestorePlan) -> Conservator:
        """A conservator for a plan; those of other networks, or with more fixed with them, are loaded apart."""
        from vasari.tasks.restore.conservator import Conservator

        weights = (plan.vividness, plan.model, plan.precision, plan.device)
        fixed = (plan.repairs, plan.detector, plan.only_damage, plan.damage_margin_px)
        loaded = self.networks.of(("restore", weights, fixed), lambda: Conservator.of(plan))
        return replace(loaded, plan=plan)

    @contextmanager
    def measured(self, kind: str) -> Iterator[Callable[[], float]]:
        """Remember how long the block takes; gives a function that tells the seconds so far."""
        begun = time.perf_counter()
        yield lambda: time.perf_counter() - begun
        self.seconds.setdefault(kind, deque(maxlen=REMEMBERED)).append(time.perf_counter() - begun)

    def median_seconds(self, kind: str) -> float | None:
        """The median of the last previews of a kind; None before the first."""
        found = list(self.seconds.get(kind, ()))
        return statistics.median(found) if found else None

    def warm(self, kind: str, load: Callable[[], Any]) -> None:
        """Load in the background what previews of a kind need, once; a failure is told when a preview is asked for."""
        with self._lock:
            if kind in self._warming:
                return
            self._warming.add(kind)
        # No daemon, whoever starts it: a process must not end while a network is at work.
        threading.Thread(target=self._load, args=(kind, load), name=f"previews-{kind}", daemon=False).start()

    def _load(self, kind: str, load: Callable[[], Any]) -> None:
        try:
            with self.turns.turn(f"warm {kind}"):
                load()
        except VasariError as error:
            LOG.warning("previews of %s are not ready: %s", kind, error.message)
            with self._lock:
                self._warming.discard(kind)


@functools.lru_cache(maxsize=1)
def preview_models() -> PreviewModels:
    """The networks of this process."""
    return PreviewModels()
