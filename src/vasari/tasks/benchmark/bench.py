"""What a bench is, what it is run in, and what all reports have in common."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from vasari.foundation.plans import to_dict
from vasari.foundation.treatment import now
from vasari.foundation.version import VERSION
from vasari.tasks.benchmark.machine import described
from vasari.tasks.benchmark.peers import Peer
from vasari.tasks.benchmark.running import Advance

#: Options that are places on this machine: a report that travels names what they are, not where.
PLACES = ("data", "pairs", "names", "styles", "masks")


@dataclass(frozen=True)
class Setting:
    """Where a bench is run: its folder, the peers, and who is told how far it is."""

    folder: Path
    peers: tuple[Peer, ...] = ()
    advance: Advance = lambda done, all, name: None


@dataclass(frozen=True)
class Bench:
    """What a bench is, in a line; what it is asked for; the placeholders that a peer's command must have; `run`.

    `run(plan, setting)` gives a `report.Report`. `folders`: whether a peer may be a folder of results.
    """

    what: str
    plan: type
    run: Callable[[Any, Setting], Any]
    needs: tuple[str, ...] = ("input", "output")
    folders: bool = True


def facts_of(plan: Any) -> dict[str, Any]:
    """Version, date, machine and plan."""
    return {"vasari": VERSION, "date": now(), "machine": described(), "plan": to_dict(plan)}


def command_of(bench: str, plan: Any, peers: Sequence[Peer]) -> str:
    """The command line that asks for a plan, places and peers by what they are."""
    parts = [f"vasari benchmark {bench}"]
    for item in fields(plan):
        value = getattr(plan, item.name)
        if value == item.default:
            continue
        option = f"--{item.name.replace('_', '-')}"
        if item.name in PLACES:
            parts.append(f"{option} {item.name.upper()}")
        elif isinstance(value, tuple):
            parts.append(f"{option} {','.join(f'{one:g}' if isinstance(one, float) else str(one) for one in value)}")
        elif value is True:
            parts.append(option)
        else:
            told = Path(value).name if isinstance(value, str) and "/" in value else value
            parts.append(f"{option} {told}")
    return " ".join([*parts, *(f"--peer {one.name}=…" for one in peers)])
